"""Runs of workflows that a server drives: bound to their definition, undone, told of, answered, woken by events."""

import json
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, StateSnapshot

from graphs.workflow.compiler import refused, shape
from graphs.workflow.entry import WorkflowEntry
from graphs.workflow.pinned import Pinned, pinned
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Asked, Start
from run_workflow.engine.views import RunView
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import NotAllowed, RunError, StrettoError
from state.ports import Network
from state.runs import Json
from state.tools import RegisteredTool
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK, change, until
from tools.memory import SystemClock

pytestmark = pytest.mark.slow

T = "01a1fcfa-386c-7747-bea6-e45cd63acf02"
YES: Json = {"decisions": [{"type": "approve"}]}
HEAD = """
name: w
on_failure: rollback
webhook_endpoints: [{url: "https://one.example/", events: ["*"]}]
"""
DONE = "{id: a, type: wait, duration: 0, rollback_actions: [{tool: undo}]}"
FAILS = "{id: b, type: wait, until: $a.until.x, depends_on: [a], retry_policy: {max_attempts: 1}}"
ASKS = "{id: yes, type: human_approval, message: May it?}, {id: also, type: human_approval, message: And this?}"
WAITS = "{id: e, type: wait, event: paid}"


class Registry:
    """The tools `undo` and `webhook`: they note what they are called with."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def ready(self, names: Iterable[str]) -> None:
        pass

    def names(self) -> Sequence[str]:
        return ["undo", "webhook"]

    def find(self, name: str) -> RegisteredTool:
        raise AssertionError(name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        self.called.append(json.loads(input["body"])["type"] if name == "webhook" else name)


class Served:
    """What a server does: it keeps the threads, and streams the workflow for its clients."""

    def __init__(self, database: Database) -> None:
        self.tools, self.saver = Registry(), InMemorySaver()
        network = Network(toolbox=lambda _: self.tools)
        self.engine = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)

    async def run(self, wanted: Pinned, start: Start = None, *, actor: str | None = None, kept: bool = True) -> RunView:
        """One run of the thread, as a client asks for it; how it stands then."""
        asked = Asked(start, RunContext(), actor, None, kept, refused)
        async with self.engine.lend(T, wanted, asked) as (ports, loan):
            app = WorkflowEntry(wanted).build(ports).compile(checkpointer=self.saver)
            config: Json = {"configurable": {"thread_id": T}}
            async with aclosing(loan.work(app, asked, config, {})) as parts:  # type: ignore[arg-type]
                async for _ in parts:
                    pass
        return await self.engine.show(T)

    async def shown(self) -> dict[str, str]:
        """The words of what the thread asks now, by id."""
        snapshot: StateSnapshot = await (
            shape().compile(checkpointer=self.saver).aget_state({"configurable": {"thread_id": T}})
        )
        return {each.id: each.value["action_requests"][0]["description"] for each in snapshot.interrupts}

    async def can_go_on(self) -> bool:
        """Whether what the run waits for has come."""
        return [(each.run_id, each.graph) for each in await self.engine.answered_loans()] == [(T, "w")]


@pytest.fixture
def served(database: Database) -> Served:
    """A server on a fresh database."""
    return Served(database)


def workflow(steps: str, head: str = HEAD) -> Pinned:
    return pinned(f"{head}\nsteps: [{steps}]\n", "w.yaml", {})


async def test_a_run_that_fails_is_undone_and_told_of(served: Served) -> None:
    """Terms are kept with the row: what was done is undone, and programs are told; no step runs after that."""
    wanted = workflow(f"{DONE}, {FAILS}")
    with pytest.raises(StrettoError):
        await served.run(wanted, {"inputs": {}})
    view = await served.engine.show(T)
    assert (view.run.status, view.run.graph) == ("rolled_back", "w@1.0.0 (server)")
    assert [(step.path, step.status) for step in view.steps][:2] == [("a", "compensated"), ("b", "failed")]
    assert served.tools.called.count("undo") == 1
    assert {"run.created", "run.lent", "run.rolling_back", "run.rolled_back"} <= set(served.tools.called)
    with pytest.raises(RunError, match=r"The run is rolled_back.*Begin a new thread"):
        await served.run(wanted)
    assert (await served.engine.show(T)).run.status == "rolled_back"


async def test_a_run_keeps_the_definition_that_it_began_with(served: Served) -> None:
    """The definition is stored: it is there for the next stretch, whatever the file says by then."""
    wanted = workflow(ASKS)
    await served.run(wanted, {"inputs": {}})
    found = await served.engine.workflows.begun(T, "w")
    assert found is not None
    assert found.hash == wanted.hash
    assert await served.engine.workflows.begun(T, "other") is None
    for refused_here in (served.engine.fork(T, actor="ann"), served.engine.advance(T)):
        with pytest.raises(RunError, match="LangGraph server drives this run"):
            await refused_here
    with pytest.raises(RunError, match=r"This is a run of w@1\.0\.0 \(server\)\. Begin a new thread"):
        await served.run(workflow(ASKS, "name: other"), {"inputs": {}})


async def test_answers_are_taken_in_any_order(served: Served) -> None:
    """Of two requests the one that is named is answered; a refusal is shown on the one that was meant."""
    wanted = workflow(ASKS)
    view = await served.run(wanted, {"inputs": {}})
    ids = {each.request.action.name: each.id for each in view.approvals}
    await served.run(wanted, Command(resume={ids["also"]: {"decisions": [{"type": "nod"}]}}))
    told = await served.shown()
    assert told[ids["yes"]] == "May it?"
    assert told[ids["also"]].startswith("The last answer was not taken: This is no answer: decisions.0")
    await served.run(wanted, Command(resume=YES))
    assert "Several requests are pending." in str(await served.shown()), "a bare answer is given to neither"
    await served.run(wanted, Command(resume={ids["also"]: YES}))
    assert set(await served.shown()) == {ids["yes"]}
    assert (await served.run(wanted, Command(resume=YES), actor="ann")).run.status == "completed"


async def test_an_event_takes_a_run_on(served: Served) -> None:
    """A run that waits for an event goes on when it has come; an answer is not taken for one."""
    wanted = workflow(WAITS, "name: w")
    view = await served.run(wanted, {"inputs": {}})
    assert (view.run.status, [wait.event for wait in view.waits]) == ("paused", ["paid"])
    assert (await served.run(wanted, Command(resume=YES))).run.status == "paused"
    assert not await served.can_go_on()
    await served.engine.send_event(T, "paid", {"sum": 5}, actor="ann")
    assert await served.can_go_on()
    view = await served.run(wanted)
    assert (view.run.status, view.run.output) == ("completed", {"outputs": {"e": {"sum": 5}}})


async def test_a_time_that_is_over_takes_a_run_on(served: Served, database: Database) -> None:
    """Nobody needs to do anything: the run is listed as one to go on with when its time has come."""
    wanted = workflow("{id: t, type: wait, duration: 3600}", "name: w")
    assert (await served.run(wanted, {"inputs": {}})).run.status == "paused"
    assert not await served.can_go_on()
    await change(database, "UPDATE waits SET wakes_at = now() WHERE run_id = %s", T)
    await until(served.can_go_on)
    assert (await served.run(wanted)).run.status == "completed"


async def test_a_run_that_waits_and_is_cancelled_is_undone(served: Served) -> None:
    """The command line undoes what the server did; the server does not go on with it."""
    wanted = workflow(f"{DONE}, {{id: e, type: wait, event: paid, depends_on: [a]}}")
    await served.run(wanted, {"inputs": {}})
    assert (await served.engine.cancel(T, "ann")).status == "rolled_back"
    assert served.tools.called.count("undo") == 1
    with pytest.raises(RunError, match="The run is rolled_back"):
        await served.run(wanted)


async def test_who_may_not_start_it_cannot(served: Served) -> None:
    """`allowed_users` holds for whom the server knows, and for whom it does not; nothing is made."""
    wanted = workflow(DONE, "name: w\nallowed_users: [ann]")
    for actor in ("bob", None):
        with pytest.raises(NotAllowed, match=r"may not start w\..*Ask ann"):
            await served.run(wanted, {"inputs": {}}, actor=actor)
    assert not await served.engine.list_runs()
    assert (await served.run(wanted, {"inputs": {}}, actor="ann")).run.status == "completed"


async def test_a_run_that_takes_too_long_is_timed_out(served: Served) -> None:
    """The time that a workflow may work is its end on a server too."""
    turns = "{id: c, type: loop, while: 'true', loop_max_iterations: 99999, steps: [{id: d, type: wait, duration: 0}]}"
    with pytest.raises(StrettoError, match="is over"):
        await served.run(workflow(turns, "name: w\ntimeout: 0.3"), {"inputs": {}})
    assert (await served.engine.show(T)).run.status == "timed_out"


async def test_a_run_whose_thread_is_not_kept_cannot_wait(served: Served) -> None:
    """Nobody could go on with it: that is a failure, and says so."""
    with pytest.raises(RunError, match="its thread is not kept"):
        await served.run(workflow(WAITS, "name: w"), {"inputs": {}}, kept=False)
