"""How a step ends, and what it may raise while it works."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from graphs.workflow.expressions import ExpressionError
from graphs.workflow.references import MissingValue
from state.errors import (
    AgentNotMade,
    BadOutput,
    ContextOverflow,
    LimitReached,
    ModelRefused,
    ModelUnavailable,
    NoCapacity,
    NoSuitableAgent,
    StrettoError,
    ToolFailed,
)
from state.workflow.policies import ErrorClass

Ended = Literal["completed", "failed", "skipped", "cancelled", "waiting"]


@dataclass(frozen=True)
class Failure:
    """Why a step failed."""

    error: ErrorClass
    message: str
    retry_after: float = 0.0
    """Seconds that the service asked to wait."""
    is_final: bool = False
    """Whether another try would end the same way."""
    lacks: str = ""
    """What should have held a value that is missing: a step, or `workflow` for an input."""

    def record(self, step: str) -> dict[str, str]:
        """What error handlers see as `$error`, and lists of results in the place of an output."""
        return {"step": step, "class": self.error, "message": self.message}


@dataclass(frozen=True)
class Request:
    """What a run waits for: a person's answer, an event, or a time."""

    id: str
    """32 hexadecimal digits, the same at each resume."""
    path: str
    value: Any = None
    """What the interrupt shows; None where nobody is asked anything."""
    wakes_at: datetime | None = None
    """When the step can go on by itself."""
    event: str | None = None
    """The name of the event that it waits for."""
    transient: bool = False
    """Whether one that came before does not count."""

    @property
    def shown(self) -> Any:
        """The value of the interrupt."""
        if self.wakes_at is None and self.event is None:
            return self.value
        wakes_at = self.wakes_at.isoformat() if self.wakes_at else None
        shown = {"path": self.path, "event": self.event, "wakes_at": wakes_at}
        return {**shown, "transient": True} if self.transient else shown


@dataclass(frozen=True)
class Outcome:
    """How a step ended, or that it waits."""

    status: Ended
    output: Any = None
    failure: Failure | None = None
    is_handled: bool = False
    """Whether a failed one was taken over, by an error handler or by `continue_on_failure`."""
    requests: tuple[Request, ...] = ()
    branches: int | None = None
    """How many of its branches ended well, if that was noted in the ledger."""

    @property
    def is_well(self) -> bool:
        """Whether those that depend on it can use its output."""
        return self.status == "completed" or (self.status == "failed" and self.is_handled)

    @property
    def is_fatal(self) -> bool:
        """Whether it failed and nobody took over."""
        return self.status == "failed" and not self.is_handled


class StepFailed(StrettoError):
    """A step could not do its work; `error` is the class that policies and handlers go by."""

    def __init__(
        self, message: str, error: ErrorClass = "internal", *, final: bool = False, at: str = "", **where: Any
    ) -> None:
        super().__init__(message, **where)
        self.error: ErrorClass = error
        self.is_final = final
        self.at = at
        """The step that must run again, in a copy of the run, for another end; empty where a resume may do."""


@dataclass
class Waiting(Exception):
    """A step waits for a person, an event or a time, and nothing else of it can go on."""

    requests: tuple[Request, ...] = field(default_factory=tuple)
    note: dict[str, Any] = field(default_factory=dict)
    """What the step must know when it is started again; plain JSON."""


_CLASSES: tuple[tuple[type[BaseException], ErrorClass], ...] = (
    (TimeoutError, "timeout"),
    (ModelUnavailable, "unavailable"),
    (ConnectionError, "unavailable"),
    (NoCapacity, "unavailable"),
    (ModelRefused, "refused"),
    (AgentNotMade, "refused"),
    (NoSuitableAgent, "bad_input"),
    (ContextOverflow, "bad_input"),
    (BadOutput, "bad_output"),
    (LimitReached, "limit"),
    (MissingValue, "missing_value"),
    (ExpressionError, "bad_input"),
)


def failure_of(error: BaseException) -> Failure:
    """What went wrong, by class and in words."""
    if isinstance(error, StepFailed):
        return Failure(error.error, error.message, is_final=error.is_final)
    if isinstance(error, ToolFailed):
        return Failure(error.error, str(error), retry_after=error.retry_after or 0.0)
    kind: ErrorClass = next((kind for known, kind in _CLASSES if isinstance(error, known)), "internal")
    if isinstance(error, MissingValue | ExpressionError):
        said = str(error)
    else:
        said = error.message if isinstance(error, StrettoError) else f"{type(error).__name__}: {error}"
    return Failure(kind, said, lacks=error.root if isinstance(error, MissingValue) else "")
