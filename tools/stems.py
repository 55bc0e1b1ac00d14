"""English stems: the one place that asks the Snowball stemmer."""

from collections.abc import Sequence

import Stemmer


def stem_words(words: Sequence[str]) -> list[str]:
    """The stem of each word. The stemmer keeps a cache that threads must not share, so each call has its
    own.
    """
    stems: list[str] = Stemmer.Stemmer("english").stemWords(list(words))
    return stems
