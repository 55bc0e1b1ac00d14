"""Outputs of steps in Postgres, for other runs of their workflow."""

from datetime import datetime

from run_workflow.fence import Fence
from run_workflow.stores.columns import as_json
from state.runs import Json

_FIND = "SELECT result FROM step_cache WHERE key = %s AND expires_at > %s"
_KEEP = """
INSERT INTO step_cache (key, result, expires_at) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET result = excluded.result, expires_at = excluded.expires_at
"""
# A few at a time, and none that another run is about to replace: nobody waits for that.
_CLEAR = """
DELETE FROM step_cache WHERE key IN (
    SELECT key FROM step_cache WHERE expires_at <= %s ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED
)
"""


class PostgresCache:
    """Written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def find(self, key: str, now: datetime) -> Json | None:
        """What was kept, if it may still be used."""
        async with self._fence.pool.connection() as connection:
            row = await (await connection.execute(_FIND, (key, now))).fetchone()
        return None if row is None else row["result"]

    async def keep(self, key: str, result: Json, until: datetime, now: datetime) -> None:
        """Keeps a result until a time, in place of an older one."""
        async with self._fence.writing() as connection:
            await connection.execute(_KEEP, (key, as_json(result), until))
            await connection.execute(_CLEAR, (now,))
