"""Tools that compute from what they are given: search in texts, check of a statement, statistics."""

import asyncio
from typing import Any, Literal

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolError, ToolFailed
from state.evidence import Witness
from state.runs import Json
from tools.effects import effects


class Texts(BaseModel):
    """Where to look for what."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1)
    texts: list[str] = Field(max_length=10_000)
    limit: int = Field(default=5, ge=1, le=100)


class Statement(BaseModel):
    """What is claimed, and what it rests on."""

    model_config = ConfigDict(extra="forbid")

    statement: str = Field(min_length=1)
    texts: list[str] = Field(max_length=1000)


class Figures(BaseModel):
    """Columns of numbers."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["describe", "trend", "correlation", "groups"] = "describe"
    values: list[float | None] = Field(min_length=1, max_length=1_000_000)
    x: list[float | None] | None = Field(default=None, description="For trend and correlation: what goes with values.")
    groups: list[str] | None = Field(default=None, description="For groups: the group of each value.")
    name: str = Field(default="value", description="What the values are; a unit in brackets: depth (m).")


class TextHit(BaseModel):
    """A text that fits."""

    index: int = Field(description="Its place in the list, from 0.")
    score: float
    text: str


class Verdict(BaseModel):
    """What the check found, of all texts together and of each."""

    verdict: Literal["supported", "partly", "contradicted", "unsupported"]
    reason: str
    cover: float
    texts: list[Witness] = Field(description="What each text, taken alone, says.")


_RESULT: Json = {
    "type": "object",
    "properties": {
        "method": {"type": "string"},
        "sentence": {"type": "string"},
        "values": {"type": "object"},
        "n": {"type": "integer"},
        "assumptions": {"type": "array", "items": {"type": "string"}},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "formula": {"type": "string"},
    },
}


def computing_tools() -> tuple[tuple[BaseTool, Json], ...]:
    """`search_texts`, `check_statement` and `statistics`, each with the schema of what it gives back."""
    hits: Json = {"type": "array", "items": TextHit.model_json_schema()}
    return (
        (_tool(_search, "search_texts", "Finds the texts of a list that fit a query best, best first.", Texts), hits),
        (
            _tool(
                _check,
                "check_statement",
                "Checks without a model which texts support a statement, and which contradict it.",
                Statement,
            ),
            Verdict.model_json_schema(),
        ),
        (_tool(_statistics, "statistics", "Computes a statistic, and says what it rests on.", Figures), _RESULT),
    )


def _tool(coroutine: Any, name: str, description: str, schema: type[BaseModel]) -> BaseTool:
    return StructuredTool.from_function(
        coroutine=coroutine, name=name, description=description, args_schema=schema, metadata=effects("none")
    )


async def _search(**given: Any) -> list[Json]:
    from state.evidence import Locator, Passage
    from tools.search.index import build_index

    asked = Texts(**given)

    def search() -> list[Json]:
        passages = [Passage.make(str(n), Locator(), text) for n, text in enumerate(asked.texts)]
        places = {passage.id: n for n, passage in enumerate(passages)}
        found = build_index(passages, {}).search(asked.query, asked.limit)
        hits = ((places[hit.passage_id], hit.score) for hit in found)
        return [TextHit(index=n, score=score, text=asked.texts[n]).model_dump() for n, score in hits]

    return await asyncio.to_thread(search)


async def _check(**given: Any) -> Json:
    from state.evidence import Locator, Passage
    from tools.facts import check_statement
    from tools.witnesses import witnesses

    asked = Statement(**given)

    def check() -> Json:
        passages = [Passage.make(str(n), Locator(), text) for n, text in enumerate(asked.texts)]
        found = check_statement(asked.statement, passages)
        each = [witness.model_dump() for witness in witnesses(asked.statement, passages)]
        return {"verdict": found.verdict, "reason": found.reason, "cover": found.cover, "texts": each}

    return await asyncio.to_thread(check)


async def _statistics(**given: Any) -> Json:
    asked = Figures(**given)
    other = asked.groups if asked.method == "groups" else asked.x
    needed = {"trend": "x", "correlation": "x", "groups": "groups"}.get(asked.method)
    if needed and (other is None or len(other) != len(asked.values)):
        said = f"{asked.method} needs {needed}, one for each of the {len(asked.values)} values."
        raise ToolFailed(said, "bad_input", place="statistics")
    try:
        return await asyncio.to_thread(_computed, asked)
    except ToolError as error:
        raise ToolFailed(error.message, "bad_input", place="statistics", remedy=error.remedy) from error


def _computed(asked: Figures) -> Json:
    import pandas as pd

    from tools import statistics

    values = pd.Series(asked.values, name=asked.name, dtype=float)
    match asked.method:
        case "groups":
            result = statistics.compare_groups(values, pd.Series(asked.groups, name="group"))
        case "trend":
            result = statistics.linear_trend(pd.Series(asked.x, name="x", dtype=float), values)
        case "correlation":
            result = statistics.correlation(pd.Series(asked.x, name="x", dtype=float), values)
        case _:
            result = statistics.describe(values)
    return result.model_dump(mode="json")
