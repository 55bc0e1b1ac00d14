"""Tables for tests, read in the test's own process and without an event loop of its own."""

import asyncio

from state.evidence import SourceKind
from tools.data import Table, read_table
from tools.documents.grids import Tables
from tools.documents.isolation import Readers, Request, tables_of


class Here(Readers):
    """Reads here whatever is asked for."""

    async def tables(self, data: bytes, request: Request) -> Tables:
        """What the process that reads would answer."""
        return tables_of(data, request)


def load_table(data: bytes, uri: str, sheet: str | None = None, kind: SourceKind | None = None) -> Table:
    """The table that an analysis would load."""
    return asyncio.run(read_table(Here(), data, uri, sheet, kind))
