"""Ports of a run that somebody else drives: a LangGraph server keeps the thread, we keep evidence, calls and steps.

Such a run has a row of its own, so that its writes are fenced like all others, under the name of a graph that only the
server knows: `resume` refuses it, because its checkpoints are the server's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.rows import DictRow

from run_workflow.engine import audit, endings
from run_workflow.engine.driving import Outcome
from run_workflow.engine.leases import Leases
from run_workflow.engine.rows import Connection, transaction
from run_workflow.fence import Fence
from run_workflow.postgres.database import Pool
from run_workflow.stores.columns import as_json
from state.context import RunContext

ACTOR = "LangGraph server"
_INSERT = """
INSERT INTO runs (id, graph, definition, status, input, context) VALUES (%s, %s, %s, 'initializing', %s, %s)
ON CONFLICT DO NOTHING
"""
_RUNNING = "UPDATE runs SET status = 'running', updated_at = clock_timestamp() WHERE id = %s"


@asynccontextmanager
async def lent(pool: Pool, leases: Leases, run_id: str, graph: str, definition: str) -> AsyncIterator[Fence]:
    """The fence of the run `run_id`, which is made if it is new, for as long as the block runs. Raises RunHeld."""

    async def admit(connection: Connection, row: DictRow, fence: int) -> None:
        await connection.execute(_RUNNING, (run_id,))
        await audit.append(connection, run_id, "run.lent", actor=ACTOR, data={"fence": fence})

    async with transaction(pool) as connection:
        await connection.execute(_INSERT, (run_id, f"{graph} (server)", definition, as_json({}), as_json(RunContext())))
    async with leases.holding(run_id, admit) as lease:
        try:
            yield lease.fence
        finally:
            async with transaction(pool) as connection:
                await endings.settle(connection, lease.fence, Outcome("paused"), ACTOR)
