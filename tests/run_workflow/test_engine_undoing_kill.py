"""Processes that are killed while they undo a run: none skipped, none done twice but the one that was cut short."""

import asyncio
import sys
from itertools import groupby
from pathlib import Path

import pytest

from graphs.workflow.pinned import pinned
from run_workflow.postgres.database import Database
from state.context import RunContext
from tests.run_workflow.engine_graphs import lines, until
from tests.run_workflow.undoing_process import engine_with

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]

PROJECT = Path(__file__).parents[2]
UNDO = "rollback_actions: [{tool: undo}, {tool: undo}]"


def steps(number: int) -> str:
    """A chain of steps of two actions each, and a last step that fails."""
    chain = [
        f"  - {{id: s{place}, type: wait, duration: 0, depends_on: [{f's{place - 1}' if place else ''}], {UNDO}}}"
        for place in range(number)
    ]
    last = f"  - {{id: bad, type: wait, until: $s{number - 1}.until.x, depends_on: [s{number - 1}]}}"
    return "\n".join([*chain, last])


async def test_killed_while_it_undoes(database: Database, tmp_path: Path) -> None:
    """Killed within the third and the eighth action: the next process goes on with the one in progress."""
    calls = tmp_path / "calls"
    engine = engine_with(database, str(calls), 0)
    wanted = pinned(f"name: w\non_failure: rollback\nsteps:\n{steps(6)}\n", "w.yaml", {})
    run = await engine.workflows.start(wanted, {}, RunContext(), actor="ann")
    for place in (3, 8):
        command = [sys.executable, "-m", "tests.run_workflow.undoing_process", database.dsn, run.id, str(calls)]
        running = await asyncio.create_subprocess_exec(*command, cwd=PROJECT)
        await until(lambda: len(set(lines(calls))) >= place, 60)  # noqa: B023 - it is awaited here
        running.kill()
        await running.wait()
        assert (await engine.show(run.id)).run.status == "rolling_back"
    assert (await engine.advance(run.id)).status == "rolled_back"
    keys = [key for key, _ in groupby(lines(calls))]
    assert keys == [f"{run.id}:undo/s{step}/{action}" for step in reversed(range(6)) for action in (1, 2)]
    assert len(lines(calls)) <= len(keys) + 2
