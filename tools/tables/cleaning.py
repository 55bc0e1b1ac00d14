"""Cleaning: types, units, missing values, duplicates, each as it was asked for and with its changes in words."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import MAX_PREC, Decimal, localcontext
from typing import Any

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.number_texts import NumberTexts, read_numbers
from tools.numerals import name_and_unit
from tools.tables.cells import NUMBERS, alike, converted, exact, written
from tools.tables.data import Data, unused
from tools.tables.forms import CleanForm, Fill
from tools.tables.measuring import measured
from tools.tables.telling import counted, examples, places, shown
from tools.units import conversions, unit_of


@dataclass
class _Work:
    """The table as it is so far, and what was changed in it."""

    data: Data
    changes: list[str] = field(default_factory=list)

    def put(self, old: TableColumn, new: TableColumn, values: Sequence[Any]) -> None:
        """A column in the place of another."""
        held = self.data.values
        columns = [new if each == old else each for each in self.data.columns]
        named = {each.name: values if each == new else held[each.name] for each in columns}
        self.data = self.data.over(named, columns)


def clean(data: Data, form: CleanForm) -> tuple[Data, list[str]]:
    """The cleaned table, and each change with its count and examples; what no change names is as it was.

    ToolError where a column is not there, a unit cannot be converted or a rule does not fit a column.
    """
    work = _Work(data)
    if form.trim:
        _each_text(work, lambda text: " ".join(text.split()), "trimmed")
    if form.markers:
        _markers(work, list(dict.fromkeys(form.markers)))
    for name, pairs in form.replace.items():
        _replace(work, work.data.column(name), pairs)
    for name, wanted in form.types.items():
        _retype(work, work.data.column(name), wanted, form.date_format)
    for name, unit in form.units.items():
        _unit(work, work.data.column(name), unit)
    for name, rule in form.missing.items():
        _missing(work, work.data.column(_renamed(data, work.data, name)), rule)
    if form.duplicates == "drop":
        _duplicates(work, [work.data.column(_renamed(data, work.data, name)).name for name in form.keys])
    for old, new in form.rename.items():
        _rename(work, work.data.column(_renamed(data, work.data, old)), new)
    return work.data, work.changes


def _renamed(before: Data, now: Data, name: str) -> str:
    """What a column is called now: a conversion of its unit changes the unit in its header."""
    at = before.names.index(name) if name in before.names else -1
    return now.names[at] if at >= 0 else name


def _each_text(work: _Work, change: Callable[[str], str], said: str) -> None:
    for column in work.data.columns:
        if column.type != "text":
            continue
        values = work.data.values[column.name]
        new = [None if value is None else change(value) for value in values]
        changed = [old for old, value in zip(values, new, strict=True) if old != value]
        if changed:
            work.put(column, column, new)
            work.changes.append(f"{column.name}: {counted(len(changed), 'text')} {said} ({examples(changed)})")


def _compared(column: TableColumn, value: Any) -> Any:
    """What a cell, or a text that means one, is compared as; in a column of numbers its number, so that -999 is found
    where -999.0 is held. None for a missing cell, and for a text that is no number there.
    """
    if column.type not in NUMBERS or value is None:
        return value if value is None else written(value)
    try:
        return converted(value, "decimal")
    except (ValueError, ArithmeticError):
        return None


def _folded(key: Any) -> Any:
    return key.strip().casefold() if isinstance(key, str) else key


def _markers(work: _Work, markers: Sequence[str]) -> None:
    unmet = set(markers)
    for column in work.data.columns:
        values = work.data.values[column.name]
        held = [_folded(_compared(column, value)) for value in values]
        wanted = {marker: _folded(_compared(column, marker)) for marker in markers}
        there = set(held).intersection(wanted.values()) - {None}
        unmet -= {marker for marker, key in wanted.items() if key in there}
        if there:
            gone = [value for value, key in zip(values, held, strict=True) if key in there]
            work.put(column, column, [None if key in there else value for value, key in zip(values, held, strict=True)])
            work.changes.append(f"{column.name}: {counted(len(gone), 'cell')} read as missing ({examples(gone)})")
    if unmet:
        named = examples(marker for marker in markers if marker in unmet)
        work.changes.append(f"missing markers that no cell holds: {named}")


def _replace(work: _Work, column: TableColumn, pairs: Mapping[str, Any]) -> None:
    keys = {old: _compared(column, old) for old in pairs}
    given = {old: _value(new, column) for old, new in pairs.items()}
    targets = {key: given[old] for old, key in keys.items() if key is not None}
    if len(targets) < sum(key is not None for key in keys.values()):
        said = f"Several of the values to replace in {column.name} are the same number ({examples(pairs)})."
        raise ToolError(said, remedy="Give each number once.")
    values = work.data.values[column.name]
    held = [_compared(column, value) for value in values]
    counts = Counter(key for key in held if key in targets)
    new = [targets.get(key, value) for value, key in zip(values, held, strict=True)]
    work.put(column, column, new)
    for old, key in keys.items():
        told = f"replaced by {shown(given[old])}" if counts[key] else "is not there, nothing replaced"
        count = f"{counted(counts[key], 'cell')} with " if counts[key] else ""
        work.changes.append(f"{column.name}: {count}{shown(old)} {told}")


def _value(value: Any, column: TableColumn) -> Any:
    """A value that the user gives, as one of the column."""
    try:
        return converted(value, column.type)
    except (ValueError, ArithmeticError) as error:
        said = f"{shown(value)} is no value of the column {column.name}, which is of the type {column.type}."
        raise ToolError(said, remedy="Give a value of that type, or convert the column by types.") from error


def _retype(work: _Work, column: TableColumn, wanted: ColumnType, date_format: str | None) -> None:
    if column.type == wanted:
        return
    values = given = work.data.values[column.name]
    made = column.model_copy(update={"type": wanted})
    told = [f"{column.name}: read as {wanted} instead of {column.type}"]
    if column.type == "text" and wanted in NUMBERS:
        read = _numbers_of(column, values)
        numerals = iter(read.numerals)
        given = [None if value is None else next(numerals) for value in values]
        told += read.changes(column.name)
        made = made.model_copy(update={"unit": column.unit or ("%" if read.percentages else "")})
    new = [_or_missing(value, wanted, date_format) for value in given]
    unread = [value for value, each in zip(values, new, strict=True) if each is None and value is not None]
    work.put(column, made, new)
    work.changes += told
    if unread:
        said = f"{len(unread):,} of {counted(len(values), 'value')} cannot be read as {wanted} and count as missing"
        work.changes.append(f"{column.name}: {said} ({examples(unread)})")


def _numbers_of(column: TableColumn, texts: Sequence[str | None]) -> NumberTexts:
    """The texts of a column as numbers; ToolError where they are of several units."""
    read = read_numbers([text for text in texts if text is not None])
    if read.mixture:
        remedy = "Replace the values of all but one, or keep the column as text."
        raise ToolError(f"{column.name} mixes {read.mixture}, which are no numbers of one unit.", remedy=remedy)
    return read


def _or_missing(value: Any, wanted: ColumnType, date_format: str | None) -> Any:
    try:
        return None if value is None else converted(value, wanted, date_format)
    except (ValueError, ArithmeticError):
        return None


def _unit(work: _Work, column: TableColumn, wanted: str) -> None:
    if column.unit in ("", wanted):
        if not column.unit:
            work.put(column, column.model_copy(update={"unit": wanted}), work.data.values[column.name])
            work.changes.append(f"{column.name}: taken to be in {wanted}")
        return
    found = conversions(unit_of(column.unit) or column.unit, unit_of(wanted) or wanted)
    if column.type not in NUMBERS or not found:
        remedy = "Units of one kind are converted: km and miles, kg and g; currencies never."
        raise ToolError(f"{column.name} cannot be converted from {column.unit} into {wanted}.", remedy=remedy)
    factor, offset = exact(found[0].factor), exact(found[0].offset)
    with localcontext(prec=MAX_PREC):  # nothing is rounded
        held = work.data.values[column.name]
        values = [None if value is None else exact(value) * factor + offset for value in held]
    bare, in_header = name_and_unit(column.name)
    others = (name for name in work.data.names if name != column.name)
    name = unused(f"{bare} ({wanted})", others) if in_header else column.name
    type_: ColumnType = "decimal" if column.type == "decimal" else "number"
    new = TableColumn(name=name, type=type_, unit=wanted)
    work.put(column, new, [None if each is None else converted(each, type_) for each in values])
    rule = f"× {factor:f}" + (f" + {offset:f}" if offset else "")
    work.changes.append(
        f"{column.name}: converted from {column.unit} into {wanted} ({rule})" + (f", now {name}" if in_header else "")
    )


# --- missing values ---------------------------------------------------------------------------------------


def _missing(work: _Work, column: TableColumn, rule: str | Fill) -> None:
    values = work.data.values[column.name]
    gaps = [at for at, value in enumerate(values) if value is None]
    if not gaps:
        return
    if rule == "drop":
        left_out = set(gaps)
        work.data = work.data.take([at for at in range(work.data.rows) if at not in left_out])
        told = f"{counted(len(gaps), 'row')} without a value left out ({places(gaps)})"
        work.changes.append(f"{column.name}: {told}")
        return
    new = list(values)
    if rule == "previous":
        for at in gaps:
            new[at] = new[at - 1] if at else None
        filled, by = [at for at in gaps if new[at] is not None], "the value of the row before"
    else:
        fill = _fill(column, [value for value in values if value is not None], rule)
        for at in gaps:
            new[at] = fill
        filled, by = gaps, shown(fill) + ("" if isinstance(rule, Fill) else f", the {rule}")
    if not filled:
        work.changes.append(f"{column.name}: {counted(len(gaps), 'missing value')} left, as no row before has one")
        return
    whole = all(value is None or isinstance(value, int) for value in new)
    retyped = column.model_copy(update={"type": "number"}) if column.type == "whole" and not whole else column
    work.put(column, retyped, new if retyped is column else [None if each is None else float(each) for each in new])
    work.changes.append(f"{column.name}: {counted(len(filled), 'missing value')} filled with {by} ({places(filled)})")


def _fill(column: TableColumn, known: Sequence[Any], rule: str | Fill) -> Any:
    if isinstance(rule, Fill):
        return _value(rule.value, column)
    if not known:
        raise ToolError(f"{column.name} holds no value.", remedy="Give a value to fill it with, or drop the rows.")
    if rule == "most frequent":
        return Counter(known).most_common(1)[0][0]
    if column.type not in NUMBERS:
        remedy = "Use drop, most frequent, previous or a value."
        raise ToolError(f"{column.name} holds no numbers, so it has no {rule}.", remedy=remedy)
    fill = measured(column, known, "mean" if rule == "mean" else "median")
    return Decimal(repr(fill)) if column.type == "decimal" and isinstance(fill, float) else fill


# --- rows and names ---------------------------------------------------------------------------------------


def _duplicates(work: _Work, keys: Sequence[str]) -> None:
    """Rows that repeat an earlier one in the keys, or in all columns without keys, are left out."""
    seen: set[tuple[Any, ...]] = set()
    kept: list[int] = []
    gone: list[int] = []
    for at, row in enumerate(work.data.rows_of(keys or work.data.names)):
        key = tuple(map(alike, row))
        (gone if key in seen else kept).append(at)
        seen.add(key)
    if gone:
        work.data = work.data.take(kept)
        by = f" by {', '.join(keys)}" if keys else ""
        work.changes.append(f"{counted(len(gone), 'row')} repeating an earlier one{by} left out ({places(gone)})")


def _rename(work: _Work, column: TableColumn, new: str) -> None:
    name = " ".join(new.split())
    if not name or (name != column.name and name in work.data.names):
        raise ToolError(f"{column.name} cannot be called “{name}”.", remedy="Give a name that no other column has.")
    unit = name_and_unit(name)[1]
    if unit and column.unit and unit != column.unit:
        raise ToolError(f"{column.name} is in {column.unit}, not in {unit}.", remedy="Convert it by units.")
    if name != column.name:
        renamed = column.model_copy(update={"name": name, "unit": unit or column.unit})
        work.put(column, renamed, work.data.values[column.name])
        work.changes.append(f"{column.name}: now called {name}")
