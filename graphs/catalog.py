"""The graphs by name, for the command line, the server and the engine."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from langgraph.graph import StateGraph

from agents.approval import edited
from agents.points import POINTS
from chains.models import ModelDoor
from graphs import research
from state.ports import Ports
from state.runs import Json
from tools.memory import memory_ports

AnyGraph = StateGraph[Any, Any, Any, Any]


@dataclass(frozen=True)
class CatalogEntry:
    """A graph that can be run."""

    name: str
    description: str
    build: Callable[[Ports], AnyGraph]
    validators: Mapping[str, Callable[[Mapping[str, Any], Json], object]]
    """By action name: raises where an edited action cannot be used, given the run's state."""

    @cached_property
    def definition(self) -> str:
        """A hash of the nodes, the edges and the names of the state: what a run that waits relies on."""
        graph = self.build(memory_ports(ModelDoor({}, {})))
        parts = {
            "nodes": {name: sorted(map(str, node.ends or ())) for name, node in sorted(graph.nodes.items())},
            "edges": sorted(graph.edges),
            "choices": {name: sorted(choices) for name, choices in sorted(graph.branches.items())},
            "state": sorted(graph.channels),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


CATALOG: dict[str, CatalogEntry] = {
    "research": CatalogEntry(
        name="research",
        description="Answers a question from your sources with a cited report.",
        build=research.build,
        validators={point.action: partial(edited, point) for point in POINTS.values()},
    ),
}
