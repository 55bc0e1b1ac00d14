"""Runs of workflows on the engine: pinned definitions, events against times, limits on work, nesting, copies."""

import asyncio
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from graphs.workflow.pinned import Pinned, pinned
from run_workflow.cli.drive import exit_code
from run_workflow.cli.ending import run_document
from run_workflow.cli.session import NOT_ESTABLISHED
from run_workflow.console.screen import Screen
from run_workflow.console.summary import summarise
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import AnswerRefused, NotAllowed, RunError
from state.runs import Answer, Approve, Edit, EditedAction, Progress, Reject, RunRecord, StepStatus
from tests.run_workflow.engine_graphs import change, engine_on

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))


@pytest.fixture
def engine(database: Database) -> Engine:
    """An engine with no graph of its own: those of workflows come from the database."""
    return engine_on(database)


def workflow(steps: str, head: str = "", **uses: Pinned) -> Pinned:
    """A definition in few words; `steps` are lines of YAML."""
    lines = "\n".join(f"  - {line.strip()}" for line in steps.strip().splitlines())
    return pinned(f"name: w\n{head}\nsteps:\n{lines}\n", "w.yaml", uses)


async def begun(engine: Engine, wanted: Pinned, **inputs: Any) -> RunRecord:
    """A new run, worked on as far as it goes."""
    run = await engine.workflows.start(wanted, inputs, RunContext(), actor="ann")
    return await engine.advance(run.id)


async def statuses(engine: Engine, run_id: str) -> dict[str, StepStatus]:
    return {step.path: step.status for step in (await engine.show(run_id)).steps}


async def test_a_run_keeps_the_definition_that_it_began_with(engine: Engine, database: Database) -> None:
    """Another engine goes on with it from what is stored, edits are checked by it, and its outputs are returned."""
    wanted = workflow(
        """
        {id: ask, type: human_approval, message: Pay?, show: {amount: workflow.amount, to: bob}, edit_fields: [amount]}
        {id: wide, type: conditional, depends_on: [ask], cases: [{when: $ask.values.amount > 5, steps: []}]}
        """,
        "version: 1.2.0\noutputs: {paid: $ask.values.amount, way: $wide.route}\n"
        "inputs: {type: object, properties: {amount: {type: integer}}}",
    )
    run = await begun(engine, wanted, amount=3)
    assert (run.graph, run.definition, run.status) == ("w@1.2.0", wanted.hash, "waiting_approval")
    other = engine_on(database)

    def edit(**args: Any) -> Answer:
        return Answer(decisions=(Edit(edited_action=EditedAction(name="ask", args=args)),))

    with pytest.raises(AnswerRefused, match="to may not be changed; allowed: amount"):
        await other.answer(run.id, None, edit(amount=9, to="eve"), "ann")
    await other.answer(run.id, None, edit(amount=9, to="bob"), "ann")
    done = await other.advance(run.id)
    assert (done.status, done.output) == ("completed", {"outputs": {"paid": 9, "way": "case 1"}})
    assert await statuses(engine, run.id) == {"ask": "completed", "wide": "completed"}
    found = await engine.workflows.find("w", "1.2.0")
    assert found is not None
    assert (found.text, found.hash) == (wanted.text, wanted.hash)
    assert [each.runs for each in await engine.workflows.versions("w")] == [1]


async def test_an_event_that_came_early_is_kept(engine: Engine) -> None:
    """Each event ends one wait, the oldest of its name: sent before the step waits, and while the run is put away."""
    wanted = workflow(
        """
        {id: first, type: wait, event: "paid-${workflow.order}"}
        {id: second, type: wait, event: paid-7, depends_on: [first]}
        """,
        "inputs: {type: object, properties: {order: {type: integer}}}",
    )
    run = await engine.workflows.start(wanted, {"order": 7}, RunContext(), actor="ann")
    await engine.send_event(run.id, "paid-7", {"n": 1}, actor="bank")
    put_away = await engine.advance(run.id)
    assert (put_away.status, put_away.wakes_at, put_away.answered) == ("paused", None, False)
    assert await statuses(engine, run.id) == {"first": "completed", "second": "waiting"}
    assert (await engine.advance(run.id)).status == "paused"  # nothing came: it stays where it is
    await engine.send_event(run.id, "other", {}, actor="bank")
    assert not (await engine.show(run.id)).run.answered
    sent = await engine.send_event(run.id, "paid-7", {"n": 2}, actor="bank")
    assert sent.answered
    done = await engine.advance(run.id)
    assert done.output == {"outputs": {"second": {"n": 2}}}
    with pytest.raises(RunError, match="completed: it waits for no event"):
        await engine.send_event(run.id, "paid-7", {}, actor="bank")


