"""The grammar of a file of test cases: what a workflow is given, what is said and sent to it, how it must end."""

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from state.runs import Json, RunStatus, StepStatus
from state.workflow.policies import ErrorClass, Grammar

TIMEOUT: Literal["timeout"] = "timeout"
_T = TypeVar("_T")


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


InTurn: TypeAlias = Annotated[tuple[_T, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One, or a list of which one is used after another, the last one for all that come after it."""


class Said(Grammar):
    """An answer to an approval: `approve`, `timeout`, or `{type: reject, message: too much}`."""

    type: Literal["approve", "edit", "reject", "respond", "timeout"]
    """The decision; `timeout` lets the approval's time limit pass."""
    message: str = ""
    """Of `reject` and `respond`."""
    args: Json = Field(default_factory=dict)
    """Of `edit`: the values that are changed, of those that are shown."""
    by: str = ""
    """Who answers; without it one of those who may."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> "Said":
        if bool(self.message) != (self.type in ("reject", "respond")):
            raise ValueError("a message belongs to reject and respond, and to nothing else")
        if bool(self.args) != (self.type == "edit"):
            raise ValueError("args, the values that are changed, belong to edit, and to nothing else")
        return self


class Stub(Grammar):
    """What stands in for the work of a step, or for a tool."""

    returns: Any = None
    """What it gives back, before the step's `output_mapping`."""
    fails: ErrorClass | None = None
    """The class of the failure that it ends with instead."""
    message: str = ""
    """The words of the failure."""

    @model_validator(mode="after")
    def _one_end(self) -> "Stub":
        if ("returns" in self.model_fields_set) == (self.fails is not None):
            raise ValueError("give either returns or fails")
        return self


class Expected(Grammar):
    """How a case must end. What is not named is not looked at."""

    status: RunStatus = "completed"
    """How the run must stand."""
    outputs: dict[str, Any] = Field(default_factory=dict)
    """Outputs by name, each in full."""
    steps: dict[str, StepStatus] = Field(default_factory=dict)
    """How steps must stand, by their paths: `review[0].costly` is in the first turn of a loop."""
    error: str = ""
    """A part of what the run says of its failure."""


class WorkflowCase(Grammar):
    """One run of the workflow."""

    name: str = Field(min_length=1)
    """What the case is about."""
    inputs: Json = Field(default_factory=dict)
    """The inputs of the run."""
    answers: dict[str, InTurn[Said]] = Field(default_factory=dict)
    """By the path of an approval, without turns of loops: what is said."""
    events: dict[str, InTurn[Json | Literal["timeout"]]] = Field(default_factory=dict)
    """By the name of an event, or the path of the step that waits for a callback: the data; or `timeout`.

    To a list that `grows_on` an event each is added once.
    """
    stubs: dict[str, InTurn[Stub]] = Field(default_factory=dict)
    """By the path of a step, without turns: what stands in for its work."""
    tools: dict[str, InTurn[Stub]] = Field(default_factory=dict)
    """By the name of a tool: what stands in for it, whoever calls it, where the step has no stub of its own."""
    expect: Expected = Expected()
    """How it must end."""


class WorkflowCases(Grammar):
    """A file of cases."""

    cases: tuple[WorkflowCase, ...] = Field(min_length=1)
    """Each is a run of its own."""
