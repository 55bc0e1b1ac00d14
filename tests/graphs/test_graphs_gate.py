"""The quality gate: what it measures, and that it always ends well."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.coordination.gate import assess
from graphs.coordination.merge import merge_results
from state.context import GatePolicy
from state.evidence import Claim, Contradiction, Side, Verdict
from state.research import BranchResult, Merged, Missing, Plan
from tests.graphs.evidence_samples import CORPUS, FIRST, SECOND, THIRD, branch, by_id, finding, plan, plans, result
from tests.graphs.evidence_samples import results as some_results

POLICY = GatePolicy(min_score=0.7, min_coverage=0.6, max_revisions=1)
PLAN = plan(branch("a", FIRST, required=True), branch("b", SECOND), branch("c", THIRD))


def claim(name: str, topic: str, verdict: Verdict = "supported") -> Claim:
    passages = (f"p{name}",)
    return Claim(id=name, text=name, passages=passages, topic=topic, weight=0.5, confidence=0.5, verdict=verdict)


def conflict(one: str, other: str) -> Contradiction:
    sides = [Side(claim_id=name, source_id=name, passage_id=name, statement=name, value="1") for name in (one, other)]
    return Contradiction(id="x", subject="s", sides=(sides[0], sides[1]), preferred=one, why="w")


def done(**fields: Any) -> dict[str, BranchResult]:
    """Three branches that completed, with other fields for some."""
    return by_id(*(result(name, finding(name, f"p{name}"), **fields.get(name, {})) for name in "abc"))


ALL_GOOD = Merged(claims=(claim("x", FIRST), claim("y", SECOND), claim("z", THIRD)))


def test_good_evidence_is_approved() -> None:
    """All questions answered, all claims supported, all branches completed: full score, no defects."""
    report = assess(PLAN, ALL_GOOD, done(), POLICY, 0)
    assert (report.decision, report.score, report.defects) == ("approved", 1.0, ())
    assert (report.coverage, report.citation_validity, report.agreement, report.completeness) == (1, 1, 1, 1)


def test_the_measures_and_their_weights() -> None:
    """Each share is what its name says, and the score weighs them 0.35, 0.35, 0.15, 0.15."""
    evidence = Merged(
        claims=(claim("x", FIRST), claim("y", FIRST), claim("u", SECOND, "partly"), claim("v", THIRD, "unsupported")),
        contradictions=(conflict("x", "y"),),
    )
    report = assess(PLAN, evidence, done(a={"status": "failed", "findings": ()}), POLICY, 0)
    assert report.coverage == pytest.approx(2 / 3, abs=1e-4)
    assert report.citation_validity == 0.5
    assert report.agreement == 0.5
    assert report.completeness == 0.5  # the required branch counts double
    assert report.score == pytest.approx(0.35 * 2 / 3 + 0.35 * 0.5 + 0.15 * 0.5 + 0.15 * 0.5, abs=1e-4)
    assert report.uncovered == (THIRD,)


def test_what_is_open_is_sent_again() -> None:
    """Below the figures, with a revision left, open questions and passing failures are worth another round."""
    lost = done(b={"status": "failed", "transient": True, "findings": ()}, c={"status": "failed", "findings": ()})
    report = assess(PLAN, Merged(claims=(claim("x", FIRST),)), lost, POLICY, 0)
    assert report.decision == "needs_revision"
    assert report.uncovered == (SECOND, THIRD)
    assert report.resend == ("b",)


def test_after_the_last_round_it_is_approved_with_defects() -> None:
    """When no revision is left the best there is goes out, and everything that is wrong with it is told."""
    lost = Missing(branch_id="b", focus="market", status="failed", reason="the server was down.", questions=(SECOND,))
    evidence = Merged(
        claims=(claim("x", FIRST), claim("y", FIRST), claim("v", THIRD, "contradicted")),
        contradictions=(conflict("x", "y"),),
        missing=(lost,),
    )
    report = assess(PLAN, evidence, done(), POLICY, 1)
    assert report.decision == "approved"
    assert report.defects == (
        f"No passage of the sources was found to answer: {SECOND}",
        f"No passage of the sources was found to answer: {THIRD}",
        "The branch 'market' did not deliver: the server was down.",
        "Passages do not support 1 of 3 claims; these are left out.",
        "Contradictions between sources: 1.",
        "The score of the evidence is 0.55; 0.70 was asked for.",
    )


def test_nothing_at_all_is_a_critical_failure() -> None:
    """Without a claim to write of, and with nothing more to try, the run could not establish anything."""
    nothing = Merged(claims=(claim("v", FIRST, "unsupported"),))
    assert assess(PLAN, nothing, done(), POLICY, 0).decision == "needs_revision"
    assert assess(PLAN, nothing, done(), POLICY, 1).decision == "critical_failure"
    assert assess(PLAN, Merged(), {}, GatePolicy(max_revisions=0), 0).decision == "critical_failure"


def test_a_policy_that_asks_for_nothing_still_needs_a_claim() -> None:
    """A score of 0 suffices for a policy of 0, but an empty report is never approved."""
    open_gate = GatePolicy(min_score=0, min_coverage=0, max_revisions=0)
    assert assess(PLAN, Merged(), {}, open_gate, 0).decision == "critical_failure"
    assert assess(PLAN, Merged(claims=(claim("x", FIRST, "partly"),)), {}, open_gate, 0).decision == "approved"


def test_coverage_is_asked_for_by_itself() -> None:
    """A good score does not make up for questions that are not answered."""
    strict = GatePolicy(min_score=0.5, min_coverage=0.9, max_revisions=1)
    report = assess(PLAN, Merged(claims=(claim("x", FIRST), claim("y", SECOND))), done(), strict, 0)
    assert report.score > strict.min_score
    assert report.decision == "needs_revision"


def test_one_claim_may_answer_two_questions() -> None:
    """A statement that was found for two questions covers both, though the claim has one topic."""
    twice = by_id(result("a", finding("x", "px", topic=FIRST)), result("b", finding("X.", "px", topic=SECOND)))
    report = assess(PLAN, Merged(claims=(claim("x", FIRST),)), twice, POLICY, 0)
    assert report.uncovered == (THIRD,)
    other = by_id(result("a", finding("x", "px", topic=FIRST)), result("b", finding("x", "pother", topic=SECOND)))
    assert assess(PLAN, Merged(claims=(claim("x", FIRST),)), other, POLICY, 0).uncovered == (SECOND, THIRD)


def test_a_passing_failure_with_nothing_open_is_left() -> None:
    """A branch that timed out with findings, whose questions are answered, is not sent again."""
    late = done(a={"status": "timed_out", "transient": True})
    assert assess(PLAN, ALL_GOOD, late, POLICY, 0).resend == ()
    empty = done(a={"status": "timed_out", "transient": True, "findings": ()})
    assert assess(PLAN, ALL_GOOD, empty, POLICY, 0).resend == ("a",)


def test_branches_left_out_do_not_lower_completeness() -> None:
    """A branch that an adaptive plan did not need counts neither way; in the other modes it is missing."""
    part = by_id(result("a", finding("x", "px")))
    assert assess(PLAN, ALL_GOOD, part, POLICY, 0).completeness == 0.5
    adaptive = PLAN.model_copy(update={"mode": "adaptive"})
    assert assess(adaptive, ALL_GOOD, part, POLICY, 0).completeness == 1


policies = st.builds(
    GatePolicy, min_score=st.floats(0, 1), min_coverage=st.floats(0, 1), max_revisions=st.integers(0, 5)
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(plans, some_results, policies, st.integers(0, 8))
def test_it_always_ends_well(under: Plan, found: dict[str, BranchResult], policy: GatePolicy, rounds: int) -> None:
    """Any evidence gets one of three decisions; no revision beyond the bound; nothing is approved without a claim."""
    merged = merge_results(found, CORPUS.passages, CORPUS.sources, under)
    report = assess(under, merged, found, policy, rounds)
    usable = [each for each in merged.claims if each.verdict in ("supported", "partly")]
    assert report.decision in ("approved", "needs_revision", "critical_failure")
    if rounds >= policy.max_revisions:
        assert report.decision != "needs_revision"
    assert (report.decision == "approved") <= bool(usable)
    assert (report.decision == "critical_failure") <= (not usable)
    if report.decision == "needs_revision":
        assert report.uncovered or report.resend
    figures = report.score, report.coverage, report.citation_validity, report.agreement, report.completeness
    assert all(0 <= figure <= 1 for figure in figures)
