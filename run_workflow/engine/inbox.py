"""What comes for a run while a process works on it: answers, events and times, from the rows in which they stand.

The rows are those of a run that is put away, made earlier: whoever answers or sends an event need not know whether
the run works. Whatever kills the process, what has come is still there when the run is taken up again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from run_workflow.engine import approvals, waits
from run_workflow.engine.driving import read_wait
from run_workflow.engine.leases import locked_row
from run_workflow.engine.rows import Connection, transaction
from run_workflow.fence import Fence
from state.runs import Json


class PostgresInbox:
    """That of one run, under the run's fence."""

    def __init__(self, fence: Fence, seconds: float) -> None:
        """`seconds`: how often it looks whether something has come, while something is open."""
        self._fence, self._seconds = fence, seconds
        self._open: set[str] = set()
        self._changed = asyncio.Event()

    async def open(self, shown: Mapping[str, Any]) -> None:
        """Makes the rows of what the run waits for from now on. Raises LeaseLost."""
        awaited = {id_: wait for id_, value in shown.items() if (wait := read_wait(value))}
        requests = {id_: approvals.read_request(value) for id_, value in shown.items() if id_ not in awaited}
        async with transaction(self._fence.pool) as connection:
            await self._lock(connection)
            await approvals.add_requests(connection, self._fence.run_id, requests)
            await waits.add_waits(connection, self._fence.run_id, awaited)
        self._open |= shown.keys()
        self._changed.set()

    async def close(self, ids: Sequence[str]) -> Mapping[str, Json]:
        """Takes back those for which nothing has come; gives back what has for the others. Raises LeaseLost."""
        run_id = self._fence.run_id
        self._open.difference_update(ids)
        async with transaction(self._fence.pool) as connection:
            await self._lock(connection)
            await approvals.take_back(connection, run_id, ids)
            await waits.take_back(connection, run_id, ids)
            found = await approvals.answers_to(connection, run_id, ids)
            return found | await waits.answers_to(connection, run_id, ids)

    async def drop(self, ids: Sequence[str]) -> None:
        """Takes back what nobody waits for any more, and sets free the events that came for it. Raises LeaseLost."""
        self._open.difference_update(ids)
        async with transaction(self._fence.pool) as connection:
            await self._lock(connection)
            await approvals.take_back(connection, self._fence.run_id, ids)
            await waits.drop(connection, self._fence.run_id, ids)

    async def come(self) -> Mapping[str, Json]:
        """What has come for what is open; returns when there is something."""
        while True:
            self._changed.clear()
            came = await self._found() if self._open else {}
            if came:
                self._open.difference_update(came)
                return came
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._seconds if self._open else None)

    async def _found(self) -> Mapping[str, Json]:
        """Answers, those of timeout policies among them, events, and times that are over."""
        run_id, ids = self._fence.run_id, list(self._open)
        try:
            async with transaction(self._fence.pool) as connection:
                await approvals.expire(connection, run_id)
                await waits.expire(connection, run_id)
                found = await approvals.answers_to(connection, run_id, ids)
                return found | await waits.answers_to(connection, run_id, ids)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return {}  # the server may come back; without it the run cannot go on anyhow

    async def _lock(self, connection: Connection) -> None:
        """Holds the run's row, so that no answer and no event is overlooked. Raises LeaseLost."""
        row = await locked_row(connection, self._fence.run_id)
        if row["fence"] != self._fence.number:
            raise self._fence.lose()
