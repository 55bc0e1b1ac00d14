"""Reading data files: CSV and XLSX in every shape that people send, each change said in words."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from state.errors import ToolError
from tests.tools.data_files import Here, load_table
from tools.data import Table, read_table, sheet_names
from tools.documents import grids, isolation
from tools.documents.isolation import Readers, Request, tables_of
from tools.documents.packages import OLE


def csv(text: str, encoding: str = "utf-8") -> Table:
    return load_table(text.encode(encoding), "data.csv")


def book(**sheets: list[list[object]]) -> bytes:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stored = io.BytesIO()
    workbook.save(stored)
    return stored.getvalue()


def test_plain_csv() -> None:
    """Whole numbers stay whole, decimals become floats, text stays text; rows keep their numbers in the file."""
    table = csv("year,mean,site\n1959,315.98,MLO\n1960,316.91,MLO\n")
    assert table.frame["year"].tolist() == [1959, 1960]
    assert table.frame["year"].dtype == "int64"
    assert table.frame["mean"].tolist() == [315.98, 316.91]
    assert table.frame["site"].tolist() == ["MLO", "MLO"]
    assert table.frame.index.tolist() == [2, 3]
    assert table.changes == ()


def test_comments_are_notes() -> None:
    """Comment lines at the top are skipped, kept as notes, and counted in the numbers of the rows."""
    table = csv("# NOAA, Mauna Loa\n# ppm\nyear,mean\n1959,315.98\n")
    assert table.notes == ("NOAA, Mauna Loa", "ppm")
    assert table.frame.index.tolist() == [4]


def test_header_inside_comment() -> None:
    """A last comment line that names the columns of a body without header is the header."""
    table = csv("# Mauna Loa\n# year,mean\n1959,315.98\n1960,316.91\n")
    assert list(table.frame.columns) == ["year", "mean"]
    assert table.notes == ("Mauna Loa",)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators(mark: str) -> None:
    """The separator is found."""
    table = csv(f"a{mark}b\n1{mark}2\n3{mark}4\n")
    assert table.frame["b"].tolist() == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    """The encoding is found, by its mark or by the text."""
    table = csv("Straße,Größe\nHauptstraße,3\nMühlenweg für Fußgänger,4\n", encoding)
    assert list(table.frame.columns) == ["Straße", "Größe"]


def test_thousands_percent_currency() -> None:
    """Thousands separators, percent and currency signs go, and each is said; percent becomes the unit."""
    table = csv('people,share,price\n"1,234",45%,"$1,000.50"\n"12,345,678",7.5%,$20\n')
    assert table.frame["people"].tolist() == [1234, 12345678]
    assert table.frame["share"].tolist() == [45, 7.5]
    assert table.frame["price"].tolist() == [1000.5, 20]
    assert table.units == {"share": "%"}
    for name in ("people: thousands", "share: percent", "price: currency"):
        assert any(change.startswith(name) for change in table.changes)


def test_several_currencies_stay_text() -> None:
    """Amounts of several currencies do not become numbers of one, and why is said."""
    table = csv("price\n$5\n€5\n£7\n")
    assert table.frame["price"].tolist() == ["$5", "€5", "£7"]
    assert table.changes == ("price: left as text, as it mixes currencies ($, €, £)",)


def test_decimal_comma() -> None:
    """Where fields are cut by semicolons, a comma is a decimal sign, also with three digits after it."""
    table = csv("a;b;c\n1,5;1,234;1.234,5\n2,25;2,500;12,25\n")
    assert table.frame["a"].tolist() == [1.5, 2.25]
    assert table.frame["b"].tolist() == [1.234, 2.5]
    assert table.frame["c"].tolist() == [1234.5, 12.25]


def test_missing_markers() -> None:
    """Declared markers of missing values are read as missing, and that is said."""
    table = csv("x,y\n1,NA\nn/a,2\n-,3\n4,\n")
    assert table.frame["x"].isna().tolist() == [False, True, True, False]
    assert table.frame["y"].isna().sum() == 2
    assert "x: 2 cells with “n/a”, “-” read as missing" in table.changes


@pytest.mark.parametrize("sentinel", ["-99.99", "-999.99", "-9999", "-999"])
def test_sentinels(sentinel: str) -> None:
    """A sentinel far below all other values is read as missing, and that is said."""
    table = csv(f"year,mean\n1958,{sentinel}\n1959,315.98\n1960,316.91\n1961,317.64\n")
    assert table.frame["mean"].isna().sum() == 1
    assert any("read as missing, far outside the rest (315.98 to 317.64)" in change for change in table.changes)


def test_sentinel_among_the_others_stays() -> None:
    """A value like a sentinel that lies among the others is kept, and that is said."""
    table = csv("balance\n-2500\n-999\n-1200\n400\n3000\n")
    assert table.frame["balance"].tolist() == [-2500, -999, -1200, 400, 3000]
    assert table.changes == ("balance: 1 value of -999 kept, though it is often a missing marker",)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2020-01-31", "2020-02-01"),
        ("2020-01-31T00:00:00Z", "2020-02-01T00:00:00Z"),
        ("31.01.2020", "1.2.2020"),
        ("31/01/2020", "01/02/2020"),
        ("01/31/2020", "02/01/2020"),
        ("31 January 2020", "1 February 2020"),
        ("31-Jan-2020", "01-Feb-2020"),
    ],
)
def test_dates(first: str, second: str) -> None:
    """Dates are read where their form leaves no doubt."""
    table = csv(f"day,n\n{first},1\n{second},2\n")
    assert [each.date() for each in table.frame["day"]] == [date(2020, 1, 31), date(2020, 2, 1)]


def test_doubtful_dates_stay_text() -> None:
    """Dates whose day and month cannot be told apart stay text, and that is said."""
    table = csv("day,n\n01/02/2020,1\n03/04/2020,2\n")
    assert table.frame["day"].tolist() == ["01/02/2020", "03/04/2020"]
    assert table.changes == ("day: left as text, as day and month cannot be told apart",)


def test_identifiers_stay_text() -> None:
    """Numbers with leading zeros are identifiers and keep them."""
    assert csv("zip,n\n01234,1\n99999,2\n").frame["zip"].tolist() == ["01234", "99999"]


def test_few_unreadable_numbers() -> None:
    """A column of numbers with a stray text stays one of numbers; the text is named and missing."""
    rows = "\n".join(str(number) for number in range(20))
    table = csv(f"x\n{rows}\nabout 7\n")
    assert table.frame["x"].isna().sum() == 1
    assert table.changes == ("x: 1 of 21 values are not numbers (“about 7”) and count as missing",)


def test_empty_rows_columns_duplicates() -> None:
    """Empty rows and columns go, repeated rows are counted, headers are trimmed and made unique."""
    table = csv(" x ,,x\n1,,2\n\n1,,2\n3,,4\n")
    assert list(table.frame.columns) == ["x", "x_2"]
    assert table.changes == (
        "1 empty row left out",
        "1 empty column left out",
        "1 row repeats an earlier row exactly; kept",
    )
    assert table.cells(["x", "x_2"]) == "A2:A5, C2:C5"


def test_footer_and_totals() -> None:
    """Notes and a row of totals under a table are left out, counted and kept as notes."""
    table = csv("city,north,south\nA,1,2\nB,3,4\nTotal,4,6\nSource: the council,,\n")
    assert len(table.frame) == 2
    assert table.dropped == 2
    assert table.notes == ("Total, 4, 6", "Source: the council")
    assert "row under the table left out: Total, 4, 6" in table.changes


def test_no_header() -> None:
    """Columns without a header are named by their letters, and no row of data is lost."""
    table = csv("1,2\n3,4\n")
    assert table.frame["column B"].tolist() == [2, 4]
    assert table.changes == ("the table has no header: columns are named by their letters",)


def test_workbook() -> None:
    """Of a workbook the first sheet with content is read, titles above the header are notes, dates stay dates."""
    data = book(Empty=[], Figures=[["Emissions"], [], ["year", "when", "kt"], [2020, date(2020, 5, 1), 1.5]])
    table = load_table(data, "book.xlsx")
    assert table.sheet == "Figures"
    assert table.notes == ("Emissions",)
    assert table.frame["kt"].tolist() == [1.5]
    assert str(table.frame["when"].iloc[0].date()) == "2020-05-01"
    assert table.cells(["year", "when"]) == "Figures!A4:B4"
    assert asyncio.run(sheet_names(Here(), data, "book.xlsx")) == ("Empty", "Figures")


def test_named_sheet() -> None:
    """A sheet is read by its name; an unknown name is refused with the names there are."""
    data = book(One=[["x"], [1]], Two=[["x"], [2]])
    assert load_table(data, "book.xlsx", "Two").frame["x"].tolist() == [2]
    with pytest.raises(ToolError, match="Its sheets are: One, Two"):
        load_table(data, "book.xlsx", "Three")


@pytest.mark.parametrize(
    ("data", "uri", "said"),
    [
        (b"", "a.csv", "empty"),
        (b"x,y\n", "a.csv", "no rows"),
        (b"\n\n", "a.csv", "no content"),
        (b"\x00\x01\x02\xff\xfe\x00" * 50, "a.csv", "binary|not text"),
        (b"PK\x03\x04broken", "a.xlsx", "The file is broken, or not xlsx"),
        (OLE + b"old", "a.xlsx", "the binary format before 2007"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "encrypted with a password"),
        (b"nothing of the kind", "a.xlsx", "broken, or not xlsx"),
    ],
)
def test_bad_files(data: bytes, uri: str, said: str) -> None:
    """A file that is no table is a ToolError that names the file and what to do."""
    with pytest.raises(ToolError, match=said) as caught:
        load_table(data, uri)
    assert caught.value.place == uri
    assert caught.value.remedy


def sheet_of(cells: str, size: int = 0) -> bytes:
    """A workbook with one sheet, its cells as XML; `size` bytes of white space follow them."""
    stored = io.BytesIO(book(S=[["x"], [1]]))
    with zipfile.ZipFile(stored) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts["xl/worksheets/sheet1.xml"] = b"<worksheet %s><sheetData>%s</sheetData>%s</worksheet>" % (
        main,
        cells.encode(),
        b" " * size,
    )
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stored.getvalue()


FULL = "<row><c><v>1</v></c></row>" + '<row><c r="XFD1"><v>1</v></c></row>' * 400
"""Rows with one cell each, in the last column: those before it are filled up."""
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.xlsx": (lambda: sheet_of("", size=60_000_000), "times its size: it may be a trap"),
    "wide.xlsx": (lambda: sheet_of("<row>" + "<c><v>1</v></c>" * 100_000 + "</row>"), "has 100,000 columns"),
    "full.xlsx": (lambda: sheet_of(FULL), "more than 4,000,000 cells"),
    "wide.csv": (lambda: b",".join([b"1"] * 1_000_000) + b"\n2", "has 1,000,000 columns; the limit is 20,000."),
}


@pytest.mark.slow
async def test_hostile_tables() -> None:
    """A small file that holds more than can be loaded is refused by the process that reads it, with what is too
    much; the next file is read by the same process.
    """
    async with Readers() as readers:
        for uri, (made, said) in HOSTILE.items():
            with pytest.raises(ToolError, match=said) as caught:
                await read_table(readers, made(), uri)
            assert (caught.value.place, bool(caught.value.remedy)) == (uri, True)
        assert (await read_table(readers, book(S=[["x"], [1]]), "book.xlsx")).sheet == "S"


def test_long_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long, in rows or in letters, is refused as soon as it is seen."""
    monkeypatch.setattr(grids, "MOST_CELLS", 6)
    assert load_table(b"x,y\n1,2\n3,4\n", "a.csv").frame.shape == (2, 2)
    with pytest.raises(ToolError, match="more than 6 cells"):
        load_table(b"x,y\n1,2\n3,4\n5,6\n", "a.csv")
    monkeypatch.setattr(grids, "MOST_LETTERS", 20)
    with pytest.raises(ToolError, match="more than 20 letters"):
        load_table(book(S=[["x"], ["long" * 5]]), "a.xlsx")


