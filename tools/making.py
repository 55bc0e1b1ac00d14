"""Tools made of functions and methods: what a model is told of each is worked out once for all runs of a process.

A tool calls a method of an object that belongs to one run, so each run makes its own. Its schema depends only on what
the method takes: LangChain reads it from the signature and builds three classes, a millisecond or more each time.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from types import CodeType
from typing import Any, Literal

from langchain_core.tools import StructuredTool
from pydantic import BaseModel

from state.runs import Json

_MADE: dict[tuple[CodeType, str, str, object], StructuredTool] = {}
"""By code, name, description and schema: a tool that calls nothing."""


def made(
    coroutine: Callable[..., Awaitable[Any]],
    *,
    name: str | None = None,
    description: str | None = None,
    args_schema: type[BaseModel] | None = None,
    response_format: Literal["content", "content_and_artifact"] = "content",
    metadata: dict[str, Any],
) -> StructuredTool:
    """What `StructuredTool.from_function` gives for a coroutine function or a bound method."""
    code: CodeType = getattr(coroutine, "__func__", coroutine).__code__
    key = (code, name or "", description or "", args_schema)
    if key not in _MADE:
        first = StructuredTool.from_function(
            coroutine=coroutine, name=name, description=description, args_schema=args_schema
        )
        assert first.tool_call_schema is not None  # copies have what it worked out
        _MADE[key] = first.model_copy(update={"coroutine": None})
    update = {"coroutine": coroutine, "response_format": response_format, "metadata": metadata}
    return _MADE[key].model_copy(update=update)


@cache
def schema_of(model: type[BaseModel]) -> Json:
    """The JSON schema of what a tool gives back. Not to be changed: all its tools share it."""
    return model.model_json_schema()
