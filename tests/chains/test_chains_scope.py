"""Scopes: what finished is not made again, what is made is recorded first, limits come before the call."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.scope import CallScope, Made
from state.context import BranchLimits
from state.errors import LeaseLost, LimitReached
from state.runs import Json, Usage
from tests.chains.model_doubles import Bench, scripted

ONE_TOOL = Usage(tool_calls=1)


class Doer:
    """Makes calls and counts them."""

    def __init__(self, usage: Usage = ONE_TOOL) -> None:
        self.made: list[str] = []
        self.usage = usage
        self.done = asyncio.Event()

    def call(self, says: str) -> Callable[[], Awaitable[Made]]:
        """A call that answers `says`."""

        async def make() -> Made:
            await asyncio.sleep(0)
            self.made.append(says)
            self.done.set()
            return Made({"says": says}, self.usage)

        return make


def bench() -> Bench:
    return scripted({"reply": "unused"})


async def test_finished_call_is_not_made_again() -> None:
    """A second execution gets the recorded answer, costs nothing, and still counts for its limits."""
    first, doer = bench(), Doer()
    assert await first.scope().recorded("tool", "search", {"q": "a"}, doer.call("one")) == {"says": "one"}
    again = first.resumed().scope()
    assert await again.recorded("tool", "search", {"q": "a"}, doer.call("two")) == {"says": "one"}
    assert doer.made == ["one"]
    assert again.used.tool_calls == 1
    assert (await again.spending.total()).tool_calls == 1


@pytest.mark.parametrize(
    ("path", "kind", "name", "request_"),
    [
        ("other", "tool", "search", {"q": "a"}),
        ("step", "model", "search", {"q": "a"}),
        ("step", "tool", "read", {"q": "a"}),
        ("step", "tool", "search", {"q": "b"}),
    ],
)
async def test_key_covers_path_kind_name_and_request(path: str, kind: str, name: str, request_: Json) -> None:
    """A call that differs in anything is another call."""
    run, doer = bench(), Doer()
    await run.scope().recorded("tool", "search", {"q": "a"}, doer.call("one"))
    answer = await run.scope(path).recorded(kind, name, request_, doer.call("two"))  # type: ignore[arg-type]
    assert answer == {"says": "two"}


async def test_order_of_request_keys_does_not_matter() -> None:
    """The same request with its keys in another order is the same call."""
    run, doer = bench(), Doer()
    await run.scope().recorded("tool", "t", {"a": 1, "b": {"c": 2, "d": 3}}, doer.call("one"))
    await run.scope().recorded("tool", "t", {"b": {"d": 3, "c": 2}, "a": 1}, doer.call("two"))
    assert doer.made == ["one"]


async def test_equal_calls_of_one_execution_are_told_apart() -> None:
    """Equal calls side by side are all made, and come back each in its place."""
    run, doer = bench(), Doer()

    async def three(scope: CallScope, tag: str) -> list[Json]:
        calls = (scope.recorded("tool", "t", {}, doer.call(f"{tag}{n}")) for n in range(3))
        return await asyncio.gather(*calls)

    first = await three(run.scope(), "a")
    assert sorted(doer.made) == ["a0", "a1", "a2"]
    assert await three(run.resumed().scope(), "b") == first
    assert len(doer.made) == 3


@pytest.mark.slow
@given(st.lists(st.sampled_from("abc"), max_size=12))
async def test_any_sequence_of_calls_replays_exactly(names: list[str]) -> None:
    """Whatever is called in whatever order, a second execution makes no call and gets the same answers."""
    run, doer = bench(), Doer()
    scopes = (run.scope(), run.resumed().scope())
    first, second = [
        [await scope.recorded("tool", name, {}, doer.call(f"{name}{n}")) for n, name in enumerate(names)]
        for scope in scopes
    ]
    assert first == second
    assert len(doer.made) == len(names)


async def test_record_precedes_use() -> None:
    """A call whose record fails is not used: the error of the journal rises."""
    run = bench()
    run.journal.fails_with = LeaseLost("the lease is gone")
    scope = run.scope()
    with pytest.raises(LeaseLost):
        await scope.recorded("tool", "t", {}, Doer().call("x"))
    assert scope.used == Usage()
    assert (await scope.spending.total()) == Usage()


async def test_fresh_answer_equals_its_replay() -> None:
    """What JSON would change (tuples, numbers as keys, NaN) is changed in the first answer too."""
    run = bench()

    async def make() -> Made:
        return Made({"pair": (1, 2), "by": {3: "x"}, "mean": float("nan")}, Usage())

    first = await run.scope().recorded("tool", "t", {}, make)
    assert first == {"pair": [1, 2], "by": {"3": "x"}, "mean": None}
    assert await run.scope().recorded("tool", "t", {}, make) == first


async def test_answer_that_is_no_json_is_a_bug_that_shows() -> None:
    """An answer that cannot be recorded is not swallowed, nor recorded in part."""
    run = bench()

    async def make() -> Made:
        return Made({"x": object()}, Usage())

    with pytest.raises(ValueError, match="serialize"):
        await run.scope().recorded("tool", "t", {}, make)
    assert not run.journal.calls


async def test_cancellation_in_the_call_records_nothing() -> None:
    """A call that is cancelled under way is not recorded, and is made again later."""
    run, doer = bench(), Doer()
    begun = asyncio.Event()

    async def hang() -> Made:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    task = asyncio.create_task(run.scope().recorded("tool", "t", {}, hang))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not run.journal.calls
    assert run.spending.held == 0
    await run.scope().recorded("tool", "t", {}, doer.call("later"))
    assert doer.made == ["later"]


async def test_cancellation_in_the_record_loses_nothing() -> None:
    """A branch that is cancelled while its call is being stored ends, but the call is stored and counted."""
    run, doer = bench(), Doer(Usage(model_calls=1, money=0.5))
    run.journal.store_seconds = 0.05
    scope = run.scope()
    await run.spending.total()
    task = asyncio.create_task(scope.recorded("model", "m", {}, doer.call("paid")))
    await doer.done.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [call.response for call in run.journal.calls.values()] == [{"says": "paid"}]
    assert scope.used.money == 0.5
    assert (await run.spending.total()).money == 0.5


@pytest.mark.slow
async def test_cancelled_record_that_fails_does_not_hide_the_cancellation() -> None:
    """When the store fails after the cancellation, the cancellation goes on and no task is left unheard."""
    run, doer = bench(), Doer()
    run.journal.store_seconds, run.journal.fails_with = 0.02, LeaseLost("gone")
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    task = asyncio.create_task(run.scope().recorded("tool", "t", {}, doer.call("x")))
    await doer.done.wait()
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()  # an exception that nobody looked at is told to the loop when its task goes
    assert not unheard


LIMITS: list[tuple[BranchLimits, str, Usage, str]] = [
    (BranchLimits(model_calls=2), "model", Usage(model_calls=1), "model_calls"),
    (BranchLimits(tool_calls=2), "tool", Usage(tool_calls=1), "tool_calls"),
    (BranchLimits(tokens=200), "model", Usage(input_tokens=90, output_tokens=10), "tokens"),
    (BranchLimits(money=0.2), "model", Usage(money=0.1), "money"),
]


@pytest.mark.parametrize(("limits", "kind", "usage", "name"), LIMITS)
async def test_limit_stops_before_the_call(limits: BranchLimits, kind: str, usage: Usage, name: str) -> None:
    """The third call is refused before it is made, with the limit's name and value, place and remedy."""
    run, doer = bench(), Doer(usage)
    scope = run.scope("branches/a", limits)
    expected = Usage(money=usage.money)
    for number in range(2):
        await scope.recorded(kind, "x", {"n": number}, doer.call("y"), expected)  # type: ignore[arg-type]
    with pytest.raises(LimitReached) as caught:
        await scope.recorded(kind, "x", {"n": 3}, doer.call("y"), expected)  # type: ignore[arg-type]
    assert caught.value.limit == name
    assert len(doer.made) == 2
    assert f"{getattr(limits, name):g}" in caught.value.message
    assert caught.value.place == "branches/a"
    assert "Raise limits." in (caught.value.remedy or "")


