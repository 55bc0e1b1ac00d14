"""Two tables joined by keys that are checked: repeated ones, missing ones, and those without a partner are told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.tables.cells import NUMBERS, alike, converted
from tools.tables.data import Data, refuse_size, unused
from tools.tables.forms import JoinForm
from tools.tables.telling import counted, examples, shown

Key = tuple[Any, ...]


def join(data: Data, other: Data, form: JoinForm) -> tuple[Data, list[str]]:
    """The rows of `data` with those of `other` that have the same key, in the order of `data`.

    A missing key has no partner. ToolError where a key stands several times in `other` and `many` is not set, where
    keys are of different types or units, and, before it is made, where the result would be too large.
    """
    left_names, right_names = _keys(data, other, form.on)
    left, right = (_known_keys(each, names) for each, names in ((data, left_names), (other, right_names)))
    partners = _partners(right)
    changes = _repeated(other, right, right_names, form)
    _refuse_explosion(data, other, left, Counter(key for key in right if key is not None), form)
    pairs = _pairs(left, partners, form, other.rows)
    joined, renamed = _joined(data, other, pairs, dict(zip(left_names, right_names, strict=True)))
    changes += _unmatched(data.name, left, set(partners), "kept without partner" if form.how != "inner" else "left out")
    gone = "kept without partner" if form.how == "outer" else "left out"
    return joined, [*changes, *_unmatched(other.name, right, {key for key in left if key is not None}, gone), *renamed]


def _keys(data: Data, other: Data, on: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The names of the key columns of both."""
    pairs = [(data.column(mine), other.column(theirs)) for mine, theirs in on.items()]
    for mine, theirs in pairs:
        same = mine.type == theirs.type or {mine.type, theirs.type} <= NUMBERS
        if not same or (mine.unit and theirs.unit and mine.unit != theirs.unit):
            said = f"{mine.name} ({_told(mine)}) and {theirs.name} ({_told(theirs)}) cannot be compared."
            raise ToolError(said, remedy="Clean one of the tables before: types and units convert columns.")
    return [mine.name for mine, _ in pairs], [theirs.name for _, theirs in pairs]


def _told(column: TableColumn) -> str:
    return f"{column.type} in {column.unit}" if column.unit else column.type


def _known_keys(data: Data, names: Sequence[str]) -> list[Key | None]:
    """The key of each row; None where a part is missing."""
    return [None if None in row else tuple(map(alike, row)) for row in data.rows_of(names)]


def _partners(keys: Sequence[Key | None]) -> dict[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    for at, key in enumerate(keys):
        if key is not None:
            found.setdefault(key, []).append(at)
    return found


def _repeated(other: Data, keys: Sequence[Key | None], names: Sequence[str], form: JoinForm) -> list[str]:
    counts = Counter(key for key in keys if key is not None)
    repeated = {key for key, count in counts.items() if count > 1}
    if not repeated:
        return []
    named = examples(_words(other, keys, names, repeated))
    said = f"{other.name} has several rows for {counted(len(repeated), 'key')} ({named})"
    if not form.many:
        remedy = "Drop duplicates by clean, group it by the key, or set many: true where rows are to be repeated."
        raise ToolError(f"{said}.", remedy=remedy)
    return [f"{said}: rows of the other table are repeated"]


def _words(data: Data, keys: Sequence[Key | None], names: Sequence[str], wanted: set[Key]) -> list[Any]:
    """The keys as the table has them."""
    return [
        row[0] if len(row) == 1 else ", ".join(shown(part).strip("“”") for part in row)
        for row, key in zip(data.rows_of(names), keys, strict=True)
        if key in wanted
    ]


def _refuse_explosion(
    data: Data, other: Data, left: Sequence[Key | None], counts: Mapping[Key, int], form: JoinForm
) -> None:
    known = {key for key in left if key is not None}
    alone = 0 if form.how == "inner" else 1
    rows = sum(alone if key is None else counts.get(key, alone) for key in left)
    if form.how == "outer":
        rows += other.rows - sum(count for key, count in counts.items() if key in known)
    refuse_size(rows, len(data.columns) + len(other.columns) - len(form.on))


def _pairs(
    left: Sequence[Key | None], partners: Mapping[Key, list[int]], form: JoinForm, rows: int
) -> list[tuple[int | None, int | None]]:
    """Which rows come together: places in both tables, None for no partner."""
    pairs: list[tuple[int | None, int | None]] = []
    for at, key in enumerate(left):
        found = partners.get(key, []) if key is not None else []
        pairs += [(at, place) for place in found]
        pairs += [(at, None)] if not found and form.how != "inner" else []
    if form.how == "outer":
        used = {place for _, place in pairs}
        pairs += [(None, place) for place in range(rows) if place not in used]
    return pairs


def _joined(
    data: Data, other: Data, pairs: Sequence[tuple[int | None, int | None]], keys: Mapping[str, str]
) -> tuple[Data, list[str]]:
    """The columns of both, keys once; a second column of a name gets a number."""
    values: dict[str, Sequence[Any]] = {}
    columns, renamed = [], []
    for column in data.columns:
        made, cells = column, [None if at is None else data.values[column.name][at] for at, _ in pairs]
        if column.name in keys:
            theirs = other.column(keys[column.name])
            made, cells = _key(column, cells, theirs, [at for _, at in pairs], other)
        columns.append(made)
        values[column.name] = cells
    for column in other.columns:
        if column.name in keys.values():
            continue
        name = unused(column.name, values)
        if name != column.name:
            renamed.append(f"{column.name} of {other.name} is called {name}, as {data.name} has a column of its name")
        columns.append(column.model_copy(update={"name": name}))
        values[name] = [None if at is None else other.values[column.name][at] for _, at in pairs]
    return data.over(values, columns), renamed


def _key(
    mine: TableColumn, cells: Sequence[Any], theirs: TableColumn, places: Sequence[int | None], other: Data
) -> tuple[TableColumn, list[Any]]:
    """The key's column with the keys of rows that only the other table has."""
    held = other.values[theirs.name]
    alone = [None if cell is not None or at is None else held[at] for cell, at in zip(cells, places, strict=True)]
    is_mine = mine.type == theirs.type or all(each is None for each in alone)
    type_: ColumnType = mine.type if is_mine else "decimal"  # holds whole numbers and others exactly
    both = [added if cell is None else cell for cell, added in zip(cells, alone, strict=True)]
    made = mine.model_copy(update={"unit": mine.unit or theirs.unit, "type": type_})
    return made, [None if each is None else converted(each, type_) for each in both]


def _unmatched(name: str, keys: Sequence[Key | None], there: set[Key], told: str) -> list[str]:
    missing = sum(key is None for key in keys)
    alone = [key for key in keys if key is not None and key not in there]
    said = [f"{counted(missing, 'row')} of {name} without a key {told}"] if missing else []
    if alone:
        named = examples(", ".join(map(_plain, key)) for key in alone)
        said.append(f"{counted(len(alone), 'row')} of {name} without a partner {told} ({named})")
    return said


def _plain(part: Any) -> str:
    return shown(part[1] if isinstance(part, tuple) else part).strip("“”")
