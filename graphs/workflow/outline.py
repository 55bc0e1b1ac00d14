"""The steps of a workflow as a graph of LangChain, for LangGraph Studio: its runs are one node, its drawing is not."""

from collections.abc import Iterator

from langchain_core.runnables.graph import Graph, Node

from graphs.workflow.checks.tree import Level, Placed, all_placed, path_of, tree_of
from state.workflow.definition import WorkflowDefinition

START, END = "__start__", "__end__"


def outline_of(definition: WorkflowDefinition) -> Graph:
    """A node for each step, called by its path in the ledger; a step that holds others leads to them.

    Edges are the order; those that only some runs take, ways and errors, are conditional.
    """
    graph, tree = Graph(), tree_of(definition.steps)
    start = graph.add_node(None, START)
    nodes = {path_of(placed): graph.add_node(None, path_of(placed)) for placed in all_placed(tree)}
    end = graph.add_node(None, END)
    for first in _firsts(tree):
        graph.add_edge(start, nodes[path_of(first)])
    for placed in all_placed(tree):
        _leads_on(graph, nodes, placed)
    for last in _lasts(tree):
        graph.add_edge(nodes[path_of(last)], end)
    return graph


def _leads_on(graph: Graph, nodes: dict[str, Node], placed: Placed) -> None:
    """The edges into what a step holds, and to what comes after it."""
    step, level = placed.step, placed.level
    here = nodes[path_of(placed)]
    for inner in placed.inner:
        for first in _firsts(inner):
            graph.add_edge(here, nodes[path_of(first)], inner.way or None, conditional=bool(inner.way))
    for after in level.flow.followers[step.id]:
        follower = nodes[path_of(level.by_id[after])]
        if step.id in level.flow.handles.get(after, ()):
            graph.add_edge(here, follower, "error", conditional=True)
        if step.id in level.flow.needs[after]:
            for last in _ends(placed):
                graph.add_edge(nodes[path_of(last)], follower)


def _firsts(level: Level) -> Iterator[Placed]:
    """The steps of a level that wait for no other."""
    for placed in level.steps:
        if not level.flow.needs[placed.step.id] and placed.step.id not in level.flow.handles:
            yield placed


def _lasts(level: Level) -> Iterator[Placed]:
    """The steps after which a level has ended."""
    for id_ in level.flow.sinks:
        yield from _ends(level.by_id[id_])


def _ends(placed: Placed) -> Iterator[Placed]:
    """The steps from which what follows a step is reached: the last ones within it; itself where a way is empty."""
    for inner in placed.inner:
        yield from _lasts(inner)
    if not placed.inner or not all(inner.steps for inner in placed.inner):
        yield placed
