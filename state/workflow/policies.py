"""The parts that steps and workflows share: when they run, how often they try, what they keep, who answers."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from state.evidence import Record


class Grammar(Record):
    """A part of a workflow file; what stands below a field is what editors show of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
"""The id of a step or the name of an input: letters, digits, `_` and `-`, not more than 64."""
Schema: TypeAlias = dict[str, Any]
"""A JSON Schema (2020-12); a reference to another document is refused."""
REFERENCES = (
    "A reference names a value: `workflow.customer.id` an input or a variable, `$step.field` the output of a step, "
    "`${step.field}` or `${workflow.customer.id}` either, also within a longer text; `[0]` takes an item of a list; "
    "`$item`, `$index`, `$last`, `$output` and `$error` are values around the step."
)
"""How workflow files name values, for the schema that editors show and for help."""
Mapping: TypeAlias = Annotated[
    dict[str, Any],
    Field(description=f"Names and what they are filled with: plain values, and texts with references. {REFERENCES}"),
]
"""A text that is one reference keeps the type of the value."""
ErrorClass = Literal[
    "timeout",
    "unavailable",
    "rate_limited",
    "refused",
    "bad_input",
    "bad_output",
    "limit",
    "rejected",
    "missing_value",
    "interrupted",
    "internal",
    "any",
]
"""What went wrong: time over; a service away or overloaded, or asking to slow down; a service that says no;
an input or an output that is not as it must be; a limit reached; a person who said no; a reference to nothing;
a process that ended in the step again and again;
a fault of a tool's own; or any of these.
"""
TRANSIENT: tuple[ErrorClass, ...] = ("timeout", "unavailable", "rate_limited")
"""The classes for which another try may help."""
Operator = Literal["==", "!=", "<", ">", "<=", ">=", "contains", "is_none"]


class StructuredCondition(Grammar):
    """A condition in parts: `{field: workflow.amount, operator: ">", value: 1000}`."""

    field: str
    """A reference, without `$`, braces or quotes."""
    operator: Operator
    """How they are compared; `contains` asks a list or a text."""
    value: Any = None
    """What to compare with; for `is_none` true (the default) or false."""


Condition: TypeAlias = Annotated[
    str | StructuredCondition,
    Field(
        description="An expression in CEL that is true or false, `workflow.amount > 1000 && $check.ok`, or a "
        f"condition in parts: field, operator, value. {REFERENCES}"
    ),
]
"""When something is done."""


class RetryPolicy(Grammar):
    """How often a failed step is tried again, and after which pauses. Attempts are counted over a resume; a try that a
    crash cuts short is none, but ten of these in a row are a failure, of class `interrupted`.
    """

    max_attempts: int = Field(default=3, ge=1, le=100)
    """Tries in all; 1 means no second."""
    backoff: Literal["fixed", "linear", "exponential"] = "exponential"
    """Whether pauses stay, grow by `delay`, or are multiplied."""
    delay: float = Field(default=1.0, ge=0)
    """Seconds before the second try."""
    multiplier: float = Field(default=2.0, ge=1)
    """What each further pause is multiplied with, if exponential."""
    max_delay: float = Field(default=60.0, ge=0)
    """The longest pause, in seconds."""
    jitter: bool = True
    """Whether each pause is drawn between half and one and a half times its length."""
    retry_on: tuple[ErrorClass, ...] = TRANSIENT
    """Classes of errors after which it is tried again."""
    give_up_on: tuple[ErrorClass, ...] = ()
    """Wins over `retry_on`."""
    continue_on_failure: bool = False
    """Whether the workflow goes on when all tries failed: those that depend on the step run without its output."""


