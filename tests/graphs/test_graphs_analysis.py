"""The choice of the mode, and which branches are sent next."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.coordination.analysis import choose_mode, complexity, interdependence, not_sent, waves
from state.context import RunContext
from state.evidence import Collection
from state.research import Plan
from tests.graphs.evidence_samples import FIRST, SECOND, THIRD, branch, finding, plan, plans, result, results

SMALL = Collection(id="k", sources=4, passages=30, tables=("co2.csv",))
PLAIN = ["How fast does CO2 rise?", "What does a heat pump cost?", "Which cities grow?"]


def mode(questions: Sequence[str], branches: int = 3, **context: Any) -> tuple[str, str]:
    kinds: Any = ["analysis", *["research"] * (branches - 1)]
    return choose_mode(questions, kinds[:branches], SMALL, RunContext(**context))


def test_independent_questions_run_in_parallel() -> None:
    """Branches that do not need each other run at once; the reason says so in words, without figures to decode."""
    chosen, why = mode(PLAIN)
    assert chosen == "parallel"
    assert why == (
        "The branches do not need each other's answers. 3 sub-questions over 4 sources and 1 table: a task of middling "
        "size, whose questions do not build on each other. 3 branches, 1 on tables, with room for 6 at a time."
    )


def test_questions_that_build_on_answers_run_one_after_another() -> None:
    """Questions that name earlier answers make the mode sequential."""
    chosen, why = mode([PLAIN[0], "Based on that rate, when are 500 ppm reached?", "Which of these years is warmest?"])
    assert chosen == "sequential"
    assert "whose later questions build on earlier answers" in why


def test_some_dependence_sends_the_important_first() -> None:
    """Where one of three questions may need another's answer the mode is adaptive."""
    assert mode([PLAIN[0], "Why does it matter?", PLAIN[2]])[0] == "adaptive"


def test_no_room_sends_the_important_first() -> None:
    """More branches than the capacity, or a big question that fills it, make the mode adaptive."""
    assert mode(PLAIN, branches=4, max_branches=3)[0] == "adaptive"
    big = [f"What is the {name} cost of heat pumps in old houses of cold countries?" for name in "abcdef"]
    assert mode(big, branches=6, max_branches=6)[0] == "adaptive"
    assert mode(big, branches=6, max_branches=12)[0] == "parallel"


def test_a_single_branch_has_nothing_to_order() -> None:
    """One branch is parallel whatever its questions say."""
    assert mode([PLAIN[0], "Based on that, what follows?"], branches=1)[0] == "parallel"


def test_the_users_mode_wins() -> None:
    """A mode that was asked for is taken, and the reason says so."""
    chosen, why = mode(PLAIN, mode="sequential")
    assert chosen == "sequential"
    assert why.startswith("It was asked for. ")


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("Given these results, what follows?", 1),
        ("Then which is cheaper?", 1),
        ("Which of those is the cheapest?", 1),
        ("What does the former cost?", 1),
        ("Which anomalies does each prevent?", 0.5),
        ("Why does it matter?", 0.5),
        ("How do trees move water to their leaves?", 0),
        ("Which vendor sells the most?", 0),
    ],
)
def test_what_refers_back(question: str, share: float) -> None:
    """Words for earlier answers count whole, a pronoun with nothing before it half, others not."""
    assert interdependence([PLAIN[0], question]) == share
    assert interdependence([question]) == 0


@pytest.mark.slow
@given(st.lists(st.text(max_size=80), max_size=12), st.integers(0, 10**6))
def test_figures_are_shares(questions: list[str], sources: int) -> None:
    """Complexity and interdependence lie between 0 and 1 for any text, and complexity grows with the sources."""
    collection = Collection(id="k", sources=sources, passages=0)
    size = complexity(questions, collection)
    assert 0 <= complexity(questions, Collection(id="k", sources=0, passages=0)) <= size <= 1
    assert 0 <= interdependence(questions) <= 1


# --- waves ----------------------------------------------------------------------------------------------------


def of_mode(name: str) -> Plan:
    return plan(
        branch("late", THIRD, priority=5),
        branch("middle", SECOND, priority=3),
        branch("first", FIRST, priority=1),
        branch("must", FIRST, priority=4, required=True),
        mode=name,
    )


ALL = ("late", "middle", "first", "must")


def test_parallel_sends_all() -> None:
    """All that wait are sent, in the order of the plan."""
    assert waves(of_mode("parallel"), ALL, {}) == ALL
    assert waves(of_mode("parallel"), ("must", "late"), {}) == ("late", "must")


def test_sequential_sends_one_by_priority() -> None:
    """One branch at a time, the most important first."""
    assert waves(of_mode("sequential"), ALL, {}) == ("first",)
    assert waves(of_mode("sequential"), ("late", "middle", "must"), {}) == ("middle",)
    assert waves(of_mode("sequential"), (), {}) == ()


def test_adaptive_sends_the_important_then_what_is_open() -> None:
    """Required and important branches first; then only those with a question that no finding answers."""
    adaptive = of_mode("adaptive")
    assert waves(adaptive, ALL, {}) == ("first", "must")
    done = {"first": result("first", finding("a", "p", topic=FIRST), finding("b", "p", topic=THIRD.lower()))}
    assert waves(adaptive, ("late", "middle"), done) == ("middle",)
    done["middle"] = result("middle", finding("c", "p", topic=SECOND))
    assert waves(adaptive, ("late",), done) == ()
    assert len(not_sent(adaptive, done)) == 2
    assert "'late' was not sent" in not_sent(adaptive, done)[0]


def test_adaptive_without_important_branches() -> None:
    """Where no branch is important the most important there are go first."""
    flat = plan(branch("a", FIRST, priority=4), branch("b", SECOND, priority=3), mode="adaptive")
    assert waves(flat, ("a", "b"), {}) == ("b",)


@pytest.mark.slow
@given(plans, results)
def test_waves_come_to_an_end(under: Plan, done: dict) -> None:
    """Each wave is of waiting branches, each once; sending wave after wave, required branches are all sent."""
    waiting = tuple(each.id for each in under.branches)
    sent: list[str] = []
    ended = {name: done[name] for name in done if name not in waiting}
    while wave := waves(under, waiting, ended):
        assert set(wave) <= set(waiting)
        sent += wave
        waiting = tuple(name for name in waiting if name not in wave)
        ended |= {name: done.get(name, result(name)) for name in wave}
    assert len(sent) == len(set(sent))
    assert {each.id for each in under.branches if each.required} <= set(sent)
    if under.mode != "adaptive":
        assert not waiting
