"""SQLite files: opened read-only, with an authorizer, limits on sizes and memory, and a clock in the database itself.

- `mode=ro` opens the file for reading, and `query_only` refuses what would write all the same.
- The authorizer (https://sqlite.org/c3ref/set_authorizer.html) is asked while a statement is prepared, and refuses
  ATTACH, PRAGMAs that set something, VACUUM, extensions, and functions that nothing could end.
- `sqlite3_limit` bounds texts, blobs and rows; the heap of SQLite in this process is bounded as a whole.
- The progress handler ends a statement when its time is over.
"""

import sqlite3
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tools.database.connections import NamedDatabase
from tools.database.results import MOST_ROW_BYTES
from tools.database.statements import Purpose

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

HEAP = 256_000_000
"""Bytes that SQLite may have in this process, all databases together."""
_STEPS = 10_000
"""Instructions between two looks at the clock: some tenths of a millisecond."""
_LOCKED_SECONDS = 5.0
"""How long it is waited for another writer."""
_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE},
)
_WRITING = _READING | {
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_TRANSACTION,
    sqlite3.SQLITE_SAVEPOINT,
}
_FOREIGN_FUNCTIONS = ("load_extension", "regexp", "fts3_tokenizer", "printf", "format")
"""The last two write whatever width they are told, and no clock is looked at meanwhile."""
_DESCRIBING = (
    "table_info", "table_xinfo", "foreign_key_list", "index_list", "index_info", "index_xinfo", "table_list",
)  # fmt: skip
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MOST_ROW_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
}


class ReadOnly(sqlite3.Connection):
    """A connection that reads."""

    allowed = _READING
    query_only = "ON"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for name, value in (
            ("query_only", self.query_only),
            ("hard_heap_limit", HEAP),
            ("temp_store", "MEMORY"),  # what is sorted counts as memory, and fills no disk
            ("trusted_schema", "OFF"),
        ):
            self.execute(f"PRAGMA {name} = {value}")
        for limit, most in _LIMITS.items():
            self.setlimit(limit, most)
        self.set_authorizer(self._authorized)

    def _authorized(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in self.allowed:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            is_foreign = (second or "").lower() in _FOREIGN_FUNCTIONS
            return sqlite3.SQLITE_DENY if is_foreign else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA:
            is_said = (first or "").lower() in _DESCRIBING or (first == "read_uncommitted" and second is None)
            return sqlite3.SQLITE_OK if is_said else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY


class Writable(ReadOnly):
    """A connection that may change rows, and nothing else."""

    allowed = _WRITING
    query_only = "OFF"


def engine(database: NamedDatabase, purpose: Purpose) -> "AsyncEngine":
    """Opens the file when it is first used; there must be one."""
    import aiosqlite
    from sqlalchemy.ext.asyncio import create_async_engine

    mode, factory = ("rw", Writable) if purpose == "write" else ("ro", ReadOnly)
    address = f"file:{quote(str(database.path.absolute()))}?mode={mode}"

    async def connect() -> aiosqlite.Connection:
        return await aiosqlite.connect(address, uri=True, factory=factory, timeout=_LOCKED_SECONDS)

    return create_async_engine("sqlite+aiosqlite:///file", async_creator=connect, hide_parameters=True)


def ready(connection: "Connection", seconds: float) -> None:
    """From now on the connection's statements end when the time is over."""
    ends = monotonic() + seconds
    adapted: Any = connection.connection.dbapi_connection
    adapted.run_async(lambda driver: driver.set_progress_handler(lambda: monotonic() > ends, _STEPS))
