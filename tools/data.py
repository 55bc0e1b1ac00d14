"""A data file, or a table in a document, as a clean table: bytes in, a pandas frame with all changes in words out."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from openpyxl.utils import column_index_from_string, get_column_letter

from state.errors import ToolError
from state.evidence import Locator, SourceKind
from tools.columns import clean
from tools.documents.formats import FORMATS
from tools.documents.grids import Grid, Row, Tables
from tools.documents.isolation import Readers, Request
from tools.documents.tables import heads_years, is_banner, is_name, two_line_header

_LOOKED_AT = 50
"""Rows from which the width of a table is judged."""
_TOTAL = re.compile(r"(grand |sub)?totals?|sum|averages?|mean", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A cleaned table. The frame's index is the number of each row in the file or sheet, counted from 1."""

    frame: pd.DataFrame
    uri: str
    sheet: str | None = None
    changes: tuple[str, ...] = ()
    """What was changed on the way from the file to the frame, in words."""
    dropped: int = 0
    """Rows with content that were left out: notes under the table, rows of totals."""
    notes: tuple[str, ...] = ()
    """Comment lines, and text above and below the table."""
    letters: Mapping[str, str] = field(default_factory=dict)
    """The spreadsheet letter of each column."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units that the cells carried (`%`), by column."""
    stored: str | None = None
    """Hash of the table that operations made; None for a table of a file."""
    made: tuple[str, ...] = ()
    """The operations that made it, in words, from the files on; none for a table of a file."""

    def locator(self, what: str, columns: Sequence[str]) -> Locator:
        """Where a computation on columns rests: on cells of the file, or on the stored table."""
        if self.stored is None:
            return Locator(computed=what, cells=self.cells(columns))
        return Locator(computed=f"{what} of {self.uri}", table=self.stored)

    def cells(self, columns: Sequence[str], rows: Iterable[int] | None = None) -> str:
        """The range of cells of the columns, `A2:B30, D2:D30` or `Sheet1!A2:A30`; all rows unless given."""
        numbers = list(self.frame.index if rows is None else rows)
        prefix = f"{self.sheet}!" if self.sheet else ""
        first, last = min(numbers, default=1), max(numbers, default=1)
        blocks: list[list[int]] = []
        for place in sorted({column_index_from_string(self.letters[name]) for name in columns}):
            if blocks and place == blocks[-1][-1] + 1:
                blocks[-1].append(place)
            else:
                blocks.append([place])
        ends = [(get_column_letter(block[0]), get_column_letter(block[-1])) for block in blocks]
        return ", ".join(f"{prefix}{left}{first}:{right}{last}" for left, right in ends)


async def read_table(
    readers: Readers, data: bytes, uri: str, sheet: str | None = None, kind: SourceKind | None = None
) -> Table:
    """Read a table of a file where documents are read, find its header, clean its columns.

    `sheet` names a sheet of a workbook or a table of a document; the first with content is taken otherwise.
    `kind` is what the file is, where its name does not say so. ToolError where the file is empty, damaged,
    encrypted, without a table, or has no such sheet, and where it takes too much time, memory or room.
    """
    return await asyncio.to_thread(table_of, await grid_of(readers, data, uri, sheet, kind), uri)


async def grid_of(
    readers: Readers, data: bytes, uri: str, sheet: str | None = None, kind: SourceKind | None = None
) -> Grid:
    """The rows of a table as the file has them. Arguments and errors as of `read_table`."""
    request = Request(kind or _kind(uri, data), uri, "table", sheet)
    return _usable(await readers.tables(data, request), uri).grid or Grid([])


async def sheet_names(readers: Readers, data: bytes, uri: str, kind: SourceKind | None = None) -> tuple[str, ...]:
    """The names of a workbook's sheets or of a document's tables, none for a CSV file; ToolError where it cannot
    be opened.
    """
    request = Request(kind or _kind(uri, data), uri, "table names")
    return _usable(await readers.tables(data, request), uri).names


def _kind(uri: str, data: bytes) -> SourceKind:
    known = FORMATS.get(PurePosixPath(uri).suffix.lower())
    return known.kind if known else "xlsx" if data.startswith(b"PK\x03\x04") else "csv"


def _usable(found: Tables, uri: str) -> Tables:
    if found.problem:
        said = found.problem[0].upper() + found.problem[1:].rstrip(".")
        raise ToolError(f"{said}.", place=uri, remedy=found.remedy)
    return found


# --- from rows to a table ---------------------------------------------------------------------------------


