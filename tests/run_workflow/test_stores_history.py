"""What became of the work of agents, counted over the ledgers of all runs."""

import pytest

from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from run_workflow.stores.history import PostgresAgentHistory
from run_workflow.stores.ledger import PostgresLedger
from state.agents import AGENT_SIGN
from state.runs import StepStatus
from tests.run_workflow.engine_graphs import PLAIN, engine_on

pytestmark = pytest.mark.slow

ENDINGS: tuple[tuple[StepStatus, ...], ...] = (
    ("completed", "completed", "failed"),
    ("completed", "cancelled", "waiting"),
)


async def test_the_history_of_agents_is_made_of_their_rows(database: Database) -> None:
    """What ended well or badly counts, over all runs; who still works, was cancelled or waits does not."""
    for endings in ENDINGS:
        run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
        ledger = PostgresLedger(Fence(database.pool, run.id, 0))
        for number, status in enumerate(endings):
            path = f"t[{number}].check{AGENT_SIGN}checker"
            await ledger.begin(path)
            await ledger.end(path, status, result={"tokens": 100 * (number + 1)})
        await ledger.begin("a@writer")
        await ledger.end("plain", "completed")
    tracks = await PostgresAgentHistory(database.pool).tracks()
    assert set(tracks) == {"checker"}
    assert (tracks["checker"].done, tracks["checker"].failed, tracks["checker"].tokens) == (3, 1, 175)
    assert tracks["checker"].seconds >= 0