async def test_time_limit_stops_before_the_call() -> None:
    """After the branch's seconds no call is begun."""
    run, doer = bench(), Doer()
    scope = run.scope(limits=BranchLimits(seconds=10))
    await run.clock.sleep(11)
    with pytest.raises(LimitReached) as caught:
        await scope.recorded("tool", "t", {}, doer.call("x"))
    assert caught.value.limit == "seconds"
    assert not doer.made


async def test_calls_begun_side_by_side_keep_the_limit() -> None:
    """Of five calls begun at once two are made if two are allowed."""
    run, doer = bench(), Doer()
    scope = run.scope(limits=BranchLimits(tool_calls=2))
    calls = [scope.recorded("tool", "t", {"n": n}, doer.call(str(n))) for n in range(5)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, LimitReached) for each in ended) == 3
    assert doer.made == ["0", "1"]


async def test_replayed_calls_pass_the_limit_that_they_passed_before() -> None:
    """A replay is not refused for what it used the first time; the next real call is."""
    run, doer = bench(), Doer(Usage(money=0.1))
    limits = BranchLimits(model_calls=2, money=0.2)
    for scope in (run.scope(limits=limits), run.resumed().scope(limits=limits)):
        for number in range(2):
            await scope.recorded("model", "m", {"n": number}, doer.call("x"), Usage(money=0.1))
        with pytest.raises(LimitReached):
            await scope.recorded("model", "m", {"n": 2}, doer.call("x"), Usage(money=0.1))
    assert len(doer.made) == 2


