"""Tables from elsewhere: files, and rows that a step or a database gave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.numerals import name_and_unit
from tools.storable import storable
from tools.tables.cells import converted
from tools.tables.data import Data, refuse_size, unused
from tools.tables.telling import counted, examples
from tools.threads import computed

if TYPE_CHECKING:  # slow to import
    from state.evidence import SourceKind
    from tools.data import Table
    from tools.documents.isolation import Readers

_EXACT = frozenset(("numeric", "decimal", "hugeint", "uhugeint", "ubigint"))
_TIMESTAMPS = ("timestamp", "timestamptz", "timestamp_s", "timestamp_ms", "timestamp_ns")
_DATES = frozenset(("date", *_TIMESTAMPS, "datetime", "datetime2", "smalldatetime", "datetimeoffset"))
_DATABASE_TYPE = re.compile(r"(\w+) ?(\([\d, ]*\))?( [a-z ]+)?")
"""A word, how many digits, and what follows, like `with time zone`: no list of values, no range."""


async def from_file(
    readers: "Readers", data: bytes, uri: str, sheet: str | None = None, kind: "SourceKind | None" = None
) -> tuple[Data, list[str]]:
    """The table of a file, and what was changed: the types of a parquet file are kept, other files are cleaned.

    ToolError as `tools.data.read_table`.
    """
    from tools.data import grid_of, read_table

    name = PurePosixPath(uri).stem + (f" {sheet}" if sheet else "")
    if kind == "parquet" or uri.lower().endswith(".parquet"):
        header, *rows = [cells for _, cells in (await grid_of(readers, data, uri, sheet, "parquet")).rows]
        names: list[str] = []
        for header_name in map(str, header):
            names.append(unused(header_name, names))
        return await computed(from_columns, {each: [row[at] for row in rows] for at, each in enumerate(names)}, name)
    return await computed(from_document, await read_table(readers, data, uri, sheet, kind), name)


def from_document(table: "Table", name: str) -> tuple[Data, list[str]]:
    """A table that was read from a document, as it was cleaned then; the changes are those of that reading."""
    import pandas as pd

    frame = table.frame
    refuse_size(len(frame), len(frame.columns))
    columns, values = [], {}
    changes = list(table.changes)
    for header in map(str, frame.columns):
        cells = frame[header].astype(object).tolist()
        known = [None if pd.isna(cell) else _python(cell) for cell in cells]
        type_ = _type_of(known)
        columns.append(
            TableColumn(name=header, type=type_, unit=name_and_unit(header)[1] or table.units.get(header, ""))
        )
        values[header], unread = _read(known, type_)
        changes += [*_no_text(header, known), *_told(header, type_, unread)]
    notes = [f"note in the file: {note}" for note in table.notes]
    return Data(name, tuple(columns), values), [*changes, *notes]


def from_rows(
    rows: Sequence[Mapping[str, Any]], name: str, types: Mapping[str, str] | None = None
) -> tuple[Data, list[str]]:
    """Objects by column name. `types` are those of a database: its exact decimals and dates come as text."""
    names = list(dict.fromkeys([*(types or {}), *(key for row in rows for key in row)]))
    if not names:
        raise ToolError("There are no columns.", remedy="Give rows as objects with the same keys.")
    return from_columns({each: [row.get(each) for row in rows] for each in names}, name, types)


def from_columns(
    given: Mapping[str, Sequence[Any]], name: str, types: Mapping[str, str] | None = None
) -> tuple[Data, list[str]]:
    """Lists of values by column name. ToolError where they are not equally long."""
    lengths = {len(values) for values in given.values()}
    if len(lengths) > 1:
        said = f"The columns have {' and '.join(map(str, sorted(lengths)))} values."
        raise ToolError(said, remedy="Give one value of each column for each row.")
    refuse_size(max(lengths, default=0), len(given))
    columns: list[TableColumn] = []
    values: dict[str, Sequence[Any]] = {}
    changes: list[str] = []
    for place, (given_header, cells) in enumerate(given.items(), start=1):
        header = unused(storable(" ".join(given_header.split())) or f"column {place}", values)
        type_ = _database_type((types or {}).get(given_header, "")) or _type_of(cells)
        values[header], unread = _read(cells, type_)
        columns.append(TableColumn(name=header, type=type_, unit=name_and_unit(header)[1]))
        if header != given_header:
            changes.append(f"the column “{storable(given_header)}” is called {header}")
        if type_ == "text" and any(_kind(cell) != "text" for cell in cells if cell is not None):
            changes.append(f"{header}: values of several types, all read as text")
        changes += [*_no_text(header, cells), *_told(header, type_, unread)]
    return Data(name, tuple(columns), values), changes


def _no_text(header: str, cells: Sequence[Any]) -> list[str]:
    """What is said of texts with characters that no store holds."""
    count = sum(isinstance(cell, str) and storable(cell) != cell for cell in cells)
    return [f"{header}: {counted(count, 'text')} with NUL or half a character, replaced by “�”"] if count else []


def _python(value: Any) -> Any:
    """A value of pandas as one of Python."""
    return value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value


def _type_of(values: Iterable[Any]) -> ColumnType:
    """The type that holds all the values; text where they are of several kinds."""
    kinds = {_kind(value) for value in values if value is not None}
    if kinds <= {"whole", "number", "decimal"} and kinds:
        return "decimal" if "decimal" in kinds else "number" if "number" in kinds else "whole"
    return kinds.pop() if len(kinds) == 1 else "text"


def _kind(value: Any) -> ColumnType:
    kinds: Mapping[type[Any], ColumnType] = {bool: "truth", float: "number", Decimal: "decimal", datetime: "date"}
    if isinstance(value, int) and not isinstance(value, bool):
        return "whole" if abs(value) < 2**63 else "decimal"
    return kinds.get(type(value), "date" if hasattr(value, "isoformat") and hasattr(value, "year") else "text")


def _database_type(told: str) -> ColumnType | None:
    """The type that a database's name of it means where its values come as text."""
    found = _DATABASE_TYPE.fullmatch(told.strip().casefold())
    word = found[1] if found else ""
    return "decimal" if word in _EXACT else "date" if word in _DATES else None


def _read(cells: Sequence[Any], type_: ColumnType) -> tuple[list[Any], list[Any]]:
    """The values as ones of a type, and those that are none."""
    values, unread = [], []
    for cell in cells:
        try:
            values.append(None if cell is None else converted(cell, type_))
        except (ValueError, ArithmeticError):
            values.append(None)
            unread.append(cell)
    return values, unread


def _told(header: str, type_: ColumnType, unread: Sequence[Any]) -> list[str]:
    """What is said of values that are none of the column's type."""
    said = f"{counted(len(unread), 'value')} cannot be read as {type_} and count as missing"
    return [f"{header}: {said} ({examples(map(str, unread))})"] if unread else []
