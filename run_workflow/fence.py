"""The fence of one run: every write is made under it, and refused once another process took the run over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from run_workflow.postgres.database import Pool
from state.errors import LeaseLost

# FOR KEY SHARE waits for, and holds off, a change of the fence only: see the index runs_fence. The time limit is for
# a process that is stopped within its transaction: the server ends it, so that another can take the run over.
_CHECK = """
SELECT set_config('idle_in_transaction_session_timeout', '10s', true)
FROM runs WHERE id = %s AND fence = %s FOR KEY SHARE
"""


class Fence:
    """The right to write for one run, as long as nobody has taken a higher number.

    `lost` is set as soon as a write was refused, so that the run can be stopped wherever the error ends up.
    """

    def __init__(self, pool: Pool, run_id: str, number: int) -> None:
        self.pool = pool
        self.run_id = run_id
        self.number = number
        self.lost = asyncio.Event()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection in a transaction that is refused with LeaseLost when the fence is old."""
        async with self.pool.connection() as connection, connection.transaction():
            await self.check(connection)
            yield connection

    async def check(self, connection: AsyncConnection[DictRow]) -> None:
        """Holds the fence until the end of the connection's transaction. Raises LeaseLost if it is old."""
        cursor = await connection.execute(_CHECK, (self.run_id, self.number))
        if await cursor.fetchone() is None:
            raise self.lose()

    def lose(self) -> LeaseLost:
        """Marks the fence as lost; the error to raise."""
        self.lost.set()
        return LeaseLost(
            "Another process has taken this run over; what this one wanted to write was refused.",
            place=f"run {self.run_id}",
            remedy=f"Nothing is lost: `show {self.run_id}` tells who works on it now.",
        )
