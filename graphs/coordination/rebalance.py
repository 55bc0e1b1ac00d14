"""Plans what is sent again: only what is missing, under new ids, within what the run may still spend."""

import math
from collections.abc import Mapping, Sequence

from graphs.coordination.lineage import current, successor_id
from graphs.coordination.statements import normal
from graphs.coordination.topics import asks
from state.context import BranchLimits, RunContext
from state.research import AgentSpec, Branch, BranchResult, GateReport, Plan

_LEAST_CALLS = 4
_LEAST_TOKENS = 20_000


def rebalance(
    plan: Plan,
    results: Mapping[str, BranchResult],
    measured: GateReport,
    context: RunContext,
    guidance: Sequence[str],
    round_number: int,
) -> tuple[Plan, tuple[str, ...]]:
    """The plan with the branches of round `round_number` added, and the ids of those to send.

    - A branch that failed for a cause that may pass is sent again for what it left open.
    - A sub-question that nothing answers gets a research branch in the place of the branch that had it.
    - What people asked for since (`guidance`, oldest first) and no branch has been asked gets a branch.
    Completed branches stay out. At most `context.max_branches` are sent, the required and most important
    first; half as many past the soft limit of the run's budget, and none if it is spent.
    """
    left = _budget_left(results, context)
    if left == 0:
        return plan, ()
    most = _most_branches(left, context)
    again = [branch for branch in current(plan, results) if branch.id in measured.resend]
    drafts = [_narrowed(branch, results, measured.uncovered, context.limits) for branch in again]
    asked = {question for draft in drafts for question in draft.questions}
    drafts += _for_open_questions(plan, results, [q for q in measured.uncovered if q not in asked], context)
    drafts += _for_guidance(plan, guidance, bool(drafts), context)
    chosen = sorted(drafts, key=lambda draft: (not draft.required, draft.priority))[:most]
    new: list[Branch] = []
    for draft in chosen:
        taken = {branch.id for branch in (*plan.branches, *new)}
        limits = _within(draft.limits, left, len(chosen))
        name = successor_id(draft.id, round_number + 1, taken)
        new.append(draft.model_copy(update={"id": name, "limits": limits}))
    return plan.model_copy(update={"branches": (*plan.branches, *new)}), tuple(branch.id for branch in new)


def _budget_left(results: Mapping[str, BranchResult], context: RunContext) -> float | None:
    """US dollars; None where there is no limit."""
    if context.budget is None:
        return None
    return max(0.0, context.budget - math.fsum(result.money for result in results.values()))


def _most_branches(left: float | None, context: RunContext) -> int:
    """How many may be sent."""
    if left is None or context.budget is None or left > (1 - context.soft_limit) * context.budget:
        return context.max_branches
    return math.ceil(context.max_branches / 2)


def _narrowed(
    branch: Branch, results: Mapping[str, BranchResult], uncovered: Sequence[str], limits: BranchLimits
) -> Branch:
    """The branch with only the questions that are open, all if it found nothing; limits in proportion.

    Time is not cut: it may be what there was too little of.
    """
    result = results.get(branch.id)
    still = tuple(question for question in uncovered if asks(branch, question))
    questions = still if still and result is not None and result.findings else branch.questions
    share = min(1.0, len(questions) / max(1, len(branch.questions)))
    return branch.model_copy(update={"questions": questions, "limits": _scaled(branch.limits, share)})


def _scaled(limits: BranchLimits, share: float) -> BranchLimits:
    """Calls and tokens in proportion, but enough for a search and its answer, and never more than before."""
    return limits.model_copy(
        update={
            "tokens": max(math.ceil(limits.tokens * share), min(limits.tokens, _LEAST_TOKENS)),
            "model_calls": max(math.ceil(limits.model_calls * share), min(limits.model_calls, _LEAST_CALLS)),
            "tool_calls": max(math.ceil(limits.tool_calls * share), min(limits.tool_calls, _LEAST_CALLS)),
            "money": None if limits.money is None else limits.money * share,
        }
    )


def _within(limits: BranchLimits, left: float | None, branches: int) -> BranchLimits:
    """The limits with at most an equal part of the money that is left."""
    if left is None:
        return limits
    part = left / branches
    return limits.model_copy(update={"money": part if limits.money is None else min(limits.money, part)})


def _for_open_questions(
    plan: Plan, results: Mapping[str, BranchResult], questions: Sequence[str], context: RunContext
) -> list[Branch]:
    """A research branch for the open questions of each branch that had some, in the order of the plan."""
    owners = current(plan, results)
    groups: dict[str, list[str]] = {}
    for question in questions:
        owner = next((branch.id for branch in owners if asks(branch, question)), "")
        groups.setdefault(owner, []).append(question)
    by_id = {branch.id: branch for branch in owners}
    nobody = Branch(id="open-questions", kind="research", focus="open questions", questions=())
    return [
        by_id.get(owner, nobody).model_copy(
            update={"kind": "research", "tables": (), "questions": tuple(group), "limits": context.limits}
            | ({} if by_id.get(owner, nobody).kind == "research" else {"agent": AgentSpec()})
        )
        for owner, group in groups.items()
    ]


def _for_guidance(plan: Plan, guidance: Sequence[str], others: bool, context: RunContext) -> list[Branch]:
    """A branch for what was asked for and no branch was asked; if nothing else is sent, for the last of it."""
    said = list(dict.fromkeys(line.strip() for line in guidance if line.strip()))
    known = {normal(question) for branch in plan.branches for question in branch.questions}
    wanted = [line for line in said if normal(line) not in known] or ([] if others else said[-1:])
    if not wanted:
        return []
    focus = " ".join(wanted[-1].split()[:6])
    return [
        Branch(
            id="request",
            kind="research",
            focus=focus,
            questions=tuple(wanted),
            priority=1,
            required=True,
            limits=context.limits,
        )
    ]
