"""Runs that a run starts by the tool `workflow`: made once for each call, bounded, watched by who started them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from graphs.workflow.pinned import Pinned, pinned
from run_workflow.engine import started
from run_workflow.engine.engine import Engine
from run_workflow.engine.started import FindStored, StartedRuns
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import BuildError, DatabaseError, SetupError, StrettoError, ToolFailed
from state.ports import Network
from state.runs import Answer, Approve, RunRecord
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK
from tools.memory import SystemClock
from tools.toolbox import Toolbox

TEXTS = {
    "parent": """name: parent
steps:
  - id: begin
    type: action
    tool: workflow
    input_mapping: {workflow_name: child, workflow_data: {n: 3}, step_name: double}
  - {id: ask, type: human_approval, message: Go on?, depends_on: [begin]}
  - id: end
    type: action
    tool: workflow_status
    depends_on: [ask]
    input_mapping: {workflow_id: $begin.workflow_id}
outputs: {begun: $begin, ended: $end}
""",
    "child": """name: child
inputs: {type: object, required: [n], properties: {n: {type: integer}}}
steps:
  - {id: double, type: action, tool: set, input_mapping: {value: workflow.n}}
  - {id: sure, type: human_approval, message: Is it right?, depends_on: [double]}
outputs: {value: $double.value}
""",
    "again": """name: again
steps:
  - {id: next, type: action, tool: workflow, input_mapping: {workflow_name: again}, retry_policy: {max_attempts: 1}}
""",
    "closed": """name: closed
allowed_users: [eve]
steps: [{id: a, type: action, tool: set, input_mapping: {}}]
""",
}


async def pin(name: str, _: FindStored) -> Pinned:
    if name not in TEXTS:
        raise SetupError(f"There is no workflow {name!r}.")
    return pinned(TEXTS[name], f"{name}.yaml", {})


@pytest.fixture
async def engine(database: Database, tmp_path: Path) -> AsyncIterator[Engine]:
    network = Network(toolbox=Toolbox(files=tmp_path / "files"), pin=pin)
    made = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)
    async with aclosing(made.background):
        yield made


async def made(engine: Engine, name: str) -> RunRecord:
    wanted = pinned(TEXTS[name], f"{name}.yaml", {})
    return await engine.workflows.start(wanted, {}, RunContext(), actor="ann")


async def approve(engine: Engine, run_id: str) -> None:
    await engine.answer(run_id, None, Answer(decisions=(Approve(),)), "ann")


async def test_a_step_starts_a_workflow_and_watches_it(engine: Engine) -> None:
    """It gets what a step of the other run gave, sees whom that waits for, and later its outputs."""
    parent = await made(engine, "parent")
    assert (await engine.advance(parent.id)).status == "waiting_approval"
    (child,) = [run for run in await engine.list_runs() if run.graph.startswith("child")]
    assert (child.context, child.parent) == (parent.context, None)
    await engine.background.watch(child.id, "ann", 10)
    await approve(engine, child.id)
    assert (await engine.advance(child.id)).status == "completed"
    await approve(engine, parent.id)
    told: Any = (await engine.advance(parent.id)).output
    begun, ended = told["outputs"]["begun"], told["outputs"]["ended"]
    assert begun["step"] == {"name": "double", "status": "completed", "output": {"value": 3}, "error": None}
    assert (begun["workflow_id"], begun["outputs"]) == (child.id, None)
    assert (ended["status"], ended["outputs"], ended["error"]) == ("completed", {"value": 3}, None)
    assert ended["steps"] == {"double": "completed", "sure": "completed"}


async def test_a_call_starts_one_run_and_only_its_starter_watches_it(engine: Engine, database: Database) -> None:
    """A repetition finds the run that there is; what cannot be started is told by its class."""
    parent, other = await made(engine, "again"), await made(engine, "parent")
    of = {run.id: StartedRuns(engine, database.pool, pin, engine.background, run.id) for run in (parent, other)}
    port = of[parent.id]
    first = await port.start("child", {"n": 1}, "call 1")
    assert await port.start("child", {"n": 1}, "call 1") == first
    assert await port.start("child", {"n": 1}, "call 2") != first
    look = await port.look(first, 10, None)
    assert (look["status"], look["waiting_for"][0]["question"]) == ("waiting_approval", "Is it right?")
    with pytest.raises(ToolFailed, match="has started no run"):
        await of[other.id].look(first, 0, None)
    for name, inputs, kind in (
        ("child", {"n": "x"}, "bad_input"),
        ("nothing", {}, "bad_input"),
        ("/etc/w.yaml", {}, "bad_input"),
        ("closed", {}, "refused"),
    ):
        with pytest.raises(ToolFailed) as failed:
            await port.start(name, inputs, f"call of {name} {inputs}")
        assert failed.value.error == kind, name


@pytest.mark.parametrize(("error", "kind"), [(DatabaseError("gone"), "unavailable"), (BuildError("odd"), "bad_input")])
async def test_who_watches_is_told_why_a_started_run_does_not_go_on(
    engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch, error: StrettoError, kind: str
) -> None:
    """By the class that retry policies go by."""

    async def advance(*_: object, **__: object) -> None:
        raise error

    parent = await made(engine, "again")
    port = StartedRuns(engine, database.pool, pin, engine.background, parent.id)
    monkeypatch.setattr(engine, "advance", advance)
    child = await port.start("child", {"n": 1}, "call 1")
    with pytest.raises(ToolFailed, match=error.message) as failed:
        await port.look(child, 10, None)
    assert failed.value.error == kind


async def test_a_run_that_was_started_is_found_whatever_became_of_its_file(
    engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its starter goes on with it, in its first version; the same call is no call of another workflow or input."""
    parent = await made(engine, "again")
    port = StartedRuns(engine, database.pool, pin, engine.background, parent.id)
    first = await port.start("child", {"n": 1}, "call 1")
    newer = TEXTS["child"].replace("name: child", "name: child\nversion: 2.0.0").replace("[n]", "[n, m]")
    monkeypatch.setitem(TEXTS, "child", newer)
    assert await port.start("child", {"n": 1}, "call 1") == first
    monkeypatch.delitem(TEXTS, "child")
    assert await port.start("child", {"n": 1}, "call 1") == first
    assert await port.start("child@1.0.0", {"n": 1}, "call 1") == first
    for name, inputs in (("parent", {"n": 1}), ("child@2.0.0", {"n": 1}), ("child", {"n": 2})):
        with pytest.raises(ToolFailed, match="was used for another"):
            await port.start(name, inputs, "call 1")
    assert (await port.look(first, 10, "double"))["step"]["output"] == {"value": 1}


async def test_a_workflow_that_starts_itself_ends(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than some runs start each other; the last of them fails with what it was."""
    monkeypatch.setattr(started, "MOST_DEPTH", 2)
    first = await made(engine, "again")
    await engine.advance(first.id)
    runs = await engine.list_runs()
    assert len(runs) == 2
    assert "have started each other" in str(runs[0].error)
