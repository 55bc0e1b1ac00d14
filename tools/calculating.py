"""The tool `calculate`: figures from the values of earlier steps, by expressions in CEL.

The expressions are constants of the file and the values are data, so that no text that was read is ever computed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json, to_jsonable_python

from state.errors import ToolFailed
from state.runs import Json
from tools.cel import ANY, Program, environment, first_value, plainly, told, with_fractions, without_texts
from tools.effects import effects
from tools.making import made
from tools.schemas import CONSTANT
from tools.threads import computed

MOST_RESULTS = 50
MOST_BYTES = 5_000_000
"""Of the values together, and of each result, as JSON."""
_EXACT = 2**53
"""From here on not every whole number is a fraction of the machine."""
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
    return await computed(_computed, values, results)


def _computed(values: Json, results: dict[str, str]) -> Json:
    for place, said, remedy in wrong_with({"values": values, "results": results}):
        raise ToolFailed(said, "bad_input", place=".".join(place), remedy=remedy)
    _refuse_large(values, "values")
    known = dict(values)
    for name, text in results.items():
        words = set(NAME.findall(without_texts(text)))
        used = {each: value for each, value in known.items() if each in words}
        try:
            value = _value(text, used)
        except RuntimeError as error:
            said = f"{text!r} cannot be computed: {plainly(error, {})}."
            raise ToolFailed(said, "bad_input", place=f"results.{name}", remedy=_remedy(text, error)) from None
        known[name] = _plain(to_jsonable_python(value))
        _refuse_large(known[name], f"results.{name}")
    return {name: known[name] for name in results}


def _value(text: str, used: Json) -> Any:
    """The value of an expression, exact or refused. Raises RuntimeError.

    All numbers are fractions, so that 5 / 2 is 2.5. Whole numbers that are too large for that are computed with as they
    are, and so is what fits no fraction, such as the rest of a division; but then nothing may be divided, because whole
    numbers would lose what is behind the point.
    """
    fractions, *whole = _programs(text, list(used))
    has_large = any(isinstance(each, int) and abs(each) >= _EXACT for each in _leaves(used))
    if "/" not in without_texts(text):
        return first_value(whole or [fractions] if has_large else [fractions, *whole], used)
    if has_large:
        raise RuntimeError(f"a number over {_EXACT} cannot be divided without loss")
    return first_value([fractions], used)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


def _refuse_large(value: Any, place: str) -> None:
    if len(to_json(value)) > MOST_BYTES:
        raise ToolFailed(f"More than {MOST_BYTES:,} bytes.", "limit", place=place, remedy="Compute with less.")


def _programs(text: str, names: Sequence[str]) -> Sequence[Program]:
    """With all numbers as fractions, and as it is written, as far as these can be. Raises RuntimeError."""
    kinds = dict.fromkeys(names, ANY)
    declared = tuple(sorted(kinds.items()))
    programs: list[Program] = []
    faults: dict[bool, RuntimeError] = {}
    for as_fractions, source in ((True, with_fractions(text)), (False, text)):
        try:
            programs.append(Program(environment(declared).compile(source), kinds, as_fractions))
        except RuntimeError as error:
            faults[as_fractions] = error
    if True in faults and (not programs or "/" in without_texts(text)):
        raise faults.get(False, faults[True])
    return programs


def _told(text: str, error: RuntimeError) -> tuple[str, str]:
    said, remedy = told(text, plainly(error, {}))
    remedy = _remedy(text, error) or remedy
    return said.replace("there is no function", "there is no value and no function"), remedy


def _plain(value: Any) -> Any:
    """Fractions without a part behind the point as whole numbers."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def _remedy(text: str, error: RuntimeError) -> str | None:
    if "/" in without_texts(text) and "double" in str(error):
        return "What is divided is a fraction: write double(…) around whole numbers that a function gave."
    return None
