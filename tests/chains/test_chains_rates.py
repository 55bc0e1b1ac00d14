"""The governor of a provider: limits kept by all who ask it, in turn, whatever becomes of those who wait."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.rates import WINDOW_SECONDS, RateGovernor, seconds_of
from state.errors import ModelUnavailable, RateLimited
from state.ports import Turn
from tests.graphs.moving_clock import MovingClock


class Office:
    """Who asks a governor, and when each was let go."""

    def __init__(self, governor: RateGovernor) -> None:
        self.governor = governor
        self.clock = MovingClock()
        self.sent: list[tuple[float, str]] = []
        self.waiting = 0

    @contextmanager
    def wait(self) -> Iterator[None]:
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    async def ask(
        self, run: str = "r", tokens: int = 1, takes: float = 1.0, error: Exception | None = None, again: bool = False
    ) -> None:
        """One request, which takes a while and may end in an error."""
        async with self.governor.turn(Turn(run, tokens, self.clock, self.wait, again)):
            self.sent.append((self.clock.elapsed(), run))
            await self.clock.sleep(takes)
            if error is not None:
                raise error

    async def all(self, *asking: object) -> None:
        """All of them, begun in this order."""
        tasks = [asyncio.ensure_future(each) for each in asking]  # type: ignore[call-overload]
        await self.clock.drive(*tasks)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, ModelUnavailable), result

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.sent]


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= at < start + WINDOW_SECONDS for at in times) for start in times)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 7), st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 90)), min_size=1, max_size=25))
async def test_no_minute_holds_more_requests_than_allowed(limit: int, asking: list[tuple[str, float]]) -> None:
    """Whoever asks when, no sixty seconds see more requests than the limit, and everybody is served."""
    office = Office(RateGovernor(limit))

    async def later(run: str, after: float) -> None:
        await office.clock.sleep(after)
        await office.ask(run)

    await office.all(*(later(run, after) for run, after in asking))
    assert len(office.sent) == len(asking)
    assert most_in_a_minute(office.times) <= limit
    assert office.waiting == 0


async def test_nobody_waits_without_a_limit() -> None:
    """A provider of which nothing is known is asked by all at once."""
    office = Office(RateGovernor())
    await office.all(*(office.ask() for _ in range(50)))
    assert office.times == [0.0] * 50


async def test_tokens_are_limited_too() -> None:
    """Requests whose tokens do not fit into the minute wait, and one that alone is too big goes alone."""
    office = Office(RateGovernor(None, 1000))
    await office.all(*(office.ask(tokens=tokens) for tokens in (400, 400, 400, 5000)))
    first, second, third, big = office.times
    assert (first, second) == (0, 0)
    assert 60 <= third < 61
    assert third + 60 <= big < third + 61


async def test_what_a_request_really_used_counts() -> None:
    """An estimate that was too low is corrected, and the next one waits for it."""
    office = Office(RateGovernor(None, 1000))
    async with office.governor.turn(Turn("r", 10, office.clock, office.wait)) as sent:
        sent.tokens = 995
    await office.all(office.ask(tokens=10))
    assert office.times[0] >= 60


async def test_runs_are_served_in_turn() -> None:
    """A run with many branches does not keep another waiting for all of them."""
    office = Office(RateGovernor(1))
    await office.all(*(office.ask("big") for _ in range(6)), office.ask("small"), office.ask("small"))
    assert [run for _, run in office.sent][:5] == ["big", "big", "small", "big", "small"]


async def test_after_a_refusal_all_wait_and_then_begin_slowly() -> None:
    """Nobody asks before Retry-After is over; then one goes alone, and each answer lets one more go beside it."""
    office = Office(RateGovernor())
    refusal = RateLimited("slow down", retry_after=20)
    await office.all(office.ask(takes=0.1, error=refusal), *(later(office, 1) for _ in range(7)))
    after = office.times[1:]
    assert after[0] == pytest.approx(20.1, abs=0.5)
    counts = [after.count(at) for at in sorted(set(after))]
    assert counts == [1, 2, 4]


async def later(office: Office, seconds: float) -> None:
    await office.clock.sleep(seconds)
    await office.ask()


async def test_who_was_refused_goes_first() -> None:
    """A request that is made again stands before those that have not been refused, of other runs too."""
    office = Office(RateGovernor(1))
    await office.all(office.ask("a"), office.ask("b"), office.ask("c"), office.ask("refused", again=True))
    assert [run for _, run in office.sent] == ["a", "refused", "b", "c"]


async def test_a_pause_of_hours_is_not_waited_for() -> None:
    """A provider that refuses for an hour holds nobody: each learns it for itself, and can ask another model."""
    office = Office(RateGovernor())
    await office.all(office.ask(error=RateLimited("tomorrow", retry_after=3600)), later(office, 2))
    assert office.times == [0, 2]


async def test_cancelled_while_waiting() -> None:
    """Who is cancelled in the line leaves it at once, and those behind move up."""
    office = Office(RateGovernor(1))
    tasks = [asyncio.create_task(office.ask(run)) for run in ("a", "b", "c")]
    for _ in range(5):
        await asyncio.sleep(0)
    tasks[1].cancel()
    await office.clock.drive(*tasks)
    assert tasks[1].cancelled()
    assert [run for _, run in office.sent] == ["a", "c"]
    assert office.sent[1][0] < 61
    assert office.waiting == 0


async def test_so_many_at_a_time() -> None:
    """A server that takes two at a time gets two at a time."""
    office = Office(RateGovernor(None, None, 2))
    await office.all(*(office.ask(takes=5) for _ in range(5)))
    assert office.times == [0, 0, 5, 5, 10]


async def test_an_error_that_is_no_refusal_holds_nobody() -> None:
    """A server that stumbles is not taken for one that has had enough."""
    office = Office(RateGovernor())
    await office.all(office.ask(takes=0.1, error=ModelUnavailable("oops")), *(later(office, 1) for _ in range(5)))
    assert office.times[1:] == [1.0] * 5


async def test_limits_are_learnt_from_headers() -> None:
    """What an answer says of the limits is kept from then on; nonsense changes nothing; the settings' stays a bound."""
    office = Office(RateGovernor(5))
    told = {"x-ratelimit-limit-requests": "3", "x-ratelimit-limit-tokens": "many"}
    office.governor.learn(told, office.clock)
    await office.all(*(office.ask() for _ in range(4)))
    assert office.times[:3] == [0, 0, 0]
    assert office.times[3] >= 60
    generous = Office(RateGovernor(2))
    generous.governor.learn({"x-ratelimit-limit-requests": "1000"}, generous.clock)
    await generous.all(*(generous.ask() for _ in range(3)))
    assert generous.times[2] >= 60


async def test_nothing_left_is_waited_for() -> None:
    """Where an answer says that nothing is left, the next one waits until the limit is full again."""
    office = Office(RateGovernor())
    told = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8.64s"}
    office.governor.learn(told, office.clock)
    await office.all(office.ask())
    assert 8.64 <= office.times[0] < 10


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3s", 3723), ("12", 12), ("8.64s", 8.64), ("", None), ("x", None)],
)
def test_durations_of_headers(text: str, seconds: float | None) -> None:
    """Resets are read as Go writes durations, or as plain seconds."""
    assert seconds_of(text) == seconds
