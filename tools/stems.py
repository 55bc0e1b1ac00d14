"""Stems: the one place that asks the Snowball stemmer."""

from collections.abc import Sequence

import Stemmer


def stem_words(words: Sequence[str], language: str = "english") -> list[str]:
    """The stem of each word, in a language that Snowball knows. The stemmer keeps a cache that threads must not share,
    so each call has its own.
    """
    stems: list[str] = Stemmer.Stemmer(language).stemWords(list(words))
    return stems
