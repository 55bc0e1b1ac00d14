"""Rows by conditions or by order, and columns computed from others."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from state.errors import ToolError
from state.tables import TableColumn
from tools.numerals import name_and_unit
from tools.tables.cells import NUMBERS, alike, converted, exact
from tools.tables.data import Data
from tools.tables.forms import Condition, DeriveForm, FilterForm, Operator, SortForm
from tools.tables.telling import counted, places, shown

Holds = Callable[[Any], bool]


def filter_rows(data: Data, form: FilterForm) -> tuple[Data, list[str]]:
    """The rows for which the conditions hold. A missing value fulfils no comparison, also not `!=`; that is told.

    ToolError where a value does not fit its column.
    """
    tests = [(data.column(each.column), each, _test(data.column(each.column), each)) for each in form.where]
    together = all if form.match == "all" else any
    kept = [
        at for at in range(data.rows) if together(holds(data.values[column.name][at]) for column, _, holds in tests)
    ]
    changes = [f"{counted(data.rows - len(kept), 'row')} of {data.rows:,} left out, {len(kept):,} kept"]
    for column, condition, _ in tests:
        missing = sum(value is None for value in data.values[column.name])
        if missing and condition.operator not in ("is missing", "is known"):
            changes.append(f"{column.name}: {counted(missing, 'missing value')}, fulfilling no condition")
    found = data.take(kept)
    if form.columns:
        columns = [data.column(name) for name in dict.fromkeys(form.columns)]
        found = found.over({column.name: found.values[column.name] for column in columns}, columns)
        gone = [name for name in data.names if name not in found.values]
        changes += [f"columns left out: {', '.join(gone)}"] if gone else []
    return found, changes


_ORDER: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _test(column: TableColumn, condition: Condition) -> Holds:
    operator, value = condition.operator, condition.value
    if operator in ("is missing", "is known"):
        return lambda cell: (cell is None) == (operator == "is missing")
    if value is None:
        raise ToolError(f"The condition on {column.name} has no value.", remedy="Use is missing, or give a value.")
    if operator in ("in", "not in"):
        wanted = {alike(_given(column, each)) for each in (value if isinstance(value, list) else [value])}
        return lambda cell: cell is not None and (alike(cell) in wanted) == (operator == "in")
    if isinstance(value, list):
        raise ToolError(f"{operator} takes one value.", remedy="Use in for a list of values.")
    if operator == "contains":
        if column.type != "text":
            said = f"{column.name} is of the type {column.type}, and contains looks into texts."
            raise ToolError(said, remedy="Use == or another comparison, or convert the column to text by clean.")
        part = str(value).casefold()
        return lambda cell: isinstance(cell, str) and part in cell.casefold()
    given = _given(column, value)
    if operator in ("==", "!="):
        return lambda cell: cell is not None and (alike(cell) == alike(given)) == (operator == "==")
    compare = _ORDER[operator]
    return lambda cell: cell is not None and compare(_ordered(cell), _ordered(given))


def _ordered(value: Any) -> Any:
    return alike(value) if not isinstance(value, str) else value


def _given(column: TableColumn, value: Any) -> Any:
    """The user's value as one that cells can be compared with: numbers as decimals, others as the column's type."""
    try:
        return converted(value, "decimal" if column.type in NUMBERS else column.type)
    except (ValueError, ArithmeticError) as error:
        said = f"{shown(value)} cannot be compared with {column.name}, which is of the type {column.type}."
        raise ToolError(said, remedy="Give a value of that type, or convert the column by clean.") from error


def sort(data: Data, form: SortForm) -> tuple[Data, list[str]]:
    """The rows in the order of the columns, missing values last; rows that are equal stay in their order."""
    keys = [[None if value is None else _ordered(value) for value in data.of(name)] for name in form.by]
    order = list(range(data.rows))
    for values in reversed(keys):
        known = [at for at in order if values[at] is not None]
        missing = [at for at in order if values[at] is None]
        order = sorted(known, key=lambda at, of=values: of[at], reverse=form.descending) + missing  # type: ignore[misc]
    changes = [f"sorted by {', '.join(form.by)}{', the greatest first' if form.descending else ''}"]
    if form.top is not None and form.top < data.rows:
        last, first_gone = order[form.top - 1], order[form.top]
        changes.append(f"the first {counted(form.top, 'row')} kept, {data.rows - form.top:,} left out")
        if all(values[last] == values[first_gone] for values in keys):
            changes.append("the last row that is kept and the first that is left out are equal in this order")
        order = order[: form.top]
    return data.take(order), changes


def derive(data: Data, form: DeriveForm) -> tuple[Data, list[str]]:
    """The table with a column more. A row in which a column of the formula is missing, or whose result is no number,
    has no value; that is told. ToolError where the formula cannot be read, or names what is no column of numbers.
    """
    from tools.statistics.formulas import parse_expression

    expression = parse_expression(form.formula)
    columns = {name: data.column(form.names.get(name, name)) for name in sorted(expression.names)}
    for column in columns.values():
        if column.type not in NUMBERS:
            said = f"{column.name} is of the type {column.type}."
            raise ToolError(said, remedy="A formula takes columns of numbers; convert it by clean.")
    if form.column in data.values:
        raise ToolError(f"There is a column {form.column} already.", remedy="Choose another name.")
    computed = _computed(expression.value, {name: data.values[each.name] for name, each in columns.items()}, data.rows)
    values = [None if value is None else _rounded(value, form.digits) for value in computed]
    made = TableColumn(name=form.column, type="number", unit=name_and_unit(form.column)[1])
    changes = [f"{form.column}: computed as {' '.join(form.formula.split())}"]
    changes += [f"{form.column}: rounded to {form.digits} digits after the point"] if form.digits is not None else []
    if any(column.type == "decimal" for column in columns.values()):
        changes.append(f"{form.column}: computed in floating point, about 15 digits, from exact decimals")
    if gaps := [at for at, value in enumerate(values) if value is None]:
        changes.append(f"{form.column}: no value in {counted(len(gaps), 'row')} ({places(gaps)})")
    return data.over({**data.values, form.column: values}, [*data.columns, made]), changes


def _rounded(value: float, digits: int | None) -> float:
    """The decimal that the number is written as, rounded; a half to the even digit."""
    return value if digits is None else float(round(exact(value), digits))


def _computed(value: Callable[[Mapping[str, Any]], Any], given: Mapping[str, Sequence[Any]], rows: int) -> list[Any]:
    """The formula in each row; None where it has no finite value."""
    import numpy as np

    arrays = {name: np.array([math.nan if each is None else float(each) for each in of]) for name, of in given.items()}
    with np.errstate(all="ignore"):
        found = np.broadcast_to(np.asarray(value(arrays), dtype=float), (rows,))
    return [float(each) if math.isfinite(each) else None for each in found]
