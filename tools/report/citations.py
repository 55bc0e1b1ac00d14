"""The numbers of citations.

Each passage gets its number at first use. A citation of a passage that is not at hand gets none, and an entry
of the list of sources is made only for a number that is used: no citation dangles, and no entry is unused.
"""

from collections.abc import Iterable, Mapping

from state.evidence import Around, Passage, Source
from state.specialisation import CitationStyle
from tools.report.escaping import ending, shorten, web_address
from tools.report.marking import pieces
from tools.report.page import Cite, Entry
from tools.report.styles import cited_works, in_text, reference
from tools.reservations import reservation

AROUND_WORDS = 80
"""Words that are shown of what stands before a passage, and of what stands after it."""
_NOTHING = Around()


class Citations:
    """Gives each passage its number at first use, and counts the uses."""

    def __init__(
        self,
        passages: Iterable[Passage],
        sources: Iterable[Source],
        around: Mapping[str, Around] | None = None,
        style: CitationStyle | None = None,
    ) -> None:
        self._sources = {source.id: source for source in sources}
        self._passages = {each.id: each for each in passages if each.source_id in self._sources}
        self._around = around or {}
        self._style = style
        self._works = cited_works(self._passages.values(), self._sources) if style else {}
        self._uses: dict[str, list[str]] = {}
        """What each passage is cited for."""
        self.unknown: set[str] = set()

    def of(self, ids: Iterable[str], said: str) -> tuple[Cite, ...]:
        """The citations of passages, each once, in the order of their numbers; `said` is what they are cited for."""
        cites = []
        for id_ in dict.fromkeys(ids):
            if id_ not in self._passages:
                self.unknown.add(id_)
                continue
            uses = self._uses.setdefault(id_, [])
            uses.append(said)
            number = list(self._uses).index(id_) + 1
            passage = self._passages[id_]
            place = (self._sources[passage.source_id].title, passage.locator.label())
            cites.append(Cite(number, len(uses), ", ".join(filter(None, place)), self._label(passage)))
        return tuple(sorted(cites, key=lambda cite: cite.number))

    def _label(self, passage: Passage) -> str:
        return in_text(self._style, self._works[passage.source_id], passage) if self._style else ""

    def title(self, passage: str) -> str:
        """The title of the source of a passage; empty where the passage is not at hand."""
        return self._sources[self._passages[passage].source_id].title if passage in self._passages else ""

    def reservation(self, ids: Iterable[str]) -> str:
        """What all of the passages' sources call themselves (`a first draft`); empty where one of them does not."""
        known = [self._passages[id_] for id_ in ids if id_ in self._passages]
        said = [reservation(passage, self._sources[passage.source_id]) for passage in known]
        return ", ".join(dict.fromkeys(said)) if said and all(said) else ""

    def entries(self) -> tuple[Entry, ...]:
        """The list of sources: the passages that were cited, by number."""
        return tuple(self._entry(number, id_) for number, id_ in enumerate(self._uses, start=1))

    def _entry(self, number: int, id_: str) -> Entry:
        passage = self._passages[id_]
        source = self._sources[passage.source_id]
        around = self._around.get(id_, _NOTHING)
        return Entry(
            number=number,
            uses=len(self._uses[id_]),
            title=source.title or source.uri,
            uri=source.uri,
            address=web_address(source.uri),
            where=passage.locator.label(),
            date=source.date or "",
            reference=reference(self._style, self._works[source.id], passage) if self._style else "",
            pieces=pieces(passage, self._uses[id_]),
            before=ending(self._text(around.before, passage), AROUND_WORDS),
            after=shorten(self._text(around.after, passage), AROUND_WORDS),
        )

    def _text(self, id_: str | None, beside: Passage) -> str:
        """The text of a passage of the same source as another."""
        found = self._passages.get(id_ or "")
        return found.text if found and found.source_id == beside.source_id else ""
