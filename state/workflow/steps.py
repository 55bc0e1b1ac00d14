"""The types of steps: one class each, told apart by `type`. What they share stands in `Step`."""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator

from state.workflow.policies import (
    Approval,
    Cache,
    Call,
    Condition,
    Grammar,
    Handler,
    Identifier,
    Join,
    Mapping,
    ReactLimits,
    RetryPolicy,
    Schema,
)

SecurityLevel = Literal["public", "internal", "confidential", "restricted"]


class Step(Grammar):
    """What every step has, whatever its type."""

    fills_place: ClassVar[bool] = False
    """Whether it takes one of the run's places for as long as it works."""
    id: Identifier
    """By which other steps name it: letters, digits, `_` and `-`."""
    name: str = ""
    """For people; the id where it is empty."""
    depends_on: tuple[Identifier, ...] = ()
    """The steps that must have ended before this one starts."""
    condition: Condition | None = None
    """The step is skipped where it is false."""
    conditions: tuple[Condition, ...] = ()
    """More of them; all must be true."""
    next_steps: tuple[Identifier, ...] = ()
    """The same as naming this step in the `depends_on` of each of them."""
    error_handlers: tuple[Handler, ...] = ()
    """The first that fits the error runs when the step has failed for good; the step then counts as handled."""
    join: Join = Join()
    """How many of the steps before it must end well: `all`, `any` or `{count: 2}`, and what becomes of the rest."""
    input_mapping: Mapping = Field(default_factory=dict)
    """What the step is given, by name: plain values, and texts with references."""
    output_mapping: Mapping = Field(default_factory=dict)
    """What others see as the step's output, made of what it gave back (`$output`); without it, all of that."""
    input_validation: Schema | None = None
    """A JSON Schema that its input must keep to; else the step fails with `bad_input`."""
    output_validation: Schema | None = None
    """A JSON Schema that its output must keep to; else the step fails with `bad_output`."""
    timeout: float = Field(default=300, gt=0)
    """Seconds of one try. Waiting for a person or an event is bounded by the step's own fields instead."""
    retry_policy: RetryPolicy | None = None
    """None means that of the workflow."""
    rollback_actions: tuple[Call, ...] = ()
    """What undoes the step, in the order in which it is to be done."""
    cache: Cache | None = None
    """The output of an earlier run with the same key is used instead of doing the step."""
    idempotency_key: str | None = None
    """A text with references that is sent with every side effect; without it the run's id and the step's path."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Among steps that are ready at the same time, higher ones start first."""
    security_level: SecurityLevel = "internal"
    """From `confidential` on, inputs and outputs show only their hashes in logs, lists and pages."""
    custom_metrics: dict[Identifier, str] = Field(default_factory=dict)
    """Figures by name, each a CEL expression over `$output`."""
    metrics_enabled: bool = True
    """Whether `custom_metrics` are computed."""
    agent_capability: str | None = None
    """What the agent that does the step must be able to do; the best one that can is taken."""

    @property
    def label(self) -> str:
        """The name that people read."""
        return self.name or self.id


class ActionStep(Step):
    """Calls one tool, asks one chain, or has one agent do a task."""

    fills_place = True
    type: Literal["action", "sequential"] = "action"
    tool: str | None = None
    """A tool by name, or `name@version`."""
    chain: str | None = None
    """A chain by name, instead of a tool."""
    agent: str | None = None
    """An agent by the name of its template, instead of a tool."""

    @model_validator(mode="after")
    def _one_doer(self) -> "ActionStep":
        given = [name for name in ("tool", "chain", "agent") if getattr(self, name)]
        if len(given) > 1 or (not given and not self.agent_capability):
            raise ValueError("name exactly one of tool, chain and agent (or agent_capability)")
        return self


class ParallelStep(Step):
    """Runs child steps side by side, or one body for each item of a list; the output is a list in order.

    Over a list, the body sees `item` and `index`.
    """

    type: Literal["parallel"] = "parallel"
    steps: tuple["AnyStep", ...] = Field(min_length=1)
    """The branches; with `for_each` the body of each of them."""
    for_each: str | None = None
    """A reference to a list; without it, each child step is a branch of its own."""
    grows_on: str | None = None
    """The name of an event, a text with references: each adds its data to the list, while a branch has not ended."""
    max_concurrent: int | None = Field(default=None, ge=1)
    """Branches at a time; None leaves it to the workflow's own limit."""
    parallel_failure_threshold: float = Field(default=0.5, ge=0, le=1)
    """The step fails when the share of failed branches is greater; otherwise it goes on with an error record each."""
    first_wins: bool = False
    """Whether the first branch that ends well decides: the others are cancelled, its result is the output."""

    @model_validator(mode="after")
    def _grows_a_list(self) -> "ParallelStep":
        if self.grows_on is not None and (self.for_each is None or self.first_wins):
            raise ValueError("grows_on needs for_each, and does nothing with first_wins")
        return self