async def test_a_transient_event_counts_only_while_it_is_waited_for(engine: Engine) -> None:
    """One that came before is left for other waits; the wait goes on, also when the run is taken up in between."""
    wanted = workflow(
        """
        {id: first, type: wait, event: bell, transient: true}
        {id: second, type: wait, event: bell, depends_on: [first]}
        """
    )
    run = await engine.workflows.start(wanted, {}, RunContext(), actor="ann")
    await engine.send_event(run.id, "bell", {"n": 1}, actor="bob")
    for _ in range(2):
        await engine.advance(run.id)
        assert await statuses(engine, run.id) == {"first": "waiting"}
    sent = await engine.send_event(run.id, "bell", {"n": 2}, actor="bob")
    assert sent.answered
    done = await engine.advance(run.id)
    assert done.output == {"outputs": {"second": {"n": 1}}}
    taken = [row.result for row in (await engine.show(run.id)).steps if row.path == "first"]
    assert taken[0] is not None
    assert taken[0]["output"] == {"n": 2}


async def test_an_event_and_its_time_have_one_winner(engine: Engine, database: Database) -> None:
    """Once the time is over, the step fails with `timeout`, is not tried again, and a late event changes nothing."""
    step = "{id: a, type: wait, event: paid, event_timeout: 3600}"
    run = await begun(engine, workflow(step))
    assert run.wakes_at is not None
    assert run.wakes_at > datetime.now(UTC)
    await change(database, "UPDATE waits SET wakes_at = now() WHERE run_id = %s", run.id)
    await engine.send_event(run.id, "paid", {}, actor="bank")
    ended = await engine.advance(run.id)
    assert (ended.status, ended.error) == ("failed", "a: The event 'paid' did not come in time.")
    assert [step.attempts for step in (await engine.show(run.id)).steps] == [1]

    in_time = await begun(engine, workflow(step))
    await engine.send_event(in_time.id, "paid", {"by": "card"}, actor="bank")
    await change(database, "UPDATE waits SET wakes_at = now() WHERE run_id = %s", in_time.id)
    assert (await engine.advance(in_time.id)).output == {"outputs": {"a": {"by": "card"}}}


async def test_runs_are_due_when_what_they_wait_for_has_come(engine: Engine, database: Database) -> None:
    """An answer, an event, a time that is over, or an approval whose time is; not before, and not once it has ended."""
    steps = {
        "answer": "{id: a, type: human_approval, message: Pay?}",
        "event": "{id: a, type: wait, event: paid}",
        "time": "{id: a, type: wait, duration: 3600}",
        "timeout": "{id: a, type: human_approval, message: Pay?, approval: {timeout: 3600, on_timeout: approve}}",
    }
    runs = {name: await begun(engine, workflow(step)) for name, step in steps.items()}
    assert not await engine.due_runs()
    await engine.answer(runs["answer"].id, None, YES, "ann")
    await engine.send_event(runs["event"].id, "paid", {}, actor="bank")
    await change(database, "UPDATE waits SET wakes_at = now() WHERE run_id = %s", runs["time"].id)
    await change(database, "UPDATE approvals SET expires_at = now() WHERE run_id = %s", runs["timeout"].id)
    assert {run.id for run in await engine.due_runs()} == {run.id for run in runs.values()}
    for run in runs.values():
        assert (await engine.advance(run.id)).status == "completed"
    assert not await engine.due_runs()


async def test_an_event_without_a_field_that_an_output_names(engine: Engine) -> None:
    """The run fails in plain words that name the output; what helps is a copy from the step that lacks the field."""
    step = "{id: bank, type: wait, event: paid}"
    run = await begun(engine, workflow(step, "outputs: {receipt: $bank.receipt}"))
    await engine.send_event(run.id, "paid", {}, actor="bank")
    failed = await engine.advance(run.id)
    assert failed.status == "failed"
    assert (failed.error or "").startswith("outputs.receipt: $bank.receipt leads to nothing: $bank has no 'receipt'")
    assert (failed.fork_at, failed.is_rejected) == ("bank", False)
    document = run_document(await engine.show(run.id), None, exit_code(failed))
    assert (document.exit_code, document.outputs) == (1, None)
    (command,) = document.commands
    assert command.endswith(f" fork {run.id} --at bank")

    copy = await engine.fork(run.id, actor="ann", at="bank")
    await engine.advance(copy.id)
    await engine.send_event(copy.id, "paid", {"receipt": "A"}, actor="bank")
    assert (await engine.advance(copy.id)).output == {"outputs": {"receipt": "A"}}


