"""The life of a run: start, advance, fail, drain, cancel; what is refused and what is written."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import DefinitionChanged, LeaseLost, RunError, RunHeld, UnknownRun
from state.ports import Ports
from state.runs import Answer, Approve, Json, Progress
from tests.run_workflow.engine_graphs import (
    ASKS,
    PLAIN,
    Entry,
    TrialState,
    engine_on,
    lines,
    rows,
    trial_graph,
    until,
)

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))


async def test_whole_life(database: Database, tmp_path: Path) -> None:
    """A run stops for its approval, goes on with the answer, and ends with output, steps, usage and events."""
    engine = engine_on(database)
    made = await engine.start("trial", {"calls": str(tmp_path / "calls")}, ASKS, actor="ann")
    assert (made.status, made.holder) == ("initializing", None)
    watched: list[Progress] = []
    waiting = await engine.advance(made.id, watch=watched.append)
    assert (waiting.status, waiting.holder) == ("waiting_approval", None)
    assert [event.path for event in watched] == ["plan"]
    record = await engine.answer(made.id, None, YES, "bob")
    assert (record.status, record.answered_by, record.point) == ("answered", "bob", "plan")
    ended = await engine.advance(made.id, watch=watched.append)
    assert (ended.status, ended.error) == ("completed", None)
    assert ended.output == {"report": "said plan: approve by bob, said branches/a, said branches/b, said branches/c"}
    assert {event.path for event in watched} == {"plan", "branches/a", "branches/b", "branches/c"}
    view = await engine.show(made.id)
    assert [(step.path, step.status, step.attempts) for step in view.steps[:1]] == [("plan", "completed", 1)]
    assert (len(view.steps), view.usage.model_calls, view.usage.money) == (4, 5, 2.5)
    timeline = await engine.timeline(made.id)
    assert [entry.event.event for entry in timeline if entry.event] == [
        "run.created",
        "run.started",
        "approval.requested",
        "run.waiting",
        "approval.answered",
        "run.resumed",
        "run.completed",
    ]
    assert [entry.at for entry in timeline] == sorted(entry.at for entry in timeline)
    assert await engine.verify_audit(made.id) is None
    assert sorted(lines(tmp_path / "calls")) == sorted(set(lines(tmp_path / "calls")))


async def test_waiting_run_is_not_touched_without_an_answer(database: Database) -> None:
    """Advancing a run that waits changes nothing: no event, no new fence."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, ASKS, actor="ann")
    await engine.advance(run.id)
    before = await rows(database, "SELECT fence, audit_seq, updated_at FROM runs")
    assert (await engine.advance(run.id)).status == "waiting_approval"
    assert await rows(database, "SELECT fence, audit_seq, updated_at FROM runs") == before


async def test_dedup_key_gives_the_same_run(database: Database) -> None:
    """The same key means the same run, also when two ask at once; another input or graph is refused."""
    engine = engine_on(database, Entry(), Entry(name="other"))
    asked = [engine.start("trial", {"pause": 0.0}, PLAIN, dedup_key="k", actor="ann") for _ in range(4)]
    made = await asyncio.gather(*asked)
    assert len({run.id for run in made}) == 1
    with pytest.raises(RunError, match="used for another"):
        await engine.start("trial", {"pause": 1.0}, PLAIN, dedup_key="k", actor="ann")
    with pytest.raises(RunError, match="used for another"):
        await engine.start("other", {"pause": 0.0}, PLAIN, dedup_key="k", actor="ann")


async def test_ids_are_in_order_and_newest_runs_come_first(database: Database) -> None:
    """Run ids sort by time, and the list shows the newest, filtered by status."""
    engine = engine_on(database)
    made = []
    for _ in range(3):
        made.append((await engine.start("trial", {}, PLAIN, actor="ann")).id)
        await asyncio.sleep(0.002)
    assert made == sorted(made)
    assert all(len(run_id) == 13 for run_id in made)
    assert [run.id for run in await engine.list_runs(2)] == made[:0:-1]
    await engine.advance(made[1])
    assert [run.id for run in await engine.list_runs(standing="completed")] == [made[1]]


async def test_unknown_run_and_graph(database: Database) -> None:
    """A run or graph that is not there is named."""
    engine = engine_on(database)
    for asked in (engine.show("r0"), engine.advance("r0"), engine.cancel("r0", "ann"), engine.timeline("r0")):
        with pytest.raises(UnknownRun, match="'r0'"):
            await asked
    with pytest.raises(RunError, match="Known: trial"):
        await engine.start("tril", {}, PLAIN, actor="ann")


