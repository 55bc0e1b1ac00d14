"""Makes one body of evidence of what the branches found: computed, and the same in whatever order they ended.

Weight of a branch: 0.7 quality + 0.3 speed.
- Quality is the share of its findings that the check supports (one that is partly supported counts half),
  times their mean confidence. A branch that found nothing weighs nothing.
- Speed is 1 - seconds / limit, from 0 to 1, to one decimal, so that noise in the timing reorders no report.

The confidence of a claim is computed in graphs/coordination/confidence.py.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graphs.coordination.analysis import not_sent
from graphs.coordination.confidence import with_confidence
from graphs.coordination.contradictions import compare_claims
from graphs.coordination.intervals import components, find_estimates
from graphs.coordination.lineage import current
from graphs.coordination.statements import normal, same_statement
from graphs.coordination.topics import topic_of
from state.evidence import Claim, Finding, Passage, Source, Verdict, content_id
from state.research import BranchResult, Merged, Missing, Plan
from tools.facts import check_statement

_QUALITY, _SPEED = 0.7, 0.3
_SUPPORT: dict[Verdict, float] = {"supported": 1.0, "partly": 0.5, "unsupported": 0.0, "contradicted": 0.0}
_BEST_FIRST: list[Verdict] = ["supported", "partly", "unsupported", "contradicted"]


@dataclass(frozen=True)
class _Found:
    """A finding with what the check says of it; `passages` are those of its passages that exist."""

    branch_id: str
    round: int
    finding: Finding
    topic: str
    passages: tuple[str, ...]
    verdict: Verdict
    reason: str

    @property
    def rank(self) -> tuple[int, int, float, str, tuple[str, ...]]:
        """The best checked first, then the earliest found: a later round does not rename a claim."""
        verdict = _BEST_FIRST.index(self.verdict)
        return verdict, self.round, -self.finding.confidence, self.finding.text, self.passages


def merge_results(
    results: Mapping[str, BranchResult],
    passages: Mapping[str, Passage],
    sources: Mapping[str, Source],
    plan: Plan,
) -> Merged:
    """All that the branches found, deduplicated, checked, weighed and ordered by topic, weight and text.

    `passages` and `sources` hold by id what the findings rest on; a finding whose passages are not among them
    is unsupported. Blocks for as long as the checks take.
    """
    ordered = _in_plan_order(results, plan)
    found = [one for result in ordered for one in _checked(result, passages, plan)]
    weights = {result.branch_id: _weight(result, found) for result in ordered}
    claims = [_claim(group, weights) for group in _same(found)]
    comparison = compare_claims(claims, passages, sources)
    contradictions = comparison.contradictions
    disputed = {side.claim_id for each in contradictions for side in each.sides}
    return Merged(
        claims=_ordered(with_confidence(claims, comparison, passages, sources), plan),
        contradictions=contradictions,
        # Figures that contradict each other are no measurements of one thing: their mean would mean nothing.
        estimates=find_estimates([claim for claim in claims if claim.id not in disputed], passages, sources),
        charts=tuple({chart.image.sha256: chart for result in ordered for chart in result.charts}.values()),
        missing=_missing(results, plan),
        weights=weights,
        searched=tuple(dict.fromkeys(query for result in ordered for query in result.searched)),
        notes=tuple(dict.fromkeys([*(n for result in ordered for n in result.notes), *not_sent(plan, results)])),
    )


def _in_plan_order(results: Mapping[str, BranchResult], plan: Plan) -> list[BranchResult]:
    places = {branch.id: place for place, branch in enumerate(plan.branches)}
    return sorted(results.values(), key=lambda result: (places.get(result.branch_id, len(places)), result.branch_id))


def _checked(result: BranchResult, passages: Mapping[str, Passage], plan: Plan) -> list[_Found]:
    """The findings of a branch, each once, with their verdicts, in an order that is not that of their arrival."""
    branch = next((branch for branch in plan.branches if branch.id == result.branch_id), None)
    found = []
    for finding in sorted(set(result.findings), key=Finding.model_dump_json):
        verdict, reason, known = _check(finding, passages)
        topic = topic_of(finding, branch, plan)
        found.append(_Found(result.branch_id, result.round, finding, topic, known, verdict, reason))
    return found


def _check(finding: Finding, passages: Mapping[str, Passage]) -> tuple[Verdict, str, tuple[str, ...]]:
    known = tuple(sorted({key for key in finding.passages if key in passages}))
    if not known:
        return "unsupported", "none of the passages that it names exists", ()
    check = check_statement(finding.text, [passages[key] for key in known])
    return check.verdict, check.reason, known


def _weight(result: BranchResult, found: Sequence[_Found]) -> float:
    mine = [one for one in found if one.branch_id == result.branch_id]
    if not mine:
        return 0.0
    support = math.fsum(_SUPPORT[one.verdict] for one in mine) / len(mine)
    confidence = math.fsum(one.finding.confidence for one in mine) / len(mine)
    used = result.seconds / result.limit_seconds if result.limit_seconds > 0 else 1.0
    speed = round(min(1.0, max(0.0, 1.0 - used)), 1)
    return round(_QUALITY * support * confidence + _SPEED * speed, 4)


def _same(found: Sequence[_Found]) -> list[list[_Found]]:
    """The findings in groups that say the same."""
    links = {
        (left, right)
        for (left, one), (right, other) in combinations(enumerate(found), 2)
        if same_statement(
            one.finding.text, other.finding.text, share_passage=bool(set(one.passages) & set(other.passages))
        )
    }
    return [[found[place] for place in places] for places in components(len(found), links)]


def _claim(group: Sequence[_Found], weights: Mapping[str, float]) -> Claim:
    """One claim of findings that say the same; those checked worse than the best of them do not count. Its
    confidence is still to be computed.
    """
    best = min(group, key=lambda one: one.rank)
    counted = [one for one in group if one.verdict == best.verdict]
    keys = tuple(sorted({key for one in counted for key in one.passages}))
    return Claim(
        id=content_id("c", normal(best.finding.text)),
        text=best.finding.text,
        passages=keys,
        topic=best.topic,
        quantities=best.finding.quantities,
        attribution=_attribution({one.branch_id for one in counted}, weights),
        weight=max(weights[one.branch_id] for one in counted),
        relevance=max(one.finding.confidence for one in counted),
        confidence=0.0,
        verdict=best.verdict,
        reason=best.reason,
    )


def _attribution(branches: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """Share of each branch by its weight; equal shares where none has any."""
    ordered = sorted(branches)
    total = math.fsum(weights[key] for key in ordered)
    return {key: weights[key] / total if total else 1 / len(ordered) for key in ordered}


def _ordered(claims: Iterable[Claim], plan: Plan) -> tuple[Claim, ...]:
    places = {question: place for place, question in enumerate(plan.sub_questions)}
    last = len(places)
    return tuple(sorted(claims, key=lambda c: (places.get(c.topic, last), c.topic, -c.weight, c.text, c.id)))


def _missing(results: Mapping[str, BranchResult], plan: Plan) -> tuple[Missing, ...]:
    """The branches that did not deliver, those left out that another has taken over from."""
    ended = [(branch, results.get(branch.id)) for branch in current(plan, results)]
    sent = [(branch, result) for branch, result in ended if result or plan.mode != "adaptive"]
    return tuple(
        Missing(
            branch_id=branch.id,
            focus=branch.focus,
            status=result.status if result else "failed",
            reason=_why_missing(result),
            questions=branch.questions,
        )
        for branch, result in sent
        if result is None or result.status != "completed" or not result.findings
    )


def _why_missing(result: BranchResult | None) -> str:
    if result is None:
        return "it was not sent"
    if result.status == "completed":
        return "it found nothing that answers its questions"
    return result.reason or f"it ended as {result.status.replace('_', ' ')}"
