"""Words of a text as search terms: lower case, stemmed, without stop words."""

import re
from functools import cache

from bm25s.stopwords import STOPWORDS_EN_PLUS

from tools.stems import stem_words

_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_ASKING = frozenset(
    "which what who whom whose when where why how many much do does did is are was were can could will would should "
    "each any some much there has have had been happen happens happened tell give list name describe explain according "
    "report say".split()
)
STOP = frozenset(STOPWORDS_EN_PLUS) | _ASKING
"""The English words that carry no meaning of their own."""
_IRREGULAR = {"rose": "rise", "risen": "rise", "grew": "grow", "grown": "grow", "fell": "fall", "fallen": "fall"}
"""Forms of the verbs of change, which questions and answers rarely share and no stemmer joins."""


@cache
def _stem(word: str) -> str:
    return stem_words([_IRREGULAR.get(word, word)])[0]


def words(text: str) -> list[str]:
    """The words as they stand, in lower case."""
    return [found.lower() for found in _WORD.findall(text)]


def terms(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order, repetitions kept."""
    return [_stem(word) for word in words(text) if word not in STOP and (len(word) > 1 or word.isdigit())]
