"""Tools, and what they reach of a run, as Protocols: the registry, chains that ask models, and runs that runs start."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from state.runs import Json

if TYPE_CHECKING:  # slow to import, and only their names are needed here
    from langchain_core.tools import BaseTool


Look: TypeAlias = Callable[[Json], Iterable[tuple[tuple[str, ...], str, str]]]
"""Looks at an input in which references may stand for values: the place of each fault, what is wrong, what to do."""


@dataclass(frozen=True)
class RegisteredTool:
    """A tool as the registry knows it."""

    name: str
    version: str
    """Three numbers: `1.4.0`."""
    category: str
    description: str
    parameters: Json
    """The JSON Schema of its input."""
    output: Json
    """The JSON Schema of what it gives back; empty where that can be anything."""
    side_effects: Literal["none", "read", "write"]
    outside: bool
    """Whether a call asks something beyond the run and its files."""
    cost: float
    """US dollars of one call."""
    timeout: float
    """Seconds of one call."""
    tool: "BaseTool"
    depends_on: Callable[[Json], str] | None = None
    """From an input to the service that the call needs, for the circuit breaker; None where it needs none."""
    takes_key: bool = False
    """Whether it is given the idempotency key of the call, and heeds it or passes it on."""
    wrong_with: Look | None = None
    """What is wrong, beyond what the schema says, with an input in a workflow file."""


class ToolRegistry(Protocol):
    """The tools that steps and agents of the run may call, by name."""

    async def ready(self, names: Iterable[str]) -> None:
        """Makes the tools of these names known, where they are offered by a server that was not asked yet; ToolFailed
        if one cannot be asked.
        """

    def names(self) -> Sequence[str]:
        """The names, without versions, in the order of the alphabet."""

    def find(self, name: str) -> RegisteredTool:
        """The tool of a name (its newest version) or of `name@version`; ToolFailed with near names if there is
        none.
        """

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        """What the tool gives back, as JSON values; ToolFailed with the class of the failure."""

    async def aclose(self) -> None:
        """Ends what tools keep open between calls, such as transactions: the process stops working on the run."""


@dataclass
class Chains:
    """The way from a tool to the models of its run: whoever works on the run opens it."""

    ask: Callable[[str, Json, str], Awaitable[Json]] | None = None
    """From the name of a chain, its input and the key of the call to what it gives; ToolFailed where that fails."""


class Workflows(Protocol):
    """Runs of workflows that this run starts, and watches."""

    async def start(self, name: str, inputs: Json, key: str) -> str:
        """The id of the run of the workflow `name`, or `name@version`, that was started with this key, now or before.

        Raises ToolFailed where there is none of the name, or its inputs are wrong.
        """

    async def look(self, run_id: str, seconds: float, step: str | None) -> Json:
        """How a run that was started here stands when it has ended or waits, the step has ended, or the seconds are
        over; `tools/workflow.py` has the form. ToolFailed if this run started no such run.
        """
