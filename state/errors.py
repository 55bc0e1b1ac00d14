"""Every error that Stretto raises on purpose, as one tree.

StrettoError                 anything a person can act on; carries the place and the remedy
├── WrongUse                 a command line that cannot be understood
├── SetupError               settings, environment, installation
│   └── DatabaseError        PostgreSQL cannot be started, reached or migrated
├── SourceError              a file or folder named as a source cannot be used at all
│   ├── EncryptedSource      it is behind a password
│   └── NoText               it can be read, and holds no text: a scan, an empty document
├── BundleError              a file named as the bundle of a report is none
├── BuildError               a graph or a workflow cannot be built from its definition
├── RunError                 a run cannot do what was asked
│   ├── UnknownRun           no run has this id
│   ├── RunHeld              another process works on the run
│   ├── LeaseLost            this process no longer owns the run; nothing was written
│   ├── AnswerRefused        the answer names no pending request, is not allowed, or is malformed
│   │   └── NotBorneOut      an edited report says what no passage bears out, and nobody said that it shall
│   ├── DefinitionChanged    the run was begun with another definition
│   ├── NotAllowed           this person may not start the run
│   └── TimedOut             the time that the run may work is over
├── ToolError                a tool could not do its work; told to the model, not to the process
│   └── ToolFailed           the same, with the class that retry policies and error handlers go by
├── AgentError               a task cannot be given to an agent
│   ├── NoSuitableAgent      nobody is able to do what is asked, or there is no agent of the name
│   ├── NoCapacity           all who could do it are at work: worth another try later
│   └── AgentNotMade         a model or a tool that the agent needs is not there
└── ModelError               a model call failed for good
    ├── ModelUnavailable     overload, timeout, connection: worth another try
    │   └── RateLimited      too many requests or tokens a minute: worth another try later
    ├── ModelRefused         bad key, unknown model, malformed request: not worth another try
    ├── ContextOverflow      the prompt is longer than the model's context
    ├── BadOutput            the answer does not have the form that was asked for
    └── LimitReached         a limit of the branch or of the run on calls, tokens, time or money
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the grammar of workflows is slow to import
    from state.workflow.policies import ErrorClass


class StrettoError(Exception):
    """An error for a person: what was wrong, where, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.message}{remedy}"


class WrongUse(StrettoError):
    """What was typed is no command, or an option has a value that it cannot have."""

    exit_code = 2


class SetupError(StrettoError):
    """Settings, environment or installation are not as they must be."""

    exit_code = 2


class DatabaseError(SetupError):
    """PostgreSQL cannot be started, reached or migrated."""


class SourceError(StrettoError):
    """A file or folder named as a source cannot be used at all."""

    exit_code = 2


class EncryptedSource(SourceError):
    """The document is encrypted: whole, and behind a password."""


class NoText(SourceError):
    """The document is whole and holds no text, as a scan does."""


class BundleError(StrettoError):
    """A file named as the bundle of a report is none, or cannot be read."""

    exit_code = 2


class BuildError(StrettoError):
    """A graph or a workflow cannot be built from its definition."""

    exit_code = 2


class RunError(StrettoError):
    """A run cannot do what was asked of it."""


class UnknownRun(RunError):
    """No run has this id."""

    exit_code = 2


class RunHeld(RunError):
    """Another process works on the run."""

    exit_code = 5


class LeaseLost(RunError):
    """This process no longer owns the run; what it wanted to write was refused."""

    exit_code = 5


class AnswerRefused(RunError):
    """The answer names no pending request, comes from the wrong person, or is malformed."""

    exit_code = 6


class NotBorneOut(AnswerRefused):
    """An edit of the report says what no passage bears out, and was not confirmed as the person's own words."""


class DefinitionChanged(RunError):
    """The run was begun with another definition than the one at hand."""


class NotAllowed(RunError):
    """This person may not start the run."""

    exit_code = 6


class TimedOut(RunError):
    """The time that the run may work is over: it ends, whatever it was doing."""


class ToolError(StrettoError):
    """A tool could not do its work; the model is told, the process goes on."""


class ToolFailed(ToolError):
    """A tool of the registry could not do its work, and why in the classes of retry policies and error handlers.

    `retry_after` is the pause in seconds that the service asked for, if it named one.
    """

    def __init__(
        self,
        message: str,
        error: "ErrorClass" = "internal",
        *,
        place: str | None = None,
        remedy: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.error: ErrorClass = error
        self.retry_after = retry_after


class AgentError(StrettoError):
    """A task cannot be given to an agent."""


class NoSuitableAgent(AgentError):
    """Nobody is able to do what is asked, or there is no agent of the name."""


class NoCapacity(AgentError):
    """All agents who could do it are at work: worth another try later."""


class AgentNotMade(AgentError):
    """A model or a tool that the agent needs is not there."""


class ModelError(StrettoError):
    """A model call failed for good."""

    retryable = False


class ModelUnavailable(ModelError):
    """Overload, timeout or a lost connection: worth another try.

    `retry_after` is the pause in seconds that the provider asked for, if it named one.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        place: str | None = None,
        remedy: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.retry_after = retry_after


class RateLimited(ModelUnavailable):
    """The provider takes no more requests or tokens for now: worth another try when `retry_after` is over."""


class ModelRefused(ModelError):
    """Bad key, unknown model or malformed request: another try would fail the same way."""

    exit_code = 2


class ContextOverflow(ModelError):
    """The prompt is longer than the model's context."""


class BadOutput(ModelError):
    """The answer does not have the form that was asked for, also after one repair."""


class LimitReached(ModelError):
    """A limit on calls, tokens, time or money was reached; `limit` names which."""

    def __init__(self, message: str, *, limit: str, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.limit = limit
