"""What a tool may do to the world outside, as a mark on the tool itself.

`StructuredTool.from_function(…, metadata=effects("read", address="url"))`

- `none`: it only computes.
- `read`: it fetches. `address` names the argument that says from where, `carries` those that go there with the request:
  both can carry words away.
- `write`: it changes something. A tool without a mark is taken for one that does.

`outside` says that a call asks something beyond the run and its files: the web, a database, another run. A tool that
takes an address does, and one without a mark is taken for one that does.

`foreign` says that somebody else wrote its name and description, as of a tool that a server offers: to have the tool is
then to have read text of unknown origin.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from langchain_core.tools import BaseTool

Effects = Literal["none", "read", "write"]


def effects(
    kind: Effects, address: str = "", *, carries: Sequence[str] = (), outside: bool = False, foreign: bool = False
) -> dict[str, Any]:
    """The mark, as a tool's metadata."""
    reach = outside or bool(address)
    return {"side_effects": kind, "address": address, "carries": tuple(carries), "outside": reach, "foreign": foreign}


def effects_of(tool: BaseTool) -> Effects:
    """What a tool says of itself."""
    kind = (tool.metadata or {}).get("side_effects")
    return next((known for known in get_args(Effects) if known == kind), "write")


def address_of(tool: BaseTool) -> str:
    """The name of the argument that holds an address; empty where there is none."""
    return str((tool.metadata or {}).get("address", ""))


def carried_by(tool: BaseTool) -> Sequence[str]:
    """The names of the arguments that go to the address with the request."""
    return tuple((tool.metadata or {}).get("carries", ()))


def is_outside(tool: BaseTool) -> bool:
    """Whether a call asks something beyond the run and its files."""
    return bool((tool.metadata or {}).get("outside", True))


def is_foreign(tool: BaseTool) -> bool:
    """Whether somebody else wrote what a model is told of it."""
    return bool((tool.metadata or {}).get("foreign"))