class Join(Grammar):
    """How many of the steps that a step depends on must have ended well, and what becomes of the rest."""

    need: Literal["all", "any"] | Annotated[int, Field(ge=1)] = "all"
    """A skipped one counts as ended well for `all`, not for `any` or a number."""
    on_rest: Literal["wait", "cancel", "ignore"] = "wait"
    """Once there are enough: wait until the others end too, cancel them, or go on and let them run."""
    of: Literal["steps", "branches"] = "steps"
    """What `any` or a number counts: the steps before, or the branches of those that are `parallel`. While such a step
    works, its output is what the branches gave that have ended well so far."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        """`join: any` and `join: {count: 2}` stand for their long forms."""
        if isinstance(value, str):
            return {"need": value}
        if isinstance(value, dict) and "count" in value:
            return {**{key: each for key, each in value.items() if key != "count"}, "need": value["count"]}
        return value

    @model_validator(mode="after")
    def _counts(self) -> "Join":
        if self.of == "branches" and self.need == "all":
            raise ValueError("of: branches does nothing without any or a count")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The long form and the short ones."""
        made = handler(core)
        long = handler.resolve_ref_schema(made)
        properties = dict(long["properties"])
        properties["count"] = {"type": "integer", "minimum": 1}
        short = {"enum": ["all", "any"]}
        whole = {**long, "properties": properties}
        long.clear()
        long.update({"title": "Join", "anyOf": [short, whole]})
        return made


class ReactLimits(Grammar):
    """What an agent may spend in one step."""

    turns: int = Field(default=10, ge=1, le=200)
    """Calls of the model."""
    tokens: int = Field(default=100_000, ge=1)
    """In and out, of all turns."""
    money: float | None = Field(default=None, ge=0)
    """US dollars; None means that only the run's budget counts."""


class Cache(Grammar):
    """A result that is used again instead of the step being run, by any run of the workflow."""

    key: str | None = None
    """A text with references; without it the step's whole input."""
    ttl: float = Field(default=3600, gt=0)
    """Seconds for which it may be used."""


class Handler(Grammar):
    """The step that takes over when this one has failed."""

    step: Identifier
    """The id of a step that nothing else starts."""
    on: tuple[ErrorClass, ...] = ("any",)
    """Classes of errors that it is for."""


class Call(Grammar):
    """A call of a tool outside of the flow: an action of a rollback."""

    tool: str
    """A tool by name, or `name@version`."""
    input: Mapping = Field(default_factory=dict)
    """May refer to the output of the step that is undone as `$output`."""
    timeout: float = Field(default=300, gt=0)
    """Seconds of one try."""
    retry_policy: RetryPolicy = RetryPolicy()
    """How often the call is tried."""
    idempotency_key: str | None = None
    """A text with references; without it the run's id and the place of the call."""


class SlaTargets(Grammar):
    """What the workflow promises; a run that misses one says so in its record, and notifies."""

    max_execution_time: float | None = Field(default=None, gt=0)
    """Seconds from start to end, waiting for people left out."""
    min_success_rate: float | None = Field(default=None, ge=0, le=1)
    """Share of the workflow's runs that complete, over its last 100."""


class Approval(Grammar):
    """Who must say yes, and what happens when nobody does."""

    approvers: tuple[str, ...] = ()
    """Names of those who may answer; empty means anybody."""
    quorum: int = Field(default=1, ge=1)
    """How many of them must approve; one who rejects decides."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds a request waits; None means for ever."""
    on_timeout: Literal["approve", "reject", "escalate"] = "reject"
    """What happens then."""
    escalate_to: tuple[str, ...] = ()
    """Who may answer after that; their request waits as long again, then is rejected."""

    @model_validator(mode="after")
    def _consistent(self) -> "Approval":
        if self.approvers and self.quorum > len(self.approvers):
            raise ValueError(f"a quorum of {self.quorum} cannot be had from {len(self.approvers)} approvers")
        if self.on_timeout == "escalate" and not self.escalate_to:
            raise ValueError("on_timeout: escalate needs escalate_to, the names of those who answer then")
        if self.escalate_to and self.on_timeout != "escalate":
            raise ValueError("escalate_to does nothing without on_timeout: escalate")
        return self


class WebhookEndpoint(Grammar):
    """An address that is told what happens to a run, in signed requests."""

    url: str = Field(pattern=r"^https?://")
    """Begins with `https://` or `http://`."""
    events: tuple[str, ...] = ("run.completed", "run.failed")
    """Names of events as `timeline` shows them; a name that ends in `*` stands for all that begin so."""
    secret: str | None = None
    """Name of the secret that signs, from the settings; never the secret itself."""


class NotificationChannel(Grammar):
    """Where people are told that a run waits for them, missed a target, or ended badly."""

    type: Literal["webhook", "log"]
    """Whether it is a request or a line of the log."""
    target: str = ""
    """Of a webhook, its address."""
    on: tuple[Literal["approval", "sla", "failure", "completion"], ...] = ("approval", "sla", "failure")
    """What is told."""
