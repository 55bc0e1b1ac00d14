"""Runs that are undone: after a failure, a time that is over, a cancellation; gone on with after any stop."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from graphs.workflow.pinned import Pinned, pinned
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import RunError, ToolFailed
from state.ports import Network
from state.runs import Answer, Approve, Json, RunRecord
from state.tools import RegisteredTool
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK, until
from tools.memory import SystemClock

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))
STEPS = """
  - {id: a, type: wait, duration: 0, rollback_actions: [{tool: undo, input: {of: a, until: $output.until}}]}
  - {id: b, type: wait, duration: 0, depends_on: [a], rollback_actions: [{tool: undo, input: {of: b}}]}
"""
SLOW = """
  - id: c
    type: loop
    while: 'true'
    loop_max_iterations: 100000
    depends_on: [b]
    steps: [{id: d, type: wait, duration: 0}]
"""
FAILS = "  - {id: c, type: wait, until: $a.until.x, depends_on: [b], retry_policy: {max_attempts: 1}}"


class Registry:
    """One tool, `undo`: it notes what it undoes, honours its key, and does what a test says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        """What was undone, and the key, of each call."""
        self.broken: set[str] = set()
        self.held: asyncio.Event | None = None

    async def ready(self, names: Iterable[str]) -> None:
        pass

    def names(self) -> Sequence[str]:
        return ["undo"]

    def find(self, name: str) -> RegisteredTool:
        raise AssertionError(name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        self.calls.append((input["of"], idempotency_key))
        if self.held is not None:
            await self.held.wait()
        if input["of"] in self.broken:
            raise ToolFailed("the service says no", "refused")

    @property
    def undone(self) -> list[str]:
        return [of for of, _ in self.calls]


@pytest.fixture(name="tools")
def _tools() -> Registry:
    return Registry()


@pytest.fixture(name="engine")
def _engine(database: Database, tools: Registry) -> Engine:
    return engine_with(database, tools)


def engine_with(database: Database, tools: Registry) -> Engine:
    network = Network(toolbox=lambda _: tools)
    return Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)


def workflow(more: str, head: str = "on_failure: rollback") -> Pinned:
    return pinned(f"name: w\n{head}\nsteps:{STEPS}{more}\n", "w.yaml", {})


async def made(engine: Engine, wanted: Pinned) -> str:
    return (await engine.workflows.start(wanted, {}, RunContext(), actor="ann")).id


async def events(engine: Engine, run_id: str) -> list[str]:
    return [each.event.event for each in await engine.timeline(run_id) if each.event]


async def test_a_failed_run_is_undone(engine: Engine, tools: Registry) -> None:
    """It is `rolling_back` while that goes on, and `rolled_back` then; nothing leads out of that."""
    run_id, seen = await made(engine, workflow(FAILS)), list[str]()
    tools.held = asyncio.Event()
    working = asyncio.create_task(engine.advance(run_id, watch=lambda event: seen.append(event.path)))
    await until(lambda: tools.calls)
    meanwhile = (await engine.show(run_id)).run
    assert (meanwhile.status, meanwhile.holder is not None) == ("rolling_back", True)
    assert "$a.until.x leads to nothing" in (meanwhile.error or "")
    with pytest.raises(RunError, match="being undone"):
        await engine.cancel(run_id, "ann")
    tools.held.set()
    ended = await working
    assert (ended.status, tools.undone, ended.error) == ("rolled_back", ["b", "a"], meanwhile.error)
    assert list(dict.fromkeys(seen))[-2:] == ["undo/b/1", "undo/a/1"]
    steps = {step.path: step.status for step in (await engine.show(run_id)).steps}
    assert steps == {
        "a": "compensated",
        "b": "compensated",
        "c": "failed",
        "undo/a/1": "completed",
        "undo/b/1": "completed",
    }
    assert (await events(engine, run_id))[-2:] == ["run.rolling_back", "run.rolled_back"]
    with pytest.raises(RunError, match="has ended"):
        await engine.advance(run_id)


async def test_undoing_that_fails_is_retried_alone(engine: Engine, tools: Registry) -> None:
    """`rollback_failed` names what is left; a resume undoes that and runs no step; a cancel would leave it."""
    run_id = await made(engine, workflow(FAILS))
    tools.broken = {"a"}
    failed = await engine.advance(run_id)
    assert failed.status == "rollback_failed"
    assert failed.error is not None
    assert failed.error.endswith("Undoing it failed: a: undo: the service says no. Left as it is: a.")
    tries = {step.path: step.attempts for step in (await engine.show(run_id)).steps}
    tools.broken = set()
    ended = await engine.advance(run_id)
    assert (ended.status, tools.undone) == ("rolled_back", ["b", "a", "a"])
    assert len({key for _, key in tools.calls}) == 2
    now = {step.path: step.attempts for step in (await engine.show(run_id)).steps}
    assert now == {**tries, "undo/a/1": 2}
    left = await made(engine, workflow(FAILS))
    tools.broken = {"b"}
    await engine.advance(left)
    assert (await engine.cancel(left, "ann")).status == "cancelled"


