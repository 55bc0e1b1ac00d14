"""What a table holds, and what in it is suspicious: types, units, gaps, ranges, spellings, values far from others."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from math import isfinite
from statistics import quantiles
from typing import Any

from pydantic import BaseModel, Field

from state.tables import ColumnType, TableColumn
from tools.documents.tables import MISSING
from tools.number_texts import read_numbers
from tools.tables.cells import NUMBERS, alike, as_json, converted
from tools.tables.data import Data
from tools.tables.measuring import measured
from tools.tables.telling import counted, examples, places

_FREQUENT = 5
_MOSTLY = 0.9


class ColumnProfile(BaseModel):
    """What a column holds."""

    name: str
    type: ColumnType
    unit: str = ""
    known: int
    missing: int
    distinct: int
    lowest: Any = Field(default=None, description="Of numbers and dates.")
    highest: Any = None
    mean: float | None = None
    median: Any = None
    frequent: dict[str, int] = Field(default={}, description="Of texts and truths: the most frequent ones.")
    suspicious: list[str] = Field(default=[], description="In words; look at these before you compute.")


class Profile(BaseModel):
    """What a table holds."""

    rows: int
    columns: list[ColumnProfile]
    repeated_rows: int = Field(description="Rows that repeat an earlier one in all columns.")


def profile(data: Data) -> Profile:
    """The facts of each column, and of the rows as a whole."""
    rows = Counter(tuple(map(alike, row)) for row in data.rows_of(data.names))
    columns = [_profiled(column, data.values[column.name]) for column in data.columns]
    return Profile(rows=data.rows, columns=columns, repeated_rows=sum(rows.values()) - len(rows))


def _profiled(column: TableColumn, values: Sequence[Any]) -> ColumnProfile:
    known = [value for value in values if value is not None]
    told = ColumnProfile(
        name=column.name,
        type=column.type,
        unit=column.unit,
        known=len(known),
        missing=len(values) - len(known),
        distinct=len({alike(value) for value in known}),
    )
    if not known:
        return told.model_copy(update={"suspicious": ["it holds no value"]})
    if column.type in NUMBERS or column.type == "date":
        told.lowest, told.highest = as_json(min(known)), as_json(max(known))
    if column.type in NUMBERS:
        with suppress(OverflowError):  # exact decimals may be beyond floating point
            told.mean = float(measured(column, known, "mean"))
        told.median = as_json(measured(column, known, "median"))
        told.suspicious = _odd_numbers(values)
    elif column.type == "text":
        told.suspicious = _odd_texts(known)
    if column.type in ("text", "truth"):
        told.frequent = {str(as_json(value)): count for value, count in Counter(known).most_common(_FREQUENT)}
    if told.distinct == 1 and len(known) > 1:
        told.suspicious.append("all its values are equal")
    return told


def _odd_numbers(values: Sequence[Any]) -> list[str]:
    """Values farther from the quartiles than three interquartile ranges (Tukey 1977)."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 4:
        return []
    low, _, high = quantiles(known, n=4)
    reach = 3 * (high - low)
    if reach == 0 or not isfinite(reach):
        return []
    far = [at for at, value in enumerate(values) if value is not None and not low - reach <= value <= high + reach]
    if not far:
        return []
    named = examples(values[at] for at in far)
    return [f"{counted(len(far), 'value')} far from the others: {named} in {places(far)}"]


def _odd_texts(known: Sequence[str]) -> list[str]:
    said = []
    if spaced := [text for text in known if text != " ".join(text.split())]:
        said.append(
            f"{counted(len(spaced), 'text')} with spaces around or doubled ({examples(spaced)}): clean with trim"
        )
    folded = sorted({(" ".join(text.split()).casefold(), text) for text in known})
    if variants := [pair for one, other in pairwise(folded) if one[0] == other[0] for pair in (one[1], other[1])]:
        said.append(f"the same text in several spellings ({examples(variants)}): clean with replace")
    if markers := [text for text in known if text.strip().casefold() in MISSING]:
        said.append(
            f"{counted(len(markers), 'text')} that may mean a missing value ({examples(markers)}): clean with markers"
        )
    numbers = read_numbers(known)
    for wanted, readable in (("number", numbers.known), ("date", sum(map(_is_date, known)))):
        if readable >= _MOSTLY * len(known):
            mixed = wanted == "number" and numbers.mixture
            remedy = f", but mix {mixed}" if mixed else ": clean with types"
            said.append(f"{readable:,} of {counted(len(known), 'text')} can be read as {wanted}{remedy}")
    return said


def _is_date(text: str) -> bool:
    try:
        converted(text, "date")
    except (ValueError, ArithmeticError):
        return False
    return True
