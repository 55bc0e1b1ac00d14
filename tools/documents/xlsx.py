"""Excel workbooks: each sheet is a table; of formulas the values that the file keeps are read."""

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from state.errors import NoText
from tools.documents.extracted import Reading, Row
from tools.documents.packages import open_package
from tools.documents.tables import bounded, table_parts

if TYPE_CHECKING:  # only needed where a workbook is read
    from openpyxl import Workbook


def read(data: bytes, uri: str) -> Reading:
    """The sheets' rows as passages. Raises EncryptedSource, or SourceError if the bytes are no workbook."""
    with opened(data) as book:
        sheets = {sheet.title: _texts(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    return reading_of(sheets, PurePosixPath(uri).name)


def reading_of(sheets: Mapping[str, Sequence[Row]], name: str) -> Reading:
    """The reading of a workbook with these sheets. Raises NoText if all are empty."""
    filled = {title: rows for title, rows in sheets.items() if any(cell.strip() for row in rows for cell in row)}
    if not filled:
        raise NoText("no sheet of the workbook holds anything")
    parts = [part for title, rows in filled.items() for part in table_parts(rows, name, title)]
    return Reading(name, None, parts, tables=filled)


@contextmanager
def opened(data: bytes) -> Iterator["Workbook"]:
    """The workbook, its cells read as they are asked for. Raises as `read`."""
    from openpyxl import load_workbook

    open_package(data, "xlsx").close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # features of Excel that openpyxl does not keep do not matter to a reader
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what a file says of its size may be wrong, and rows be cut off
            yield book
        finally:
            book.close()


def _texts(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return [[cell_text(value) for value in row] for row in bounded(rows)]


def cell_text(value: object) -> str:
    """A cell as text: dates as ISO 8601, numbers with up to 15 digits."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
