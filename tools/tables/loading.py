"""Tables from elsewhere: files that are read as documents, parquet files, and rows that a step or a database gave."""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from state.errors import ToolError
from state.tables import ColumnType, TableColumn
from tools.numerals import name_and_unit
from tools.tables.cells import converted
from tools.tables.data import Data, refuse_size
from tools.tables.telling import counted, examples

if TYPE_CHECKING:  # slow to import
    from tools.data import Table

_EXACT = ("numeric", "decimal")
_DATES = ("date", "timestamp", "datetime")


def from_document(table: "Table", name: str) -> tuple[Data, list[str]]:
    """A table that was read from a document, as it was cleaned then; the changes are those of that reading."""
    import pandas as pd

    frame = table.frame
    refuse_size(len(frame), len(frame.columns))
    columns, values = [], {}
    for header in map(str, frame.columns):
        known = [None if pd.isna(value) else _python(value) for value in frame[header].tolist()]
        type_ = _type_of(known)
        columns.append(
            TableColumn(name=header, type=type_, unit=name_and_unit(header)[1] or table.units.get(header, ""))
        )
        values[header] = [None if value is None else converted(value, type_) for value in known]
    notes = [f"note in the file: {note}" for note in table.notes]
    return Data(name, tuple(columns), values), [*table.changes, *notes]


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
    columns, values, changes = [], {}, []
    for header, cells in given.items():
        type_ = _database_type((types or {}).get(header, "")) or _type_of(cells)
        values[header], unread = _read(cells, type_)
        columns.append(TableColumn(name=header, type=type_, unit=name_and_unit(header)[1]))
        if unread:
            said = f"{counted(len(unread), 'value')} cannot be read as {type_} and count as missing"
            changes.append(f"{header}: {said} ({examples(map(str, unread))})")
    return Data(name, tuple(columns), values), changes


def from_parquet(data: bytes, name: str) -> tuple[Data, list[str]]:
    """A parquet file; ToolError where it is none, or where its extra is not installed. Blocking."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ToolError(
            "Parquet files need pyarrow.", remedy="Install the extra parquet: pip install pyarrow."
        ) from error
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        refuse_size(file.metadata.num_rows, len(file.schema_arrow.names))
        read = file.read()
        given = {header: read.column(at).to_pylist() for at, header in enumerate(read.column_names)}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        said = str(error).splitlines()[0][:200] if str(error) else "it is damaged"
        raise ToolError(f"The parquet file cannot be read ({said}).", remedy="Write it again.") from error
    return from_columns({header: list(map(_python, values)) for header, values in given.items()}, name)


def _python(value: Any) -> Any:
    """A value of pandas or Arrow as one of Python."""
    return value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value


def _type_of(values: Iterable[Any]) -> ColumnType:
    """The type that holds all the values; text where they are of several kinds."""
    kinds = {_kind(value) for value in values if value is not None}
    if kinds <= {"whole", "number", "decimal"} and kinds:
        return "decimal" if "decimal" in kinds else "number" if "number" in kinds else "whole"
    return kinds.pop() if len(kinds) == 1 else "text"


def _kind(value: Any) -> ColumnType:
    kinds: Mapping[type, ColumnType] = {bool: "truth", float: "number", Decimal: "decimal", datetime: "date"}
    if isinstance(value, int) and not isinstance(value, bool):
        return "whole" if abs(value) < 2**63 else "decimal"
    return kinds.get(type(value), "date" if hasattr(value, "isoformat") and hasattr(value, "year") else "text")


def _database_type(told: str) -> ColumnType | None:
    """The type that a database's name of it means where its values come as text."""
    bare = told.casefold()
    return "decimal" if bare.startswith(_EXACT) else "date" if bare.startswith(_DATES) else None


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
