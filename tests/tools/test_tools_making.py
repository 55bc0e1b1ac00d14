"""Tools made of methods share what was worked out of them, and nothing else."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from tools.effects import effects, effects_of
from tools.making import made, schema_of
from tools.tables.stored import TableStore
from tools.tables.table_forms import MadeTable, Values
from tools.tables.table_tools import TableTools


@dataclass
class Counter:
    """Something of one run."""

    start: int

    async def count(self, steps: Annotated[int, Field(ge=1)] = 1) -> int:
        """Counts on."""
        return self.start + steps


async def test_tools_of_a_method_share_a_schema_and_call_their_own_object() -> None:
    """A second object's tool has the schema of the first, worked out once, and its own mark."""
    one = made(Counter(10).count, description="Counts.", metadata=effects("read"))
    other = made(Counter(20).count, description="Counts.", metadata=effects("none"))
    assert one.tool_call_schema is other.tool_call_schema
    assert (effects_of(one), effects_of(other)) == ("read", "none")
    assert [await tool.ainvoke({"steps": 2}) for tool in (one, other)] == [12, 22]


@pytest.mark.parametrize(("description", "name"), [("Counts.", None), ("Counts on.", "on"), (None, None)])
def test_a_tool_is_what_the_library_makes(description: str | None, name: str | None) -> None:
    """Models are told the same of it; another description or name is another tool."""
    here = made(Counter(1).count, description=description, name=name, metadata=effects("read"))
    there = StructuredTool.from_function(coroutine=Counter(1).count, description=description, name=name)
    assert convert_to_openai_tool(here) == convert_to_openai_tool(there)


def test_runs_share_the_schemas_of_what_tools_give_back() -> None:
    """The tools for tables of any run tell the one schema that is kept of each answer."""
    given: dict[str, object] = {}
    for tool, back in TableTools(TableStore(None), None, None).tools():  # type: ignore[arg-type]
        given[tool.name] = back
    assert given["table_load"] is given["table_sort"] is schema_of(MadeTable)
    assert given["table_values"] is schema_of(Values)