async def test_the_files_of_a_run_are_told(engine: Engine, tmp_path: Path) -> None:
    """The summary names the folder in which steps wrote, and none where they wrote nothing."""
    run = await begun(engine, workflow("{id: a, type: wait, duration: 0}"))
    view = await engine.show(run.id)
    (tmp_path / run.id).mkdir()
    assert run_document(view, None, 0, folders=tmp_path).folder is None
    (tmp_path / run.id / "chart.png").write_bytes(b"x")
    document = run_document(view, None, 0, folders=tmp_path)
    out = StringIO()
    console = Console(file=out, width=300)
    summarise(Screen(out=console, err=console), document)
    assert f"files {tmp_path / run.id}" in " ".join(out.getvalue().split())


async def test_a_rejection_that_nobody_handles(engine: Engine) -> None:
    """The run fails with the code of rejected work; a copy asks again, before the first step as well."""
    ask = "{id: ask, type: human_approval, message: Pay?}"
    for wanted in (workflow(ask), workflow("{id: ask, type: wait, duration: 0}", "require_approval: true")):
        run = await begun(engine, wanted)
        offered = run_document(await engine.show(run.id), None, exit_code(run)).commands
        assert not [command for command in offered if "edit" in command], "nothing is shown that could be changed"
        await engine.answer(run.id, None, Answer(decisions=(Reject(message="Too much."),)), "bob")
        failed = await engine.advance(run.id)
        assert (failed.status, failed.is_rejected, failed.fork_at) == ("failed", True, "ask")
        document = run_document(await engine.show(run.id), None, exit_code(failed))
        assert document.exit_code == NOT_ESTABLISHED
        assert [command.split(" run_workflow ")[1] for command in document.commands] == [f"fork {run.id} --at ask"]
        copy = await engine.fork(run.id, actor="ann", at="ask")
        assert (await engine.advance(copy.id)).status == "waiting_approval"


async def test_a_run_that_waits_for_a_time_is_put_away(engine: Engine, database: Database) -> None:
    """Beside it an approval is answered; the time, once over, leads on without an answer."""
    wanted = workflow(
        """
        {id: pause, type: wait, duration: 3600}
        {id: ask, type: human_approval, message: May it?}
        """
    )
    run = await begun(engine, wanted)
    assert run.status == "waiting_approval"
    await engine.answer(run.id, None, YES, "ann")
    run = await engine.advance(run.id)
    assert run.status == "paused"
    assert run.wakes_at is not None
    assert (await engine.advance(run.id)).wakes_at == run.wakes_at  # too early: it stays where it is
    await change(database, "UPDATE waits SET wakes_at = now() WHERE run_id = %s", run.id)
    done = await engine.advance(run.id)
    assert done.status == "completed"
    assert set((done.output or {})["outputs"]) == {"pause", "ask"}
    assert {step.attempts for step in (await engine.show(run.id)).steps} == {1}


async def test_who_may_start_and_who_approves_the_start(engine: Engine) -> None:
    """Others than `allowed_users` are refused at once; with `require_approval` nothing runs before a yes."""
    wanted = workflow("{id: a, type: wait, duration: 0}", "allowed_users: [ann]\nrequire_approval: {approvers: [boss]}")
    with pytest.raises(NotAllowed, match="eve may not start w"):
        await engine.workflows.start(wanted, {}, RunContext(), actor="eve")
    run = await begun(engine, wanted)
    assert await statuses(engine, run.id) == {"workflow.start": "waiting"}
    with pytest.raises(AnswerRefused, match="ann may not answer"):
        await engine.answer(run.id, None, YES, "ann")
    await engine.answer(run.id, None, YES, "boss")
    assert (await engine.advance(run.id)).status == "completed"


async def test_the_time_that_a_run_may_work(engine: Engine, database: Database) -> None:
    """It counts over all stretches, waiting left out; past it the run ends as `timed_out`, for good."""
    wanted = workflow("{id: ask, type: human_approval, message: Go on?}", "timeout: 50")
    run = await begun(engine, wanted)
    await change(database, "UPDATE runs SET worked = worked + 50 WHERE id = %s", run.id)
    await engine.answer(run.id, None, YES, "ann")
    ended = await engine.advance(run.id)
    assert ended.status == "timed_out"
    assert "The time that w may work, 50 s, is over." in str(ended.error)
    with pytest.raises(RunError, match="has ended"):
        await engine.advance(run.id)