async def test_budget_holds_over_branches_and_resume() -> None:
    """The run's budget counts the calls of all branches and of the process before."""
    first, doer = bench(), Doer(Usage(model_calls=1, money=0.4))
    await first.scope("a", budget=1.0).recorded("model", "m", {}, doer.call("x"), Usage(money=0.4))
    second = first.resumed()
    await second.scope("b", budget=1.0).recorded("model", "m", {}, doer.call("x"), Usage(money=0.4))
    with pytest.raises(LimitReached) as caught:
        await second.scope("c", budget=1.0).recorded("model", "m", {}, doer.call("x"), Usage(money=0.4))
    assert (caught.value.limit, len(doer.made)) == ("budget", 2)
    assert "$1" in str(caught.value)
    assert second.journal.usage_reads == 2  # once a process


async def test_budget_holds_while_calls_are_under_way() -> None:
    """Branches side by side set their money aside before they call."""
    run, doer = bench(), Doer(Usage(model_calls=1, money=0.4))
    calls = [
        run.scope(path, budget=1.0).recorded("model", "m", {}, doer.call(path), Usage(money=0.4)) for path in "abcde"
    ]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, LimitReached) for each in ended) == 3
    assert (await run.spending.total()).money == pytest.approx(0.8)
    assert run.spending.held == pytest.approx(0)


async def test_free_calls_need_no_budget() -> None:
    """A budget of nothing, and one that is overspent, allow what costs nothing, and refuse what costs."""
    run, doer = bench(), Doer(Usage(money=0.3))
    for budget in (0, 0.2):
        scope = run.scope(f"branch {budget}", budget=budget)
        await scope.recorded("model", "extractive", {}, doer.call("x"), Usage(input_tokens=5))
        with pytest.raises(LimitReached):
            await scope.recorded("model", "openai/x", {}, doer.call("x"), Usage(money=0.001))
    assert (await run.spending.total()).money == pytest.approx(0.6)


async def test_spending_is_read_once_by_branches_that_start_together() -> None:
    """Two branches that begin at once neither read the journal twice nor count a call twice."""
    run, doer = bench(), Doer(Usage(money=1.0))
    await asyncio.gather(*(run.scope(p).recorded("model", "m", {}, doer.call(p)) for p in "ab"))
    assert run.journal.usage_reads == 1
    assert (await run.spending.total()).money == 2.0


async def test_progress_tells_what_the_path_has_used() -> None:
    """Each call, replayed or not, is told with the sum so far."""
    run, doer = bench(), Doer(Usage(model_calls=1, input_tokens=7))
    scope = run.scope("branches/a")
    for number in range(2):
        await scope.recorded("model", "m", {"n": number}, doer.call("x"))
    assert [(each.path, each.usage.input_tokens) for each in run.progress if each.usage] == [
        ("branches/a", 7),
        ("branches/a", 14),
    ]


async def test_scope_keeps_what_tools_showed() -> None:
    """Passages are kept once and in order, queries as they came."""
    scope = bench().scope()
    scope.note({"passages": ["p1", "p2", "p1"], "chart": None, "searched": ["a"]})
    scope.note({"passages": ["p2", "p3"], "searched": ["a"], "other": 1})
    assert scope.shown == ["p1", "p2", "p3"]
    assert scope.searched == ["a", "a"]
    assert scope.charts == []
