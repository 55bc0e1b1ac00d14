"""Tries that end with their process: they are none of a step's attempts, and still not made for ever."""

import asyncio
from typing import Any

from graphs.workflow.attempts import MOST_INTERRUPTED, Tries, has_moved_on, tries_so_far
from graphs.workflow.outcomes import StepFailed
from state.runs import StepRecord
from tests.graphs.undoing import Undoers, undone_by
from tests.graphs.workflow_runs import Runs, Tools
from tools.memory import MemoryLedger, SystemClock

ONCE = {"max_attempts": 1}
TWICE = {"max_attempts": 2, "delay": 0, "jitter": False}


class Service:
    """A tool whose process dies in its next `kills` calls, and which is away in the `failures` after them."""

    def __init__(self, kills: int = 0, failures: int = 0) -> None:
        self.kills, self.failures = kills, failures
        self.is_reached = asyncio.Event()

    async def __call__(self, *_: Any, **__: Any) -> str:
        if self.kills:
            self.kills -= 1
            self.is_reached.set()
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise StepFailed("away", "unavailable")
        return "there"

    async def call(self, *_: Any, **__: Any) -> str:
        return await self()

    async def killed_in(self, work: Any) -> None:
        """Does the work until its process dies: nothing is written any more."""
        self.is_reached.clear()
        working = asyncio.ensure_future(work)
        await self.is_reached.wait()
        working.cancel()
        await asyncio.wait([working])


def action(**more: Any) -> dict[str, Any]:
    return {"id": "a", "type": "action", "tool": "ask", **more}


async def record_of(runs: Runs, path: str) -> StepRecord:
    return next(each for each in await runs.ledger.steps() if each.path == path)


async def test_an_interrupted_try_is_no_attempt() -> None:
    """Killed at its only attempt, and in between failures, a step ends as if it had been left alone."""
    service = Service(kills=3)
    runs = Runs({"steps": [action(retry_policy=ONCE)]}, Tools(ask=service))
    for _ in range(3):
        await service.killed_in(runs.go())
    assert (await runs.go()).outputs["a"] == "there"
    assert (await record_of(runs, "a")).attempts == 4


async def test_failed_tries_count_over_a_crash() -> None:
    """A step that had used one of its two attempts has one left, however often it is killed in that."""
    service = Service(failures=1)
    runs = Runs({"steps": [action(retry_policy=TWICE)]}, Tools(ask=service))

    async def fails_and_is_killed(*_: Any) -> str:
        if not service.failures:
            service.kills = 1
        return await service()

    runs.tools.tools["ask"] = fails_and_is_killed
    await service.killed_in(runs.go())
    await service.killed_in(runs.go())
    assert tries_so_far(await record_of(runs, "a")) == Tries(failed=1, interrupted=2)
    service.failures = 1
    runs.tools.tools["ask"] = service
    failure = (await runs.go()).outcomes["a"].failure
    assert failure is not None
    assert failure.message == "away"


async def test_a_step_that_kills_its_process_each_time_fails() -> None:
    """After ten in a row it has failed, of a class that a handler can take; a resume of the run tries it anew."""
    service = Service(kills=MOST_INTERRUPTED)
    held = {"id": "each", "type": "loop", "for_each": "workflow.items", "steps": [action(retry_policy=ONCE)]}
    inputs = {"type": "object", "properties": {"items": {}}}
    runs = Runs({"steps": [held], "inputs": inputs}, Tools(ask=service), {"items": [1]})
    for _ in range(MOST_INTERRUPTED):
        await service.killed_in(runs.go())
    level = await runs.go()
    record = await record_of(runs, "each[0].a")
    assert (record.status, (record.result or {})["class"]) == ("failed", "interrupted")
    assert "ended 10 times in a row" in (record.error or "")
    assert level.outcomes["each"].failure is not None
    assert (await runs.go()).outputs["each"] == "there"


async def test_interruptions_are_tried_again_where_a_policy_says_so() -> None:
    """Ten in a row are one failed attempt."""
    service = Service(kills=MOST_INTERRUPTED)
    policy = {**TWICE, "retry_on": ["interrupted"]}
    runs = Runs({"steps": [action(retry_policy=policy)]}, Tools(ask=service))
    for _ in range(MOST_INTERRUPTED):
        await service.killed_in(runs.go())
    assert (await runs.go()).outputs["a"] == "there"


async def test_a_step_that_holds_others_is_not_ended_by_what_interrupts_them() -> None:
    """A loop goes on over any number of crashes, as long as each of its own steps gets to its end."""
    service = Service()
    held = {"id": "each", "type": "loop", "for_each": "workflow.items", "results": "all", "steps": [action()]}
    inputs = {"type": "object", "properties": {"items": {}}}
    turns = MOST_INTERRUPTED + 2
    runs = Runs({"steps": [held], "inputs": inputs}, Tools(ask=service), {"items": list(range(turns))})
    seen: set[str] = set()

    async def killed_once(_: Any, call: Any) -> str:
        service.kills = int(call.path not in seen)
        seen.add(call.path)
        return await service()

    runs.tools.tools["ask"] = killed_once
    for _ in range(turns):
        await service.killed_in(runs.go())
    assert (await runs.go()).outputs["each"] == ["there"] * turns


async def test_research_that_moves_on_is_not_interrupted() -> None:
    """What ended below it since its last try began shows that it goes on; what only began does not."""
    ledger = MemoryLedger("r", SystemClock())
    await ledger.begin("a")
    await ledger.begin("a.plan")
    records = {each.path: each for each in await ledger.steps()}
    assert not has_moved_on(records["a"], records.values())
    await ledger.end("a.plan", "completed")
    records = {each.path: each for each in await ledger.steps()}
    assert has_moved_on(records["a"], records.values())
    assert not has_moved_on(records["a.plan"], records.values())


async def test_an_interrupted_action_of_a_rollback_is_no_attempt() -> None:
    """It is called again until it ends, and fails after ten in a row; undoing again begins anew."""
    service = Service()
    undo = undone_by("a", retry_policy=ONCE)
    runs = Runs({"steps": [action(rollback_actions=[undo])]}, Tools(ask=service), undoers=Undoers())
    await runs.go()
    runs.undoers, service.kills = service, MOST_INTERRUPTED
    for _ in range(MOST_INTERRUPTED):
        await service.killed_in(runs.undo())
    done = await runs.undo()
    assert (done.left, "in a row" in done.fault) == (("a",), True)
    assert (await runs.undo()).undone == ("a",)
