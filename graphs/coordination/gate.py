"""The quality gate: measures the evidence, and decides whether it is enough. It always ends well.

score = 0.35 coverage + 0.35 citation validity + 0.15 agreement + 0.15 completeness, where
- coverage is the share of the sub-questions with a claim that is supported, at least partly;
- citation validity is the share of the claims that their passages support;
- agreement is 1 - the share of the claims that stand in a contradiction;
- completeness is the share of the branches that completed; required ones count double.
Without any claim the first three are 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graphs.coordination.lineage import current
from graphs.coordination.topics import answered, asks
from state.context import GatePolicy
from state.research import Branch, BranchResult, GateDecision, GateReport, Merged, Plan
from tools.synthesis_tools import usable

_COVERAGE, _VALIDITY, _AGREEMENT, _COMPLETENESS = 0.35, 0.35, 0.15, 0.15
_DIGITS = 4


@dataclass(frozen=True)
class Measures:
    """What the gate measures, as shares from 0 to 1."""

    coverage: float
    citation_validity: float
    agreement: float
    completeness: float

    @property
    def score(self) -> float:
        """The weighted sum, by the formula above."""
        return round(
            _COVERAGE * self.coverage
            + _VALIDITY * self.citation_validity
            + _AGREEMENT * self.agreement
            + _COMPLETENESS * self.completeness,
            _DIGITS,
        )


def assess(
    plan: Plan, merged: Merged, results: Mapping[str, BranchResult], policy: GatePolicy, round_number: int
) -> GateReport:
    """What the evidence is worth after `round_number` rounds of sending again, and what becomes of it.

    - approved: score and coverage reach the policy's figures;
    - needs_revision: they do not, the policy allows another round, and something is worth sending again;
    - approved with its defects: no more can be had, but there is a claim to write of;
    - critical_failure: no more can be had, and there is none.
    """
    covered = answered(plan, merged, results)
    uncovered = tuple(question for question in plan.sub_questions if question not in covered)
    resend = tuple(branch.id for branch in current(plan, results) if _worth_resending(branch, results, uncovered))
    measured = _measure(plan, merged, results, covered)
    good = measured.score >= policy.min_score and measured.coverage >= policy.min_coverage
    again = round_number < policy.max_revisions and bool(uncovered or resend)
    return GateReport(
        decision=_decide(bool(usable(merged.claims)), good, again),
        score=measured.score,
        coverage=measured.coverage,
        citation_validity=measured.citation_validity,
        agreement=measured.agreement,
        completeness=measured.completeness,
        uncovered=uncovered,
        resend=resend,
        defects=_defects(merged, uncovered, measured, policy),
    )


def _decide(any_usable: bool, good: bool, again: bool) -> GateDecision:
    if any_usable and good:
        return "approved"
    if again:
        return "needs_revision"
    return "approved" if any_usable else "critical_failure"


def _measure(plan: Plan, merged: Merged, results: Mapping[str, BranchResult], covered: set[str]) -> Measures:
    count = len(merged.claims)
    supported = sum(claim.verdict == "supported" for claim in merged.claims)
    disputed = {side.claim_id for found in merged.contradictions for side in found.sides}
    questions = set(plan.sub_questions)
    return Measures(
        coverage=_share(len(covered), len(questions)),
        citation_validity=_share(supported, count),
        agreement=_share(count - sum(claim.id in disputed for claim in merged.claims), count),
        completeness=_completeness(plan, results),
    )


def _completeness(plan: Plan, results: Mapping[str, BranchResult]) -> float:
    """Branches that an adaptive plan left out are not waited for."""
    asked = [branch for branch in current(plan, results) if branch.id in results or plan.mode != "adaptive"]
    done = [branch for branch in asked if branch.id in results and results[branch.id].status == "completed"]
    return _share(sum(1 + branch.required for branch in done), sum(1 + branch.required for branch in asked))


def _share(part: int, whole: int) -> float:
    return round(part / whole, _DIGITS) if whole else 0.0


def _worth_resending(branch: Branch, results: Mapping[str, BranchResult], uncovered: tuple[str, ...]) -> bool:
    """Whether the branch failed for a cause that may pass, and something is still missing for it."""
    result = results.get(branch.id)
    if result is None or result.status == "completed" or not result.transient:
        return False
    return not result.findings or any(asks(branch, question) for question in uncovered)


def _defects(merged: Merged, uncovered: tuple[str, ...], measured: Measures, policy: GatePolicy) -> tuple[str, ...]:
    """What is wrong with the evidence, a sentence each."""
    defects = [f"No passage of the sources was found to answer: {question}" for question in uncovered]
    defects += [
        f"The branch {missing.focus!r} did not deliver: {missing.reason.rstrip('.')}." for missing in merged.missing
    ]
    unsupported = len(merged.claims) - len(usable(merged.claims))
    if unsupported:
        defects.append(f"Passages do not support {unsupported} of {len(merged.claims)} claims; these are left out.")
    if merged.contradictions:
        defects.append(f"Contradictions between sources: {len(merged.contradictions)}.")
    if measured.score < policy.min_score:
        defects.append(f"The score of the evidence is {measured.score:.2f}; {policy.min_score:.2f} was asked for.")
    return tuple(dict.fromkeys(defects))
