"""The four approval points of a research run: plan, merge, gate, report."""

from collections.abc import Mapping, Sequence

from agents.approval import ApprovalPoint, Update
from agents.report_edits import read_report, show_report
from agents.synthesis import remark
from agents.team import sound
from state.context import Point
from state.errors import AgentNotMade
from state.evidence import Contradiction, Record
from state.ports import Passages
from state.research import (
    GateDecision,
    Merged,
    MergeEdits,
    Plan,
    ResearchState,
)
from state.runs import Json
from state.specialisation import AnalysisSpeciality
from tools.synthesis_tools import usable

_AFTER_GATE: dict[GateDecision, str] = {
    "approved": "synthesize",
    "needs_revision": "rebalance",
    "critical_failure": "explain_failure",
}


def _show_plan(state: ResearchState) -> Json:
    return {"plan": state["plan"].model_dump(mode="json")}


class _PlanEdit(Record):
    """What an edit of the plan gives back."""

    plan: Plan


async def _read_plan(state: ResearchState, args: Json, _passages: Passages) -> Update:
    plan = _PlanEdit.model_validate(args).plan
    ids = [branch.id for branch in plan.branches]
    if len(set(ids)) < len(ids):
        raise ValueError(f"two branches have the same id: {sorted(ids)}")
    for branch in plan.branches:
        if not branch.questions or (branch.kind == "analysis" and not branch.tables):
            raise ValueError(f"the branch {branch.id!r} has nothing to do: give it questions, and an analysis tables")
    known = set(state["collection"].tables)
    unknown = sorted({table for branch in plan.branches for table in branch.tables} - known)
    if unknown:
        raise ValueError(f"no such tables: {unknown}; the sources hold {sorted(known)}")
    _check_agents(plan, state.get("able", {}))
    asked = {question for branch in plan.branches for question in branch.questions}
    left = tuple(question for question in plan.sub_questions if question in asked)
    # A sub-question whose branch was dropped is not wanted either: the gate must not send it out again.
    return {"plan": plan.model_copy(update={"sub_questions": left or plan.sub_questions})}


def _check_agents(plan: Plan, able: Mapping[str, Sequence[str]]) -> None:
    """Raises ValueError where an agent is named who cannot do its work, or is to compute what nobody can; no name has
    the best one chosen.
    """
    named = [(branch.kind, branch.agent.name) for branch in plan.branches]
    for work, name in [*named, ("synthesis", plan.writer)]:
        if name and name not in able.get(work, (name,)):
            raise ValueError(f"the agent {name!r} is not able to do {work}: that are {', '.join(able[work])}")
    for branch in plan.branches:
        try:
            sound(branch.agent.analysis or AnalysisSpeciality(), branch.id)
        except AgentNotMade as error:
            raise ValueError(f"{error.message} {error.remedy}".rstrip(".")) from error


def _show_merge(state: ResearchState) -> Json:
    merged = state["merged"]
    return {
        "claims": [
            claim.model_dump(mode="json", include={"id", "text", "topic", "verdict", "confidence", "passages"})
            for claim in merged.claims
        ],
        "contradictions": [found.model_dump(mode="json") for found in merged.contradictions],
    }


async def _read_merge(state: ResearchState, args: Json, _passages: Passages) -> Update:
    """Claims may be left out, contradictions decided otherwise; nothing can be added that no branch found."""
    merged, before = state["merged"], state.get("edits", MergeEdits())
    claims = {claim["id"]: claim for claim in _show_merge(state)["claims"]}
    known, kept = set(claims), {str(claim["id"]) for claim in args["claims"]}
    if kept - known:
        raise ValueError(f"no claims with the ids {sorted(kept - known)}")
    for claim in args["claims"]:
        if rewritten := [key for key in claim if claim[key] != claims[claim["id"]].get(key, ...)]:
            raise ValueError(
                f"the {rewritten[0]!r} of the claim {claim['id']} was changed: a claim can be left out, "
                "but not be rewritten: its passages say what it says"
            )
    sides = {found.id: {found.preferred, *(side.claim_id for side in found.sides)} for found in merged.contradictions}
    preferred = {str(found["id"]): str(found["preferred"]) for found in args.get("contradictions", [])}
    for key, claim in preferred.items():
        if claim not in sides.get(key, set()):
            raise ValueError(f"{claim!r} is no side of a contradiction {key!r}")
    now = {found.id: found.preferred for found in merged.contradictions}
    changed = {key: claim for key, claim in preferred.items() if now[key] != claim}
    edits = MergeEdits(
        dropped=tuple(sorted({*before.dropped, *(known - kept)})), preferred={**before.preferred, **changed}
    )
    return {"edits": edits, "merged": apply_edits(merged, edits)}


def apply_edits(merged: Merged, edits: MergeEdits) -> Merged:
    """The evidence without the claims that were left out, and with contradictions decided as a person decided them."""
    claims = tuple(claim for claim in merged.claims if claim.id not in edits.dropped)
    still = [
        found for found in merged.contradictions if not {side.claim_id for side in found.sides} & set(edits.dropped)
    ]
    decided = tuple(_decided(found, edits.preferred.get(found.id, found.preferred)) for found in still)
    return merged.model_copy(update={"claims": claims, "contradictions": decided})


def _decided(found: Contradiction, preferred: str) -> Contradiction:
    if preferred == found.preferred:
        return found
    return found.model_copy(update={"preferred": preferred, "why": "a person preferred it at the merge approval"})


def _show_gate(state: ResearchState) -> Json:
    return state["gate"].model_dump(mode="json")


async def _read_gate(state: ResearchState, args: Json, _passages: Passages) -> Update:
    """Only the decision may be changed; the figures were measured."""
    decision = args.get("decision")
    if decision not in _AFTER_GATE:
        raise ValueError(f"the decision must be one of {sorted(_AFTER_GATE)}, not {decision!r}")
    shown = _show_gate(state)
    if any(shown.get(key) != value for key, value in args.items() if key != "decision"):
        raise ValueError("only the decision can be changed; the figures were measured")
    if decision == "approved" and not usable(state["merged"].claims):
        raise ValueError("there is no claim to write a report from; reject with what should be looked for instead")
    return {"gate": state["gate"].model_copy(update={"decision": decision})}


def _one_more(state: ResearchState) -> Update:
    return {"revisions": state.get("revisions", 0) + 1}


POINTS: dict[Point, ApprovalPoint] = {
    "plan": ApprovalPoint(
        point="plan",
        question="Is this the right plan? Branches may be dropped, changed, or given other limits.",
        show=_show_plan,
        read_edit=_read_plan,
        onward=lambda _state: "dispatch",
        back="analyze_task",
    ),
    "merge": ApprovalPoint(
        point="merge",
        question="Is this the evidence to go on with? Claims may be left out, contradictions decided otherwise.",
        show=_show_merge,
        read_edit=_read_merge,
        onward=lambda _state: "quality_gate",
        back="rebalance",
    ),
    "gate": ApprovalPoint(
        point="gate",
        question="Is the evidence good enough? The decision may be changed.",
        show=_show_gate,
        read_edit=_read_gate,
        onward=lambda state: _AFTER_GATE[state["gate"].decision],
        back="rebalance",
    ),
    "report": ApprovalPoint(
        point="report",
        question="May this report go out? Its sentences may be changed; what you write is checked at once.",
        show=show_report,
        read_edit=read_report,
        onward=lambda _state: "publish",
        back="synthesize",
        on_reject=_one_more,
        remark=remark,
        allowed=("approve", "edit", "reject"),
    ),
}