async def test_a_run_that_is_stopped_goes_on_with_the_steps_in_progress(engine: Engine) -> None:
    """They are `pending` meanwhile, and no step that depends on them runs without them; a cancelled run has none."""
    many = workflow(
        """
        {id: each, type: loop, for_each: workflow.items, results: all, steps: [{id: nap, type: wait, duration: 0}]}
        {id: after, type: wait, duration: 0, depends_on: [each]}
        """,
        "inputs: {type: object, properties: {items: {}}}\noutputs: {all: $each, after: $after}",
    )
    run = await engine.workflows.start(many, {"items": list(range(60))}, RunContext(), actor="ann")
    seen = asyncio.Event()

    def watch(event: Progress) -> None:
        if event.path == "each[9].nap":
            seen.set()

    working = asyncio.create_task(engine.advance(run.id, watch=watch))
    await seen.wait()
    working.cancel()
    await asyncio.wait([working])
    stopped = await engine.show(run.id)
    assert (stopped.run.status, {step.path: step.status for step in stopped.steps}["each"]) == ("paused", "pending")
    ended = await engine.advance(run.id)
    assert (ended.status, len((ended.output or {})["outputs"]["all"])) == ("completed", 60)
    assert {step.attempts for step in (await engine.show(run.id)).steps if step.path.startswith("each[2")} == {1}


async def test_a_workflow_as_a_step(engine: Engine) -> None:
    """Its inputs are checked, its waits are the run's, its steps stand below its path, its outputs come back."""
    inner = pinned(
        "name: inner\ninputs: {type: object, properties: {n: {type: integer}, m: {type: integer, default: 2}}}\n"
        "outputs: {both: '${workflow.n}-${workflow.m}', ok: $ask.decision}\n"
        "steps:\n  - {id: ask, type: human_approval, message: 'n is ${workflow.n}', show: {n: workflow.n}}\n",
        "inner.yaml",
        {},
    )
    wanted = workflow(
        """
        {id: sub, type: workflow, workflow: inner, input_mapping: {n: 4}}
        {id: bad, type: workflow, workflow: inner, input_mapping: {n: x}, error_handlers: [{step: mend}]}
        {id: mend, type: wait, duration: 0}
        """,
        "outputs: {is: $sub.both}",
        inner=inner,
    )
    assert wanted.hash != wanted.definition.definition_hash
    run = await begun(engine, wanted)
    (asked,) = [each for each in (await engine.show(run.id)).approvals if each.status == "pending"]
    assert (asked.request.action.name, asked.request.action.description) == ("sub.ask", "n is 4")
    edit = Edit(edited_action=EditedAction(name="sub.ask", args={"n": 1, "other": 2}))
    with pytest.raises(AnswerRefused, match="other may not be changed"):
        await engine.answer(run.id, None, Answer(decisions=(edit,)), "ann")
    await engine.answer(run.id, None, YES, "ann")
    done = await engine.advance(run.id)
    assert done.output == {"outputs": {"is": "4-2"}}
    failed = next(step for step in (await engine.show(run.id)).steps if step.path == "bad")
    assert 'n: "x" is not of type "integer"' in str(failed.error)


async def test_a_copy_keeps_what_does_not_come_after_its_step(engine: Engine) -> None:
    """Steps before and beside are not run again; the inputs that are changed are checked."""
    wanted = workflow(
        """
        {id: one, type: wait, duration: 0}
        {id: turns, type: loop, for_each: workflow.items, depends_on: [one], steps: [{id: in, type: wait, duration: 0}]}
        {id: last, type: wait, duration: 0, depends_on: [turns]}
        """,
        "inputs: {type: object, properties: {items: {type: array}}}",
    )
    run = await begun(engine, wanted, items=[1, 2])
    with pytest.raises(RunError, match="no input 'item'"):
        await engine.fork(run.id, actor="ann", at="turns", changes={"item": []})
    with pytest.raises(RunError, match="There is no step 'in'"):
        await engine.fork(run.id, actor="ann", at="in")
    copy = await engine.fork(run.id, actor="ann", at="turns", changes={"items": [1]})
    assert await statuses(engine, copy.id) == {"one": "completed"}
    assert (await engine.advance(copy.id)).status == "completed"
    assert list(await statuses(engine, copy.id)) == ["one", "turns", "turns[0].in", "last"]


async def test_a_cancelled_run_waits_for_nothing(engine: Engine) -> None:
    """What waited is cancelled, and an event finds nobody."""
    run = await begun(engine, workflow("{id: a, type: wait, event: paid}"))
    assert (await engine.cancel(run.id, "ann")).status == "cancelled"
    assert await statuses(engine, run.id) == {"a": "cancelled"}
    with pytest.raises(RunError, match="cancelled"):
        await engine.send_event(run.id, "paid", {}, actor="bank")
