"""The reducers: the same value in whatever order parallel updates arrive, and however often."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.reducers import keep_all, latest_results
from state.research import BranchResult, Feedback


def result(name: str = "a", number: int = 0, status: str = "completed", reason: str = "") -> BranchResult:
    known = {"branch_id": name, "kind": "research", "focus": name, "round": number, "status": status}
    return BranchResult.model_validate({**known, "reason": reason})


updates = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        result,
        st.sampled_from("abc"),
        st.integers(0, 2),
        st.sampled_from(["completed", "failed", "timed_out", "cut_off"]),
        st.sampled_from(["", "why"]),
    ),
)


@pytest.mark.slow
@given(updates, updates)
def test_latest_results_is_commutative(one: dict, other: dict) -> None:
    """Two updates make the same in either order."""
    assert latest_results(one, other) == latest_results(other, one)


@pytest.mark.slow
@given(updates, updates, updates)
def test_latest_results_is_associative(one: dict, two: dict, three: dict) -> None:
    """Updates may be gathered in any groups."""
    assert latest_results(latest_results(one, two), three) == latest_results(one, latest_results(two, three))


@pytest.mark.slow
@given(updates, updates)
def test_latest_results_is_idempotent(one: dict, other: dict) -> None:
    """An update that is delivered again changes nothing."""
    once = latest_results(one, other)
    assert latest_results(once, other) == once
    assert latest_results(once, one) == once
    assert latest_results(once, once) == once


@pytest.mark.slow
@given(updates, updates)
def test_latest_results_keeps_a_result_of_each_key_in_order(one: dict, other: dict) -> None:
    """Every key of both is there, sorted, with one of its two values; the arguments stay as they were."""
    before = dict(one), dict(other)
    found = latest_results(one, other)
    assert list(found) == sorted({*one, *other})
    assert all(found[key] in (one.get(key), other.get(key)) for key in found)
    assert (one, other) == before


def test_a_later_round_replaces_an_earlier() -> None:
    """The later round wins even if it ended worse."""
    first, second = result(number=0), result(number=1, status="failed")
    assert latest_results({"a": second}, {"a": first}) == {"a": second}


def test_within_a_round_the_better_end_wins() -> None:
    """Of two results of one round the one that completed wins, then what was cut off, timed out, failed."""
    ends = [result(status=status) for status in ("failed", "timed_out", "cut_off", "completed")]
    for place, better in enumerate(ends):
        for worse in ends[:place]:
            assert latest_results({"a": better}, {"a": worse}) == {"a": better}


def test_nothing_yet() -> None:
    """A channel that was never written counts as empty."""
    assert latest_results(None, None) == {}
    assert latest_results(None, {"a": result()}) == {"a": result()}
    assert keep_all(None, None) == ()
    assert keep_all(None, (1, 2)) == (1, 2)


@dataclass(frozen=True)
class Value:
    """A value that equals only its like."""

    name: str


values = st.lists(st.builds(Value, st.sampled_from("abcdef")), max_size=6, unique=True).map(tuple)


@pytest.mark.slow
@given(values, values)
def test_keep_all_keeps_order_and_each_once(left: tuple, right: tuple) -> None:
    """What was there stays in its place, what is new follows in order, nothing stands twice."""
    found = keep_all(left, right)
    assert found[: len(left)] == left
    assert found[len(left) :] == tuple(value for value in right if value not in left)
    assert len(set(found)) == len(found)


@pytest.mark.slow
@given(values, values, values)
def test_keep_all_is_associative_and_idempotent(one: tuple, two: tuple, three: tuple) -> None:
    """Updates may be gathered in any groups, and delivered again."""
    assert keep_all(keep_all(one, two), three) == keep_all(one, keep_all(two, three))
    assert keep_all(keep_all(one, two), two) == keep_all(one, two)


def test_the_same_words_at_another_answer_are_kept() -> None:
    """Two rejections in the same words are two: their count tells them apart from one that is delivered again."""
    said = Feedback(point="plan", type="reject", message="more", count=0)
    again = said.model_copy(update={"count": 1})
    assert keep_all((said,), (said, again)) == (said, again)


def test_keep_all_takes_plain_objects() -> None:
    """A server that shows a state has plain objects where the graph has records."""
    plain = {"point": "plan", "number": 0}
    assert keep_all((plain,), (plain, {"point": "plan", "number": 1})) == (plain, {"point": "plan", "number": 1})
