"""`human_approval`: waits for people, by the shapes in which all approvals of a run are asked and answered."""

from graphs.workflow.decisions import editable, offered
from graphs.workflow.mapping import fill, told_to_a_person
from graphs.workflow.outcomes import Request, StepFailed, Waiting
from graphs.workflow.running import Call
from state.context import ApprovalPolicy
from state.runs import (
    TIMEOUT_ACTOR,
    ActionRequest,
    Answer,
    ApprovalRequest,
    Edit,
    Json,
    Reject,
    Respond,
    ReviewConfig,
)
from state.workflow.steps import HumanApprovalStep
from tools.plain_sight import cautions


async def human_approval(step: HumanApprovalStep, call: Call) -> Json:
    """`{"decision", "message", "by", "values"}`: `values` is what was shown, with edits.

    Raises StepFailed (`rejected`) when one of those who may answer says no, or nobody says anything and the policy is
    to reject; Waiting while answers are missing.
    """
    shown = dict(call.note.get("values") or fill(step.show, call.scope))
    by: list[str] = list(call.note.get("by", ()))
    if step.required_for is not None and not call.run.conditions.holds(step, step.required_for, call.scope):
        return {"decision": "approve", "message": "not required", "by": [], "values": shown}
    is_escalated = bool(call.note.get("is_escalated"))
    answer = _answer(call, by, is_escalated)
    if answer is None:
        raise _waiting(step, call, shown, by, is_escalated)
    decision = answer.decision
    message = decision.message if isinstance(decision, Reject | Respond) else ""
    if isinstance(decision, Reject):
        if answer.by == TIMEOUT_ACTOR and step.approval.on_timeout == "escalate" and not is_escalated:
            raise _waiting(step, call, shown, by, is_escalated=True)
        raise StepFailed(f"{answer.by or 'somebody'} said no: {message}", "rejected")
    if isinstance(decision, Edit):
        shown = {**shown, **decision.edited_action.args}
    by.append(answer.by)
    if len(by) < step.approval.quorum and answer.by != TIMEOUT_ACTOR:
        raise _waiting(step, call, shown, by, is_escalated)
    return {"decision": decision.type, "message": message, "by": by, "values": shown}


def check_edit(step: HumanApprovalStep, shown: Json, args: Json) -> None:
    """Raises ValueError where an edit changes what it may not; what it repeats as it was shown is no change."""
    allowed = editable(step)
    other = sorted(name for name in set(args) - allowed if name not in shown or args[name] != shown[name])
    if other:
        raise ValueError(f"{', '.join(other)} may not be changed; allowed: {', '.join(sorted(allowed)) or 'nothing'}")


def _answer(call: Call, by: list[str], is_escalated: bool) -> Answer | None:
    given = call.run.answers.get(_id(call, by, is_escalated))
    return None if given is None else Answer.model_validate(given)


def _id(call: Call, by: list[str], is_escalated: bool) -> str:
    """Each answer that is missing has a request of its own: an old answer cannot be taken for a new one."""
    return call.request_id(f"{len(by)} {is_escalated}")


def _waiting(step: HumanApprovalStep, call: Call, shown: Json, by: list[str], is_escalated: bool) -> Waiting:
    policy = step.approval
    allowed = policy.escalate_to if is_escalated else policy.approvers
    request = ApprovalRequest(
        action_requests=(ActionRequest(name=call.path, args=shown, description=_message(step, call, by, shown)),),
        review_configs=(ReviewConfig(action_name=call.path, allowed_decisions=offered(step)),),
        policy=ApprovalPolicy(
            approvers=tuple(name for name in allowed if name not in by),
            timeout_seconds=policy.timeout,
            on_timeout="approve" if policy.on_timeout == "approve" else "reject",
        ),
    )
    value = request.model_dump(mode="json")
    note = {"by": by, "values": shown, "is_escalated": is_escalated}
    return Waiting((Request(_id(call, by, is_escalated), call.path, value),), note)


def _message(step: HumanApprovalStep, call: Call, by: list[str], shown: Json) -> str:
    missing = step.approval.quorum - len(by)
    several = [f"({missing} of {step.approval.quorum} approvals are missing.)"] if step.approval.quorum > 1 else []
    return " ".join([told_to_a_person(step.message, call.scope), *several, *cautions(shown)])
