"""The tools that MCP servers offer, as tools of the registry: `SERVER.tool`.

What a server says of its tools is text of unknown origin, as what they give back is: descriptions that give orders to
a model are withheld, tools with orders elsewhere in their schemas and schemas that lead elsewhere are refused, and only
a server that the settings trust is believed that a tool of it changes nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool

from state.errors import ToolFailed
from state.runs import Json
from state.tools import RegisteredTool
from tools.effects import Effects, effects
from tools.http.answers import masked, masked_within
from tools.instructions import find_instructions, instructions_in_name
from tools.mcp.connection import Connection
from tools.mcp.server import McpServer
from tools.mcp.servers import SIGN, Offer
from tools.schemas import schema_fault
from tools.storable import storable

if TYPE_CHECKING:  # slow to import
    from mcp.types import CallToolResult, Tool

CATEGORY = "mcp"
MOST_BYTES = 1_000_000
"""Of one result, as JSON."""
_LONGEST_TEXT = 1000
"""Characters of a description."""
_WITHHELD = "(Withheld: the server's description gives orders to a model.)"
_WORDS = ("description", "title", "$comment")
"""What a schema says in words."""
_FOR_MODELS = re.compile(r"[^A-Za-z0-9_-]")
OUTPUT: Json = {
    "type": "object",
    "required": ["text", "left_out"],
    "properties": {
        "text": {"type": "string", "description": "All parts of the answer that are text."},
        "left_out": {"type": "array", "items": {"type": "string"}, "description": "The kinds of its other parts."},
        "structured": {"description": "The answer as values, where the server gives them."},
    },
}
"""What a tool gives back whose server does not say what it does."""


class McpTool(BaseTool):
    """A tool of a server; its input goes there as it is, whatever its fields are called."""

    connection: Any
    called: str
    """Its name at the server."""
    is_structured: bool

    def _run(self, **_: Any) -> Any:
        raise NotImplementedError("MCP tools are asynchronous")

    async def _arun(self, /, **given: Any) -> Any:
        connection: Connection = self.connection
        answer = await connection.call(self.called, given)
        return _output(answer, connection.server, self.called, is_structured=self.is_structured)


def offered(connection: Connection, tools: "Sequence[Tool]", version: str, servers: Sequence[str]) -> Offer:
    """The tools of a server that can be used beside those of all `servers`, and why others cannot."""
    made: dict[str, RegisteredTool] = {}
    left_out = []
    for tool in tools:
        why = _fault(tool) or _taken(connection.server.name, tool.name, made, servers)
        if why:
            left_out.append(f"{connection.server.name}{SIGN}{tool.name[:100]}: {why}.")
        else:
            made[for_models(connection.server.name, tool.name)] = _registered(connection, tool, version)
    return Offer(tuple(made.values()), tuple(left_out))


def for_models(server: str, tool: str) -> str:
    """The name by which models know a tool: what all providers take. It is not one to one."""
    return _FOR_MODELS.sub("_", f"{server}__{tool}")[:64]


def _taken(server: str, tool: str, made: Mapping[str, RegisteredTool], servers: Sequence[str]) -> str:
    """Which other tool a model would mean by the tool's name; what is allowed goes by that name. Empty for none."""
    name = for_models(server, tool)
    if name in made:
        first = made[name].name
        is_twice = first == f"{server}{SIGN}{tool}"
        return "the server has two of this name" if is_twice else f"models would take it for {first}"
    longer = [each for each in servers if len(each) > len(server) and name.startswith(for_models(each, ""))]
    return f"models would take it for a tool of the server {longer[0]}" if longer else ""


def _fault(tool: "Tool") -> str:
    """Why a tool cannot be used; empty where it can."""
    if not re.fullmatch(r"[\w./-]{1,100}", tool.name):
        return "its name has signs that a name cannot have"
    if _gives_orders(tool.name):
        return "its name gives orders to a model"
    for what, schema in (("input", tool.inputSchema), ("output", tool.outputSchema)):
        fault = schema_fault(schema) if schema is not None else None
        if fault is not None:
            return f"the schema of its {what} cannot be used: {fault[1][:200]}"
        if any(map(_gives_orders, _texts(_screened(schema)))):
            return f"the schema of its {what} gives orders to a model, in its values or names"
    return ""


def _registered(connection: Connection, tool: "Tool", version: str) -> RegisteredTool:
    server = connection.server
    parameters = _screened({"properties": {}, **tool.inputSchema})
    kind = _effects(tool, server)
    made = McpTool(
        name=for_models(server.name, tool.name),
        description=_described(tool.description or tool.title or tool.name),
        args_schema=parameters,
        metadata=effects(kind, outside=True, foreign=not server.trusted),
        connection=connection,
        called=tool.name,
        is_structured=tool.outputSchema is not None,
    )
    return RegisteredTool(
        name=f"{server.name}{SIGN}{tool.name}",
        version=version,
        category=CATEGORY,
        description=made.description,
        parameters=parameters,
        output=_screened(tool.outputSchema) if tool.outputSchema is not None else OUTPUT,
        side_effects=kind,
        outside=True,
        cost=0.0,
        timeout=server.timeout,
        tool=made,
        depends_on=lambda _: service(server.name),
    )


def service(server: str) -> str:
    """What the calls of a server's tools depend on, for the circuit breaker."""
    return f"MCP server {server}"


def _effects(tool: "Tool", server: McpServer) -> Effects:
    """What is believed of what the tool does outside: that it only reads, of a trusted server that says so."""
    says_so = tool.annotations is not None and tool.annotations.readOnlyHint is True
    return "read" if says_so and server.trusted else "write"


def _screened(schema: Any) -> Any:
    """A schema without descriptions that give orders to a model."""
    if isinstance(schema, list):
        return [_screened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _described(each) if name in _WORDS and isinstance(each, str) else _screened(each)
        for name, each in schema.items()
    }


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _gives_orders(text: str) -> bool:
    return bool(find_instructions(text) if " " in text else instructions_in_name(text))


def _described(text: str) -> str:
    return _WITHHELD if find_instructions(text) else " ".join(text.split())[:_LONGEST_TEXT]


def _output(answer: "CallToolResult", server: McpServer, tool: str, *, is_structured: bool) -> Any:
    """The answer as values, without what must not be seen."""
    texts = [part.text for part in answer.content if part.type == "text"]
    place = f"{server.name}{SIGN}{tool}"
    if answer.isError:
        said = masked(" ".join(" ".join(texts).split())[:_LONGEST_TEXT], server.secrets)
        raise ToolFailed(f"It answered with an error: {said.rstrip('.') or 'without words'}.", "refused", place=place)
    given: Any = answer.structuredContent
    if not is_structured:
        values = {} if given is None else {"structured": given}
        left_out = [str(part.type) for part in answer.content if part.type != "text"]
        given = {"text": "\n".join(texts), "left_out": left_out, **values}
    if len(json.dumps(given)) > MOST_BYTES:
        raise ToolFailed(f"Its answer is larger than {MOST_BYTES} bytes.", "bad_output", place=place)
    return _storable(masked_within(given, server.secrets))


def _storable(value: Any) -> Any:
    """The value with texts that a database can hold."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): _storable(each) for name, each in value.items()}
    return value
