"""The seam of search, and the index behind it: BM25 over passages with their titles and headings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import bm25s
import numpy as np

from state.evidence import Passage
from tools.stems import stem_words

K1 = 1.5
B = 0.75
_PATTERN = r"(?u)\b\w\w+\b"


@dataclass(frozen=True)
class Hit:
    """A passage that a search found; scores compare only within one search."""

    passage_id: str
    score: float


class SearchIndex(Protocol):
    """An index over the passages of one collection."""

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best passages, best first, equal ones by id; at most `limit`, none that shares no word with
        the query.
        """


def build_index(passages: Sequence[Passage], titles: Mapping[str, str]) -> SearchIndex:
    """An index over `passages`; `titles` gives the title of each source by its id."""
    return Bm25Index(passages, titles)


class Bm25Index:
    """Okapi BM25 (Robertson and Zaragoza 2009; k1 1.5, b 0.75) on English stems without stop words."""

    def __init__(self, passages: Sequence[Passage], titles: Mapping[str, str]) -> None:
        ordered = sorted(passages, key=lambda passage: passage.id)  # so that equal scores come out by id
        self._ids = [passage.id for passage in ordered]
        self._bm25 = bm25s.BM25(k1=K1, b=B)
        words = _tokens([_indexed(passage, titles) for passage in ordered])
        self._is_empty = not any(words)
        if not self._is_empty:
            self._bm25.index(words, show_progress=False)

    def search(self, query: str, limit: int) -> list[Hit]:
        """As `SearchIndex.search`."""
        words = [word for word in _tokens([query])[0] if word in self._bm25.vocab_dict] if not self._is_empty else []
        if not words or limit < 1:
            return []
        scores = self._bm25.get_scores(words)
        best = np.argsort(-scores, kind="stable")[:limit]
        return [Hit(self._ids[place], float(scores[place])) for place in best if scores[place] > 0]


def _indexed(passage: Passage, titles: Mapping[str, str]) -> str:
    return "\n".join((titles.get(passage.source_id, ""), " ".join(passage.locator.heading), passage.text))


def _tokens(texts: list[str]) -> list[list[str]]:
    tokens = bm25s.tokenize(
        texts, token_pattern=_PATTERN, stopwords="en", stemmer=stem_words, return_ids=False, show_progress=False
    )
    return [list(words) for words in tokens]