async def test_failed_run_goes_on_where_it_failed(database: Database, tmp_path: Path) -> None:
    """An error is recorded without secrets and raised; the next advance runs only what is missing."""
    engine, fire = engine_on(database), tmp_path / "fire"
    fire.touch()
    given: Json = {"calls": str(tmp_path / "calls"), "fail": str(fire)}
    run = await engine.start("trial", given, PLAIN, actor="ann")
    with pytest.raises(OSError, match="on fire"):
        await engine.advance(run.id)
    failed = (await engine.show(run.id)).run
    assert (failed.status, failed.holder) == ("failed", None)
    assert failed.error == "OSError: the disk is on fire, key •••"
    assert "running" not in {step.status for step in (await engine.show(run.id)).steps}
    fire.unlink()
    assert (await engine.advance(run.id)).status == "completed"
    steps = {step.path: step.attempts for step in (await engine.show(run.id)).steps}
    assert (steps["plan"], steps["branches/b"]) == (1, 2)
    recorded = [line for line in lines(tmp_path / "calls") if line.startswith("recorded")]
    assert len(recorded) == len(set(recorded))


async def test_own_errors_become_a_status(database: Database) -> None:
    """A StrettoError of the run is recorded with its place and remedy, and not raised."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def node(state: TrialState) -> Json:
            raise RunError("It cannot be.", place="here", remedy="Do this.")

        graph = StateGraph(TrialState, RunContext)
        graph.add_node("node", node)
        graph.add_edge(START, "node")
        return graph

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    failed = await engine.advance(run.id)
    assert (failed.status, failed.error) == ("failed", "here: It cannot be. Do this.")


async def test_error_while_building_is_recorded(database: Database) -> None:
    """A graph that cannot be built fails the run and frees it."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        raise ZeroDivisionError("built wrong")

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    with pytest.raises(ZeroDivisionError):
        await engine.advance(run.id)
    assert (await engine.show(run.id)).run.error == "ZeroDivisionError: built wrong"


async def test_ended_run_is_refused(database: Database) -> None:
    """A completed run cannot be advanced or cancelled, and its events say so no second time."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    seen = len(await engine.timeline(run.id))
    with pytest.raises(RunError, match="it is completed"):
        await engine.advance(run.id)
    with pytest.raises(RunError, match="it is completed"):
        await engine.cancel(run.id, "ann")
    assert len(await engine.timeline(run.id)) == seen


async def test_a_run_is_bound_to_a_definition_when_it_begins(database: Database) -> None:
    """Making a run does not ask for the definition, which is slow to have; whoever begins it binds it to theirs."""
    run = await engine_on(database).start("trial", {}, ASKS, actor="ann")
    assert run.definition == ""
    begun = await engine_on(database, Entry(definition="d2")).advance(run.id)
    assert begun.definition == "d2"


async def test_a_slow_definition_holds_no_transaction(database: Database) -> None:
    """A definition is made in a thread and before the row is locked: another process can read and write meanwhile."""
    on_main: list[bool] = []

    class Slow(Entry):
        def __getattribute__(self, name: str) -> object:
            if name == "definition":
                on_main.append(threading.current_thread() is threading.main_thread())
            return super().__getattribute__(name)

    engine = engine_on(database, Slow())
    run = await engine.start("trial", {}, ASKS, actor="ann")
    assert on_main == []
    await engine.advance(run.id)
    assert on_main[0] is False


async def test_other_definition_is_refused(database: Database) -> None:
    """A run goes on only with the definition that it began with."""
    run = await engine_on(database).start("trial", {}, ASKS, actor="ann")
    await engine_on(database).advance(run.id)
    await engine_on(database).answer(run.id, None, YES, "ann")
    newer = engine_on(database, Entry(definition="d2"))
    with pytest.raises(DefinitionChanged, match="d1, now d2"):
        await newer.advance(run.id)
    with pytest.raises(DefinitionChanged):
        await newer.fork(run.id, at="plan", actor="ann")
    assert (await engine_on(database).advance(run.id)).status == "completed"


async def test_drain_and_go_on(database: Database, tmp_path: Path) -> None:
    """A drain stops the run after the superstep at hand; the next advance repeats nothing."""
    engine, drain = engine_on(database), asyncio.Event()
    run = await engine.start("trial", {"calls": str(tmp_path / "calls")}, PLAIN, actor="ann")
    paused = await engine.advance(run.id, watch=lambda _event: drain.set(), drain=drain)
    assert (paused.status, paused.holder) == ("paused", None)
    assert lines(tmp_path / "calls") == ["made plan", "recorded plan"]
    assert (await engine.advance(run.id)).status == "completed"
    assert lines(tmp_path / "calls").count("made plan") == 1
    events = [entry.event.event for entry in await engine.timeline(run.id) if entry.event]
    assert events == ["run.created", "run.started", "run.paused", "run.resumed", "run.completed"]


async def test_cancelled_caller_leaves_a_paused_run(database: Database) -> None:
    """When the caller's task is cancelled (a second Ctrl-C), the run is free, paused, and can go on."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.3}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: _steps(database))
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    view = await engine.show(run.id)
    assert (view.run.status, view.run.holder, view.steps[0].status) == ("paused", None, "pending")
    assert (await engine.advance(run.id)).status == "completed"


