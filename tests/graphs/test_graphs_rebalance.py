"""Rebalance: only what is missing is sent again, under new ids, within limits and budget."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.coordination.gate import assess
from graphs.coordination.lineage import base_id, current, successor_id
from graphs.coordination.merge import merge_results
from graphs.coordination.rebalance import rebalance
from state.context import BranchLimits, GatePolicy, RunContext
from state.research import Branch, BranchResult, GateReport
from tests.graphs.evidence_samples import (
    CORPUS,
    FIRST,
    SECOND,
    THIRD,
    branch,
    by_id,
    finding,
    plan,
    plans,
    result,
    results,
)

LIMITS = BranchLimits(seconds=100, tokens=100_000, model_calls=20, tool_calls=30, money=1.0)
PLAN = plan(branch("a", FIRST, SECOND, limits=LIMITS), branch("b", THIRD, required=True))


def report(*uncovered: str, resend: tuple[str, ...] = ()) -> GateReport:
    return GateReport(
        decision="needs_revision",
        score=0.5,
        coverage=0.5,
        citation_validity=0.5,
        agreement=0.5,
        completeness=0.5,
        uncovered=uncovered,
        resend=resend,
    )


def sent_again(
    measured: GateReport, found: dict[str, BranchResult], *guidance: str, under: Any = PLAN, **context: Any
) -> list[Branch]:
    """The branches of the first round of sending again."""
    again, ids = rebalance(under, found, measured, RunContext(**context), guidance, 1)
    assert again.branches[: len(under.branches)] == under.branches
    assert ids == tuple(each.id for each in again.branches[len(under.branches) :])
    return list(again.branches[len(under.branches) :])


PART = result("a", finding("x", "p", topic=FIRST), status="cut_off", transient=True)
DONE = result("b", finding("y", "p", topic=THIRD))


def test_a_branch_that_left_something_open() -> None:
    """A branch that was cut off is sent again for its open question, with limits in proportion, time uncut."""
    (again,) = sent_again(report(SECOND, resend=("a",)), by_id(PART, DONE))
    assert again.id == "a-r2"
    assert again.questions == (SECOND,)
    assert again.limits == BranchLimits(seconds=100, tokens=50_000, model_calls=10, tool_calls=15, money=0.5)


def test_past_the_soft_limit_fewer_are_sent() -> None:
    """Where most of the budget is spent, half as many branches are sent again, the most important ones."""
    parts = [branch(name, f"What of {name}?", priority=place + 1) for place, name in enumerate("abcd")]
    lost = by_id(*(result(name, status="failed", transient=True, money=0.2) for name in "abcd"))
    measured = report(*(f"What of {name}?" for name in "abcd"), resend=tuple("abcd"))
    for budget, sent in ((2.0, ["a-r2", "b-r2", "c-r2", "d-r2"]), (0.9, ["a-r2", "b-r2"]), (0.8, [])):
        again = sent_again(measured, lost, under=plan(*parts), budget=budget, max_branches=4)
        assert [each.id for each in again] == sent


def test_a_branch_that_found_nothing() -> None:
    """A branch that failed with nothing in its hands is sent again whole."""
    empty = result("a", status="failed", transient=True)
    (again,) = sent_again(report(SECOND, resend=("a",)), by_id(empty, DONE))
    assert again.questions == (FIRST, SECOND)
    assert again.limits == LIMITS


def test_small_limits_stay_usable() -> None:
    """A narrowed branch can still make a search and an answer, but never more than it might before."""
    small = BranchLimits(tokens=10_000, model_calls=6, tool_calls=2)
    under = plan(branch("a", FIRST, SECOND, THIRD, limits=small))
    part = by_id(PART.model_copy(update={"findings": (finding("x", "p", topic=FIRST),)}))
    (again,) = sent_again(report(SECOND, resend=("a",)), part, under=under)
    assert (again.limits.model_calls, again.limits.tool_calls, again.limits.tokens) == (4, 2, 10_000)


def test_an_open_question_of_a_completed_branch() -> None:
    """A question that nothing answers gets a research branch in its owner's place; completed branches stay out."""
    tables = plan(branch("figures", FIRST, SECOND, kind="analysis", tables=("t.csv",), priority=2), branch("b", THIRD))
    found = by_id(result("figures", finding("x", "p"), kind="analysis"), DONE)
    (again,) = sent_again(report(SECOND), found, under=tables)
    assert (again.id, again.kind, again.tables, again.questions) == ("figures-r2", "research", (), (SECOND,))
    assert again.priority == 2
    assert again.limits == RunContext().limits


def test_a_question_of_nobody() -> None:
    """A sub-question that no branch had gets a branch of its own."""
    (again,) = sent_again(report("Who pays for all of it?"), by_id(DONE))
    assert (again.id, again.focus, again.questions) == (
        "open-questions-r2",
        "open questions",
        ("Who pays for all of it?",),
    )


