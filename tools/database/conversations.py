"""Open connections, the same to use whatever database is behind: the engines of the process, and who talks through
them.

A conversation is one transaction. What is not committed when it closes is rolled back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar
from uuid import uuid4

from state.errors import ToolFailed
from tools.database import duckdb, postgres, sqlite
from tools.database.connections import NamedDatabase
from tools.database.failures import told
from tools.database.results import too_slow
from tools.database.statements import Purpose

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")

_GRACE = 2.0
"""Seconds that a database has to end a statement itself, before nobody waits for it any more."""


class Conversation(Protocol):
    """One connection, in one transaction."""

    database: NamedDatabase
    purpose: Purpose

    async def run(
        self, seconds: float, work: "Callable[Concatenate[Connection, P], T]", *given: P.args, **named: P.kwargs
    ) -> T:
        """What work on the connection gives back, within the time. Raises ToolFailed."""

    async def close(self) -> None:
        """Rolls back what was not committed."""


class Databases:
    """The databases of a process by name; each is opened when it is first used, and closed at the end of the block."""

    def __init__(self, named: Iterable[NamedDatabase] = ()) -> None:
        self.named = {each.name: each for each in named}
        self._engines: dict[tuple[str, Purpose], AsyncEngine] = {}
        self._workers: dict[str, duckdb.Worker] = {}

    async def __aenter__(self) -> "Databases":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self._engines.values():
            await engine.dispose()
        for worker in self._workers.values():
            await asyncio.to_thread(worker.end)

    def find(self, name: str) -> NamedDatabase:
        """The database of a name. Raises ToolFailed."""
        if found := self.named.get(name):
            return found
        known = f"There are {', '.join(sorted(self.named))}." if self.named else ""
        remedy = known or f"Set STRETTO_DATABASE_{name.upper()}, or write [databases.{name}] into the settings file."
        raise ToolFailed(f"The settings name no database {name!r}.", "bad_input", remedy=remedy)

    @asynccontextmanager
    async def talking(self, name: str, purpose: Purpose) -> AsyncIterator[Conversation]:
        """A conversation for the time of the block. Raises ToolFailed."""
        conversation = await self.open(name, purpose)
        try:
            yield conversation
        finally:
            await conversation.close()

    async def open(self, name: str, purpose: Purpose) -> Conversation:
        """A conversation that somebody closes. Raises ToolFailed where the database may not be changed."""
        database = self.find(name)
        if purpose == "write" and not database.writable:
            remedy = f"Write writable = true under [databases.{name}] if it may."
            raise ToolFailed(f"The settings do not say that {name} may be changed.", "refused", remedy=remedy)
        if database.kind == "duckdb":
            return await _InProcess.opened(self._worker(database), database, purpose)
        with told(name, database.secrets(), _GRACE):
            connection = self._engine(database, purpose).connect()
            await connection.start()
        return _Direct(connection, database, purpose)

    def _engine(self, database: NamedDatabase, purpose: Purpose) -> "AsyncEngine":
        key = (database.name, purpose)
        if key not in self._engines:
            make = sqlite.engine if database.kind == "sqlite" else postgres.engine
            self._engines[key] = make(database, purpose)
        return self._engines[key]

    def _worker(self, database: NamedDatabase) -> "duckdb.Worker":
        if database.name not in self._workers:
            self._workers[database.name] = duckdb.Worker(database)
        return self._workers[database.name]


class _Direct:
    """By an asynchronous driver."""

    def __init__(self, connection: "AsyncConnection", database: NamedDatabase, purpose: Purpose) -> None:
        self.database, self.purpose = database, purpose
        self._connection = connection

    async def run(
        self, seconds: float, work: "Callable[Concatenate[Connection, P], T]", *given: P.args, **named: P.kwargs
    ) -> T:
        try:
            async with asyncio.timeout(seconds + _GRACE):
                with told(self.database.name, self.database.secrets(), seconds):
                    return await self._connection.run_sync(work, *given, **named)
        except TimeoutError:
            raise too_slow(seconds) from None

    async def close(self) -> None:
        await self._connection.close()


class _InProcess:
    """By the process of a DuckDB file."""

    def __init__(self, worker: "duckdb.Worker", database: NamedDatabase, purpose: Purpose) -> None:
        self.database, self.purpose = database, purpose
        self._worker, self._id = worker, uuid4().hex

    @classmethod
    async def opened(cls, worker: "duckdb.Worker", database: NamedDatabase, purpose: Purpose) -> "_InProcess":
        """A conversation of which the process knows."""
        made = cls(worker, database, purpose)
        await made._ask(duckdb.OPEN_SECONDS, "open", made._id, purpose)
        return made

    async def run(
        self, seconds: float, work: "Callable[Concatenate[Connection, P], T]", *given: P.args, **named: P.kwargs
    ) -> T:
        done: T = await self._ask(seconds, "run", self._id, work, *given)
        return done

    async def close(self) -> None:
        if self._worker.is_running:
            await self._ask(duckdb.OPEN_SECONDS, "close", self._id)

    async def _ask(self, seconds: float, *asked: Any) -> Any:
        try:
            return await asyncio.to_thread(self._worker.ask, seconds, *asked)
        except asyncio.CancelledError:
            self._worker.end()
            raise
