"""Time that stands still while calls wait for their turn."""

import asyncio
import time

import pytest

from chains.fake.script import FakeScript
from chains.governed import governed
from chains.models import ModelDoor, ProviderSettings
from chains.stopwatch import Stopwatch, TimeLimit
from state.context import BranchLimits
from state.errors import LimitReached
from tests.chains.model_doubles import Bench


def test_a_stopwatch_adds_up() -> None:
    """It shows what ran, starts nest, and it shows the time while it runs."""
    watch = Stopwatch()
    watch.start(10)
    watch.start(11)
    watch.stop(12)
    assert watch.seconds(13) == 3
    watch.stop(15)
    watch.start(100)
    assert watch.seconds(101) == 6


@pytest.mark.slow
async def test_a_time_limit_stands_still() -> None:
    """What is waited for between stop and go_on does not count; what comes after does."""
    began = time.monotonic()
    limit = TimeLimit(0.1)

    async def work() -> None:
        async with limit:
            limit.stop()
            limit.stop()
            await asyncio.sleep(0.2)
            limit.go_on()
            limit.go_on()
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await work()
    assert limit.expired
    assert 0.28 < time.monotonic() - began < 10


async def test_a_time_limit_may_be_left_while_it_stands_still() -> None:
    """Work that is cancelled while it waits leaves nothing behind that rings later."""
    limit = TimeLimit(0.01)
    async with limit:
        limit.stop()
        await asyncio.sleep(0.03)
    limit.go_on()
    assert not limit.expired


async def test_seconds_of_a_branch_do_not_count_what_it_waits() -> None:
    """A branch of 30 s goes on after a minute in the line, and is ended after 30 s of its own."""
    script = FakeScript.model_validate({"steps": [{"reply": "so", "repeat": "always"}]})
    run = Bench(ModelDoor({"fake": ProviderSettings(requests_per_minute=1)}, {}, {"main": script}))
    scope = run.scope("branches/a", BranchLimits(seconds=30))
    model = governed(scope, "fake/main")
    for question in ("one", "two"):
        await model.ainvoke(question)
    assert run.clock.elapsed() > 60
    waits = [event.wait for event in run.progress if event.wait is not None]
    assert waits == ["waits for its turn at fake", ""]
    await run.clock.sleep(31)
    with pytest.raises(LimitReached, match="30 s is over"):
        await model.ainvoke("three")
