"""The sync point: quorum, grace period, deadline, and clean endings."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.stopwatch import Stopwatch
from graphs.coordination.sync import CutOff, SyncGroups
from state.context import Quorum
from state.errors import LimitReached
from tests.graphs.moving_clock import MovingClock

QUORUM = Quorum(threshold=0.75, grace_seconds=30, deadline_seconds=600)
WAVE = ("a", "b", "c", "d")


class Broken(Exception):
    """What a branch raises by itself."""


@dataclass
class End:
    """How the work of one branch ended, and when."""

    at: float
    value: Any = None
    error: BaseException | None = None


class Wave:
    """Branches as tasks in one set of groups, with a clock that moves by itself."""

    def __init__(self, quorum: Quorum = QUORUM, wave: tuple[str, ...] = WAVE) -> None:
        self.clock = MovingClock()
        self.groups = SyncGroups()
        self.quorum = quorum
        self.wave = wave
        self.ends: dict[str, End] = {}

    async def branch(self, name: str, work: Awaitable[Any], ended: set[str] | None = None) -> None:
        """One branch of the wave; its end is noted, and its error is not raised."""
        try:
            async with self.groups.member(
                (0, self.wave), name, self.wave, ended or set(), self.quorum, self.clock
            ) as member:
                value = await member.run(work)
            self.ends[name] = End(self.clock.elapsed(), value)
        except (Broken, CutOff, TimeoutError) as error:
            self.ends[name] = End(self.clock.elapsed(), error=error)

    async def last(self, seconds: float, error: Exception | None = None) -> str:
        await self.clock.sleep(seconds)
        if error:
            raise error
        return "done"

    async def play(self, seconds: dict[str, float], failing: frozenset[str] = frozenset()) -> dict[str, End]:
        """Runs branches that take `seconds`; those in `failing` raise at their end."""
        tasks = [
            asyncio.create_task(self.branch(name, self.last(long, Broken(name) if name in failing else None)))
            for name, long in seconds.items()
        ]
        await self.clock.drive(*tasks)
        await asyncio.gather(*tasks)
        return self.ends


async def test_the_grace_period_stands_still_while_calls_wait_for_their_turn() -> None:
    """A branch that a provider's limit keeps back is not cut off as slow; the deadline still counts."""
    for waits, ended in ((60.0, "done"), (900.0, None)):
        wave = Wave()
        queue = Stopwatch()
        wave.groups = SyncGroups(queue)

        async def kept_back(seconds: float, wave: Wave = wave, queue: Stopwatch = queue) -> str:
            await wave.clock.sleep(5)
            queue.start(wave.clock.elapsed())
            await wave.clock.sleep(seconds)
            queue.stop(wave.clock.elapsed())
            return await wave.last(20)

        tasks = [asyncio.create_task(wave.branch(name, wave.last(1))) for name in "abc"]
        tasks.append(asyncio.create_task(wave.branch("d", kept_back(waits))))
        await wave.clock.drive(*tasks)
        assert wave.ends["d"].value == ended
        if ended is None:
            assert isinstance(wave.ends["d"].error, CutOff)
            assert wave.ends["d"].at == 600


def others() -> set[asyncio.Task]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_all_end_in_time() -> None:
    """Branches that end in time give their values, and nothing stays behind."""
    wave = Wave()
    ends = await wave.play(dict.fromkeys(WAVE, 100.0))
    assert {name: end.value for name, end in ends.items()} == dict.fromkeys(WAVE, "done")
    assert len(wave.groups) == 0
    assert not others()


async def test_straggler_gets_the_grace_period() -> None:
    """When three of four have ended the fourth has the grace period, then it is cut off and told why."""
    ends = await Wave().play({"a": 10, "b": 20, "c": 40, "d": 500})
    cut = ends["d"].error
    assert isinstance(cut, CutOff)
    assert ends["d"].at == 70
    assert cut.limit == "grace"
    assert cut.message == "grace period of 30 s over: 3 of 4 branches had ended"


async def test_straggler_that_ends_within_the_grace_period() -> None:
    """A branch that ends before the grace period is over is not cut off."""
    ends = await Wave().play({"a": 10, "b": 20, "c": 40, "d": 69})
    assert ends["d"].value == "done"


async def test_a_failed_branch_has_ended() -> None:
    """A branch that raises counts for the quorum, and its own error reaches its caller."""
    ends = await Wave().play({"a": 10, "b": 10, "c": 10, "d": 500}, failing=frozenset("abc"))
    assert isinstance(ends["a"].error, Broken)
    assert isinstance(ends["d"].error, CutOff)
    assert ends["d"].at == 40


async def test_deadline_without_a_quorum() -> None:
    """Below the quorum all wait until the deadline, and no longer."""
    ends = await Wave().play({"a": 10, "b": 20, "c": 5_000, "d": 9_000})
    assert {name: end.at for name, end in ends.items()} == {"a": 10, "b": 20, "c": 600, "d": 600}
    cut = ends["c"].error
    assert isinstance(cut, LimitReached)
    assert cut.limit == "deadline"
    assert cut.message == "deadline of 600 s over: 2 of 4 branches had ended"


async def test_a_single_branch_has_no_grace_period() -> None:
    """A wave of one waits for nobody: only the deadline ends it."""
    ends = await Wave(QUORUM.model_copy(update={"threshold": 0.01}), ("a",)).play({"a": 599})
    assert ends["a"].value == "done"
    ends = await Wave(QUORUM, ("a",)).play({"a": 601})
    assert isinstance(ends["a"].error, CutOff)


