"""Excel workbooks: each sheet is a table; of formulas the values that the file keeps are read."""

import io
import warnings
import zipfile
from datetime import date, datetime, time
from pathlib import PurePosixPath

from state.errors import SourceError
from state.evidence import Locator
from tools.documents.extracted import Reading
from tools.documents.tables import table_parts

_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MAX_UNPACKED = 500_000_000
"""Bytes that the parts of a workbook may unpack to; a small file can claim to hold terabytes."""


def read(data: bytes, uri: str) -> Reading:
    """The sheets' rows as passages. Raises SourceError if the workbook is encrypted or holds nothing."""
    if data.startswith(_OLE):
        raise SourceError(
            "the workbook is encrypted" if _ENCRYPTED in data else "the file is an old binary workbook, not xlsx"
        )
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise SourceError("the file is not an xlsx workbook")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED:
            raise SourceError("the workbook unpacks to more than 500 MB")
    name = PurePosixPath(uri).name
    parts: list[tuple[Locator, str]] = []
    for sheet, rows in _sheets(data).items():
        if any(cell.strip() for row in rows for cell in row):
            parts += table_parts(rows, name, sheet)
    if not parts:
        raise SourceError("no sheet of the workbook holds anything")
    return Reading(name, None, parts)


def _sheets(data: bytes) -> dict[str, list[list[str]]]:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # features of Excel that openpyxl does not keep do not matter to a reader
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what a file says of its size may be wrong, and rows be cut off
            return {sheet.title: [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
                    for sheet in book.worksheets}  # fmt: skip
        finally:
            book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)
