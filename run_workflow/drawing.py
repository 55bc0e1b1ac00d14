"""Drawings of a graph: Mermaid as LangGraph writes it, and a PNG made of that without a network or a browser."""

from pathlib import Path

from state.errors import SetupError, StrettoError

_WORKFLOWS = (".yaml", ".yml")
_SCALE_TO = 1000
"""Width of the picture in pixels."""
_HANDLERS = "__error_handler__"
"""What LangGraph calls the nodes that it makes of error handlers; no edge of the drawing leads to them."""


def mermaid(name: str) -> str:
    """The graph, or the workflow of a file, as Mermaid text.

    SetupError for an unknown name, DefinitionError for a file that is wrong.
    """
    path = Path(name)
    if path.suffix in _WORKFLOWS:
        from graphs.workflow.draw import mermaid_of
        from run_workflow.workflow_files import definition_in

        return mermaid_of(definition_in(path))
    from chains.models import ModelDoor
    from graphs.catalog import CATALOG
    from tools.memory import memory_ports

    if name not in CATALOG:
        raise SetupError(f"There is no graph {name!r}.", remedy=f"There are: {', '.join(sorted(CATALOG))}.")
    drawn = CATALOG[name].build(memory_ports(ModelDoor({}, {}))).compile().get_graph()
    for node in [node for key, node in drawn.nodes.items() if key.startswith(_HANDLERS)]:
        drawn.remove_node(node)
    return drawn.draw_mermaid()


def png(text: str) -> bytes:
    """Mermaid text as a picture. StrettoError when it cannot be drawn."""
    import mmdr

    try:
        picture: bytes = mmdr.render(text).png(width=_SCALE_TO, background="#ffffff")
    except (RuntimeError, ValueError) as error:
        raise StrettoError(
            f"The graph cannot be drawn: {error}.", remedy="Print it with --format mermaid and draw it elsewhere."
        ) from error
    return picture
