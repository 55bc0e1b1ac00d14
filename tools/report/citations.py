"""The numbers of citations.

Each passage gets its number at first use. A citation of a passage that is not at hand gets none, and an entry
of the list of sources is made only for a number that is used: no citation dangles, and no entry is unused.
"""

from collections.abc import Iterable

from state.evidence import Passage, Source
from tools.report.escaping import web_address
from tools.report.page import Cite, Entry


class Citations:
    """Gives each passage its number at first use, and counts the uses."""

    def __init__(self, passages: Iterable[Passage], sources: Iterable[Source]) -> None:
        self._sources = {source.id: source for source in sources}
        self._passages = {each.id: each for each in passages if each.source_id in self._sources}
        self._uses: dict[str, int] = {}
        self.unknown: set[str] = set()

    def of(self, ids: Iterable[str]) -> tuple[Cite, ...]:
        """The citations of passages, each once, in the order of their numbers."""
        cites = []
        for id_ in dict.fromkeys(ids):
            if id_ not in self._passages:
                self.unknown.add(id_)
                continue
            self._uses[id_] = self._uses.get(id_, 0) + 1
            number = list(self._uses).index(id_) + 1
            passage = self._passages[id_]
            place = (self._sources[passage.source_id].title, passage.locator.label())
            cites.append(Cite(number, self._uses[id_], ", ".join(filter(None, place))))
        return tuple(sorted(cites, key=lambda cite: cite.number))

    def title(self, passage: str) -> str:
        """The title of the source of a passage; empty where the passage is not at hand."""
        return self._sources[self._passages[passage].source_id].title if passage in self._passages else ""

    def entries(self) -> tuple[Entry, ...]:
        """The list of sources: the passages that were cited, by number."""
        return tuple(self._entry(number, id_) for number, id_ in enumerate(self._uses, start=1))

    def _entry(self, number: int, id_: str) -> Entry:
        passage = self._passages[id_]
        source = self._sources[passage.source_id]
        return Entry(
            number=number,
            uses=self._uses[id_],
            title=source.title or source.uri,
            uri=source.uri,
            address=web_address(source.uri),
            where=passage.locator.label(),
            date=source.date or "",
            text=passage.text,
        )
