"""Branches that a join counts while others work, and lists that grow: undisturbed, and killed at any write."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from graphs.workflow.level import Level
from graphs.workflow.outcomes import Waiting
from tests.graphs.inboxes import MemoryInbox
from tests.graphs.undoing import Killed, MortalLedger
from tests.graphs.workflow_runs import Runs, Tools, fails

Json = dict[str, Any]
FOREVER = 10**9


def of(id_: str, tool: str, **more: Any) -> Json:
    return {"id": id_, "type": "action", "tool": tool, **more}


def spread(**more: Any) -> Json:
    body = [of("body", "body", input_mapping={"item": "$item"}, retry_policy={"max_attempts": 1})]
    return {"id": "spread", "type": "parallel", "for_each": "workflow.items", "steps": body, **more}


def after(**join: Any) -> Json:
    counts = {"depends_on": ["spread"], "join": {"of": "branches", **join}}
    return of("after", "after", input_mapping={"got": "$spread"}, **counts)


async def body(given: Json, _: Any) -> Any:
    """Longer for a larger item."""
    for _ in range(20 * int(given["item"]["n"])):
        await asyncio.sleep(0)
    return await fails("refused")({}, _) if given["item"].get("fails") else given["item"]["n"]


ITEMS: list[Json] = [{"n": 5}, {"n": 1}, {"n": 0, "fails": True}, {"n": 2}, {"n": 9}]
RECORD = {"error": {"step": "spread[2]", "class": "refused", "message": "body: it does not work"}}
ALL = [5, 1, RECORD, 2, 9]


class Mortal(Runs):
    """A run whose processes die; events are sent to it before it begins."""

    def __init__(self, steps: list[Json], items: Sequence[Json] = ITEMS, events: Sequence[Json] = ()) -> None:
        tools = Tools(body=body, after=lambda given, _: given["got"])
        super().__init__({"steps": steps}, tools, {"items": items})
        self.ledger = self.mortal = MortalLedger("r", self.clock)
        self.inbox = self.box = MemoryInbox()
        self.box.kept = [("more", event) for event in events]

    async def attempt(self, lives: int = FOREVER, dies_after: bool = False) -> Level | None:
        """One process, which dies at the how many-th write, before or after it; None if it did."""
        self.mortal.lives, self.mortal.dies_after = lives, dies_after
        self.box.open_now.clear()
        with suppress(Killed):
            return await self.go()
        return None

    async def statuses(self) -> dict[str, str]:
        return {step.path: step.status for step in await self.ledger.steps()}


async def ends(run: Callable[[], Mortal]) -> AsyncIterator[tuple[Mortal, Level]]:
    """A run undisturbed, and killed at each of its writes in turn, before and after it, and gone on with."""
    undisturbed = run()
    level = await undisturbed.attempt()
    assert level is not None
    yield undisturbed, level
    for death in product(range(1, FOREVER - undisturbed.mortal.lives + 1), (False, True)):
        again = run()
        await again.attempt(*death)
        level = await again.attempt()
        assert level is not None
        yield again, level


async def test_enough_branches_are_gone_on_from() -> None:
    """What counts branches begins while others work, with what came so far; these end by themselves."""
    run = Mortal([spread(), after(count=2, on_rest="ignore")])
    level = await run.attempt()
    assert level is not None
    assert level.outputs == {"spread": ALL, "after": [1, 2]}


async def test_the_end_of_all_branches_is_waited_for() -> None:
    """With `on_rest: wait` the step behind sees the whole output; without enough it is skipped."""
    for wanted, status in ((4, "completed"), (5, "skipped")):
        level = await Mortal([spread(), after(count=wanted)]).attempt()
        assert level is not None
        assert level.outcomes["after"].status == status
        assert level.outputs.get("after", ALL) == ALL


async def test_child_steps_are_branches() -> None:
    """They count as well, by their ids; a step without branches counts as one."""
    steps = [of(name, "body", input_mapping={"item": {"n": n}}) for name, n in (("one", 1), ("nine", 9))]
    both: Json = {"id": "spread", "type": "parallel", "steps": steps}
    single = of("single", "body", input_mapping={"item": {"n": 2}})
    join = {"depends_on": ["spread", "single"], "join": {"count": 2, "of": "branches", "on_rest": "cancel"}}
    run = Mortal([both, single, {**after(), **join}])
    level = await run.attempt()
    assert level is not None
    assert level.outputs["after"] == {"one": 1}
    assert (await run.statuses())["spread.nine"] == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("on_rest", ["ignore", "cancel"])
async def test_branches_that_count_outlive_the_process(on_rest: str) -> None:
    """Killed at any write the run ends with as many results at least, and never with fewer branches than ended."""
    async for run, level in ends(lambda: Mortal([spread(), after(count=2, on_rest=on_rest)])):
        assert {1, 2} <= {*level.outputs["after"]} <= {5, 1, 2, 9}
        statuses = await run.statuses()
        assert statuses["after"] == "completed"
        assert statuses["spread"] == ("completed" if on_rest == "ignore" else "cancelled")
        assert not {"running", "waiting", "pending"} & {*statuses.values()}


@pytest.mark.slow
async def test_a_list_that_grows_outlives_the_process() -> None:
    """Killed at any write, what events added is worked on in their order, once each, and nothing waits at the end."""
    added: list[Json] = [{"n": 3}, {"n": 1}]
    async for run, level in ends(lambda: Mortal([spread(grows_on="more")], ITEMS[:1], added)):
        assert level.outputs == {"spread": [5, 3, 1]}
        statuses = await run.statuses()
        assert (statuses["spread.more_1"], statuses["spread.more_2"]) == ("completed", "cancelled")
        assert not run.box.open_now


class Deaf(MemoryInbox):
    """What comes is seen only when it is asked for."""

    async def come(self) -> Json:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("items", [[], [{"n": 0, "sends": 2}]])
async def test_an_event_that_came_before_the_last_branch_ended_is_no_loss(items: list[Json]) -> None:
    """It is added to the list although the branch ended before anybody saw it; also to a list that was empty."""
    run = Mortal([spread(grows_on="more")], items)
    run.inbox = run.box = Deaf()

    async def sends(given: Json, call: Any) -> Any:
        await asyncio.sleep(0.001)
        if given["item"].get("sends"):
            run.box.send("more", {"n": given["item"]["sends"]})
        return given["item"]["n"]

    run.tools.tools["body"] = sends
    if not items:
        run.box.send("more", {"n": 2})
    level = await run.attempt()
    assert level is not None
    assert level.outputs == {"spread": [each["n"] for each in items] + [2]}
    assert not run.box.open_now


async def test_the_event_of_a_wait_that_was_cancelled_is_free() -> None:
    """It came for a wait that a join cancelled before it was seen: a later wait takes it."""
    steps: list[Json] = [
        of("first", "body"),
        {"id": "gone", "type": "wait", "event": "more"},
        of("close", "body", depends_on=["first", "gone"], join={"need": "any", "on_rest": "cancel"}),
        {"id": "later", "type": "wait", "event": "more", "depends_on": ["close"]},
    ]
    run = Mortal(steps)
    run.inbox = run.box = Deaf()

    async def work(_: Json, call: Any) -> str:
        await asyncio.sleep(0.001)
        if call.path == "first":
            run.box.send("more", {"n": 1})
        return "done"

    run.tools.tools["body"] = work
    with pytest.raises(Waiting):
        await run.attempt()
    assert (await run.statuses())["gone"] == "cancelled"
    assert run.box.kept == [("more", {"n": 1})]


@pytest.mark.slow
async def test_the_first_branch_stays_the_first() -> None:
    """Killed at any write, also while the others are cancelled, the run gives what a branch gave that ended."""
    async for run, level in ends(lambda: Mortal([spread(first_wins=True)])):
        assert level.outputs["spread"] in (1, 2, 5, 9)
        statuses = await run.statuses()
        assert not {"running", "waiting", "pending"} & {*statuses.values()}


@pytest.mark.slow
async def test_a_region_that_an_event_cancels_outlives_the_process() -> None:
    """Killed at any write, the event ends the region once, with all that is within it, and what is behind goes on."""
    steps = [of(name, "body", input_mapping={"item": {"n": n}}) for name, n in (("one", 0), ("nine", 99))]
    region: Json = {"id": "region", "type": "parallel", "steps": steps}
    revoked: Json = {"id": "revoked", "type": "wait", "event": "more"}
    join = {"depends_on": ["region", "revoked"], "join": {"need": "any", "on_rest": "cancel"}}
    close = of("close", "after", input_mapping={"got": "$revoked"}, **join)
    async for run, level in ends(lambda: Mortal([region, revoked, close], events=[{"n": 1}])):
        assert level.outputs["close"] == {"n": 1}
        statuses = await run.statuses()
        assert (statuses["region"], statuses["region.nine"]) == ("cancelled", "cancelled")
        assert not {"running", "waiting", "pending"} & {*statuses.values()}


async def test_what_waits_in_a_region_that_failed_waits_no_more() -> None:
    """Beside a failure that the workflow goes on after: nothing listens within, what came is free; a resumed run that

    tries the region again waits there anew.
    """
    once = {"max_attempts": 1, "continue_on_failure": True}
    bad = of("bad", "bad", retry_policy={"max_attempts": 1})
    region: Json = {"id": "region", "type": "parallel", "retry_policy": once, "parallel_failure_threshold": 0}
    steps: list[Json] = [
        {**region, "steps": [bad, {"id": "gone", "type": "wait", "event": "more"}]},
        {"id": "last", "type": "wait", "event": "last", "depends_on": ["region"]},
    ]
    run = Mortal(steps)
    run.inbox = run.box = Deaf()

    async def fails_late(given: Json, call: Any) -> None:
        await asyncio.sleep(0.001)
        assert [each["path"] for each in run.box.open_now.values()] == ["region.gone"]
        run.box.send("more", {"n": 1})
        await fails("refused")(given, call)

    run.tools.tools["bad"] = fails_late
    with pytest.raises(Waiting):
        await run.attempt()
    statuses = await run.statuses()
    assert (statuses["region"], statuses["region.gone"], statuses["last"]) == ("failed", "pending", "waiting")
    assert (run.box.kept, run.box.open_now) == ([("more", {"n": 1})], {})

    async def works(*_: Any) -> str:
        await asyncio.sleep(0.001)
        return "done"

    run.tools.tools["bad"] = works
    run.inbox = run.box = MemoryInbox()
    run.box.kept = [("more", {"n": 1}), ("last", {"n": 2})]
    with suppress(Waiting):
        await run.attempt()
    assert (await run.statuses())["region.gone"] == "completed"