async def test_ended_before_a_crash() -> None:
    """Branches that had ended before a crash count: the only one that runs again has the grace period."""
    wave = Wave()
    task = asyncio.create_task(wave.branch("d", wave.last(100), ended={"a", "b", "c", "z"}))
    await wave.clock.drive(task)
    assert wave.ends["d"].at == 30
    assert "3 of 4" in str(wave.ends["d"].error)


async def test_a_branch_that_runs_again_has_not_ended() -> None:
    """A branch that is named as ended but runs is waited for like any other."""
    wave = Wave()
    task = asyncio.create_task(wave.branch("d", wave.last(100), ended={"a", "b", "d"}))
    await wave.clock.drive(task)
    assert wave.ends["d"].value == "done"


async def test_a_branch_that_enters_late_knows_who_has_ended() -> None:
    """Branches that ended before another entered are not forgotten when the group was empty in between."""
    wave = Wave()
    for name in ("a", "b", "c"):
        task = asyncio.create_task(wave.branch(name, wave.last(5)))
        await wave.clock.drive(task)
    await wave.play({"d": 100})
    assert wave.ends["d"].at == 45
    assert len(wave.groups) == 0


async def test_a_branch_that_enters_after_the_end() -> None:
    """A branch that enters when the wave is over is cut off at once, and told the same."""
    wave = Wave(wave=("a", "b"))
    await wave.play({"a": 9_000})
    await wave.play({"b": 9_000})
    assert wave.ends["b"].at == wave.ends["a"].at == 600
    assert str(wave.ends["b"].error) == str(wave.ends["a"].error)


async def test_cancellation_from_outside_passes_through() -> None:
    """A cancelled branch is cancelled, not cut off, and has not ended: the others get no grace period by it."""
    wave = Wave(wave=("a", "b"))
    wave.quorum = QUORUM.model_copy(update={"threshold": 0.5})
    doomed = asyncio.create_task(wave.branch("a", wave.last(1_000)))
    other = asyncio.create_task(wave.branch("b", wave.last(100)))
    await asyncio.sleep(0)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    await wave.clock.drive(other)
    assert wave.ends["b"].value == "done"
    assert not others()


async def test_a_stopped_run_leaves_nothing() -> None:
    """When all branches are cancelled the group is dropped, and no task or timer lives on."""
    wave = Wave()
    tasks = [asyncio.create_task(wave.branch(name, wave.last(100))) for name in WAVE]
    await asyncio.sleep(0)
    assert len(wave.groups) == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    assert len(wave.groups) == 0
    assert not others()


async def test_cut_off_work_is_waited_for() -> None:
    """Work that is cut off may tidy up, and has ended when CutOff is raised."""
    wave = Wave(wave=("a",))
    tidied = []

    async def work() -> None:
        try:
            await wave.clock.sleep(10_000)
        finally:
            await asyncio.sleep(0)
            tidied.append(wave.ends.get("a"))

    task = asyncio.create_task(wave.branch("a", work()))
    await wave.clock.drive(task)
    assert tidied == [None]
    assert isinstance(wave.ends["a"].error, CutOff)


async def test_a_timeout_of_the_work_itself_is_no_cut_off() -> None:
    """A TimeoutError that the work raises passes through as it is."""
    wave = Wave(wave=("a",))
    task = asyncio.create_task(wave.branch("a", wave.last(1, TimeoutError("a socket"))))
    await wave.clock.drive(task)
    assert str(wave.ends["a"].error) == "a socket"


async def test_the_outer_task_can_be_cancelled_later() -> None:
    """A cut-off leaves no cancellation behind in the task: what it does next runs to its end."""
    wave = Wave(wave=("a",))

    async def node() -> str:
        await wave.branch("a", wave.last(10_000))
        await asyncio.sleep(0)
        return "result written"

    task = asyncio.create_task(node())
    await wave.clock.drive(task)
    assert task.result() == "result written"
    assert task.cancelling() == 0


async def test_waves_do_not_touch_each_other() -> None:
    """Two waves at once have a group each."""
    first, second = Wave(), Wave()
    second.groups, second.clock, second.wave = first.groups, first.clock, ("d", "e")
    tasks = [asyncio.create_task(first.branch(name, first.last(10))) for name in "abc"]
    tasks.append(asyncio.create_task(second.branch("d", second.last(200))))
    tasks.append(asyncio.create_task(second.branch("e", second.last(300))))
    await first.clock.drive(*tasks)
    assert second.ends["e"].value == "done"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seconds=st.lists(st.floats(0.1, 2_000), min_size=2, max_size=8),
    failing=st.sets(st.integers(0, 7)),
    threshold=st.floats(0.05, 1),
    grace=st.floats(0, 200),
    deadline=st.floats(1, 1_000),
)
def test_never_longer_than_grace_and_deadline(
    seconds: list[float], failing: set[int], threshold: float, grace: float, deadline: float
) -> None:
    """Whatever the branches do: each ends by itself, or at the earlier of grace period and deadline."""
    names = tuple(f"b{place}" for place in range(len(seconds)))
    quorum = Quorum(threshold=threshold, grace_seconds=grace, deadline_seconds=deadline)

    async def play() -> dict[str, End]:
        wave = Wave(quorum, names)
        ends = await wave.play(dict(zip(names, seconds, strict=True)), frozenset(f"b{place}" for place in failing))
        assert len(wave.groups) == 0
        assert not others()
        return ends

    ends = asyncio.run(play())
    needed = next(count for count in range(1, len(names) + 1) if count / len(names) >= threshold)
    over = min(deadline, sorted(seconds)[needed - 1] + grace)
    for place, long in enumerate(seconds):
        end = ends[f"b{place}"]
        assert end.at == pytest.approx(min(long, over))
        if long < over * (1 - 1e-9):
            assert isinstance(end.error, Broken) == (place in failing)
        elif long > over * (1 + 1e-9):
            assert isinstance(end.error, CutOff)
