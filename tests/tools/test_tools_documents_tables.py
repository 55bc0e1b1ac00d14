"""Tables of PDF and Word documents: the right cells, as frames, with the page on which they stand."""

import time
from pathlib import Path

import pytest

from state.errors import SourceError
from tests.tools.document_files import drawn_table, drawn_text, pdf_of
from tests.tools.office_files import docx_of
from tools.data import Table, table_of
from tools.documents import csv, docx, pdf, pdf_tables
from tools.documents.formats import CSV, DOCX, PDF, Format
from tools.documents.grids import read_grid
from tools.documents.isolation import outcome_of

FILES = Path(__file__).parents[3] / "shared" / "data" / "documents" / "files"
LEFTS = (40, 160, 280, 400)
HEADER = ["Lake", "Year", "Level", "Note"]
ROWS = [["Garda", "2001", "30.5", "calm"], ["Como", "2002", "$1,200", ""], ["Iseo", "2003", "", "ice"]]
MORE = [["Orta", "2004", "29", ""], ["Lugano", "2005", "28", "warm"], ["Varese", "2006", "27", ""]]
PROSE = "".join(
    drawn_text(40, 600 - 14 * n, "The survey says that all lakes were calm in that year.") for n in range(5)
)


def frame_of(data: bytes, name: str | None = None, format_: Format = PDF) -> Table:
    """The table as an analysis loads it."""
    return table_of(read_grid(data, "a", format_, name), "a")


def test_cells_between_rules_are_a_table() -> None:
    """Where a rule parts every row, and where rules part groups of them; an empty cell is empty."""
    for rules in (range(4), (0, 1)):
        reading = pdf.read(pdf_of(drawn_table([HEADER, *ROWS], LEFTS, rules=rules)), "a.pdf")
        rows = ROWS if len(rules) == 4 else [["Garda Como Iseo", "2001 2002 2003", "30.5 $1,200", "calm ice"]]
        assert reading.tables == {"Page 1 table 1": [HEADER, *rows]}
    full = [["Garda", "2001", "30", "a"], ["Como", "2002", "31", "b"], ["Iseo", "2003", "32", "c"]]
    reading = pdf.read(pdf_of(drawn_table([HEADER, *full], LEFTS, rules=(0, 1))), "a.pdf")
    assert reading.tables == {"Page 1 table 1": [HEADER, *full]}


def test_columns_between_gaps_are_a_table() -> None:
    """Without any rule; numbers become numbers, and the name tells the page. The text of the page stays as it was."""
    data = pdf_of(["Only a text stands here."], drawn_table([HEADER, *ROWS], LEFTS) + PROSE)
    assert pdf.read(data, "a.pdf").tables == {"Page 2 table 1": [HEADER, *ROWS]}
    table = frame_of(data)
    assert table.sheet == "Page 2 table 1"
    assert table.frame["Level"].tolist()[:2] == [30.5, 1200]
    assert table.cells(["Level"]) == "Page 2 table 1!C2:C4"
    assert outcome_of(data, "a.pdf", PDF).tables == 1
    assert any("calm in that year" in text for _, text in pdf.read(data, "a.pdf").parts)


def test_a_header_over_several_columns_names_each_of_them() -> None:
    """The upper line of a header completes the lower one; between two columns it stands over both."""
    lower = ["", "Level", "Depth", "Level"]
    upper = drawn_text(230, 796, "In summer") + drawn_text(400, 796, "Winter")
    rows = [[lake, str(10 + n), str(20 + n), str(30 + n)] for n, lake in enumerate(("Garda", "Como", "Iseo", "Orta"))]
    reading = pdf.read(pdf_of(upper + drawn_table([lower, *rows], LEFTS)), "a.pdf")
    (table,) = reading.tables.values()
    assert table[0] == ["", "In summer Level", "In summer Depth", "Winter Level"]


