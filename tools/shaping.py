"""Tools that only shape values."""

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from state.runs import Json
from tools.effects import effects

_ANYTHING = {"type": "object", "properties": {}, "additionalProperties": True}


def set_tool() -> BaseTool:
    """`set`: gives back its input."""
    return StructuredTool.from_function(
        coroutine=_set,
        name="set",
        description="Gives back what it is given: to put values of earlier steps into a new form.",
        args_schema=_ANYTHING,
        metadata=effects("none"),
    )


async def _set(**values: Any) -> Json:
    return values
