"""How long steps took in earlier runs, from the ledger, and what a run does with it."""

import asyncio
from typing import Any

import pytest

from graphs.workflow.compiler import build
from graphs.workflow.run import Conditions
from graphs.workflow.running import Call
from graphs.workflow.steps.parallel import parallel
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from run_workflow.stores.times import PostgresStepTimes
from state.ports import Ports
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import ActionStep, ParallelStep
from tests.run_workflow.engine_graphs import PLAIN, Entry, engine_on

pytestmark = pytest.mark.slow

_INNER = [{"id": "in", "type": "action", "tool": "t"}]
_MADE: Any = {
    "name": "w",
    "optimization_enabled": True,
    "max_parallel_steps": 1,
    "variables": {"items": [1, 2]},
    "steps": [
        {"id": "many", "type": "parallel", "for_each": "workflow.items", "steps": _INNER},
        {"id": "quick", "type": "action", "tool": "t"},
        {"id": "slow", "type": "action", "tool": "t"},
    ],
}


async def test_the_second_run_knows_what_the_first_took(database: Database) -> None:
    """Items share a path; the slowest step, which the file has last, then goes first. Other workflows do not count."""
    definition, worked = WorkflowDefinition.model_validate(_MADE), list[str]()

    async def work(step: ActionStep, call: Call) -> None:
        worked.append(call.path)
        await asyncio.sleep(0.03 if step.id == "slow" else 0)

    def graph(ports: Ports) -> Any:
        return build(ports, definition, {ActionStep: work, ParallelStep: parallel}, Conditions({}))

    engine = engine_on(database, Entry("w", "w", graph, {}), Entry("x", "x", graph, {}))
    ids = []
    for name in ("w", "w", "x"):
        run = await engine.start(name, {"inputs": {}}, PLAIN, actor="ann")
        ended = await engine.advance(run.id)
        assert ended.status == "completed", ended.error
        ids.append(run.id)
    known = await PostgresStepTimes(Fence(database.pool, ids[1], 0)).seconds()
    assert known.keys() == {"many", "many.in", "quick", "slow"}
    assert known["slow"] >= 0.03 > known["quick"]
    assert [worked.index("slow"), worked[4:].index("slow"), worked[8:].index("slow")] == [1, 0, 1]
