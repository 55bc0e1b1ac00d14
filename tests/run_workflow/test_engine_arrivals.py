"""Events, answers and times reach a run while a process works on it: another engine sends them, as another process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from graphs.workflow.pinned import Pinned, pinned
from run_workflow.engine.engine import Engine
from run_workflow.engine.leases import LeaseTimes
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import RunError
from state.ports import Network
from state.runs import Answer, Approve, Json, RunRecord, StepStatus
from state.tools import RegisteredTool
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK, engine_on, rows, until
from tools.memory import SystemClock

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))


class Registry:
    """Tools of a run: `set` gives back its input; `work` ends when it is released; calls are noted by what they are

    `of`.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stopped: list[str] = []
        self.released = asyncio.Event()

    def names(self) -> Sequence[str]:
        return ["set", "work"]

    def find(self, name: str) -> RegisteredTool:
        raise AssertionError(name)

    async def ready(self, names: Iterable[str]) -> None:
        """All are known."""

    async def aclose(self) -> None:
        """Nothing is open."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        self.calls.append(input["of"])
        if name == "work":
            try:
                await self.released.wait()
            finally:
                self.stopped.append(input["of"])
        return input


@pytest.fixture(name="tools")
def _tools() -> Registry:
    return Registry()


def act(id_: str, tool: str = "set", **more: Any) -> str:
    """A step of a definition that calls a tool."""
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    return f"{{id: {id_}, type: action, tool: {tool}, input_mapping: {{of: {id_}}}{rest}}}"


def workflow(steps: str, **uses: Pinned) -> Pinned:
    """A definition in few words."""
    return pinned(f"name: w\nsteps:\n{steps}", "w.yaml", uses)


@asynccontextmanager
async def working(
    database: Database, tools: Registry, wanted: Pinned, on: str = "work", times: LeaseTimes = QUICK
) -> AsyncIterator[tuple[str, Engine, Callable[[], Awaitable[RunRecord]]]]:
    """A run whose step `on` is at work in one engine, another engine, and how the run ends."""
    network = Network(toolbox=lambda _: tools)
    driver = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=times)
    other = engine_on(database)
    run = await driver.workflows.start(wanted, {}, RunContext(), actor="ann")
    going = asyncio.create_task(driver.advance(run.id))

    async def ended() -> RunRecord:
        async with asyncio.timeout(5):
            return await going

    try:
        await until(lambda: on in tools.calls or going.done())
        yield run.id, other, ended
    finally:
        going.cancel()
        await asyncio.wait([going])


async def statuses(engine: Engine, run_id: str) -> dict[str, StepStatus]:
    return {step.path: step.status for step in (await engine.show(run_id)).steps}


async def test_an_event_ends_a_region_at_work(database: Database, tools: Registry) -> None:
    """`join: any` with `on_rest: cancel` over a wait and a region: the event ends what works in it, within a second."""
    wanted = workflow(
        f"""
  - id: region
    type: parallel
    steps: [{act("done")}, {act("work", "work")}]
  - {{id: revoked, type: wait, event: revoked}}
  - {act("close", depends_on="[region, revoked]", join="{need: any, on_rest: cancel}")}
"""
    )
    async with working(database, tools, wanted) as (run_id, other, ended):
        await until(lambda: statuses(other, run_id), 5)
        begun = asyncio.get_running_loop().time()
        sent = await other.send_event(run_id, "revoked", {}, actor="bob")
        assert sent.status == "running"
        run = await ended()
        assert asyncio.get_running_loop().time() - begun < 2
    assert run.status == "completed"
    assert tools.stopped == ["work"]
    assert await statuses(other, run_id) == {
        "region": "cancelled",
        "region.done": "completed",
        "region.work": "cancelled",
        "revoked": "completed",
        "close": "completed",
    }


async def test_the_first_event_withdraws_the_others(database: Database, tools: Registry) -> None:
    """A deferred choice beside work: the first event decides; what it took away takes no later event and no answer."""
    wanted = workflow(
        f"""
  - id: choice
    type: parallel
    first_wins: true
    steps:
      - {{id: paid, type: wait, event: paid}}
      - {{id: revoked, type: wait, event: revoked}}
      - {{id: ask, type: human_approval, message: Refund?}}
  - {{id: work, type: action, tool: work, input_mapping: {{of: work}}}}
  - {{id: late, type: wait, event: revoked, depends_on: [choice]}}
  - {act("close", depends_on="[work, late]", join="{need: any, on_rest: cancel}")}
