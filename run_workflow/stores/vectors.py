"""The vectors of passages in Postgres: computed once for each model, used by all runs."""

from collections.abc import Mapping, Sequence

from run_workflow.fence import Fence
from state.ports import Vector

# In order of the ids, so that two runs that store the same vectors wait for each other in the same order.
_PUT = """
INSERT INTO vectors (model, passage_id, vector)
SELECT %s, * FROM unnest(%s::text[], %s::bytea[]) AS new (passage_id)
ORDER BY passage_id
ON CONFLICT DO NOTHING
"""
_GET = "SELECT passage_id, vector FROM vectors WHERE model = %s AND passage_id = ANY (%s)"


class PostgresVectors:
    """Written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def get(self, model: str, passages: Sequence[str]) -> Mapping[str, Vector]:
        """The vectors of the passages with these ids, as far as they are there."""
        async with self._fence.pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            rows = await (await cursor.execute(_GET, (model, list(passages)))).fetchall()
        return {row["passage_id"]: row["vector"] for row in rows}

    async def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Stores vectors by the ids of their passages; what is there already stays as it is."""
        async with self._fence.writing() as connection:
            await connection.execute(_PUT, (model, list(vectors), list(vectors.values())))