class Case(Grammar):
    """One way of a conditional step."""

    when: Condition
    """The way is taken where this is true and no case before it was."""
    steps: tuple["AnyStep", ...] = ()
    """The way; none means that nothing is done."""
    name: str = ""
    """What `route` says of it; without it `case` and its number."""


class Classify(Grammar):
    """A model chooses the way: which of the named routes fits the input."""

    input: str
    """What to classify: a reference, or a text with references."""
    routes: dict[Identifier, str] = Field(min_length=2)
    """By name: what belongs to it, in words."""
    model: str | None = None
    """`provider/model`; without it that of the role planner."""


class ConditionalStep(Step):
    """Takes the first way whose condition is true, or the one that a model chooses; else `otherwise`."""

    type: Literal["conditional", "condition"] = "conditional"
    cases: tuple[Case, ...] = ()
    """The ways, asked in order."""
    classify: Classify | None = None
    """A model chooses the way, instead of `cases`."""
    routes: dict[Identifier, tuple["AnyStep", ...]] = Field(default_factory=dict)
    """The steps of each route of `classify`."""
    otherwise: tuple["AnyStep", ...] = Field(default=(), alias="else")
    """The way where no other is taken."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> "ConditionalStep":
        if bool(self.cases) == bool(self.classify):
            raise ValueError("give either cases or classify")
        if self.classify and set(self.routes) - set(self.classify.routes):
            raise ValueError(
                f"routes that classify does not name: {sorted(set(self.routes) - set(self.classify.routes))}"
            )
        return self


class LoopStep(Step):
    """Repeats its body: while or until a condition holds, or for each item of a list; one turn after another.

    The body sees `index`, the `last` result, and, over a list, `item`.
    """

    type: Literal["loop"] = "loop"
    while_: Condition | None = Field(default=None, alias="while")
    """Asked before each turn: it goes on while this is true."""
    until: Condition | None = None
    """Asked after each turn: it ends when this is true."""
    for_each: str | None = None
    """A reference to a list: a turn for each item."""
    loop_max_iterations: int = Field(default=100, ge=1, le=100_000)
    """Reached, the step fails, unless the loop is over a list, which may not be longer."""
    steps: tuple["AnyStep", ...] = Field(min_length=1)
    """The body of a turn."""
    results: Literal["last", "all"] = "last"
    """Whether the output, and `$output` of `output_mapping`, is what the last turn gave, or a list of all."""

    @model_validator(mode="after")
    def _one_bound(self) -> "LoopStep":
        if sum(each is not None for each in (self.while_, self.until, self.for_each)) != 1:
            raise ValueError("give exactly one of while, until and for_each")
        return self


class ReactStep(Step):
    """An agent that reasons and acts with the tools named, until its task is done."""

    fills_place = True
    type: Literal["react"] = "react"
    task: str
    """What it is to do: a text with references."""
    tools: tuple[str, ...] = ()
    """The tools that it may call, by name or `name@version`."""
    without_approval: tuple[str, ...] = ()
    """Those of the tools that it may call without asking a person, although they change something outside and it has
    read text from outside."""
    limits: ReactLimits = ReactLimits()
    """What it may spend."""
    output_schema: Schema | None = None
    """The form of its answer; without it a text."""
    model: str | None = None
    """`provider/model`; without it that of the role researcher."""


class HumanApprovalStep(Step):
    """Waits for a person: to approve, edit, reject or respond."""

    type: Literal["human_approval", "human_task"] = "human_approval"
    message: str
    """What is asked: a text with references."""
    show: Mapping = Field(default_factory=dict)
    """What the person sees beside it; the step's output, with the person's edits."""
    required_for: Condition | None = None
    """Without it always; where it is false the step approves by itself and says so."""
    approval: Approval = Approval()
    """Who may answer, how many must, and what happens when nobody does."""
    decisions: tuple[Literal["approve", "edit", "reject", "respond"], ...] = Field(
        default=("approve", "edit", "reject", "respond"), min_length=1
    )
    """Which answers there are; an edit only where there is something that it may change."""
    edit_fields: tuple[Identifier, ...] | None = None
    """Names of `show` that an edit may change; None means all."""


class OrchestratorStep(Step):
    """An agent splits a goal into tasks, has workers do them, and joins their answers.

    The output is `{"answer", "tasks", "rounds", "dropped"}`; each task has its `result`, or its `error` if it failed.
    """

    type: Literal["orchestrator"] = "orchestrator"
    goal: str
    """A text with references."""
    workers: tuple["WorkerStep", ...] = Field(min_length=1)
    """Who there is to give tasks to."""
    max_tasks: int = Field(default=10, ge=1, le=100)
    """Of all rounds together."""
    max_rounds: int = Field(default=2, ge=1, le=10)
    """How often tasks are given out; from the second time on by what the results leave open."""
    max_concurrent: int = Field(default=4, ge=1)
    """Tasks at a time."""
    model: str | None = None
    """`provider/model` of the one who splits and joins; without it that of the role planner."""


class WorkerStep(Step):
    """A specialist: does a task of an orchestrator, or one of its own."""

    fills_place = True
    type: Literal["worker"] = "worker"
    capability: str
    """What the specialist must be able to do: the best agent that can is taken."""
    task: str = ""
    """A text with references; a worker of an orchestrator is given its tasks."""
    tools: tuple[str, ...] = ()
    """The tools that it may call, by name or `name@version`."""
    without_approval: tuple[str, ...] = ()
    """As of a `react` step."""
    limits: ReactLimits = ReactLimits()
    """As of a `react` step."""
    output_schema: Schema | None = None
    """The form of its answer; without it a text."""
    model: str | None = None
    """`provider/model`; without it that of the agent who is chosen."""


class WebhookStep(Step):
    """Sends a signed request; waits for a callback if told so."""

    fills_place = True
    type: Literal["webhook"] = "webhook"
    url: str
    """A text with references."""
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    """Of the request."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Of the request, by name; texts with references."""
    secret: str | None = None
    """Name of the secret that signs, from the settings."""
    wait_for_callback: bool = False
    """The request then carries the address to answer to; the body of the answer is the step's output."""
    callback_timeout: float = Field(default=86_400, gt=0)
    """Seconds; after them the step fails with `timeout`."""


