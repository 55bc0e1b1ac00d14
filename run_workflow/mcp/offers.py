"""The parts of what our MCP server offers, each with tools of its own; and the one that has tools of the registry."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from state.errors import SetupError, ToolFailed
from state.runs import Json
from state.tools import RegisteredTool, ToolRegistry
from tools.toolbox import MODELS

if TYPE_CHECKING:  # slow to import
    from mcp.types import Tool

_VALUE = "value"
"""The field under which a client gets what is no object."""

_OF_RUNS = (MODELS, "workflows")
"""Categories of tools that work for a run alone."""


class Offer(Protocol):
    """A part of what is offered."""

    async def tools(self) -> "Sequence[Tool]":
        """Its tools, as they are now."""

    async def call(self, name: str, given: Json) -> Json | None:
        """What a tool gave back; None where it is not offered here. StrettoError where it failed."""


class RegistryOffer:
    """Tools of the registry: those that change nothing, and those that were allowed by name."""

    def __init__(self, registry: ToolRegistry, allowed: Collection[str] = ()) -> None:
        """Raises SetupError where there is no tool of an allowed name."""
        self._registry, self._allowed = registry, allowed
        unknown = sorted(set(allowed) - set(map(_name, self._all)))
        if unknown:
            known = ", ".join(_name(tool) for tool in self._all if tool.side_effects == "write")
            raise SetupError(f"There is no tool {unknown[0]!r} to allow.", remedy=f"Those that write are {known}.")

    @cached_property
    def _all(self) -> tuple[RegisteredTool, ...]:
        """All but those that work for a run; workflows are tools of their own here."""
        found = map(self._registry.find, self._registry.names())
        return tuple(tool for tool in found if tool.category not in _OF_RUNS)

    @cached_property
    def _offered(self) -> dict[str, RegisteredTool]:
        return {tool.name: tool for tool in self._all if tool.side_effects != "write" or tool.name in self._allowed}

    async def tools(self) -> "Sequence[Tool]":
        """Its tools, in the order of their names."""
        return [_told(tool) for tool in self._offered.values()]

    async def call(self, name: str, given: Json) -> Json | None:
        """What the tool gave back. Raises ToolFailed."""
        tool = self._offered.get(name)
        if tool is None:
            return None
        output = await self._registry.call(name, given, idempotency_key=f"mcp-{uuid4().hex}")
        return output if _gives_object(tool) else {_VALUE: output}


def _name(tool: RegisteredTool) -> str:
    return tool.name


def _gives_object(tool: RegisteredTool) -> bool:
    return bool(tool.output.get("type") == "object")


def _told(tool: RegisteredTool) -> "Tool":
    from mcp.types import Tool, ToolAnnotations

    return Tool(
        name=tool.name,
        description=tool.description,
        inputSchema={"type": "object", **tool.parameters},
        outputSchema=_output_schema(tool),
        annotations=ToolAnnotations(readOnlyHint=tool.side_effects != "write", openWorldHint=tool.outside),
    )


def _output_schema(tool: RegisteredTool) -> Json | None:
    """Of what a client gets; None where it cannot be said: definitions of a schema stand at its root."""
    if _gives_object(tool):
        return tool.output
    if "$defs" in tool.output:
        return None
    return {"type": "object", "properties": {_VALUE: tool.output}, "required": [_VALUE]}


def not_offered(name: str) -> ToolFailed:
    """The error of a call to what is not there."""
    return ToolFailed(f"No tool {name!r} is offered here.", "bad_input", remedy="The list of tools names all.")
