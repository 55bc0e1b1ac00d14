"""The life of a run: its statuses, steps, calls, approvals, audit events and what it used."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from state.context import ApprovalPolicy, RunContext
from state.evidence import Record

RunStatus = Literal[
    "initializing",
    "running",
    "paused",
    "waiting_approval",
    "completed",
    "failed",
    "timed_out",
    "cancelled",
    "rolling_back",
    "rolled_back",
    "rollback_failed",
]
Standing = Literal[RunStatus, "interrupted", "answered"]
"""How a run stands for whoever looks at it: its status, or what became of it since that was written."""
StepStatus = Literal[
    "pending", "waiting", "running", "retrying", "completed", "failed", "skipped", "cancelled", "compensated"
]
ENDED: frozenset[RunStatus] = frozenset({"completed", "timed_out", "cancelled", "rolled_back"})
"""Statuses that no resume leads out of."""
UNDOING: frozenset[RunStatus] = frozenset({"rolling_back", "rollback_failed"})
"""Statuses of a run that is being undone, or could not be wholly: a resume undoes the rest and runs no step."""

SERVED = " (server)"
"""Ends the graph's name of a run that a LangGraph server drives."""
VERSION_SIGN = "@"
"""Stands in the graph's name of a run of a workflow: `order@1.2.0`."""

TIMEOUT_ACTOR = "timeout policy"
"""Who answers a request that nobody answered in time."""
UNATTENDED_ACTOR = "nobody at the terminal"
"""Who approves where the user said to go on without an approval."""

Json: TypeAlias = dict[str, Any]
"""A JSON object as it comes from or goes to the outside."""


class Usage(Record):
    """What model and tool calls used, replayed calls not counted."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    money: float = 0.0
    """US dollars, for the models whose price is known."""
    unpriced_calls: int = 0
    """Calls of models whose price is not known."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class RunRecord(Record):
    """A row of `runs`."""

    id: str
    graph: str
    definition: str
    """Hash of the definition that the run began with; empty before."""
    status: RunStatus
    input: Json
    context: RunContext
    dedup_key: str | None = None
    parent: str | None = None
    """The run that this one was forked from."""
    output: Json | None = None
    """What it gave back; of a failed workflow `failure`, where a resume would meet the same failure again."""
    error: str | None = None
    terms: Json | None = None
    """What a run of a workflow keeps of its definition (state/workflow/terms.py)."""
    cancel_requested: bool = False
    holder: str | None = None
    """Who works on the run now, e.g. `host:1234`; None when nobody does, also when that process died."""
    taken: bool = False
    """Whether any process ever took it up."""
    answered: bool = False
    """Whether something that it waits for has come: an answer, an event or a time. It can go on."""
    waiting_for: tuple[str, ...] = ()
    """Ids of what it waits for: requests, events and times."""
    wakes_at: datetime | None = None
    """The next time at which it can go on by itself; None where it waits for no time."""
    created_at: datetime
    updated_at: datetime

    @property
    def standing(self) -> Standing:
        """The status; or `interrupted`, when the process that worked on it is gone, or `answered`."""
        begun = self.status in ("running", "rolling_back") or (self.status == "initializing" and self.taken)
        if begun and self.holder is None:
            return "interrupted"
        return "answered" if self.status == "waiting_approval" and self.answered else self.status

    @property
    def served(self) -> bool:
        """Whether a LangGraph server drives it: its thread and its answers are there."""
        return self.graph.endswith(SERVED)

    @property
    def is_put_away(self) -> bool:
        """Whether it only waits: for answers, events or times."""
        return self.status == "waiting_approval" or (self.status == "paused" and bool(self.waiting_for))

    @property
    def is_rejected(self) -> bool:
        """Whether a workflow failed because somebody said no."""
        return self._failure.get("class") == "rejected"

    @property
    def fork_at(self) -> str | None:
        """The step that must run again in a copy, where a resume would meet the same failure again; else None."""
        return self._failure.get("at")

    @property
    def _failure(self) -> Json:
        failure: Json = (self.output or {}).get("failure", {}) if self.status == "failed" else {}
        return failure if self.is_workflow else {}

    @property
    def is_workflow(self) -> bool:
        """Whether it runs a workflow file, and no graph made by hand."""
        return VERSION_SIGN in self.graph


class StepRecord(Record):
    """A row of `step_runs`: one step, or one branch of a fan-out, of a run."""

    run_id: str
    path: str
    """Names the step for ever, e.g. `branches/technical`; never the order of calls."""
    iteration: int = 0
    status: StepStatus
    attempts: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    result: Json | None = None
    """A small summary for the timeline; the values themselves are in the run's state."""


