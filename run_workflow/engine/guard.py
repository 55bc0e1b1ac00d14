"""A connection that is only held: its session has an advisory lock for each run that this process works on.

When the process dies, its sockets close, the locks are free, and another process can tell at once. A process that
is only stopped keeps its locks; there the end of the lease counts. Neither decides what may be written: the
fence does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
from psycopg.rows import DictRow

from run_workflow.engine.rows import Connection
from run_workflow.postgres.database import Pool

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, %s))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(%s, %s))"
_PROBE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s)) AS free"

Key = tuple[str, int]
"""A run and the fence of its holder."""


class Guard:
    """One connection of the pool for all runs of an engine, as long as there are any."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._users = 0
        self._connection: Connection | None = None
        self._locks: set[Key] = set()

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Keeps the connection for the time of the block.

        To be entered without another connection of the pool in hand: waiting for this one could take for ever.
        """
        self._users += 1
        try:
            async with self._turn:
                await self._connected()
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self._give_back()

    async def lock(self, key: Key) -> None:
        """Shows that this process lives as the holder of the run; within `used`."""
        async with self._turn:
            if self._connection is None:
                raise psycopg.OperationalError("the connection that guards the runs was cut")
            self._locks.add(key)
            await self._connection.execute(_LOCK, key)

    async def unlock(self, key: Key) -> None:
        """Takes the lock back; when the connection was cut there is none."""
        async with self._turn:
            self._locks.discard(key)
            if self._connection is not None and not self._connection.closed:
                await self._connection.execute(_UNLOCK, key)

    async def fetch(self, statement: LiteralString, values: tuple[object, ...]) -> DictRow | None:
        """The first row that a short statement gives, on this connection or a new one; within `used`."""
        async with self._turn:
            connection = await self._connected()
            return await (await connection.execute(statement, values)).fetchone()

    async def _connected(self) -> Connection:
        """The connection; a new one with the same locks when the last was cut."""
        if self._connection is not None and self._connection.closed:
            await self._give_back()
        if self._connection is None:
            self._connection = await self._pool.getconn()
            for key in self._locks:
                await self._connection.execute(_LOCK, key)
        return self._connection

    async def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool.putconn(connection)


async def holder_is_gone(connection: Connection, row: DictRow) -> bool:
    """Whether nobody works on the run: no lease, its time is over, or its holder's session has ended.

    `row` is of `runs` with `lease_runs` (whether the lease's time is not over), locked FOR UPDATE.
    """
    if row["lease_owner"] is None or not row["lease_runs"]:
        return True
    probe = await (await connection.execute(_PROBE, (row["id"], row["fence"]))).fetchone()
    return probe is not None and bool(probe["free"])
