"""The tool `calculate`: figures from the values of earlier steps, by expressions in CEL.

The expressions are constants of the file and the values are data, so that no text that was read is ever computed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from state.errors import ToolFailed
from state.runs import Json
from tools.cel import ANY, Program, environment, first_value, plainly, told, with_fractions
from tools.effects import effects
from tools.making import made
from tools.schemas import CONSTANT

MOST_RESULTS = 50
_EXACT = 2**53
NAME = re.compile(r"[A-Za-z_]\w{0,63}")
OUTPUT: Json = {"type": "object", "additionalProperties": True}


class Calculation(BaseModel):
    """What to compute, and of what."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(default_factory=dict, description="By the names that the expressions use.")
    results: dict[str, Annotated[str, Field(max_length=1000, json_schema_extra={CONSTANT: True})]] = Field(
        min_length=1,
        max_length=MOST_RESULTS,
        description="By name: an expression in CEL over values and the results before it, for instance "
        "round(price * 1.19, 2), sum(amounts), size(rows) or rows.filter(r, r.open).map(r, r.amount).",
    )


def calculate_tool() -> BaseTool:
    """`calculate`: the results by name."""
    return made(
        coroutine=_calculate,
        name="calculate",
        description="Computes figures, texts and lists from values by expressions in CEL, with sum and round.",
        args_schema=Calculation,
        metadata=effects("none"),
    )


def wrong_with(given: Json) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What is wrong with an input of which the values may not be known yet: the place, why, and what to do."""
    values, results = given.get("values", {}), given.get("results")
    if not isinstance(values, dict) or not isinstance(results, dict):
        return
    known: list[str] = []
    for place, name in [*(("values", name) for name in values), *(("results", name) for name in results)]:
        if not NAME.fullmatch(name):
            yield (place, name), f"{name!r} is no name.", "Use letters, digits and _, and begin with a letter."
            return
    for name, text in results.items():
        if name in values:
            yield ("results", name), f"{name!r} is the name of a value too.", "Give the result another name."
        if isinstance(text, str) and "${" not in text:
            try:
                _programs(text, [*values, *known])
            except RuntimeError as error:
                yield ("results", name), *_told(text, error)
        known.append(name)


async def _calculate(values: Json, results: dict[str, str]) -> Json:
    for place, said, remedy in wrong_with({"values": values, "results": results}):
        raise ToolFailed(said, "bad_input", place=".".join(place), remedy=remedy)
    known = dict(values)
    for name, text in results.items():
        try:
            value = first_value(_programs(text, list(known)), known)
        except RuntimeError as error:
            said, remedy = _told(text, error)
            raise ToolFailed(said, "bad_input", place=f"results.{name}", remedy=remedy) from None
        known[name] = _plain(to_jsonable_python(value))
    return {name: known[name] for name in results}


def _programs(text: str, names: Sequence[str]) -> Sequence[Program]:
    """With all numbers as fractions, so that 5 / 2 is 2.5; and as it is written, where fractions do not fit.

    Raises RuntimeError for what is no expression.
    """
    kinds = dict.fromkeys(names, ANY)
    declared = tuple(sorted(kinds.items()))
    made, faults = [], []
    for as_fractions, source in ((True, with_fractions(text)), (False, text)):
        try:
            made.append(Program(environment(declared).compile(source), kinds, as_fractions))
        except RuntimeError as error:
            faults.append(error)
    if not made:
        raise faults[-1]
    return made


def _told(text: str, error: RuntimeError) -> tuple[str, str]:
    said, remedy = told(text, plainly(error, {}))
    return said.replace("there is no function", "there is no value and no function"), remedy


def _plain(value: Any) -> Any:
    """Fractions without a part behind the point as whole numbers."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
