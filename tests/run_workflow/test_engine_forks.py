"""Forks: a new run goes on from a point of another one."""

from pathlib import Path

import pytest

from run_workflow.postgres.database import Database
from state.errors import RunError
from state.runs import Answer, Approve
from tests.run_workflow.engine_graphs import ASKS, PLAIN, engine_on, lines, rows

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))


async def test_fork_at_a_node_with_changes(database: Database, tmp_path: Path) -> None:
    """The fork has the changed state, runs the node and what follows, and makes no call again."""
    engine = engine_on(database)
    run = await engine.start("trial", {"calls": str(tmp_path / "calls")}, PLAIN, actor="ann")
    original = await engine.advance(run.id)
    before = lines(tmp_path / "calls")
    fork = await engine.fork(run.id, at="spread", changes={"plan": "new plan", "done": ["extra"]}, actor="bob")
    assert (fork.parent, fork.status, fork.input) == (run.id, "initializing", run.input)
    ended = await engine.advance(fork.id)
    assert ended.output == {"report": "new plan: extra, said branches/a, said branches/b, said branches/c"}
    assert lines(tmp_path / "calls") == before
    view = await engine.show(fork.id)
    assert [step.path for step in view.steps if not step.path.startswith("branches/")] == []
    assert view.usage.model_calls == 0
    parent = await engine.show(run.id)
    assert (parent.children, parent.run.output) == ((fork.id,), original.output)
    last = (await engine.timeline(run.id))[-1].event
    first = (await engine.timeline(fork.id))[0].event
    assert last is not None
    assert first is not None
    assert (last.event, last.actor, last.data["child"]) == ("run.forked", "bob", fork.id)
    assert (first.event, first.data["parent"], first.data["at"]) == ("run.created", run.id, "spread")
    assert await engine.verify_audit(run.id) is None
    assert await engine.verify_audit(fork.id) is None


async def test_a_changed_input_is_the_input_of_the_fork(database: Database) -> None:
    """What is changed of what the run was asked stands in the fork's row, so that lists show the new question."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.0, "fail": ""}, PLAIN, actor="ann")
    await engine.advance(run.id)
    fork = await engine.fork(run.id, at="spread", changes={"pause": 0.25, "plan": "mine"}, actor="bob")
    assert (fork.input, fork.definition) == ({"pause": 0.25, "fail": ""}, "d1")
    assert (await engine.show(run.id)).run.input == {"pause": 0.0, "fail": ""}


async def test_fork_keeps_what_runs_next(database: Database) -> None:
    """Changes do not decide anew where the run goes: a node reached by Command(goto=...) is run all the same."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, ASKS, actor="ann")
    await engine.advance(run.id)
    fork = await engine.fork(run.id, changes={"plan": "mine"}, actor="bob")
    waiting = await engine.advance(fork.id)
    assert waiting.status == "waiting_approval"
    view = await engine.show(fork.id)
    assert view.approvals[0].request.action.args == {"plan": "mine"}
    await engine.answer(fork.id, None, YES, "bob")
    assert ((await engine.advance(fork.id)).output or {})["report"].startswith("mine: approve by bob")
    assert (await engine.show(run.id)).approvals[0].status == "pending"


async def test_fork_of_a_fork_keeps_both_changes(database: Database) -> None:
    """A second fork at the same point adds to the changes of the first."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    first = await engine.fork(run.id, at="finish", changes={"done": ["one"]}, actor="ann")
    second = await engine.fork(first.id, changes={"done": ["two"], "plan": "p"}, actor="ann")
    output = (await engine.advance(second.id)).output or {}
    assert output["report"] == "p: said branches/a, said branches/b, said branches/c, one, two"
    alone = (await engine.advance(first.id)).output or {}
    assert alone["report"] == "said plan: said branches/a, said branches/b, said branches/c, one"


async def test_fork_at_a_branch_runs_its_siblings_too(database: Database) -> None:
    """The point before a fan-out is one: all its branches run again, their calls from the journal."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    fork = await engine.fork(run.id, at="branch", actor="ann")
    assert (await engine.advance(fork.id)).output == (await engine.show(run.id)).run.output
    assert len((await engine.show(fork.id)).steps) == 3


async def test_fork_at_a_checkpoint(database: Database) -> None:
    """A checkpoint may be named by its id."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    found = await rows(database, "SELECT checkpoint_id AS id FROM checkpoints ORDER BY checkpoint_id")
    fork = await engine.fork(run.id, at=found[1]["id"], changes={"plan": "ignored: plan writes it"}, actor="ann")
    assert (await engine.advance(fork.id)).output == (await engine.show(run.id)).run.output


async def test_fork_where_there_is_nothing(database: Database) -> None:
    """A node that the run never came to, the end of a run, and a run that was never begun are refused."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    with pytest.raises(RunError, match="Nodes it came to: none yet"):
        await engine.fork(run.id, actor="ann")
    await engine.advance(run.id)
    with pytest.raises(RunError, match="Nodes it came to: plan, approve, spread, branch, finish"):
        await engine.fork(run.id, at="fnish", actor="ann")
    with pytest.raises(RunError, match="nothing is left to do"):
        await engine.fork(run.id, actor="ann")


async def test_changes_must_fit_the_state(database: Database) -> None:
    """A change of a field that is not there, or of the wrong type, is refused and nothing is made."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    with pytest.raises(RunError, match=r"The state has no 'plans'\. It has: calls, done"):
        await engine.fork(run.id, at="finish", changes={"plans": "x"}, actor="ann")
    with pytest.raises(RunError, match=r"changes, done\.0: "):
        await engine.fork(run.id, at="finish", changes={"done": [1]}, actor="ann")
    assert len(await engine.list_runs()) == 1
