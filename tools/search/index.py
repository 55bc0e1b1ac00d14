"""The seam of search, and what stands behind it: a search in steps over words, titles and mentions (`hops`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from state.evidence import Passage
from state.ports import Embedder, Vector
from tools.search.hops import Hops
from tools.search.links import Links
from tools.search.meaning import Meaning
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
        """The best passages, best first, equal ones by id; at most `limit`. By words alone, none that shares no
        word with the query. ToolError if the embedding model does not answer.
        """


@dataclass(frozen=True)
class Embedded:
    """What search by meaning needs: the vectors of the passages by id, and the model that they came from."""

    embedder: Embedder
    vectors: Mapping[str, Vector]


def build_index(
    passages: Sequence[Passage], titles: Mapping[str, str], embedded: Embedded | None = None
) -> SearchIndex:
    """An index over `passages`; `titles` gives the title of each source by its id."""
    return _HopIndex(passages, titles, embedded)


def indexed_text(passage: Passage, titles: Mapping[str, str]) -> str:
    """What is searched: the title of the source, the headings, the text."""
    return "\n".join((titles.get(passage.source_id, ""), *passage.locator.heading, passage.text))


class _HopIndex:
    """Passages by their ids, in an order that does not depend on the one in which they came."""

    def __init__(self, passages: Sequence[Passage], titles: Mapping[str, str], embedded: Embedded | None) -> None:
        ordered = sorted(passages, key=lambda passage: passage.id)
        names = [(titles.get(passage.source_id, ""), *passage.locator.heading) for passage in ordered]
        texts = [passage.text for passage in ordered]
        words = WordIndex([indexed_text(passage, titles) for passage in ordered])
        links = Links(names, texts, [passage.source_id for passage in ordered])
        self._ids = [passage.id for passage in ordered]
        self._hops: Hops | None = None
        if ordered:
            meaning = _meaning(self._ids, embedded) if embedded else None
            self._hops = Hops(words, Titles(names, words), links, meaning)

    def search(self, query: str, limit: int) -> list[Hit]:
        """As `SearchIndex.search`."""
        found = self._hops.search(query, limit) if self._hops else []
        return [Hit(self._ids[place], score) for place, score in found]


def _meaning(ids: Sequence[str], embedded: Embedded) -> Meaning:
    return Meaning(embedded.embedder, [embedded.vectors[key] for key in ids])
