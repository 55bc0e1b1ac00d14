"""Drawings of a graph: Mermaid as LangGraph writes it, and a PNG made of that without a network or a browser."""

from typing import TYPE_CHECKING

from state.errors import StrettoError

if TYPE_CHECKING:
    from run_workflow.settings import Settings

_SCALE_TO = 1000
"""Width of the picture in pixels."""
_HANDLERS = "__error_handler__"
"""What LangGraph calls the nodes that it makes of error handlers; no edge of the drawing leads to them."""


def mermaid(name: str, settings: "Settings") -> str:
    """The graph, or the workflow of a file or a name, as Mermaid text.

    SetupError for an unknown name, DefinitionError for a file that is wrong.
    """
    from graphs.catalog import CATALOG

    if name not in CATALOG:
        from graphs.workflow.draw import mermaid_of
        from run_workflow.workflow_catalog import WorkflowCatalog

        return mermaid_of(WorkflowCatalog.of(settings).definition(name))
    from chains.models import ModelDoor
    from tools.memory import memory_ports

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
