"""Tools that compute from what they are given: search in texts, advice in texts, check of a statement, statistics."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolError, ToolFailed
from state.evidence import Witness
from state.runs import Json
from tools.advising import recommend_tool
from tools.effects import effects
from tools.making import made, schema_of
from tools.statistics.asking import MethodName, Options, Role

if TYPE_CHECKING:
    import pandas as pd


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


Values = list[float | None] | list[str | float | None]


class Figures(Options):
    """Columns of equal length, by value, and what is computed of them."""

    method: MethodName = Field(default="describe", description=Options.model_fields["method"].description)
    values: Values = Field(default=[], max_length=1_000_000, description="What is measured, tested or explained (y).")
    name: str = Field(default="value", description="What the values are; a unit in brackets: depth (m).")
    x: Values | dict[str, Values] | None = Field(
        default=None, description="What explains or goes along with values; several columns by name; time for a trend."
    )
    groups: list[str] | None = Field(default=None, description="The group of each value.")
    within: list[str] | None = Field(default=None, description="The second group of each value.")
    weights: list[float] | None = Field(default=None, description="How many cases each value stands for.")
    pairs: list[str] | None = Field(default=None, description="The case of each value, the same in both groups.")


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
        "effect": {"type": ["object", "null"], "description": "How large it is: name and value."},
        "interval": {"type": ["object", "null"], "description": "Of the main figure: of, low, high, level."},
        "p": {"type": ["number", "null"]},
    },
}


def computing_tools() -> tuple[tuple[BaseTool, Json], ...]:
    """`search_texts`, `recommend`, `check_statement` and `statistics`, each with the schema of what it gives back."""
    hits: Json = {"type": "array", "items": schema_of(TextHit)}
    return (
        (_tool(_search, "search_texts", "Finds the texts of a list that fit a query best, best first.", Texts), hits),
        recommend_tool(),
        (
            _tool(
                _check,
                "check_statement",
                "Checks without a model which texts support a statement, and which contradict it.",
                Statement,
            ),
            schema_of(Verdict),
        ),
        (_tool(_statistics, "statistics", "Computes a statistic, and says what it rests on.", Figures), _RESULT),
    )


def _tool(coroutine: Any, name: str, description: str, schema: type[BaseModel]) -> BaseTool:
    return made(coroutine=coroutine, name=name, description=description, args_schema=schema, metadata=effects("none"))


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
    try:
        return await asyncio.to_thread(_computed, asked)
    except ToolError as error:
        raise ToolFailed(error.message, "bad_input", place="statistics", remedy=error.remedy) from error


def _computed(asked: Figures) -> Json:
    import pandas as pd

    from tools.statistics.methods import Given, compute

    several: dict[str, Any] = asked.x if isinstance(asked.x, dict) else {"x": asked.x} if asked.x else {}
    named: dict[Role, Sequence[Any] | None] = {
        "values": asked.values or None,
        "groups": asked.groups,
        "within": asked.within,
    }
    named |= {"weights": asked.weights, "pairs": asked.pairs}
    present = {role: column for role, column in named.items() if column is not None}
    lengths = {len(column) for column in (*present.values(), *several.values())}
    if len(lengths) != 1:
        said = f"The columns have {' and '.join(map(str, sorted(lengths))) or 'no'} values."
        raise ToolError(said, remedy="Give one value of each column for each row.")
    columns = {role: _column(column, _called(role, asked)) for role, column in present.items()}
    x = [_column(column, name) for name, column in several.items()]
    table = pd.concat([*columns.values(), *x], axis=1)
    return compute(Given(asked, columns, x, table)).model_dump(mode="json")


def _called(role: Role, asked: Figures) -> str:
    return asked.name if role == "values" else {"groups": "group", "pairs": "pair"}.get(role, role)


def _column(values: Sequence[Any], name: str) -> "pd.Series[Any]":
    """A column of numbers, or of texts if it holds one."""
    import pandas as pd

    is_text = any(isinstance(value, str) for value in values)
    return pd.Series(values, name=name, dtype=object if is_text else float)
