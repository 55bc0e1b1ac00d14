"""What a tool may do to the world outside, as a mark on the tool itself.

`StructuredTool.from_function(…, metadata=effects("read", address="url"))`

- `none`: it only computes.
- `read`: it fetches. `address` names the argument that says from where: an address can carry words away with it.
- `write`: it changes something. A tool without a mark is taken for one that does.
"""

from typing import Any, Literal, get_args

from langchain_core.tools import BaseTool

Effects = Literal["none", "read", "write"]


def effects(kind: Effects, address: str = "") -> dict[str, Any]:
    """The mark, as a tool's metadata."""
    return {"side_effects": kind, "address": address}


def effects_of(tool: BaseTool) -> Effects:
    """What a tool says of itself."""
    kind = (tool.metadata or {}).get("side_effects")
    return next((known for known in get_args(Effects) if known == kind), "write")


def address_of(tool: BaseTool) -> str:
    """The name of the argument that holds an address; empty where there is none."""
    return str((tool.metadata or {}).get("address", ""))
