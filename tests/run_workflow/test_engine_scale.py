"""Thousands of steps in one run on PostgreSQL: wide joins, how much is stored, how often is waited for the disk."""

from typing import Any

import pytest

from graphs.workflow.compiler import build
from graphs.workflow.run import Conditions
from graphs.workflow.running import Call
from run_workflow.postgres.database import Database
from run_workflow.stores.ledger import PostgresLedger
from state.ports import Ports
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import ActionStep
from tests.run_workflow.engine_graphs import PLAIN, Entry, engine_on, rows

pytestmark = pytest.mark.slow

_STORED = "SELECT count(*) AS steps, sum(pg_column_size(s.*)) AS bytes FROM step_runs s WHERE run_id = %s"
_CHECKPOINTS = """
SELECT (SELECT coalesce(sum(pg_column_size(c.*)), 0) FROM checkpoints c WHERE thread_id = %s)
     + (SELECT coalesce(sum(pg_column_size(b.*)), 0) FROM checkpoint_blobs b WHERE thread_id = %s)
     + (SELECT coalesce(sum(pg_column_size(w.*)), 0) FROM checkpoint_writes w WHERE thread_id = %s) AS bytes
"""


def fans(count: int, width: int) -> list[dict[str, Any]]:
    """`count` fan-outs of `width` steps, one after another, each into one join that counts them."""
    steps: list[dict[str, Any]] = []
    for number in range(count):
        before = [f"join{number - 1}"] if number else []
        names = [f"a_step_with_a_name_of_some_length_{number}_{place}" for place in range(width)]
        steps += [{"id": name, "type": "action", "tool": "t", "depends_on": before} for name in names]
        steps.append({"id": f"join{number}", "type": "action", "tool": "t", "depends_on": names})
    return steps


def entry(count: int, width: int, worked: list[str]) -> Entry:
    """A workflow of such fan-outs; `worked` has its steps as they ended."""
    made = {"name": "fans", "steps": fans(count, width), "max_parallel_steps": 100}
    definition = WorkflowDefinition.model_validate(made)

    async def work(step: ActionStep, call: Call) -> int:
        worked.append(step.id)
        return len(worked)

    def graph(ports: Ports) -> Any:
        return build(ports, definition, {ActionStep: work}, Conditions({}))

    return Entry("fans", f"{count} fans", graph, {})


async def run_of(database: Database, count: int, width: int) -> tuple[str, list[str]]:
    """The id of a run that has ended well, and its steps as they ended."""
    worked: list[str] = []
    engine = engine_on(database, entry(count, width, worked))
    run = await engine.start("fans", {"inputs": {}}, PLAIN, actor="ann")
    ended = await engine.advance(run.id)
    assert ended.status == "completed", ended.error
    assert ended.output == {"outputs": {f"join{count - 1}": len(worked)}}
    return run.id, worked


async def test_thousands_of_steps_with_wide_joins(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 steps into one join, and 5,000 in a run: each works once, a join after all before it; the bytes stored
    grow as the steps, those of checkpoints not at all; and there are far fewer commits than steps."""
    commits: list[int] = []
    store = PostgresLedger._store

    async def counted(ledger: PostgresLedger, found: Any) -> None:
        commits.append(len(found))
        await store(ledger, found)

    monkeypatch.setattr(PostgresLedger, "_store", counted)
    sizes: dict[int, float] = {}
    checkpoints: dict[int, int] = {}
    for count in (1, 5):
        run_id, worked = await run_of(database, count, 1000)
        assert len(worked) == len(set(worked)) == count * 1001
        assert [place for place, step in enumerate(worked, 1) if step.startswith("join")] == [
            1001 * number for number in range(1, count + 1)
        ]
        (found,) = await rows(database, _STORED, run_id)
        assert found["steps"] == count * 1001
        sizes[count] = found["bytes"] / found["steps"]
        (kept,) = await rows(database, _CHECKPOINTS, run_id, run_id, run_id)
        checkpoints[count] = kept["bytes"]
    assert sizes[5] < 1.05 * sizes[1] < 300
    assert checkpoints[5] < 1.05 * checkpoints[1]
    assert sum(commits) == 2 * 6 * 1001
    assert len(commits) < 6 * 1001 / 10