def table_of(grid: Grid, uri: str) -> Table:
    """Find header and body, clean each column, and count what a reader must know. ToolError if there is no content.
    Blocking: call it by asyncio.to_thread.
    """
    rows = [(number, cells) for number, cells in grid.rows if _filled(cells)]
    if not rows:
        raise ToolError("The table has no content.", place=uri, remedy="Name another table or sheet.")
    header, body, above = _header(rows)
    body, below, dropped = _without_footer(body)
    if not body:
        remedy = "Name another table or sheet."
        raise ToolError("The table has a header but no rows.", place=uri, remedy=remedy)
    width = max(len(cells) for _, cells in body)
    positions = [position for position in range(width) if any(_cell(row, position) for row in body)]
    names = _names(header, positions)
    columns = {
        name: clean(name, [_raw(row, i) for row in body], decimal_comma=grid.decimal_comma)
        for name, i in zip(names, positions, strict=True)
    }
    frame = pd.DataFrame({name: column.values.to_numpy() for name, column in columns.items()})
    frame.index = pd.Index([number for number, _ in body], name="row")
    changes = [*_changes_of_shape(grid, header, positions, below), *_repeated(frame)]
    changes += [change for column in columns.values() for change in column.changes]
    return Table(
        frame=frame,
        uri=uri,
        sheet=grid.name,
        changes=tuple(changes),
        dropped=dropped,
        notes=(*grid.notes, *above, *below),
        letters={name: get_column_letter(i + 1) for name, i in zip(names, positions, strict=True)},
        units={name: column.unit for name, column in columns.items() if column.unit},
    )


def _filled(cells: Sequence[object]) -> list[str]:
    """The cells that hold something, as text."""
    return [text for cell in cells if cell is not None and (text := " ".join(str(cell).split()))]


def _raw(row: Row, position: int) -> Any:
    """A cell of a row that may be shorter than others."""
    return row[1][position] if position < len(row[1]) else None


def _cell(row: Row, position: int) -> str:
    value = _raw(row, position)
    return "" if value is None else str(value).strip()


def _header(rows: Sequence[Row]) -> tuple[Row | None, list[Row], tuple[str, ...]]:
    """The header row (None where the first full row is one of data), the rows under it, the text above it."""
    width = max(len(_filled(cells)) for _, cells in rows[:_LOOKED_AT])
    least = max(width / 2, 2 if width > 2 else 1)
    wide = [i for i, (_, cells) in enumerate(rows) if len(_filled(cells)) >= least]
    full = next((i for i in wide if not is_banner(_texts(rows[i]))), wide[0])
    above = tuple(" ".join(dict.fromkeys(_filled(cells))) for _, cells in rows[:full])
    below = rows[full + 1 :]
    if below and (names := two_line_header(_texts(rows[full]), _texts(below[0]))):
        return (rows[full][0], names), list(below[1:]), above
    if any(is_name(text) for text in _filled(rows[full][1])) or heads_years(_texts(rows[full])):
        return rows[full], list(below), above
    return None, list(rows[full:]), above


def _texts(row: Row) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in row[1]]


def _without_footer(body: list[Row]) -> tuple[list[Row], tuple[str, ...], int]:
    """The body without notes and a row of totals at its end; those rows as text, and how many they were."""
    width = max((len(_filled(cells)) for _, cells in body), default=0)
    below: list[str] = []
    while len(body) > 1 and width >= 3 and len(filled := _filled(body[-1][1])) == 1 and is_name(filled[0]):
        below.append(filled[0])
        body = body[:-1]
    if len(body) > 2 and width >= 2 and _TOTAL.fullmatch(_filled(body[-1][1])[0].rstrip(":")):
        below.append(", ".join(_filled(body[-1][1])))
        body = body[:-1]
    return body, tuple(reversed(below)), len(below)


def _names(header: Row | None, positions: Sequence[int]) -> list[str]:
    """One name for each column: its header, trimmed and made unique; `column C` where there is none."""
    names: list[str] = []
    for position in positions:
        text = " ".join(_cell(header, position).split()) if header else ""
        base = text or f"column {get_column_letter(position + 1)}"
        copies = (f"{base}_{number}" for number in range(2, len(positions) + 2))
        names.append(base if base not in names else next(each for each in copies if each not in names))
    return names


def _changes_of_shape(grid: Grid, header: Row | None, positions: Sequence[int], below: Sequence[str]) -> list[str]:
    """What was done about rows and columns as a whole."""
    changes = []
    if header is None:
        changes.append("the table has no header: columns are named by their letters")
    empty_rows = sum(not _filled(cells) for _, cells in grid.rows)
    if empty_rows:
        changes.append(f"{empty_rows} empty {'row' if empty_rows == 1 else 'rows'} left out")
    width = max(len(cells) for _, cells in grid.rows)
    if empty := width - len(positions):
        changes.append(f"{empty} empty {'column' if empty == 1 else 'columns'} left out")
    changes += [f"row under the table left out: {text}" for text in below]
    return changes


def _repeated(frame: pd.DataFrame) -> list[str]:
    count = int(frame.duplicated().sum())
    return [f"{count} {'row repeats' if count == 1 else 'rows repeat'} an earlier row exactly; kept"] if count else []
