"""Rows put together: measures of groups, and tables across two columns of names."""

from collections.abc import Mapping, Sequence
from typing import Any

from state.errors import ToolError
from state.tables import TableColumn
from tools.tables.cells import alike, written
from tools.tables.data import Data, refuse_size, unused
from tools.tables.forms import GroupForm, Measure, PivotForm
from tools.tables.measuring import measured, measured_column, total_of
from tools.tables.telling import counted

Groups = dict[tuple[Any, ...], list[int]]
"""The rows of each group, by its key."""
MOST_PIVOTED = 200
"""Columns that a pivot may make."""
ROWS = "rows"
"""The column that says how many rows a group has."""


def group(data: Data, form: GroupForm) -> tuple[Data, list[str]]:
    """One row for each group, ordered by key, missing keys last: the key, how many rows, and the measures.

    Missing values are left out of measures, and told. ToolError where a column has no such measure.
    """
    by = list(dict.fromkeys(data.column(name) for name in form.by))
    groups = groups_of(data, [column.name for column in by])
    asked = [
        (data.column(name), measure)
        for name, measures in form.measures.items()
        for measure in ([measures] if isinstance(measures, str) else measures)
    ]
    refuse_size(len(groups), len(by) + 1 + len(asked))
    values: dict[str, Sequence[Any]] = {column.name: [key[at] for key in groups] for at, column in enumerate(by)}
    count = TableColumn(name=unused(ROWS, values), type="whole")
    columns = [*by, count]
    values[count.name] = [len(rows) for rows in groups.values()]
    for column, measure in asked:
        made = measured_column(column, measure)
        made = made.model_copy(update={"name": unused(made.name, values)})
        columns.append(made)
        values[made.name] = list(_measured(data, column, measure, groups).values())
    return data.over(values, columns), _told(data, [column for column, _ in asked], by)


def pivot(data: Data, form: PivotForm) -> tuple[Data, list[str]]:
    """One row for each key of `rows`, one column for each value of `columns`, and the measure of `values` inside.

    A cell without rows is missing. ToolError where it would have more than 200 such columns.
    """
    keys, across, column = (
        list(dict.fromkeys(data.column(name) for name in form.rows)),
        data.column(form.columns),
        data.column(form.values),
    )
    heads = groups_of(data, [across.name])
    if len(heads) > MOST_PIVOTED:
        remedy = f"Choose a column with at most {MOST_PIVOTED} different values, or group by both."
        raise ToolError(f"{across.name} makes {len(heads)} columns.", remedy=remedy)
    names = [each.name for each in keys]
    rows = list(groups_of(data, names))
    found = _measured(data, column, form.measure, groups_of(data, [*names, across.name]))
    values: dict[str, Sequence[Any]] = {each.name: [key[at] for key in rows] for at, each in enumerate(keys)}
    columns, empty = list(keys), 0
    refuse_size(len(rows), len(keys) + len(heads))
    for (head,) in heads:
        unit = measured_column(column, form.measure)
        name = unused(written(head) if head is not None else "missing", values)
        columns.append(unit.model_copy(update={"name": name}))
        values[name] = [found.get((*key, head)) for key in rows]
        empty += sum((*key, head) not in found for key in rows)
    changes = _told(data, [column], [*keys, across])
    changes += [f"{counted(empty, 'cell')} without rows left missing"] if empty else []
    return data.over(values, columns), changes


def groups_of(data: Data, names: Sequence[str]) -> Groups:
    """The rows by key, ordered by key with missing parts last; 1 and 1.0 are one key."""
    found: dict[tuple[Any, ...], list[int]] = {}
    keys: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    rows = data.rows_of(names) if names else [()] * data.rows
    for at, row in enumerate(rows):
        key = tuple(map(alike, row))
        keys.setdefault(key, row)
        found.setdefault(key, []).append(at)
    ordered = sorted(found, key=lambda key: tuple((part is None, 0 if part is None else part) for part in keys[key]))
    return {keys[key]: found[key] for key in ordered}


def _measured(
    data: Data, column: TableColumn, measure: Measure, groups: Mapping[tuple[Any, ...], list[int]]
) -> dict[tuple[Any, ...], Any]:
    """The measure of a column in each group."""
    values = data.values[column.name]
    known = {key: [values[at] for at in rows if values[at] is not None] for key, rows in groups.items()}
    total = total_of(column, [value for each in known.values() for value in each]) if measure == "share" else None
    measured_column(column, measure)
    return {key: measured(column, each, measure, total) for key, each in known.items()}


def _told(data: Data, measures: Sequence[TableColumn], by: Sequence[TableColumn]) -> list[str]:
    """What a reader must know: values and keys that are missing."""

    def missing(column: TableColumn) -> int:
        return sum(value is None for value in data.values[column.name])

    said = [
        f"{column.name}: {counted(count, 'missing value')} left out of its measures"
        for column in dict.fromkeys(measures)
        if (count := missing(column))
    ]
    return said + [
        f"{column.name}: {counted(count, 'row')} without a value, in the group of missing ones"
        for column in by
        if (count := missing(column))
    ]
