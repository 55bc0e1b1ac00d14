"""Excel workbooks of the binary format before 2007: each sheet is a table.

What is called `.xls` is as often a newer workbook or a page of HTML that a program wrote; those are read as what
they are.
"""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from state.errors import EncryptedSource, SourceError
from tools.documents import html, xlsx
from tools.documents.extracted import Reading, squeeze
from tools.documents.packages import OLE, is_encrypted_office

if TYPE_CHECKING:  # only needed where a workbook is read
    from xlrd.book import Book
    from xlrd.sheet import Cell

_BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
"""How workbooks older than OLE begin."""


def read(data: bytes, uri: str) -> Reading:
    """The sheets' rows as passages. Raises EncryptedSource, or SourceError if the bytes are no workbook."""
    if data.startswith(b"PK") or is_encrypted_office(data):
        return xlsx.read(data, uri)
    if not data.startswith((OLE, *_BIFF)):
        if b"<html" in data[:2000].lower() or b"<table" in data[:2000].lower():
            return html.read(data, uri)
        raise SourceError("the file is broken, or not an Excel workbook")
    return xlsx.reading_of(_sheets(data), PurePosixPath(uri).name)


def _sheets(data: bytes) -> dict[str, list[list[str]]]:
    import io

    from xlrd import open_workbook
    from xlrd.biffh import XLRDError
    from xlrd.compdoc import CompDocError

    try:
        book = open_workbook(file_contents=data, logfile=io.StringIO(), ragged_rows=True)
        return {
            sheet.name: [[_cell(cell, book) for cell in sheet.row(n)] for n in range(sheet.nrows)]
            for sheet in book.sheets()
        }
    except (XLRDError, CompDocError) as error:
        if "encrypted" in str(error).lower():
            raise EncryptedSource("the xls is encrypted with a password") from error
        raise SourceError(f"the xls is broken: {squeeze(str(error))[:200]}") from error


def _cell(cell: "Cell", book: "Book") -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlsx.cell_text(xlrd.xldate_as_datetime(float(cell.value), book.datemode))
        except (ValueError, OverflowError):  # a number with the look of a date
            return xlsx.cell_text(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return str(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(int(cell.value), ""))
    return xlsx.cell_text(cell.value)
