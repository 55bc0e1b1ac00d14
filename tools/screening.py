"""What of fetched text a model is shown: passages that give orders to a model are withheld, and the report says so.

They are not even indexed: a search finds, ranks and links the others as if they were not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from state.evidence import Around, Collection, Passage, SkippedSource, Source
from state.ports import Passages, WebHit
from tools.instructions import find_instructions, instructions_in_name
from tools.threads import computed

WITHHELD = "were withheld from the models"
SHOWN = "were shown to the models as data, as the run asks for"
UNCITED = "were noticed only after they had been read; nothing in the report rests on them"
_TOLD = 120
"""Characters of an order that a note repeats."""
_MOST = 20
"""Sources that a report names; of the others it tells the number."""
_EDGE = 200
"""Characters on both sides of the gap between two passages in which an order may begin and end."""


@dataclass(frozen=True)
class Order:
    """Orders that were found, and where."""

    where: str
    texts: tuple[str, ...]

    def note(self, done: str) -> str:
        """What a report says of them, and of what was done about them."""
        more = f" (and {len(self.texts) - 1} more)" if len(self.texts) > 1 else ""
        return f"Instructions to a model found in {self.where} {done}: “{self.texts[0][:_TOLD]}”{more}"


def order_in(passage: Passage, source: Source | None) -> Order | None:
    """The orders that a passage gives by its source's name or title, by its headings or by its text."""
    if source and (named := order_in_name(source)):
        return named
    texts = instructions_in_name(" ".join(passage.locator.heading)) or find_instructions(passage.text)
    return Order(place_of(passage, source), tuple(texts)) if texts else None


def order_in_name(source: Source) -> Order | None:
    """The orders that a source's name or title gives."""
    texts = instructions_in_name(source.uri) or instructions_in_name(source.title)
    return Order(f"the name or the title of {source.uri}", tuple(texts)) if texts else None


def order_in_hit(hit: WebHit) -> Order | None:
    """The orders that a hit of a web search gives by its title or its snippet."""
    texts = find_instructions(f"{hit.title}\n{hit.snippet}")
    return Order(hit.url, tuple(texts)) if texts else None


def place_of(passage: Passage, source: Source | None) -> str:
    """Source and locator in words."""
    label = passage.locator.label()
    return (source.uri if source else f"passage {passage.id}") + (f" ({label})" if label else "")


@dataclass(frozen=True)
class Screened:
    """What was let through, and what a reader must know of the rest."""

    passages: list[Passage]
    notes: tuple[str, ...] = ()


def screen(passages: Sequence[Passage], sources: Mapping[str, Source], *, show_orders: bool = False) -> Screened:
    """The passages that give no orders; all of them with `show_orders`, when only the notes tell. `sources` by id."""
    found = [(passage, order_in(passage, sources.get(passage.source_id))) for passage in passages]
    notes = [order.note(SHOWN if show_orders else WITHHELD) for _, order in found if order]
    clean = [passage for passage, order in found if order is None or show_orders]
    return Screened(clean, tuple(dict.fromkeys(notes)))


def split_orders(passages: Sequence[Passage]) -> list[tuple[Passage, Passage, list[str]]]:
    """Orders that begin in one passage of a source and end in the next of those given: both, and what they say."""
    by_source: dict[str, list[Passage]] = {}
    for passage in passages:
        by_source.setdefault(passage.source_id, []).append(passage)
    pairs = [pair for each in by_source.values() for pair in pairwise(sorted(each, key=_place))]
    found = [(one, other, find_instructions(f"{one.text[-_EDGE:]} {other.text[:_EDGE]}")) for one, other in pairs]
    return [each for each in found if each[2]]


def _place(passage: Passage) -> tuple[int, tuple[int, int], tuple[int, int]]:
    locator = passage.locator
    return locator.page or 0, locator.chars or (0, 0), locator.lines or (0, 0)


class ScreenedPassages:
    """The `Passages` port, whose collections hold no passage that gives orders; each is looked through once."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages
        self._orders: dict[str, dict[str, Order]] = {}

    async def add(self, source: Source, passages: Sequence[Passage]) -> None:
        """Stores a source and its passages; what is there already stays as it is."""
        await self._passages.add(source, passages)

    async def add_all(self, documents: Sequence[tuple[Source, Sequence[Passage]]]) -> None:
        """Stores several sources, each with its passages; what is there already stays as it is."""
        await self._passages.add_all(documents)

    async def find(self, ids: Sequence[str]) -> Sequence[Source]:
        """Those of the sources with these ids that are stored."""
        return await self._passages.find(ids)

    async def gather(self, sources: Sequence[Source], skipped: Sequence[SkippedSource]) -> Collection:
        """Makes or finds the collection of these sources."""
        return await self._passages.gather(sources, skipped)

    async def sources(self, collection_id: str) -> Sequence[Source]:
        """The sources of a collection, ordered by uri."""
        return await self._passages.sources(collection_id)

    async def passages(self, collection_id: str) -> Sequence[Passage]:
        """The passages of a collection that give no orders, ordered by source uri and place."""
        withheld = await self._looked_through(collection_id)
        return [each for each in await self._passages.passages(collection_id) if each.id not in withheld]

    async def get(self, ids: Sequence[str]) -> Sequence[Passage]:
        """The passages with these ids, whatever they say."""
        return await self._passages.get(ids)

    async def around(self, ids: Sequence[str]) -> Mapping[str, Around]:
        """What stands around each of these passages, whatever it says."""
        return await self._passages.around(ids)

    async def notes(self, collection_id: str, done: str) -> tuple[str, ...]:
        """What a report says of the orders in a collection: one note a source, for the first 20 of them."""
        orders = await self._looked_through(collection_id)
        stored = await self._passages.get(list(orders))
        first = {passage.source_id: orders[passage.id] for passage in reversed(stored)}
        notes = [order.note(done) for order in reversed(first.values())]
        more = [f"Instructions to a model found in {len(notes) - _MOST} more sources {done}."] if notes[_MOST:] else []
        return (*notes[:_MOST], *more)

    async def _looked_through(self, collection_id: str) -> dict[str, Order]:
        """The orders in a collection, by the id of the passage."""
        if collection_id not in self._orders:
            sources = {source.id: source for source in await self._passages.sources(collection_id)}
            passages = await self._passages.passages(collection_id)
            self._orders[collection_id] = await computed(_orders_in, passages, sources)
        return self._orders[collection_id]


def _orders_in(passages: Sequence[Passage], sources: Mapping[str, Source]) -> dict[str, Order]:
    found = ((passage.id, order_in(passage, sources.get(passage.source_id))) for passage in passages)
    return {key: order for key, order in found if order}