outputs: {{choice: $choice, late: $late}}
"""
    )
    async with working(database, tools, wanted) as (run_id, other, ended):

        async def asked() -> bool:
            return bool((await other.show(run_id)).approvals)

        await until(asked, 5)
        await other.send_event(run_id, "paid", {"n": 1}, actor="bank")

        async def chosen() -> bool:
            return (await statuses(other, run_id)).get("late") == "waiting"

        await until(chosen, 5)
        (request,) = (await other.show(run_id)).approvals
        assert request.status == "withdrawn"
        await other.send_event(run_id, "revoked", {"n": 2}, actor="bank")
        run = await ended()
    assert run.output == {"outputs": {"choice": {"n": 1}, "late": {"n": 2}}}
    found = await statuses(other, run_id)
    assert (found["choice.revoked"], found["choice.ask"], found["work"]) == ("cancelled", "cancelled", "cancelled")
    ended_waits = await rows(database, "SELECT path, status FROM waits WHERE run_id = %s ORDER BY path", run_id)
    assert [tuple(row.values()) for row in ended_waits] == [
        ("choice.paid", "answered"),
        ("choice.revoked", "withdrawn"),
        ("late", "answered"),
    ]


async def test_an_answer_deep_in_the_run_moves_its_branch_on(database: Database, tools: Registry) -> None:
    """In a loop of a workflow of a branch: asked while another branch works, answered turn by turn, nothing done twice;

    a time that is over then ends the work.
    """
    inner = pinned(
        "name: inner\nsteps:\n"
        "  - {id: turns, type: loop, until: index >= 2, results: all, steps: ["
        f"{act('before')}, {{id: ok, type: human_approval, message: May it?, depends_on: [before]}}]}}\n",
        "inner.yaml",
        {},
    )
    wanted = workflow(
        f"""
  - id: both
    type: parallel
    steps: [{act("work", "work")}, {{id: nested, type: workflow, workflow: inner}}]
  - {{id: seen, type: wait, event: seen}}
  - {{id: limit, type: wait, duration: 0.2, depends_on: [seen]}}
  - {act("close", depends_on="[both, limit]", join="{need: any, on_rest: cancel}")}
""",
        inner=inner,
    )
    async with working(database, tools, wanted) as (run_id, other, ended):
        for turn in range(2):

            async def asked(path: str = f"both.nested.turns[{turn}].ok") -> bool:
                pending = [each for each in (await other.show(run_id)).approvals if each.status == "pending"]
                return [each.request.action.name for each in pending] == [path]

            await until(asked, 5)
            await other.answer(run_id, None, YES, "bob")

        async def gone_on() -> bool:
            return (await statuses(other, run_id)).get("both.nested") == "completed"

        await until(gone_on, 5)
        assert (await statuses(other, run_id))["both.work"] == "running"
        await other.send_event(run_id, "seen", {}, actor="bob")
        run = await ended()
    assert run.status == "completed"
    assert sorted(tools.calls) == ["before", "before", "close", "work"]
    assert {step.attempts for step in (await other.show(run_id)).steps if step.path.endswith("before")} == {1}
    assert (await statuses(other, run_id))["both.work"] == "cancelled"


async def test_a_list_grows_over_the_processes_of_a_run(database: Database, tools: Registry) -> None:
    """Each event adds an item that is worked on at once; a process that takes the run up has the same list, in order,

    and lets it grow further.
    """
    wanted = workflow(
        """
  - id: spread
    type: parallel
    for_each: workflow.items
    grows_on: more
    steps: [{id: each, type: action, tool: work, input_mapping: {of: $item.of}}]