@pytest.mark.parametrize(
    ("second", "joined", "why"),
    [
        (drawn_table([HEADER, *MORE], LEFTS), 7, "its header repeats"),
        (drawn_table([*MORE, *MORE], LEFTS), 10, "its columns go on without a header"),
        (drawn_table([["Sea", "Year", "Level", "Note"], *MORE], LEFTS), 4, ""),
        (PROSE.replace(" 6", " 8").replace(" 5", " 7") + drawn_table([HEADER, *MORE], LEFTS, top=500), 4, ""),
    ],
    ids=["header repeats", "goes on", "another header", "text between"],
)
def test_a_table_goes_on_over_the_end_of_a_page(second: str, joined: int, why: str) -> None:
    """Where the header repeats, or the columns go on; its name and a note say so. Otherwise there are two tables."""
    data = pdf_of(drawn_table([HEADER, *ROWS], LEFTS), second)
    reading = pdf.read(data, "a.pdf")
    first = next(iter(reading.tables))
    assert (first, len(reading.tables)) == (("Pages 1–2 table 1", 1) if why else ("Page 1 table 1", 2))
    assert len(reading.tables[first]) == joined
    assert frame_of(data, first).notes == ((f"joined from pages 1 to 2: {why}",) if why else ())


@pytest.mark.parametrize(
    "page",
    [
        [f"{n} The lake was calm, and nobody\tsaw more than {n} boats on it." for n in range(1, 12)],
        [f"{n}\tThe lake was calm in 2001." for n in range(1, 12)],
        [f"Chapter {n}, about lakes\t{n * n}" for n in range(1, 12)],
        ["Name: Ann\tDate: 2001", "Town: Riva\tPhone: 12", "Post: 7\tRoom: 9", "Door: 1\tKey: 3"],
    ],
    ids=["prose in columns", "numbered lines", "contents", "a form"],
)
def test_not_all_that_stands_in_columns_is_a_table(page: list[str]) -> None:
    """Prose, numbered lines, a list of contents and a form have no figures to compute with."""
    assert not pdf.read(pdf_of(page), "a.pdf").tables


