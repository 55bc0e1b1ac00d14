"""How long steps took in earlier runs of a workflow: from the rows of the ledger."""

from collections.abc import Mapping

from run_workflow.fence import Fence

_LAST = 20
"""Completed runs that count, whatever their version: what was long ago says little."""
# Rows of runs that did not keep `seconds` tell when a step was begun, which is a little before it had its place.
_SECONDS = r"""
WITH earlier AS (
    SELECT id FROM runs
    WHERE status = 'completed'
        AND split_part(graph, '@', 1) = (SELECT split_part(graph, '@', 1) FROM runs WHERE id = %s)
    ORDER BY created_at DESC LIMIT %s
)
SELECT regexp_replace(path, '\[\d+\]', '', 'g') AS step,
    round(percentile_cont(0.5) WITHIN GROUP (
        ORDER BY coalesce((result ->> 'seconds')::float8, extract(epoch FROM ended_at - started_at)::float8)
    )::numeric, 3)::float8 AS seconds
FROM step_runs JOIN earlier ON run_id = earlier.id
WHERE status = 'completed' AND attempts > 0
GROUP BY step
"""


class PostgresStepTimes:
    """The `StepTimes` port over the tables `runs` and `step_runs`."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def seconds(self) -> Mapping[str, float]:
        """By path without the numbers of turns and items; empty for the first run."""
        async with self._fence.pool.connection() as connection:
            cursor = await connection.execute(_SECONDS, (self._fence.run_id, _LAST))
            return {row["step"]: row["seconds"] async for row in cursor}
