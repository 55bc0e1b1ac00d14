"""The words of passages: how texts become words, and what each word of a query is worth in each passage (BM25)."""

from collections.abc import Sequence

import bm25s
import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from bm25s.tokenization import Tokenized
from numpy.typing import NDArray

from tools.stems import stem_words

K1 = 1.5
B = 0.75
_FUNCTION_WORDS = frozenset(STOPWORDS_EN) | frozenset(
    "after although before both during from he her his its other she since when while".split()
)
_PATTERN = r"(?u)\b\w\w+\b"


def tokens(texts: Sequence[str]) -> list[list[str]]:
    """The English stems of each text, without stop words."""
    found = _tokenized(texts)
    words = {number: word for word, number in found.vocab.items()}
    return [[words[number] for number in numbers] for numbers in found.ids]


def _tokenized(texts: Sequence[str]) -> Tokenized:
    return bm25s.tokenize(list(texts), token_pattern=_PATTERN, stopwords="en", stemmer=stem_words, show_progress=False)


def is_common(word: str) -> bool:
    """Whether a word in small letters is a function word, or a single letter or digit."""
    return len(word) < 2 or word in _FUNCTION_WORDS


class WordIndex:
    """Okapi BM25 (Robertson and Zaragoza 2009; k1 1.5, b 0.75), kept apart by word."""

    def __init__(self, texts: Sequence[str]) -> None:
        words = _tokenized(texts)
        self.size = len(texts)
        self._bm25 = bm25s.BM25(k1=K1, b=B)
        self._places: dict[str, int] = {}
        if any(words.ids):
            self._bm25.index(words, show_progress=False)
            self._places = self._bm25.vocab_dict

    def known(self, query: str) -> list[str]:
        """The words of the query that stand in some text, each once, in order."""
        return [word for word in dict.fromkeys(tokens([query])[0]) if word in self._places]

    def weight(self, word: str) -> float:
        """How rare the word is: its inverse document frequency as BM25 has it; 0 if no text holds it."""
        if word not in self._places:
            return 0.0
        starts = self._bm25.scores["indptr"]
        holding = int(starts[self._places[word] + 1] - starts[self._places[word]])
        return float(np.log1p((self.size - holding + 0.5) / (holding + 0.5)))

    def scores(self, words: Sequence[str]) -> NDArray[np.float64]:
        """What each of these known words is worth in each text: an array of words x texts."""
        found = np.array([self._bm25.get_scores([word]) for word in words], dtype=np.float64)
        return found.reshape(len(words), self.size)
