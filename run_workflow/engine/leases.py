"""Leases: at most one process works on a run, and what becomes of it when that process stops or dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import DictRow

from run_workflow.engine import audit
from run_workflow.engine.guard import Guard, holder_is_gone
from run_workflow.engine.rows import Connection, transaction, unknown
from run_workflow.fence import Fence
from run_workflow.postgres.database import Pool
from state.errors import RunHeld

_ROW = """
SELECT *, coalesce(lease_until > clock_timestamp(), false) AS lease_runs FROM runs WHERE id = %s FOR UPDATE
"""
_TAKE = """
UPDATE runs SET fence = %s, lease_owner = %s, worked = worked + coalesce(extract(epoch FROM
        least(lease_until, clock_timestamp()) - lease_since), 0),
    lease_since = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s
"""
_RENEW = """
UPDATE runs SET lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = %s AND fence = %s
RETURNING cancel_requested_by IS NOT NULL AS cancel
"""
_WATCH = "SELECT cancel_requested_by IS NOT NULL AS cancel FROM runs WHERE id = %s AND fence = %s"
_RELEASE = """
UPDATE runs SET worked = worked + coalesce(extract(epoch FROM
        least(lease_until, clock_timestamp()) - lease_since), 0),
    lease_owner = NULL, lease_since = NULL, lease_until = NULL WHERE id = %s AND fence = %s
"""

Admit = Callable[[Connection, DictRow, int], Awaitable[None]]
"""Called with the locked row and the new fence, in the transaction that takes the lease; raises to refuse."""


@dataclass(frozen=True)
class LeaseTimes:
    """How long a lease lasts and how often its holder looks after it, in seconds."""

    lease: float = 15.0
    renew: float = 4.0
    watch: float = 1.0
    """How often the holder looks whether it was replaced, a cancel was asked for, or something has come for the run."""


@dataclass(frozen=True)
class Lease:
    """The right to work on one run."""

    fence: Fence
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody asked to cancel the run."""


class Leases:
    """The leases that one engine holds."""

    def __init__(self, pool: Pool, times: LeaseTimes, owner: str) -> None:
        self._pool = pool
        self._times = times
        self._owner = owner
        self._guard = Guard(pool)

    @asynccontextmanager
    async def holding(self, run_id: str, admit: Admit) -> AsyncIterator[Lease]:
        """Holds the run as long as the block runs. Raises UnknownRun, RunHeld, or what `admit` raises."""
        async with self._guard.used():
            lease = await self._take(run_id, admit)
            renewing = asyncio.create_task(self._look_after(lease))
            try:
                yield lease
            finally:
                renewing.cancel()
                await asyncio.wait({renewing})
                await self._release(lease.fence)

    async def _take(self, run_id: str, admit: Admit) -> Lease:
        locked: Fence | None = None
        try:
            async with transaction(self._pool) as connection:
                row = await locked_row(connection, run_id)
                if not await holder_is_gone(connection, row):
                    raise _held(row)
                fence = Fence(self._pool, run_id, row["fence"] + 1)
                if row["lease_owner"] is not None:
                    before = {"from": row["lease_owner"], "fence": fence.number}
                    await audit.append(connection, run_id, "lease.taken_over", actor=self._owner, data=before)
                await admit(connection, row, fence.number)
                await connection.execute(_TAKE, (fence.number, self._owner, self._times.lease, run_id))
                locked = fence
                await self._guard.lock((run_id, fence.number))
        except BaseException:
            if locked is not None:
                await self._guard.unlock((run_id, locked.number))
            raise
        return Lease(fence)

    async def _look_after(self, lease: Lease) -> None:
        """Renews the lease, and marks it as lost or cancelled, until it is lost."""
        fence, clock = lease.fence, asyncio.get_running_loop()
        alive = renewed = clock.time()
        while not fence.lost.is_set():
            await asyncio.sleep(self._times.watch)
            due = clock.time() - renewed >= self._times.renew - self._times.watch / 2
            try:
                row = await self._ask(fence, due)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                # The server may come back in time. Without it nothing can be written anyhow.
                if clock.time() - alive > self._times.lease:
                    fence.lose()
                continue
            if row is None:
                fence.lose()
                continue
            alive = clock.time()
            renewed = alive if due else renewed
            if row["cancel"]:
                lease.cancelled.set()

    async def _ask(self, fence: Fence, renew: bool) -> DictRow | None:
        """Whether a cancel was asked for; None when the fence is old."""
        if renew:
            return await self._guard.fetch(_RENEW, (self._times.lease, fence.run_id, fence.number))
        return await self._guard.fetch(_WATCH, (fence.run_id, fence.number))

    async def _release(self, fence: Fence) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_RELEASE, (fence.run_id, fence.number))
        finally:
            await self._guard.unlock((fence.run_id, fence.number))


async def locked_row(connection: Connection, run_id: str) -> DictRow:
    """The whole row of a run, held against everything until the transaction ends. Raises UnknownRun."""
    row = await (await connection.execute(_ROW, (run_id,))).fetchone()
    if row is None:
        raise unknown(run_id)
    return row


def _held(row: DictRow) -> RunHeld:
    since, until = (row[name].isoformat(sep=" ", timespec="seconds") for name in ("lease_since", "lease_until"))
    return RunHeld(
        f"The process {row['lease_owner']} has worked on this run since {since}; its lease runs until {until}.",
        place=f"run {row['id']}",
        remedy="Wait for it, or end that process and try again: a dead process is replaced at once.",
    )
