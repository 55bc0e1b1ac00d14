"""The tables of an analysis agent: those of the sources' files, and what operations made of them.

A table that was made is known by the id of the passage that describes it: the passage's place holds the hash that the
table is stored under, so that it is found again after a crash.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from state.errors import ToolError
from state.evidence import Collection, Source
from state.ports import Ports
from state.tables import Made, Origin
from tools.data import Table, read_table, sheet_names
from tools.documents.isolation import Readers
from tools.table_statistics import near_names
from tools.tables.forms import Form
from tools.tables.frames import frame_of
from tools.tables.loading import from_document
from tools.tables.operations import Operation
from tools.tables.stored import Stored, TableStore, words
from tools.threads import computed

_PASSAGE = re.compile(r"p[0-9a-f]{16}")


@dataclass
class AnalysisTables:
    """The tables of one agent; each is read once."""

    ports: Ports
    collection: Collection
    _loaded: dict[str, tuple[Source, Table]] = field(default_factory=dict)
    _named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the tables in a file, by its hash: to find them the whole file is parsed."""
    _hashes: dict[str, str] = field(default_factory=dict)
    """Of tables of files, once an operation needed them."""

    async def sources(self) -> list[Source]:
        """The sources that are tables."""
        sources = await self.ports.passages.sources(self.collection.id)
        return [source for source in sources if source.uri in self.collection.tables]

    async def sheets(self, readers: Readers, source: Source) -> tuple[str, ...]:
        """The names of the sheets or tables of a file; ToolError where it cannot be read."""
        if source.sha256 not in self._named:
            data = await self._bytes(source)
            self._named[source.sha256] = await sheet_names(readers, data, source.uri, source.kind)
        return self._named[source.sha256]

    async def table(self, name: str) -> tuple[Source, Table]:
        """The table of a uri, of `uri#sheet`, or of a passage's id, with the file that it is from (of a join, the first
        of them). ToolError with near names where there is none.
        """
        if name not in self._loaded:
            sources = {source.uri: source for source in await self.sources()}
            made = await self._made(name, sources) if _PASSAGE.fullmatch(name) else None
            self._loaded[name] = made or await self._read(name, sources)
        return self._loaded[name]

    async def perform(self, operation: Operation, names: Sequence[str], form: Form) -> tuple[Source, Table]:
        """What an operation makes of tables; ToolError as the operation says."""
        first, _ = await self.table(names[0])
        store = TableStore(self.ports.artifacts)
        ref, stored = await store.perform(operation, [await self._hash(store, name) for name in names], form)
        return first, await computed(_as_table, ref.hash, stored)

    def keep(self, name: str, source: Source, table: Table) -> None:
        """From now on the table is found by this name."""
        self._loaded[name] = source, table

    async def _hash(self, store: TableStore, name: str) -> str:
        """The hash of a table; that of a file is stored now."""
        source, table = await self.table(name)
        if table.stored is not None:
            return table.stored
        if name not in self._hashes:
            sheet = f"#{table.sheet}" if table.sheet else ""
            data, changes = await computed(from_document, table, name_of(table))
            made = Made(operation="loaded", inputs=(Origin(name=f"{source.uri}{sheet}", hash=source.sha256),))
            self._hashes[name] = (await store.put(data, made, changes))[0].hash
        return self._hashes[name]

    async def _made(self, passage_id: str, sources: Mapping[str, Source]) -> tuple[Source, Table] | None:
        known = {source.id: source for source in sources.values()}
        for passage in await self.ports.passages.get([passage_id]):
            if passage.locator.table is not None and passage.source_id in known:
                stored = await TableStore(self.ports.artifacts).get(passage.locator.table)
                return known[passage.source_id], await computed(_as_table, passage.locator.table, stored)
        return None

    async def _read(self, name: str, sources: Mapping[str, Source]) -> tuple[Source, Table]:
        name = name if name in sources else html.unescape(name)
        uri, _, sheet = (name, "", "") if name in sources else name.rpartition("#")
        if uri not in sources:
            raise ToolError(f"There is no table “{name}”.", remedy=near_names(name, list(sources), "tables"))
        source = sources[uri]
        data = await self._bytes(source)
        async with Readers() as readers:
            return source, await read_table(readers, data, uri, sheet or None, source.kind)

    async def _bytes(self, source: Source) -> bytes:
        try:
            return await self.ports.artifacts.get(source.sha256)
        except KeyError as error:
            remedy = "Use another table."
            raise ToolError("The file is not stored.", place=source.uri, remedy=remedy) from error


def name_of(table: Table) -> str:
    """What a table of a file is called where it is stored: `sales`, `book Sheet2`."""
    stem = table.uri.rpartition("/")[2].rpartition(".")[0] or table.uri
    return f"{stem} {table.sheet}" if table.sheet else stem


def _as_table(hash: str, stored: Stored) -> Table:
    """A stored table as statistics and charts take it."""
    data = stored.data
    return Table(
        frame=frame_of(data),
        uri=data.name,
        changes=stored.steps[-1].changes,
        units={column.name: column.unit for column in data.columns if column.unit},
        stored=hash,
        made=tuple(words(stored.steps)),
    )
