"""What the engine must know of a graph that it runs."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from state.ports import Passages, Ports
from state.runs import Json

if TYPE_CHECKING:  # slow to import
    from langgraph.graph import StateGraph

InputCheck = Callable[[Json], object]
"""Called with what a run is to be given, before it is stored; a StrettoError if it must not be."""
EditCheck = Callable[[Mapping[str, Any], Json, Json, Passages], Awaitable[object]]
"""Called with the run's state, what was shown, the `args` of an edit, and where cited passages are; AnswerRefused with
the field as its place."""

Remark = Callable[[Mapping[str, Any], str], str]
"""Called with the run's state and the message of a rejection: what of it will not be done, in words;
empty where there is nothing to say."""


class GraphEntry(Protocol):
    """A graph under its name. Any frozen dataclass with these fields will do."""

    @property
    def name(self) -> str: ...

    @property
    def definition(self) -> str:
        """A hash of what the graph does: a run goes on only with the definition that it began with."""

    @property
    def build(self) -> "Callable[[Ports], StateGraph[Any, Any, Any, Any]]":
        """Makes the graph of one run, not compiled."""

    @property
    def validators(self) -> Mapping[str, EditCheck]:
        """By action name: whether an edited action can be used."""

    @property
    def remarks(self) -> Mapping[str, Remark]:
        """By action name: what is to be said at once of a rejection."""

    @property
    def check_input(self) -> InputCheck:
        """Whether a run may be given this; cheap, and without building the graph."""
