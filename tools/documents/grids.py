"""The rows of one table of a file as an analysis loads them: nothing cleaned yet, cells of workbooks with their types.

It runs where documents are read, and holds tables to a size: a small file can hold cells for hours.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from state.errors import SourceError
from tools.documents.csv import separator
from tools.documents.encodings import decode
from tools.documents.extracted import Reading
from tools.documents.formats import CSV, PARQUET, XLSX, Format
from tools.documents.parquet import rows_of
from tools.documents.tables import bounded, is_name
from tools.documents.xlsx import opened

MOST_CELLS = 4_000_000
"""Cells of a table that an analysis loads; they are all in memory at once."""
MOST_LETTERS = 100_000_000
"""Letters in all of them: cells may share one long text in the file, and do not here."""
_OTHER = "Name another table."

Row = tuple[int, list[Any]]
"""The number of a row in its file, counted from 1, and its cells."""


@dataclass(frozen=True)
class Grid:
    """The rows of a table before anything is made of them."""

    rows: list[Row]
    name: str | None = None
    """Of the sheet of a workbook, of the table of a document; None for a CSV file."""
    notes: tuple[str, ...] = ()
    decimal_comma: bool = False
    """Whether fields are separated by something else than a comma."""


def table_names(data: bytes, uri: str, format_: Format) -> tuple[str, ...]:
    """The names of a workbook's sheets or of a document's tables, none for a file that is one table itself; SourceError
    as `read_grid`.
    """
    if format_ in (CSV, PARQUET):
        return ()
    if format_ is XLSX:
        with opened(data) as book:
            return tuple(sheet.title for sheet in book.worksheets)
    return tuple(format_.read(data, uri).tables)


def read_grid(data: bytes, uri: str, format_: Format, name: str | None) -> Grid:
    """The rows of the table `name`, or of the first with content; of a document, of the first with figures if there is
    one. SourceError where the file is damaged, encrypted, without a table, or has no such table, or where the table is
    larger than can be loaded.
    """
    if format_ is XLSX:
        return _read_workbook(data, name)
    if format_ not in (CSV, PARQUET):
        return _read_document(format_.read(data, uri), name)
    if name:
        raise SourceError(f"A {format_.kind} file has no sheet “{name}”.", remedy="Leave `sheet` out.")
    return _read_csv(data) if format_ is CSV else Grid(list(_numbered(rows_of(data))))


def _read_workbook(data: bytes, name: str | None) -> Grid:
    with opened(data) as book:
        titles = [sheet.title for sheet in book.worksheets]
        if name is not None and name not in titles:
            raise SourceError(f"The workbook has no sheet “{name}”.", remedy=f"Its sheets are: {', '.join(titles)}.")
        for sheet in book.worksheets:
            if name in (None, sheet.title):
                rows = list(_numbered(sheet.iter_rows(values_only=True)))
                if name or any(cell is not None for _, row in rows for cell in row):
                    return Grid(rows, sheet.title)
    raise SourceError("No sheet of the workbook has content.", remedy=_OTHER)


def _read_document(reading: Reading, name: str | None) -> Grid:
    tables = reading.tables
    if not tables:
        raise SourceError("The document has no table.", remedy=_OTHER)
    if name is None:
        name = next((each for each in tables if each not in reading.texts), next(iter(tables)))
    if name not in tables:
        raise SourceError(f"There is no table “{name}” in it.", remedy=f"Its tables: {', '.join(tables)}.")
    return Grid(list(_numbered(tables[name])), name, tuple(reading.table_notes.get(name, ())))


def _read_csv(data: bytes) -> Grid:
    """The rows of a CSV file; comment lines above them are kept as notes."""
    text = decode(data)
    mark, lines = separator(text), text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines))
    if _heads(lines, start, mark):
        start -= 1
        lines[start] = lines[start].lstrip().removeprefix("#").lstrip()
    notes = tuple(text for line in lines[:start] if (text := line.strip().lstrip("#").strip()))
    try:
        rows = list(_numbered(csv.reader(io.StringIO("".join(lines[start:]), newline=""), delimiter=mark), start))
    except csv.Error as error:
        remedy = "Check its quotation marks, or name another table."
        raise SourceError(f"The file is not CSV ({error}).", remedy=remedy) from error
    return Grid(rows, None, notes, decimal_comma=mark != ",")


def _heads(lines: Sequence[str], start: int, mark: str) -> bool:
    """Whether the last comment line holds the column names of a body that has none: `# year,mean`."""
    if not 0 < start < len(lines):
        return False
    pair = lines[start - 1 : start + 1]
    comment, first = (next(csv.reader([line], delimiter=mark), []) for line in pair)
    return len(comment) == len(first) > 1 and not any(is_name(cell.strip()) for cell in first)


def _numbered(rows: Iterable[Sequence[Any]], before: int = 0) -> Iterator[Row]:
    """The rows with their numbers, as long as they are not too many; SourceError then."""
    cells = letters = 0
    for number, row in enumerate(bounded(rows), start=before + 1):
        cells += max(1, len(row))
        letters += sum(len(cell) for cell in row if isinstance(cell, str))
        if cells > MOST_CELLS or letters > MOST_LETTERS:
            most = f"{MOST_CELLS:,} cells" if cells > MOST_CELLS else f"{MOST_LETTERS:,} letters"
            remedy = "Name another table, or give a file with the rows and columns that matter."
            raise SourceError(f"The table has more than {most}.", remedy=remedy)
        yield number, list(row)


# --- on the way between processes -------------------------------------------------------------------------


@dataclass(frozen=True)
class Tables:
    """What a file holds of tables: the names of all, and the rows of one where they were asked for; or a problem."""

    names: tuple[str, ...] = ()
    grid: Grid | None = None
    problem: str = ""
    remedy: str = _OTHER


_READ_BACK: Mapping[str, Callable[[str], object]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
}


def dumped(tables: Tables) -> bytes:
    """The tables as JSON; a cell that JSON has no type for is an object of its type and its text."""
    grid = tables.grid and [tables.grid.rows, tables.grid.name, tables.grid.notes, tables.grid.decimal_comma]
    return json.dumps([tables.names, grid, tables.problem, tables.remedy], default=_tagged).encode()


def loaded(data: bytes) -> Tables:
    """The tables that were dumped."""
    names, grid, problem, remedy = json.loads(data, object_hook=_untagged)
    if grid is not None:
        rows, name, notes, decimal_comma = grid
        grid = Grid([(number, cells) for number, cells in rows], name, tuple(notes), decimal_comma)
    return Tables(tuple(names), grid, problem, remedy)


def _tagged(value: object) -> object:
    kind = type(value).__name__
    if isinstance(value, Decimal):
        return {kind: str(value)}
    return {kind: value.isoformat()} if isinstance(value, date | time) and kind in _READ_BACK else str(value)


def _untagged(found: dict[str, str]) -> object:
    ((kind, text),) = found.items()
    return _READ_BACK[kind](text)