@pytest.mark.slow
async def test_what_a_process_reads_of_tables_is_what_is_read_here() -> None:
    """Cells keep their types on the way: texts that look like dates stay texts, dates stay dates."""
    cells: list[object] = ["2020-01-02", 1.5, datetime.fromisoformat("2020-05-01T03:00"), time(4, 5), True]
    rows: list[list[object]] = [["text", "n", "at", "time", "yes"], cells]
    request = Request("xlsx", "book.xlsx", "table")
    async with Readers() as readers:
        assert (sent := await readers.tables(book(S=rows), request)) == tables_of(book(S=rows), request)
        assert await sheet_names(readers, book(S=rows, T=rows), "book.xlsx") == ("S", "T")
        with pytest.raises(ToolError, match="Its sheets are: S"):
            await read_table(readers, book(S=rows), "book.xlsx", "U")
    assert sent.grid is not None
    assert sent.grid.rows[1][1] == cells


async def test_tables_have_the_time_and_the_place_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook is read in a process that is ended when its time is over, and the error says so."""
    monkeypatch.setattr(isolation, "READ_SECONDS", 0.0)
    async with Readers() as readers:
        with pytest.raises(ToolError, match="Reading it took longer than 0 s"):
            await read_table(readers, book(S=[["x"], [1]]), "book.xlsx")


@pytest.mark.slow
@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes: a table comes out or a ToolError, nothing else."""
    try:
        table = load_table(data, "any.csv")
    except ToolError:
        return
    assert len(table.frame) > 0
    assert set(table.letters) == set(table.frame.columns)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6)), min_size=3, max_size=20))
def test_numbers_come_back(rows: list[tuple[int, float]]) -> None:
    """Numbers that were written come back as they were, unless a change says that they are missing."""
    table = csv("a,b\n" + "\n".join(f"{a},{b!r}" for a, b in rows))
    for name, values in zip(("a", "b"), zip(*rows, strict=True), strict=True):
        if not any(change.startswith(f"{name}:") for change in table.changes):
            assert table.frame[name].tolist() == list(values)
