"""Approval points: the run stops, shows what it is about to do, and goes on with what a person decides.

One node a point and one interrupt a node, because a second interrupt in a node would be answered by a repeated answer
to the first. An answer means the same at every point: approve goes on; edit goes on with what was given instead; reject
does the work again with the message and asks again; respond goes on and keeps the message for those who work on.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt
from pydantic import ValidationError

from agents.kit import Node, context_of
from state.context import Point, RunContext
from state.errors import AnswerRefused
from state.ports import Passages
from state.research import Feedback, Refusal, ResearchState
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

MOST_REJECTIONS = 3
"""A run that was rejected this often at one point ends as rejected."""

Allowed = Literal["approve", "edit", "reject", "respond"]
Update = dict[str, Any]
ApprovalNode = Node[ResearchState, Command[str]]


@dataclass(frozen=True)
class ApprovalPoint:
    """What one point shows, how an edit of it is read, and where each decision leads."""

    point: Point
    question: str
    """What the person is asked, in one sentence."""
    show: Callable[[ResearchState], Json]
    """What is to be decided on; an edit gives the same shape back."""
    read_edit: Callable[[ResearchState, Json, Passages], Awaitable[Update]]
    """The update that an edit means; ValueError where it cannot be used."""
    onward: Callable[[ResearchState], str]
    """The node that an approval leads to, given the state after an edit."""
    back: str
    """The node that a rejection leads to."""
    on_reject: Callable[[ResearchState], Update] = lambda _state: {}
    remark: Callable[[ResearchState, str], str] = lambda _state, _message: ""
    """What is to be said of a rejection with a message, or, without one, of the last: what of it cannot be done."""
    allowed: tuple[Allowed, ...] = ("approve", "edit", "reject", "respond")
    """`respond` only where somebody works on who can mind the message."""

    @property
    def action(self) -> str:
        return f"approve_{self.point}"

    def request(self, state: ResearchState, context: RunContext) -> ApprovalRequest:
        """The value of the interrupt; after an answer that was not taken, with the reason."""
        count = _answered(state, self.point)
        reasons = [each.reason for each in state.get("refusals", ()) if (each.point, each.count) == (self.point, count)]
        refused = f"The last answer was not taken: {reasons[-1]}" if reasons else ""
        question = " ".join(filter(None, (refused, self.remark(state, ""), self.question)))
        return ApprovalRequest(
            action_requests=(ActionRequest(name=self.action, args=self.show(state), description=question),),
            review_configs=(ReviewConfig(action_name=self.action, allowed_decisions=self.allowed),),
            policy=context.approvals[self.point],
        )


def approval_node(point: ApprovalPoint, passages: Passages) -> ApprovalNode:
    """The node of one point; it only passes on where the point is switched off."""

    async def approve(state: ResearchState, runtime: Runtime[RunContext]) -> Command[str]:
        context = context_of(runtime)
        if point.point not in context.approvals:
            return Command(goto=point.onward(state))
        request = point.request(state, context)
        answer = interrupt(request.model_dump(mode="json"), response_schema=Answer)
        return await _led_on(point, state, Answer.model_validate(answer), passages)

    return approve


def refusal(state: Mapping[str, Any], action: str, reason: str) -> Update:
    """The update after which the point of `action` asks again, under the same id, and says why.

    `state` is that of a run that waits at the point. Whoever checks answers before the graph has them needs it only
    where it cannot tell the person itself.
    """
    point = next(point for point in get_args(Point) if action == f"approve_{point}")
    refused = Refusal(point=point, reason=reason, number=len(state.get("refusals", ())), count=_answered(state, point))
    return {"refusals": (refused,)}


def _answered(state: Mapping[str, Any], point: Point) -> int:
    """How many answers the run has had at the point."""
    return sum(entry.point == point for entry in state.get("feedback", ()))


async def _led_on(point: ApprovalPoint, state: ResearchState, answer: Answer, passages: Passages) -> Command[str]:
    """Where the answer leads, and what it changes."""
    decision = answer.decision
    before = [entry for entry in state.get("feedback", ()) if entry.point == point.point]
    message = decision.message if isinstance(decision, Reject | Respond) else ""
    feedback = Feedback(point=point.point, type=decision.type, message=message, by=answer.by, count=len(before))
    update: Update = {"feedback": (feedback,)}
    if isinstance(decision, Reject):
        rejections = 1 + sum(entry.type == "reject" for entry in before)
        if answer.by == TIMEOUT_ACTOR or rejections >= MOST_REJECTIONS:
            return Command(update={**update, "outcome": "rejected"}, goto="explain_failure")
        return Command(update={**update, **point.on_reject(state)}, goto=point.back)
    if isinstance(decision, Edit):
        update |= await edited(point, state, decision.edited_action.args, passages)
    changed: ResearchState = {**state, **update}  # type: ignore[typeddict-item] # an update holds keys of the state
    return Command(update=update, goto=point.onward(changed))


async def check_edit(point: ApprovalPoint, state: ResearchState, _shown: Json, args: Json, passages: Passages) -> None:
    """Raises AnswerRefused where an edit cannot be used."""
    await edited(point, state, args, passages)


def remark_on(point: ApprovalPoint, state: ResearchState, message: str) -> str:
    """What is to be said at once of a rejection; nothing of the last one, which ends the run."""
    before = [entry for entry in state.get("feedback", ()) if entry.point == point.point]
    is_last = 1 + sum(entry.type == "reject" for entry in before) >= MOST_REJECTIONS
    return "" if is_last else point.remark(state, message)


async def edited(point: ApprovalPoint, state: ResearchState, args: Json, passages: Passages) -> Update:
    """The update that the edit means; AnswerRefused names the field that is wrong, and what to do about it."""
    shown = set(point.show(state))
    try:
        if unknown := sorted(set(args) - shown):
            raise _wrong(unknown[0], f"There is no field {unknown[0]!r}; there are {', '.join(sorted(shown))}.")
        return await point.read_edit(state, args, passages)
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        unknown_field = f"There is no field {first['loc'][-1]!r} here." if first["type"] == "extra_forbidden" else ""
        raise _wrong(field, unknown_field or f"{first['msg']}.") from error
    except KeyError as error:
        raise _wrong(str(error.args[0]), "The field is missing.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise _wrong(None, f"{error}.") from error


def _wrong(field: str | None, message: str) -> AnswerRefused:
    remedy = "Correct it: what is not to change keeps the shape and the names that were shown."
    return AnswerRefused(message, place=field, remedy=remedy)
