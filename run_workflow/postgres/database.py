"""The opened database: a pool of connections to the given server, or to a local one started for it."""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from run_workflow.postgres.given import check_server, describe, explain, read_url
from run_workflow.postgres.migrate import load_migrations, migrate
from state.errors import DatabaseError

if TYPE_CHECKING:
    from run_workflow.postgres.local import LocalServer

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]

_MAX_CONNECTIONS = 16
_OPEN_SECONDS = 30.0
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class DatabaseSettings:
    """Which database: that of `url` (DATABASE_URL), or else a local one in the data folder `home`."""

    url: str | None = field(repr=False)  # holds a password
    home: Path


def open_database(settings: DatabaseSettings) -> "Database":
    """Use as `async with open_database(settings) as database:`.

    On entry it starts or reaches the server, brings the tables up to date and connects (`DatabaseError` says
    why it cannot be had); on exit it closes the pool and leaves the local server.
    """
    return Database(settings)


class Database:
    """A pool of connections in autocommit that give rows as dicts.

    `pool` and `dsn`, the libpq connection string (it may hold a password), exist once it is open.
    """

    pool: Pool
    dsn: str

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._server: LocalServer | None = None

    async def open(self) -> Self:
        """Start or reach the server, migrate and connect. `DatabaseError` says why it cannot be had."""
        try:
            self.dsn = await self._find_server()
            await self._prepare()
            self.pool = self._make_pool()
            await self.pool.open(wait=True, timeout=_OPEN_SECONDS)
        except PoolTimeout as error:
            await self.close()
            raise DatabaseError(
                f"The server gave no second connection within {_OPEN_SECONDS:.0f} s.",
                place=describe(self.dsn),
                remedy="See whether its connections are used up.",
            ) from error
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Close the pool and leave the local server; a second call does nothing."""
        if hasattr(self, "pool"):
            await self.pool.close(timeout=_CLOSE_SECONDS)
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _find_server(self) -> str:
        if self._settings.url:
            return read_url(self._settings.url)
        if sys.platform == "win32":
            raise DatabaseError(
                "There is no local database on Windows.",
                remedy="Set DATABASE_URL to a running PostgreSQL server, or use WSL.",
            )
        from run_workflow.postgres.local import LocalServer  # needs a Unix system

        self._server = LocalServer(self._settings.home / "postgres")
        return await asyncio.to_thread(self._server.start)

    async def _prepare(self) -> None:
        try:
            connection = await AsyncConnection.connect(
                self.dsn, autocommit=True, prepare_threshold=None, row_factory=dict_row
            )
        except psycopg.Error as error:
            raise explain(error, self.dsn) from error
        async with connection:
            check_server(connection.info, self.dsn)
            await migrate(connection, load_migrations())

    def _make_pool(self) -> Pool:
        server = self._server
        return AsyncConnectionPool(
            # Asked for each new connection: starting again revives a local server that was killed.
            self.dsn if server is None else lambda: asyncio.to_thread(server.start),
            kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
            min_size=1,
            max_size=_MAX_CONNECTIONS,
            check=AsyncConnectionPool.check_connection,
            name="stretto",
            open=False,
        )