class Undone(Record):
    """What became of undoing the completed steps of a run."""

    undone: tuple[str, ...] = ()
    """The paths of the steps that were undone now, in that order."""
    left: tuple[str, ...] = ()
    """The paths of those that could not be undone, the next one first."""
    fault: str = ""
    """Why the first of these could not be; empty where nothing is left."""


class CallKey(Record):
    """Names one call of an agent for ever: where, what, and the how many-th of the same."""

    path: str
    request_hash: str
    occurrence: int


class CallRecord(Record):
    """A row of `calls`: a model or tool call that finished, with what it gave back."""

    kind: Literal["model", "tool"]
    name: str
    """The model's `provider/model` name or the tool's name."""
    response: Json
    usage: Usage = Usage()
    seconds: float = 0.0


# --- approvals, in LangChain's human-in-the-loop shapes -------------------------------------------------------


class _Decision(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Approve(_Decision):
    """Go on with what was shown."""

    type: Literal["approve"] = "approve"


class EditedAction(_Decision):
    """What is to be taken instead of what was shown; `args` has the shape of the request's `args`."""

    name: str
    args: Json


class Edit(_Decision):
    """Go on with what is given here instead."""

    type: Literal["edit"] = "edit"
    edited_action: EditedAction


class Reject(_Decision):
    """Do it again and ask again; the message says what must change."""

    type: Literal["reject"] = "reject"
    message: str = Field(min_length=1)


class Respond(_Decision):
    """Go on, and mind what the message says."""

    type: Literal["respond"] = "respond"
    message: str = Field(min_length=1)


Decision = Annotated[Approve | Edit | Reject | Respond, Field(discriminator="type")]


class Answer(_Decision):
    """What a person (or a timeout policy) says to one request."""

    decisions: tuple[Decision] = Field(description="Exactly one decision: the request asks one thing.")
    by: str = ""

    @property
    def decision(self) -> Approve | Edit | Reject | Respond:
        return self.decisions[0]


class ActionRequest(Record):
    """What is to be decided on."""

    name: str
    """`approve_plan`, `approve_merge`, `approve_gate` or `approve_report`; a workflow's step id later."""
    args: Json
    """The thing itself, in the shape in which an edit must give it back."""
    description: str


class ReviewConfig(Record):
    """Which decisions are allowed on an action."""

    action_name: str
    allowed_decisions: tuple[Literal["approve", "edit", "reject", "respond"], ...]


class ApprovalRequest(Record):
    """The value of an interrupt: LangChain's HITL request, and the policy of the point."""

    action_requests: tuple[ActionRequest]
    review_configs: tuple[ReviewConfig]
    policy: ApprovalPolicy = ApprovalPolicy()

    @property
    def action(self) -> ActionRequest:
        return self.action_requests[0]


class ApprovalRecord(Record):
    """A row of `approvals`: one request, answered at most once."""

    id: str
    run_id: str
    point: str
    request: ApprovalRequest
    status: Literal["pending", "answered", "expired", "withdrawn"]
    answer: Answer | None = None
    answered_by: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    answered_at: datetime | None = None


class Wait(Record):
    """The value of an interrupt for which nobody is asked: a time, or an event with or without one."""

    path: str
    """The step that waits."""
    event: str | None = None
    """The name of the event; None where only the time is waited for."""
    wakes_at: datetime | None = None
    transient: bool = False
    """Whether an event that came before the wait began does not end it."""


class WaitRecord(Wait):
    """A row of `waits`."""

    id: str
    run_id: str
    status: Literal["pending", "answered", "expired", "withdrawn"]
    created_at: datetime


class AuditEvent(Record):
    """A row of the append-only `audit` table; each row's hash covers the row before it."""

    run_id: str
    seq: int
    at: datetime
    actor: str
    event: str
    data: Json
    previous: str
    hash: str


class Progress(Record):
    """One event of a run as it happens, for whoever watches."""

    path: str
    status: StepStatus | None = None
    tool: str | None = None
    """The tool in use; empty text when it ended."""
    wait: str | None = None
    """What a model call waits for, in words; empty text when it goes on."""
    usage: Usage | None = None
    """What the path has used so far."""
    message: str = ""
    done: int | None = None
    """How many things of `of` are done; `message` then names the last one."""
    of: int | None = None
    notes: tuple[str, ...] = ()
    """Lines that a person is to see for good, not only until the next event."""
