"""The graphs by name, for the command line, the server and the engine; a graph is imported when it is built."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from state.ports import Passages, Ports
from state.runs import Json
from tools.addresses import refuse_logins

if TYPE_CHECKING:  # slow to import
    from langgraph.graph import StateGraph

AnyGraph: TypeAlias = "StateGraph[Any, Any, Any, Any]"
EditChecks = Mapping[str, Callable[[Mapping[str, Any], Json, Json, Passages], Awaitable[object]]]
"""By action name: raises AnswerRefused where an edited action cannot be used, given the run's state, what was shown,
the edit, and where cited passages are."""


Remarks = Mapping[str, Callable[[Mapping[str, Any], str], str]]
"""By action name: given the run's state and the message of a rejection, what of it will not be done."""


@dataclass(frozen=True)
class CatalogEntry:
    """A graph that can be run."""

    name: str
    description: str
    build: Callable[[Ports], AnyGraph]
    edit_checks: Callable[[], EditChecks]
    all_remarks: Callable[[], Remarks]
    check_input: Callable[[Json], object]
    """Raises a StrettoError where a run must not be given this, because it would be stored."""

    @cached_property
    def validators(self) -> EditChecks:
        """How edits at the graph's approval points are checked."""
        return self.edit_checks()

    @cached_property
    def remarks(self) -> Remarks:
        """What is to be said at once of rejections at the graph's approval points."""
        return self.all_remarks()

    @cached_property
    def definition(self) -> str:
        """A hash of the nodes, the edges and the names of the state: what a run that waits relies on."""
        from chains.models import ModelDoor
        from tools.memory import memory_ports

        graph = self.build(memory_ports(ModelDoor({}, {})))
        parts = {
            "nodes": {name: sorted(map(str, node.ends or ())) for name, node in sorted(graph.nodes.items())},
            "edges": sorted(graph.edges),
            "choices": {name: sorted(choices) for name, choices in sorted(graph.branches.items())},
            "state": sorted(graph.channels),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _research(ports: Ports) -> AnyGraph:
    from graphs import research

    return research.build(ports)


def _research_edits() -> EditChecks:
    from agents.approval import check_edit
    from agents.points import POINTS

    return {point.action: partial(check_edit, point) for point in POINTS.values()}


def _research_remarks() -> Remarks:
    from agents.approval import remark_on
    from agents.points import POINTS

    return {point.action: partial(remark_on, point) for point in POINTS.values()}


def _research_input(given: Json) -> None:
    refuse_logins(given.get("sources"))


CATALOG: dict[str, CatalogEntry] = {
    "research": CatalogEntry(
        name="research",
        description="Answers a question from your sources with a cited report.",
        build=_research,
        edit_checks=_research_edits,
        all_remarks=_research_remarks,
        check_input=_research_input,
    ),
}
