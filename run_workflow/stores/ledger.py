"""The ledger in Postgres: the table `step_runs`."""

from collections.abc import Sequence

from psycopg.rows import class_row

from run_workflow.fence import Fence
from run_workflow.stores.columns import json_or_null, text_or_null
from state.runs import Json, StepRecord, StepStatus

_BEGIN = """
INSERT INTO step_runs (run_id, path, iteration, status, attempts, started_at)
VALUES (%s, %s, %s, 'running', 1, clock_timestamp())
ON CONFLICT (run_id, path, iteration) DO UPDATE SET
    status = 'running', attempts = step_runs.attempts + 1, started_at = excluded.started_at,
    ended_at = NULL, error = NULL, result = NULL
"""
_END = """
INSERT INTO step_runs (run_id, path, iteration, status, attempts, started_at, ended_at, error, result)
VALUES (%s, %s, %s, %s, 0, clock_timestamp(), clock_timestamp(), %s, %s)
ON CONFLICT (run_id, path, iteration) DO UPDATE SET
    status = excluded.status, error = excluded.error, result = excluded.result,
    ended_at = CASE WHEN excluded.status = 'compensated' THEN step_runs.ended_at ELSE excluded.ended_at END
"""
STEPS = """
SELECT run_id, path, iteration, status, attempts, started_at, ended_at, error, result
FROM step_runs WHERE run_id = %s AND starts_with(path, %s)
ORDER BY started_at, path COLLATE "C", iteration
"""


class PostgresLedger:
    """What each step of one run did, written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def begin(self, path: str, iteration: int = 0) -> None:
        """The step starts, or starts again: `attempts` counts."""
        async with self._fence.writing() as connection:
            await connection.execute(_BEGIN, (self._fence.run_id, path, iteration))

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
        row = (self._fence.run_id, path, iteration, status, text_or_null(error), json_or_null(result))
        async with self._fence.writing() as connection:
            await connection.execute(_END, row)

    async def steps(self, prefix: str = "") -> Sequence[StepRecord]:
        """The steps whose path starts with `prefix`, in the order in which they started."""
        async with self._fence.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(StepRecord))
            await cursor.execute(STEPS, (self._fence.run_id, prefix))
            return await cursor.fetchall()
