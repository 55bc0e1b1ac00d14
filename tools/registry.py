"""The tools that steps and agents may call: under one name each, with versions, schemas, side effects and limits.

A tool is a LangChain tool. What stands in its schema is checked before each call, and what it gives back after it; a
call that takes too long is ended, and a service that keeps failing is left alone for a while (`tools/breaker.py`).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Literal
from weakref import WeakKeyDictionary

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from state.errors import ToolError, ToolFailed
from state.runs import Json
from state.tools import RegisteredTool
from tools.breaker import Breakers
from tools.effects import effects_of, is_outside
from tools.mcp.offers import service
from tools.mcp.servers import McpServers
from tools.schemas import faults

KEY = "idempotency_key"
"""The argument, hidden from models, by which a tool is given the key of the call: `Annotated[str, InjectedToolArg]`."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_SHOWN = 5
_PARAMETERS: WeakKeyDictionary[type, dict[tuple[str, str], Json]] = WeakKeyDictionary()
"""By a tool's form, and its name and description: each takes a millisecond, and runs have tools of the same forms."""


def registered(
    tool: BaseTool,
    *,
    category: str,
    version: str = "1.0.0",
    output: Json | None = None,
    timeout: float = 60.0,
    depends_on: Callable[[Json], str] | None = None,
) -> RegisteredTool:
    """A tool that costs nothing, with what the registry must know of it beside what it says of itself."""
    return RegisteredTool(
        name=tool.name,
        version=version,
        category=category,
        description=tool.description,
        parameters=_parameters(tool),
        output=output or {},
        side_effects=effects_of(tool),
        outside=is_outside(tool),
        cost=0.0,
        timeout=timeout,
        tool=tool,
        depends_on=depends_on,
        takes_key=_takes_key(tool),
    )


class Registry:
    """The `ToolRegistry` port over a list of tools, and the tools of MCP servers once somebody asks for one.

    Raises ValueError for two of one name and version. `ending` ends what tools keep open between calls.
    """

    def __init__(
        self,
        tools: Iterable[RegisteredTool],
        breakers: Breakers,
        ending: Callable[[], Awaitable[None]] | None = None,
        servers: McpServers | None = None,
    ) -> None:
        self._breakers, self._ending, self._servers = breakers, ending, servers or McpServers()
        self._tools: dict[str, dict[str, RegisteredTool]] = {}
        for tool in tools:
            versions = self._tools.setdefault(tool.name, {})
            if not _VERSION.fullmatch(tool.version) or tool.version in versions:
                raise ValueError(f"{tool.name} needs a version of its own like 1.4.0, and has {tool.version}")
            versions[tool.version] = tool

    async def ready(self, names: Iterable[str]) -> None:
        """Asks the servers that these tools come from what they have. Raises ToolFailed where one cannot be asked."""
        for server in dict.fromkeys(map(self._servers.server_of, names)):
            if server is not None:
                async with self._breakers.guarding(service(server)):
                    offer = await self._servers.offer(server)
                self._tools |= {tool.name: {tool.version: tool} for tool in offer.tools}

    def names(self) -> Sequence[str]:
        """The names, without versions, in the order of the alphabet."""
        return sorted(self._tools)

    def versions(self, name: str) -> Sequence[RegisteredTool]:
        """The versions of a name, newest first. Raises ToolFailed with near names if there is none."""
        if name not in self._tools:
            near = get_close_matches(name, self._tools, n=1, cutoff=0.5)
            remedy = f"Did you mean {near[0]}?" if near else f"There are {', '.join(self.names())}."
            raise ToolFailed(f"There is no tool {name!r}.", "bad_input", remedy=remedy)
        return sorted(self._tools[name].values(), key=lambda tool: _ordered(tool.version), reverse=True)

    def find(self, name: str) -> RegisteredTool:
        """The tool of a name (its newest version) or of `name@version`. Raises ToolFailed."""
        plain, _, version = name.partition("@")
        versions = self.versions(plain)
        found = next((tool for tool in versions if version in ("", tool.version)), None)
        if found is None:
            remedy = f"There are {', '.join(tool.version for tool in versions)}."
            raise ToolFailed(f"The tool {plain} has no version {version!r}.", "bad_input", remedy=remedy)
        return found

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        """What the tool gives back, as JSON values. Raises ToolFailed with the class of the failure."""
        await self.ready([name])
        tool = self.find(name)
        _refuse(faults(tool.parameters, input), tool.name, "input")
        async with self._breakers.guarding(tool.depends_on(input) if tool.depends_on else None):
            given = await _given(tool, input, idempotency_key)
        output = to_jsonable_python(given)
        _refuse(faults(tool.output, output) if tool.output else [], tool.name, "output")
        return output

    async def aclose(self) -> None:
        """Ends what tools keep open between calls: a process stops working on the run."""
        if self._ending is not None:
            await self._ending()


def openai_schema(tool: RegisteredTool) -> Json:
    """The tool as a model is told of it, in the form of the OpenAI API."""
    return convert_to_openai_tool(tool.tool)


async def _given(tool: RegisteredTool, input: Json, idempotency_key: str) -> Any:
    hidden = {KEY: idempotency_key} if tool.takes_key else {}
    try:
        async with asyncio.timeout(tool.timeout):
            return await tool.tool.ainvoke({**input, **hidden})
    except TimeoutError as error:
        raise ToolFailed(f"It took longer than {tool.timeout:g} s.", "timeout", place=tool.name) from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:_SHOWN])
        raise ToolFailed(f"Its input is not as it must be: {said}.", "bad_input", place=tool.name) from error
    except ToolFailed:
        raise
    except ToolError as error:
        raise ToolFailed(error.message, place=error.place or tool.name, remedy=error.remedy) from error


def _takes_key(tool: BaseTool) -> bool:
    schema = tool.args_schema
    return isinstance(schema, type) and issubclass(schema, BaseModel) and KEY in schema.model_fields


def _refuse(found: list[str], name: str, what: Literal["input", "output"]) -> None:
    if found:
        said = "; ".join(found[:_SHOWN])
        remedy = f"`tools {name}` shows the schema."
        kind: Literal["bad_input", "bad_output"] = "bad_input" if what == "input" else "bad_output"
        raise ToolFailed(f"Its {what} is not as it must be: {said}.", kind, place=name, remedy=remedy)


def _parameters(tool: BaseTool) -> Json:
    """The schema of what a model or a step gives: without arguments that the program adds."""
    form = tool.args_schema
    if not isinstance(form, type):
        return dict(form or {})
    known = _PARAMETERS.setdefault(form, {})
    key = tool.name, tool.description
    if key not in known:
        schema = tool.tool_call_schema
        assert not isinstance(schema, dict)
        assert issubclass(schema, BaseModel)  # tools of pydantic 1 are not registered
        known[key] = {"additionalProperties": False, **schema.model_json_schema()}
    return known[key]


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