class WaitStep(Step):
    """Waits for a time or for an event, without a process that sleeps."""

    type: Literal["wait"] = "wait"
    duration: float | str | None = None
    """Seconds, or a reference to them."""
    until: str | None = None
    """A time by ISO 8601 with its zone, or a reference to one."""
    event: str | None = None
    """The name of an event; a text with references. Its data are the step's output."""
    event_timeout: float | None = Field(default=None, gt=0)
    """Seconds; after them the step fails with `timeout`."""
    transient: bool = False
    """Whether the event counts only when it comes while the step waits; otherwise one that came before does, too."""

    @model_validator(mode="after")
    def _one_end(self) -> "WaitStep":
        if sum(each is not None for each in (self.duration, self.until, self.event)) != 1:
            raise ValueError("give exactly one of duration, until and event")
        if self.event_timeout is not None and self.event is None:
            raise ValueError("event_timeout does nothing without event")
        if self.transient and self.event is None:
            raise ValueError("transient does nothing without event")
        return self


class RollbackStep(Step):
    """Undoes what was done after a step, in reverse order of completion."""

    type: Literal["rollback"] = "rollback"
    to: Identifier | None = None
    """The step to go back to, which stays done; None undoes everything."""


class WorkflowStep(Step):
    """Runs another workflow as one step."""

    type: Literal["workflow"] = "workflow"
    workflow: str
    """`name@version`, or a name: the newest version when this workflow was started."""


AnyStep: TypeAlias = Annotated[
    ActionStep
    | ParallelStep
    | ConditionalStep
    | LoopStep
    | ReactStep
    | HumanApprovalStep
    | OrchestratorStep
    | WorkerStep
    | WebhookStep
    | WaitStep
    | RollbackStep
    | WorkflowStep,
    Field(discriminator="type"),
]

STEP_TYPES: dict[str, type[Step]] = {
    name: kind
    for kind in (
        ActionStep,
        ParallelStep,
        ConditionalStep,
        LoopStep,
        ReactStep,
        HumanApprovalStep,
        OrchestratorStep,
        WorkerStep,
        WebhookStep,
        WaitStep,
        RollbackStep,
        WorkflowStep,
    )
    for name in kind.model_fields["type"].annotation.__args__  # type: ignore[union-attr]
}
"""Each step class by the names of its type, aliases included."""


def is_leaf(step: Step) -> bool:
    """Whether no other steps run within a step."""
    return not (isinstance(step, WorkflowStep) or children(step))


def children(step: Any) -> tuple[Step, ...]:
    """The steps that stand within a step, in the order of the file."""
    match step:
        case ParallelStep() | LoopStep():
            return step.steps
        case ConditionalStep():
            ways = [*(case.steps for case in step.cases), *step.routes.values(), step.otherwise]
            return tuple(child for way in ways for child in way)
        case OrchestratorStep():
            return step.workers
        case _:
            return ()