variables: {items: [{of: work}]}
"""
    )
    async with working(database, tools, wanted) as (run_id, other, _):
        for of in ("b", "c"):
            await other.send_event(run_id, "more", {"of": of}, actor="ann")
        await until(lambda: tools.calls == ["work", "b", "c"], 5)
    driver = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=Network(toolbox=lambda _: tools), times=QUICK)
    going = asyncio.create_task(driver.advance(run_id))
    await until(lambda: len(tools.calls) == 6, 5)
    await driver.send_event(run_id, "more", {"of": "d"}, actor="ann")
    await until(lambda: tools.calls[-1] == "d", 5)
    tools.released.set()
    async with asyncio.timeout(5):
        run = await going
    assert run.output == {"outputs": {"spread": [{"of": of} for of in ("work", "b", "c", "d")]}}
    assert (await statuses(other, run_id))["spread.more_3"] == "cancelled"
    with pytest.raises(RunError, match="completed"):
        await driver.send_event(run_id, "more", {}, actor="ann")


BLIND = replace(QUICK, watch=60.0)
"""A process that sees what came only when it begins to wait for something more."""


async def sent_unseen(database: Database, other: Engine, run_id: str, event: str, data: Json) -> None:
    """Sends an event to a run that has looked before."""

    async def listens() -> bool:
        return bool(await rows(database, "SELECT 1 FROM waits WHERE run_id = %s AND event = %s", run_id, event))

    await until(listens, 5)
    await asyncio.sleep(0.1)
    await other.send_event(run_id, event, data, actor="ann")


async def test_an_event_that_no_process_saw_is_added_to_the_list(database: Database, tools: Registry) -> None:
    """The last branch ends after the event was taken, and before the process looked: the list has it."""
    wanted = workflow(
        """
  - id: spread
    type: parallel
    for_each: workflow.items
    grows_on: more
    steps: [{id: each, type: action, tool: work, input_mapping: {of: $item.of}}]
variables: {items: [{of: work}]}
"""
    )
    async with working(database, tools, wanted, times=BLIND) as (run_id, other, ended):
        await sent_unseen(database, other, run_id, "more", {"of": "b"})
        assert tools.calls == ["work"]
        tools.released.set()
        run = await ended()
    assert run.output == {"outputs": {"spread": [{"of": "work"}, {"of": "b"}]}}
    ends = await rows(database, "SELECT path, status FROM waits WHERE run_id = %s ORDER BY path", run_id)
    assert [tuple(row.values()) for row in ends] == [("spread.more_0", "answered"), ("spread.more_1", "withdrawn")]


async def test_the_event_of_a_cancelled_wait_goes_to_a_later_one(database: Database, tools: Registry) -> None:
    """A join cancels a wait that an event was taken for, and that no process saw: the event is free again."""
    wanted = workflow(
        f"""
  - {{id: work, type: action, tool: work, input_mapping: {{of: work}}}}
  - {{id: gone, type: wait, event: revoked}}
  - {act("close", depends_on="[work, gone]", join="{need: any, on_rest: cancel}")}
  - {{id: later, type: wait, event: revoked, depends_on: [close]}}
outputs: {{later: $later}}
"""
    )
    async with working(database, tools, wanted, times=BLIND) as (run_id, other, ended):
        await sent_unseen(database, other, run_id, "revoked", {"n": 1})
        tools.released.set()
        run = await ended()
    assert run.output == {"outputs": {"later": {"n": 1}}}
    assert (await statuses(other, run_id))["gone"] == "cancelled"
    freed = await rows(database, "SELECT data FROM audit WHERE run_id = %s AND event = 'event.freed'", run_id)
    assert [row["data"] for row in freed] == [{"event": "revoked", "step": "gone"}]


async def test_a_request_in_a_region_that_failed_is_taken_back(database: Database, tools: Registry) -> None:
    """The time of a region is over while it asks beside its work: nobody can answer for nothing. When a later process

    tries the region again it asks again.
    """
    wanted = workflow(
        f"""
  - id: region
    type: parallel
    timeout: 0.4
    retry_policy: {{max_attempts: 1, continue_on_failure: true}}
    steps: [{act("work", "work")}, {{id: ask, type: human_approval, message: May it?}}]
  - {{id: later, type: wait, event: seen, depends_on: [region]}}
"""
    )

    async def asked() -> list[str]:
        return [each.status for each in (await other.show(run_id)).approvals]

    async def asks() -> bool:
        return await asked() == ["pending"]

    async with working(database, tools, wanted) as (run_id, other, ended):
        await until(asks, 5)
        assert (await ended()).status == "paused"
    assert await asked() == ["withdrawn"]
    assert (await statuses(other, run_id))["region.ask"] == "pending"
    await other.send_event(run_id, "seen", {}, actor="ann")
    driver = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=Network(toolbox=lambda _: tools), times=QUICK)
    going = asyncio.create_task(driver.advance(run_id))
    await until(asks, 5)
    async with asyncio.timeout(5):
        assert (await going).status == "completed"
    assert await asked() == ["withdrawn"]
