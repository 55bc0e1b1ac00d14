"""The ledger in Postgres: the table `step_runs`. Steps that write at the same time wait together for one commit."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from psycopg.rows import class_row

from run_workflow.fence import Fence
from run_workflow.stores.columns import text_or_null
from state.errors import LeaseLost
from state.runs import Json, StepRecord, StepStatus
from tools.storable import json_text

# One statement is one round trip and one commit; without the fence it writes no row. The clock moves on within it, so
# that steps that begin together keep their order.
_WRITE = """
WITH holder AS MATERIALIZED (SELECT id FROM runs WHERE id = %s AND fence = %s FOR KEY SHARE)
INSERT INTO step_runs (run_id, path, iteration, status, attempts, started_at, ended_at, error, result)
SELECT holder.id, row->>0, (row->>1)::int, row->>2, (row->>3)::int, clock_timestamp(),
       CASE WHEN row->>3 = '0' THEN clock_timestamp() END, row->>4, (row->>5)::json
FROM json_array_elements(%s::json) AS row, holder
ON CONFLICT (run_id, path, iteration) DO UPDATE SET
    status = excluded.status, attempts = step_runs.attempts + excluded.attempts,
    started_at = CASE WHEN excluded.attempts > 0 THEN excluded.started_at ELSE step_runs.started_at END,
    ended_at = CASE WHEN excluded.status = 'compensated' THEN step_runs.ended_at ELSE excluded.ended_at END,
    error = excluded.error, result = excluded.result
"""
STEPS = """
SELECT run_id, path, iteration, status, attempts, started_at, ended_at, error, result
FROM step_runs WHERE run_id = %s AND starts_with(path, %s)
ORDER BY started_at, path COLLATE "C", iteration
"""
_MOST_ROWS = 500
"""Of one commit."""
_LINGER = 6
"""Turns of the event loop that a commit waits: what begins because a step has ended is in the commit of that end."""

_Key = tuple[str, int]
_Row = tuple[str, int, StepStatus, int, str | None, str | None]
"""Path, iteration, status, 1 where it begins, error, result as JSON."""


@dataclass
class _Batch:
    """Rows that are written together."""

    rows: dict[_Key, _Row] = field(default_factory=dict)
    is_closed: bool = False
    """Whether it is being written: no row can join."""
    written: "asyncio.Task[None] | None" = None


class PostgresLedger:
    """What each step of one run did, written under the run's fence, in the order of the calls."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._last = _Batch(is_closed=True)

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        """The step starts, or starts again: `attempts` counts. `result` stands there until it ends."""
        await self._write((path, iteration, "running", 1, None, None if result is None else json_text(result)))

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        """The step ended with `status`; one that never began (a skipped one) has 0 attempts."""
        text = None if result is None else json_text(result)
        await self._write((path, iteration, status, 0, text_or_null(error), text))

    async def steps(self, prefix: str = "") -> Sequence[StepRecord]:
        """The steps whose path starts with `prefix`, in the order in which they started."""
        async with self._fence.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(StepRecord))
            await cursor.execute(STEPS, (self._fence.run_id, prefix))
            return await cursor.fetchall()

    async def _write(self, row: _Row) -> None:
        """Returns when the row is committed, and all that were asked for before it. Raises LeaseLost."""
        batch = self._joined(row)
        assert batch.written is not None
        try:
            await asyncio.shield(batch.written)
        except asyncio.CancelledError:
            await _left(batch, row)
            raise

    def _joined(self, row: _Row) -> _Batch:
        """The batch that the row is written with: one statement can write a row of the table only once."""
        batch, key = self._last, row[:2]
        if batch.is_closed or key in batch.rows or len(batch.rows) == _MOST_ROWS:
            before, batch = batch, _Batch()
            batch.written = asyncio.create_task(self._written(batch, before), name="ledger")
            self._last = batch
        batch.rows[key] = row
        return batch

    async def _written(self, batch: _Batch, before: _Batch) -> None:
        if before.written is not None:
            await asyncio.wait([before.written])
            error = before.written.exception()
            if error is not None and not isinstance(error, LeaseLost):
                raise error  # what was to be there before these rows is not
            before.written = None
        for _ in range(_LINGER):
            await asyncio.sleep(0)
        batch.is_closed = True
        if batch.rows:
            await self._store(list(batch.rows.values()))

    async def _store(self, rows: Sequence[_Row]) -> None:
        async with self._fence.pool.connection() as connection:
            cursor = await connection.execute(_WRITE, (self._fence.run_id, self._fence.number, json.dumps(rows)))
        if not cursor.rowcount:
            raise self._fence.lose()


async def _left(batch: _Batch, row: _Row) -> None:
    """Takes the row of a caller that was cancelled out of its batch, or waits until that is written."""
    if not batch.is_closed:
        del batch.rows[row[:2]]
    elif batch.written is not None:
        await asyncio.wait([batch.written])
        with suppress(asyncio.CancelledError):
            batch.written.exception()
