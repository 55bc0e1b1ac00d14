"""One figure from the known values of a column, exact on the decimals as they are written: 0.1 + 0.2 is 0.3."""

from collections.abc import Sequence
from decimal import MAX_PREC, Decimal, localcontext
from fractions import Fraction
from typing import Any

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.numerals import name_and_unit
from tools.tables.cells import NUMBERS, alike, exact
from tools.tables.forms import Measure

_WIDEST = 2**63


def measured_column(column: TableColumn, measure: Measure) -> TableColumn:
    """What the figures of a measure are; ToolError where the column has none."""
    has_extremes = measure in ("min", "max") and column.type != "truth"
    if column.type not in NUMBERS and measure not in ("count", "distinct") and not has_extremes:
        said = f"{column.name} is of the type {column.type}, so it has no {measure}."
        raise ToolError(said, remedy="Choose a column of numbers, or the measure count.")
    bare = name_and_unit(column.name)[0]
    of = f"{measure} of {bare}"
    if measure in ("count", "distinct"):
        return TableColumn(name=of, type="whole")
    if measure == "share":
        return TableColumn(name=f"{of} (%)", type="number", unit="%")
    in_header = name_and_unit(column.name)[1]
    return TableColumn(name=f"{of} ({in_header})" if in_header else of, type=_type(column, measure), unit=column.unit)


def _type(column: TableColumn, measure: Measure) -> ColumnType:
    keeps = {"whole": ("sum", "min", "max"), "decimal": ("sum", "min", "max", "median")}
    if column.type in keeps:
        return column.type if measure in keeps[column.type] else "number"
    return column.type


def measured(column: TableColumn, known: Sequence[Any], measure: Measure, total: Fraction | None = None) -> Any:
    """The measure of the known values; None where there are none of them. A share is in percent of `total`."""
    if measure == "count":
        return len(known)
    if measure == "distinct":
        return len({alike(value) for value in known})
    if not known:
        return None
    if measure in ("min", "max"):
        return min(known) if measure == "min" else max(known)
    found = _middle(known) if measure == "median" else _sum(known)
    if measure == "share":
        return float(100 * found / total) if total else None
    found = found / len(known) if measure == "mean" else found
    return _as(found, measured_column(column, measure).type)


def total_of(column: TableColumn, known: Sequence[Any]) -> Fraction:
    """The exact sum; ToolError where the column holds no numbers."""
    measured_column(column, "sum")
    return _sum(known)


def _sum(known: Sequence[Any]) -> Fraction:
    with localcontext(prec=MAX_PREC):  # nothing is rounded
        return Fraction(sum(map(exact, known), Decimal(0)))


def _middle(known: Sequence[Any]) -> Fraction:
    ordered, half = sorted(map(exact, known)), len(known) // 2
    high = Fraction(ordered[half])
    return high if len(ordered) % 2 else (Fraction(ordered[half - 1]) + high) / 2


def _as(value: Fraction, type_: ColumnType) -> Any:
    if type_ == "whole":
        if abs(value) >= _WIDEST:
            raise ToolError("The sum is beyond 64 bits.", remedy="Convert the column to decimal before.")
        return int(value)
    return _decimal(value) if type_ == "decimal" else float(value)


def _decimal(value: Fraction) -> Decimal:
    """The exact decimal; the denominator holds no other primes than 2 and 5."""
    power = 0
    while value.denominator != 1:
        value, power = value * 10, power + 1
    sign, digits, _ = Decimal(value.numerator).as_tuple()
    return Decimal((sign, digits, -power))