def test_a_page_that_cannot_be_looked_through_costs_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is read all the same; when time is up the tables that were found say which pages were not seen."""
    data = pdf_of(drawn_table([HEADER, *ROWS], LEFTS), drawn_table([HEADER, *MORE], LEFTS))
    times = iter([0.0, 1.0, 99.0])
    monkeypatch.setattr("time.process_time", lambda: next(times))
    reading = pdf.read(data, "a.pdf")
    assert reading.table_notes == {"Page 1 table 1": ("page 2 and those after it were not looked through",)}
    monkeypatch.undo()
    monkeypatch.setattr(pdf_tables, "_MOST_LETTERS", 3)
    assert not pdf.read(data, "a.pdf").tables
    assert pdf.read(data, "a.pdf").parts


def test_a_page_of_many_rules_is_a_drawing() -> None:
    """Their crossings are not counted; columns between gaps are found on it all the same."""
    rules = "".join(f"{5 * n} 0 m {5 * n} 400 l S 0 {3 * n} m 600 {3 * n} l S " for n in range(120))
    started = time.process_time()
    reading = pdf.read(pdf_of(rules + drawn_table([HEADER, *ROWS], LEFTS)), "a.pdf")
    assert reading.tables == {"Page 1 table 1": [HEADER, *ROWS]}
    assert time.process_time() - started < 2


def test_merged_cells_of_word_are_named_and_filled() -> None:
    """A title over the whole table stands above it, a header of two rows names each column, and every table can be
    loaded; the first with figures unless another is named.
    """
    rows = [["Levels"] * 3, ["Lake", "Summer", "Summer"], ["Lake", "low", "high"]]
    rows += [[lake, str(n), str(n + 5)] for n, lake in enumerate(("Garda", "Como", "Iseo"))]
    data = docx_of([["Name", "Ann"], ["Town", "Riva"]], rows)
    table = frame_of(data, format_=DOCX)
    assert (table.sheet, table.notes) == ("Table 2", ("Levels",))
    assert table.frame.to_dict("list") == {
        "Lake": ["Garda", "Como", "Iseo"],
        "Summer low": [0, 1, 2],
        "Summer high": [5, 6, 7],
    }
    assert list(table.frame.index) == [4, 5, 6]
    assert "Garda; Summer low: 0; Summer high: 5" in "\n".join(text for _, text in docx.read(data, "a.docx").parts)
    assert frame_of(data, "Table 1", DOCX).frame.iloc[-1].tolist() == ["Town", "Riva"]
    assert outcome_of(data, "a.docx", DOCX).tables == 1
    with pytest.raises(SourceError, match="no table “Table 9”"):
        read_grid(data, "a.docx", DOCX, "Table 9")


def test_years_head_columns() -> None:
    """Beside a first column that has no name, in a PDF as in a CSV file."""
    rows = [
        ["", "2019", "2020", "2021"],
        ["Garda", "30", "31", "32"],
        ["Como", "20", "21", "22"],
        ["Iseo", "8", "7", "9"],
    ]
    written = "\n".join(map(",".join, rows)).encode()
    for table in (frame_of(pdf_of(drawn_table(rows, LEFTS))), frame_of(written, format_=CSV)):
        assert list(table.frame.columns) == ["column A", "2019", "2020", "2021"]
        assert table.frame["2020"].tolist() == [31, 21, 7]
    assert "Garda; 2019: 30" in csv.read(written, "a.csv").parts[1][1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "table", "shape", "cells"),
    [
        (
            "SPARSE-2024-INV-1234_borderless_table.pdf",
            "Page 1 table 1",
            (8, 6),
            {(2, "Expected"): 450, (3, "Variance"): -23, (6, "Status"): "CRITICAL", (9, "Actual"): 935},
        ),
        (
            "SPARSE-2024-INV-1234_borderless_table.pdf",
            "Page 2 table 1",
            (10, 6),
            {(4, "Total Value"): 18720.0, (5, "Unit Cost"): 15.75, (8, "Notes"): "High Value"},
        ),
        (
            "REPAIR-2022-INV-001_multipage.pdf",
            "Page 1 table 1",
            (10, 5),
            {(2, "Cost"): 2100, (4, "Hours"): 1.5, (10, "Cost"): 2730, (11, "Rate"): "10.20%"},
        ),
        ("REPAIR-2022-INV-001_multipage.pdf", "Page 2 table 1", (10, 5), {(10, "Cost"): 100629}),
        ("test.docx", "Table 1", (5, 6), {(1, "column A"): 1, (5, "column F"): 29}),
    ],
)
def test_tables_of_real_documents(
    file: str, table: str, shape: tuple[int, int], cells: dict[tuple[int, str], object]
) -> None:
    """Without rules, with rules, and in a frame around the page: the cells are right."""
    path = FILES / file
    if not path.is_file():
        pytest.skip("the data sets are not there")
    frame = frame_of(path.read_bytes(), table, PDF if path.suffix == ".pdf" else DOCX).frame
    assert frame.shape == shape
    assert {place: frame.loc[place] for place in cells} == cells


@pytest.mark.slow
def test_the_sums_of_a_real_table_are_right() -> None:
    """A page with groups of rows between rules and a header over several columns: of its 55 rows each adds up to the
    total that the page prints.
    """
    path = FILES / "nics-background-checks-2015-11.pdf"
    if not path.is_file():
        pytest.skip("the data sets are not there")
    frame = frame_of(path.read_bytes()).frame
    assert (frame.loc[3, "State / Territory"], frame.loc[4, "Pre-Pawn Handgun"]) == ("Alabama", 9)
    figures = frame.select_dtypes("number")
    assert figures.shape == (55, 22)
    assert (figures.drop(columns="Totals").sum(axis=1) == figures["Totals"]).all()
