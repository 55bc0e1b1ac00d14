"""What became of the work of agents, over all runs: from the rows of the ledger that stand under an agent's name."""

from collections.abc import Mapping

from run_workflow.postgres.database import Pool
from state.agents import AgentTrack

_LAST = 200
"""Tasks of each agent that count: what it did long ago says little."""
# The sign is written out (`state.agents.AGENT_SIGN`): an index goes by it.
_TRACKS = """
SELECT agent, count(*) FILTER (WHERE status = 'completed') AS done, count(*) FILTER (WHERE status = 'failed') AS failed,
    coalesce(avg(tokens), 0) AS tokens, coalesce(avg(seconds), 0) AS seconds
FROM (
    SELECT split_part(path, '@', 2) AS agent, status, (result ->> 'tokens')::double precision AS tokens,
        extract(epoch FROM ended_at - started_at)::double precision AS seconds,
        row_number() OVER (PARTITION BY split_part(path, '@', 2) ORDER BY started_at DESC) AS place
    FROM step_runs WHERE strpos(path, '@') > 0 AND status IN ('completed', 'failed')
) AS works
WHERE place <= %s GROUP BY agent
"""


class PostgresAgentHistory:
    """The `AgentHistory` port over the table `step_runs`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tracks(self) -> Mapping[str, AgentTrack]:
        """By the name of the agent's template."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_TRACKS, (_LAST,))
            rows = await cursor.fetchall()
        return {row.pop("agent"): AgentTrack.model_validate(row) for row in map(dict, rows)}