def test_what_people_asked_for_gets_a_branch() -> None:
    """Guidance that no branch has been asked is asked now; what was asked before is not asked again."""
    (again,) = sent_again(report(), by_id(PART, DONE), "Look at methane too", f" {FIRST.lower()} ")
    assert (again.id, again.questions, again.required) == ("request-r2", ("Look at methane too",), True)
    assert len(sent_again(report(SECOND), by_id(PART, DONE), FIRST)) == 1


def test_asked_for_twice() -> None:
    """When nothing else is to be sent, what was asked for last is sent again."""
    (again,) = sent_again(report(), by_id(PART, DONE), "Look at methane", THIRD)
    assert again.questions == ("Look at methane",)
    (again,) = sent_again(report(), by_id(PART, DONE), THIRD)
    assert again.questions == (THIRD,)
    assert sent_again(report(), by_id(PART, DONE)) == []


def test_no_more_than_there_is_room_for() -> None:
    """At most max_branches are sent, the required and the most important first."""
    names = "abcdef"
    questions = [f"What does {name * 3} cost in {name * 4}?" for name in names]
    under = plan(
        *(
            branch(name, question, priority=5 - place % 5, required=name == "c")
            for place, (name, question) in enumerate(zip(names, questions, strict=True))
        ),
        questions=questions,
    )
    found = by_id(*(result(name) for name in names))
    again = sent_again(report(*questions), found, under=under, max_branches=3)
    assert [each.id for each in again] == ["c-r2", "e-r2", "d-r2"]


def test_the_budget_that_is_left_is_shared() -> None:
    """Each branch may spend an equal part of what is left of the run's budget; nothing is sent when it is spent."""
    lost = report(SECOND, THIRD, resend=("a",))
    found = by_id(PART.model_copy(update={"money": 0.4}), DONE)
    again = sent_again(lost, found, budget=1.0)
    assert [each.limits.money for each in again] == [pytest.approx(0.3), pytest.approx(0.3)]
    assert sent_again(lost, found, budget=0.4) == []


def test_ids_of_a_second_round() -> None:
    """A branch that is sent a third time is numbered on from its first id, and taken ids are passed over."""
    under = plan(branch("a", FIRST), branch("a-r2", FIRST), branch("a-r3", SECOND))
    found = by_id(result("a", status="failed"), result("a-r2", status="failed", transient=True, round=1))
    again, ids = rebalance(under, found, report(FIRST, resend=("a-r2",)), RunContext(), (), 2)
    assert ids == ("a-r4",)
    assert again.branches[-1].questions == (FIRST,)


@pytest.mark.slow
@given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,40}", fullmatch=True), st.integers(2, 6), st.integers(0, 3))
def test_new_ids_are_ids(name: str, sending: int, more: int) -> None:
    """A successor's id is valid, new, and leads back to the first id unless that had to be cut."""
    taken = {name}
    for _ in range(more + 1):
        made = successor_id(name, sending, taken)
        assert made not in taken
        assert Branch(id=made, kind="research", focus="f", questions=()).id == made
        assert base_id(name).startswith(base_id(made))
        taken.add(made)


def test_who_counts_after_a_branch_was_sent_again() -> None:
    """The branch sent in a later round counts instead of the first; one with the same look of the same round not."""
    under = plan(branch("a", FIRST), branch("a-r2", FIRST), branch("x" * 41, FIRST), branch("x" * 38 + "-r2", FIRST))
    found = by_id(
        *(result(each.id, round=int(each.id.endswith("-r2"))) for each in under.branches),
    )
    assert [each.id for each in current(under, found)] == ["a-r2", "x" * 38 + "-r2"]
    same_round = by_id(*(result(each.id) for each in under.branches))
    assert len(current(under, same_round)) == 4


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(plans, results, st.lists(st.sampled_from([FIRST, "Look at methane", " "]), max_size=2), st.integers(1, 4))
def test_what_always_holds(under: Any, found: dict[str, BranchResult], guidance: list[str], room: int) -> None:
    """Ids are new and unique, no more than the room; every question is open, a failed branch's, or asked for."""
    merged = merge_results(found, CORPUS.passages, CORPUS.sources, under)
    measured = assess(under, merged, found, GatePolicy(), 0)
    context = RunContext(max_branches=room)
    again, ids = rebalance(under, found, measured, context, guidance, 1)
    assert (again, ids) == rebalance(under, found, measured, context, guidance, 1)
    assert len(ids) <= room
    assert len({each.id for each in again.branches}) == len(again.branches) == len(under.branches) + len(ids)
    assert not set(ids) & set(found)
    of_failed = {question for each in under.branches if each.id in measured.resend for question in each.questions}
    asked = {line.strip() for line in guidance}
    for each in again.branches[len(under.branches) :]:
        assert set(each.questions) <= {*measured.uncovered, *of_failed, *asked}
        assert each.questions
    if measured.decision == "needs_revision":
        assert ids