async def _steps(database: Database) -> int:
    return len(await rows(database, "SELECT 1 FROM step_runs"))


async def test_cancel_a_waiting_run(database: Database) -> None:
    """Nobody works on it: it is cancelled at once and its request withdrawn; a second cancel changes nothing."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, ASKS, actor="ann")
    await engine.advance(run.id)
    assert (await engine.cancel(run.id, "bob")).status == "cancelled"
    assert (await engine.cancel(run.id, "bob")).status == "cancelled"
    view = await engine.show(run.id)
    assert [approval.status for approval in view.approvals] == ["withdrawn"]
    events = [entry.event for entry in await engine.timeline(run.id) if entry.event]
    assert [(event.event, event.actor) for event in events[-2:]] == [
        ("run.cancel_requested", "bob"),
        ("run.cancelled", "bob"),
    ]
    with pytest.raises(RunError, match="it is cancelled"):
        await engine.advance(run.id)


async def test_cancel_a_working_run(database: Database) -> None:
    """The engine that works on it stops its graph and says who asked."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 30.0}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: _steps(database))
    assert (await engine_on(database).cancel(run.id, "bob")).cancel_requested
    async with asyncio.timeout(5):
        assert (await working).status == "cancelled"
    view = await engine.show(run.id)
    assert [step.status for step in view.steps] == ["cancelled"]
    last = (await engine.timeline(run.id))[-1].event
    assert last is not None
    assert (last.event, last.actor) == ("run.cancelled", "bob")


async def test_second_caller_is_told_who_holds_the_run(database: Database) -> None:
    """Two at once: one does it, the other gets RunHeld, in the same engine and in another."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.3}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: _steps(database))
    for other in (engine, engine_on(database)):
        with pytest.raises(RunHeld, match=r"has worked on this run since .* its lease runs until"):
            await other.advance(run.id)
    assert ((await engine.show(run.id)).run.holder or "").count(":") == 1
    assert (await working).status == "completed"


async def test_twenty_runs_at_once(database: Database) -> None:
    """Twenty runs advance side by side in one process, each with its own result."""
    engine = engine_on(database)
    made = [await engine.start("trial", {"pause": 0.01}, PLAIN, actor="ann") for _ in range(20)]
    ended = await asyncio.gather(*(engine.advance(run.id) for run in made))
    assert {run.status for run in ended} == {"completed"}
    assert len({run.id for run in ended}) == 20
    assert [await engine.verify_audit(run.id) for run in made] == [None] * 20


class _Nested(TypedDict, total=False):
    text: str


async def test_events_of_nested_graphs_are_seen(database: Database) -> None:
    """Whoever watches also gets the events that a graph inside a node writes; other libraries' are left out."""

    async def inside(state: _Nested, runtime: Runtime[RunContext]) -> _Nested:
        runtime.stream_writer({"of": "somebody else"})
        runtime.stream_writer(Progress(path="inner", tool="search").model_dump())
        return {"text": "found"}

    inner = StateGraph(_Nested, RunContext)
    inner.add_node("inside", inside)
    inner.add_edge(START, "inside")
    agent = inner.compile()

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def node(state: _Nested, runtime: Runtime[RunContext]) -> _Nested:
            return {"text": (await agent.ainvoke({"text": ""}, context=runtime.context))["text"]}

        graph = StateGraph(_Nested, RunContext)
        graph.add_node("node", node)
        graph.add_edge(START, "node")
        graph.add_edge("node", END)
        return graph

    engine = engine_on(database, replace(Entry(), build=build))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    watched: list[Progress] = []
    assert (await engine.advance(run.id, watch=watched.append)).output == {"text": "found"}
    assert [(event.path, event.tool) for event in watched] == [("inner", "search")]


async def test_lost_lease_is_raised_even_if_the_graph_swallows_it(database: Database) -> None:
    """A run that was taken over stops with LeaseLost, whatever an error handler makes of the refused write."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def node(state: TrialState) -> Json:
            async with database.pool.connection() as connection:
                await connection.execute("UPDATE runs SET fence = fence + 1")
            try:
                await ports.ledger.begin("late")
            except LeaseLost:
                await asyncio.sleep(30)
            return {}

        graph = StateGraph(TrialState, RunContext)
        graph.add_node("node", node)
        graph.add_edge(START, "node")
        return graph

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    async with asyncio.timeout(5):
        with pytest.raises(LeaseLost, match="taken this run over"):
            await engine.advance(run.id)
    assert await _steps(database) == 0
    assert (await rows(database, "SELECT status FROM runs"))[0]["status"] == "running"


async def test_graph_is_built_from_the_ports_of_its_run(database: Database) -> None:
    """Each stretch of work gets ports that are bound to the run."""
    built: list[str] = []

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        built.append(ports.run_id)
        return trial_graph(ports)

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    assert built == [run.id]
