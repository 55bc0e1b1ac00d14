"""The seam of search, and what stands behind it: a search in steps over words, titles and mentions (`hops`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from state.evidence import Passage
from tools.search.hops import Hops
from tools.search.links import Links
from tools.search.titles import Titles
from tools.search.words import WordIndex


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
    return _HopIndex(passages, titles)


class _HopIndex:
    """Passages by their ids, in an order that does not depend on the one in which they came."""

    def __init__(self, passages: Sequence[Passage], titles: Mapping[str, str]) -> None:
        ordered = sorted(passages, key=lambda passage: passage.id)
        names = [(titles.get(passage.source_id, ""), *passage.locator.heading) for passage in ordered]
        texts = [passage.text for passage in ordered]
        words = WordIndex(["\n".join((*own, text)) for own, text in zip(names, texts, strict=True)])
        links = Links(names, texts, [passage.source_id for passage in ordered])
        self._ids = [passage.id for passage in ordered]
        self._hops = Hops(words, Titles(names, words), links) if ordered else None

    def search(self, query: str, limit: int) -> list[Hit]:
        """As `SearchIndex.search`."""
        found = self._hops.search(query, limit) if self._hops else []
        return [Hit(self._ids[place], score) for place, score in found]