async def test_undoing_goes_on_where_it_was_stopped(engine: Engine, tools: Registry, database: Database) -> None:
    """Stopped within an action, another process calls that one again with its key, and the finished ones not."""
    run_id = await made(engine, workflow(FAILS))
    await stopped_at(engine, tools, run_id, calls=2)
    put_away = (await engine.show(run_id)).run
    assert (put_away.status, put_away.holder) == ("rolling_back", None)
    other = Registry()
    assert (await engine_with(database, other).advance(run_id)).status == "rolled_back"
    assert other.calls == tools.calls[1:]


async def stopped_at(engine: Engine, tools: Registry, run_id: str, calls: int) -> None:
    """Advances the run, and stops that in the how many-th call."""
    gate = tools.held = asyncio.Event()
    working = asyncio.create_task(engine.advance(run_id))
    while True:
        seen = len(tools.calls)
        await until(lambda: len(tools.calls) > seen)  # noqa: B023 - it is awaited here
        if len(tools.calls) == calls:
            break
        tools.held = asyncio.Event()
        gate.set()
        gate = tools.held
    working.cancel()
    await asyncio.wait([working])


@pytest.mark.parametrize("is_worked_on", [False, True])
async def test_a_cancelled_run_is_undone(engine: Engine, tools: Registry, is_worked_on: bool) -> None:
    """Whether nobody or another process works on it; nobody need answer it any more. One not begun is cancelled."""
    asks = "  - {id: c, type: human_approval, message: Go on?, depends_on: [b]}"
    run_id = await made(engine, workflow(SLOW if is_worked_on else asks))
    working = asyncio.create_task(engine.advance(run_id))
    if is_worked_on:
        await until(lambda: has_done(engine, run_id, "b"))
    else:
        await working
    await engine.cancel(run_id, "bob")
    await until(lambda: has_status(engine, run_id, "rolled_back"))
    await working
    view = await engine.show(run_id)
    assert (tools.undone, view.run.error) == (["b", "a"], "Cancelled by bob.")
    assert [each.status for each in view.approvals] == ([] if is_worked_on else ["withdrawn"])
    assert (await engine.cancel(await made(engine, workflow(FAILS)), "bob")).status == "cancelled"


async def has_done(engine: Engine, run_id: str, path: str) -> bool:
    steps = {step.path: step.status for step in (await engine.show(run_id)).steps}
    return steps.get(path) == "completed"


async def has_status(engine: Engine, run_id: str, status: str) -> bool:
    return (await engine.show(run_id)).run.status == status


async def test_a_run_whose_time_is_over_is_undone(engine: Engine, tools: Registry) -> None:
    """Its time ends what it does, and what it did is undone, without a limit of its own."""
    ended = await engine.advance(await made(engine, workflow(SLOW, "on_failure: rollback\ntimeout: 1")))
    assert (ended.status, tools.undone) == ("rolled_back", ["b", "a"])
    assert "time that w may work, 1 s, is over" in (ended.error or "")


async def test_other_runs_are_not_undone(engine: Engine, tools: Registry) -> None:
    """Without `on_failure: rollback` a failed run keeps what it did, and a resume goes on with it."""
    run_id = await made(engine, workflow(FAILS, "on_failure: fail"))
    assert (await engine.advance(run_id)).status == "failed"
    assert (await engine.advance(run_id)).status == "failed"
    cancelled: RunRecord = await engine.cancel(run_id, "ann")
    assert (cancelled.status, tools.calls) == ("cancelled", [])


async def test_steps_of_a_nested_workflow_are_undone(engine: Engine, tools: Registry) -> None:
    """They stand in the ledger of the run, below the step that ran the workflow, and are undone with it."""
    inner = pinned(f"name: inner\nsteps:{STEPS}", "inner.yaml", {})
    text = "name: w\non_failure: rollback\nsteps:\n  - {id: part, type: workflow, workflow: inner}\n"
    bad = "  - {id: c, type: wait, until: $part.b.until.x, depends_on: [part], retry_policy: {max_attempts: 1}}\n"
    ended = await engine.advance(await made(engine, pinned(text + bad, "w.yaml", {"inner": inner})))
    assert (ended.status, tools.undone) == ("rolled_back", ["b", "a"])
    steps = {step.path: step.status for step in (await engine.show(ended.id)).steps}
    assert (steps["part.a"], steps["undo/part.a/1"]) == ("compensated", "completed")
