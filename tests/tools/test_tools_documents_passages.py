"""Passages and their locators, format by format."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Locator
from tests.tools.document_files import pdf_of, xlsx_of
from tools.documents import csv, html, markdown, pdf, text, xlsx
from tools.documents.extracted import Reading, squeeze
from tools.documents.passages import MAX_WORDS, MIN_WORDS
from tools.documents.tables import ROWS_AS_TEXT

_SENTENCE = "The level of the lake rose by two metres in the spring of that year. "


def texts(reading: Reading) -> list[str]:
    """The passages' texts."""
    return [part for _, part in reading.parts]


def placed(reading: Reading, wanted: str) -> Locator:
    """The locator of the passage that holds these words."""
    return next(locator for locator, part in reading.parts if wanted in part)


def hold_their_offsets(reading: Reading) -> None:
    """Asserts that each passage is the extracted text between its offsets, white space aside."""
    for locator, part in reading.parts:
        assert locator.chars is not None
        start, end = locator.chars
        assert squeeze(reading.text[start:end]) == squeeze(part)


_words = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
_lines = st.lists(_words, min_size=1, max_size=60).map(" ".join)
_documents = st.lists(
    st.one_of(_lines, st.sampled_from(["", "# A heading", "## Below", "- item", "    code"])), max_size=30
)


@pytest.mark.slow
@given(_documents.map("\n".join))
def test_every_word_of_a_text_stands_in_one_passage_at_its_offsets(source: str) -> None:
    """Nothing is lost, nothing doubled, nothing moved; no passage is too long."""
    reading = text.read(source.encode(), "a.txt")
    hold_their_offsets(reading)
    assert squeeze(" ".join(texts(reading))) == squeeze(reading.text)
    assert all(len(part.split()) <= MAX_WORDS for part in texts(reading))


@pytest.mark.slow
@given(_documents.map("\n".join))
def test_markdown_offsets_hold_for_any_text(source: str) -> None:
    """Whatever the markup, a passage's offsets give its text again."""
    hold_their_offsets(markdown.read(source.encode(), "a.md"))


_MARKUP = (
    "<p> </p> <h2> </h2> <table><tr><td> </td></tr></table> <dl><dt> <dd> <br> <div> </div> <pre> </pre> <b> words"
).split()


@pytest.mark.slow
@given(st.lists(st.sampled_from([*_MARKUP, " of a\npage. "]), max_size=40))
def test_html_offsets_hold_for_any_page(pieces: list[str]) -> None:
    """However broken the markup, a passage's offsets give its text again."""
    hold_their_offsets(html.read(("<html>" + "".join(pieces)).encode(), "a.html"))


def test_long_paragraphs_are_cut_between_sentences_into_even_passages() -> None:
    """No scrap is left over at the end, and no sentence is cut."""
    reading = text.read((_SENTENCE * 30).encode(), "a.txt")
    sizes = [len(part.split()) for part in texts(reading)]
    assert len(sizes) == 3
    assert min(sizes) >= MIN_WORDS
    assert all(part.endswith("year.") for part in texts(reading))


def test_lines_of_a_text_are_counted_in_the_file() -> None:
    """The locator names the first and the last line; wrapped lines are joined, verse is not."""
    reading = text.read(
        b"A Title\n\n" + b"Roses are red,\nviolets are blue.\n\n" + _SENTENCE.replace(" in", "\nin").encode(), "a.txt"
    )
    ((locator, part),) = reading.parts
    assert locator.lines == (1, 7)
    assert part == f"A Title\nRoses are red,\nviolets are blue.\n{_SENTENCE.strip()}"


def test_markdown_passages_know_headings_and_lines() -> None:
    """Headings come from the markup, not from `#` in code; markup is not in the text; rows name their columns."""
    source = (
        "---\ntitle: T\n---\n# One *bold*\n\nText with `code`\nand a [link](http://x.example).\n\n"
        "## Two\n\n```\n# no heading\n```\n\n"
        "| level | read |\n|---|---|\n| low | yes |\n\n# Three\n"
    )
    reading = markdown.read(source.encode(), "a.md")
    hold_their_offsets(reading)
    assert reading.parts[0] == (
        Locator(heading=("One bold",), lines=(6, 7), chars=(10, 36)),
        "Text with code and a link.",
    )
    assert reading.parts[1][0].heading == ("One bold", "Two")
    assert reading.parts[1][0].lines == (12, 17)
    assert reading.parts[1][1] == "# no heading\nlevel: low; read: yes"
    assert texts(reading)[2] == "Three"


PAGE = """<?xml version="1.0"?><html><head><title>Levels</title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav><div class="navheader">Prev Up Next</div><header><h1>Levels</h1><p>Log in</p></header>
<p>Intro text.<sup>[1]</sup> It goes on<br>here.</p><div class="note"><h3>Note</h3><p>Mind this.</p></div><p>After.</p>
<h2>Terms</h2><dl><dt><b>-n count<br/></b><b>--limit=count</b></dt><dd>At most so many.</dd>
<dt>dirty read</dt><dd><p>Reads what is not committed.</p></dd></dl>
<table><caption>Table 1</caption><tr><th>Level</th><th>Dirty read</th></tr>
<tr><td>Serializable</td><td>Not possible</td></tr></table>
<pre>BEGIN;
  SELECT 1;</pre><p style="display: none">Unseen.</p><script>alert("x")</script>
<aside>Advert</aside><footer>Imprint</footer></body></html>"""


def test_a_page_gives_its_content_without_furniture() -> None:
    """Navigation, scripts, hidden parts and footnote marks go; terms, tables and boxes stay readable."""
    reading = html.read(PAGE.encode(), "a.html")
    hold_their_offsets(reading)
    assert reading.title == "Levels"
    assert reading.parts[0][0].heading == ("Levels",)
    assert reading.parts[0][1] == "Intro text. It goes on here.\nNote: Mind this.\nAfter."
    assert reading.parts[1][0].heading == ("Levels", "Terms")
    assert reading.parts[1][1].splitlines() == [
        "-n count, --limit=count: At most so many.",
        "dirty read: Reads what is not committed.",
        "Table 1",
        "Level: Serializable; Dirty read: Not possible",
        "BEGIN;",
        "  SELECT 1;",
    ]
    assert len(reading.parts) == 2


def test_cells_that_span_rows_and_columns_stand_in_each() -> None:
    """A row of a table says all that holds for it; two rows of headers make one name."""
    table = (
        "<table><tr><th rowspan=2>Year</th><th colspan=2>Mean</th></tr><tr><th>low</th><th>high</th></tr>"
        "<tr><td rowspan=2>2022</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
    )
    assert html.read(table.encode(), "a.html").parts[0][1].splitlines() == [
        "Year: 2022; Mean low: 1; Mean high: 2",
        "Year: 2022; Mean low: 3; Mean high: 4",
    ]


def test_a_page_made_of_furniture_is_read_as_it_is() -> None:
    """Where nothing but navigation would be left out, it is the content."""
    assert texts(html.read(b'<body><div class="toc"><p>Chapter one</p></div></body>', "a.html")) == ["Chapter one"]


def test_a_page_may_nest_as_deep_as_it_likes() -> None:
    """Depth costs no stack."""
    page = "<div>" * 5_000 + "<p>Deep down.</p>"
    assert texts(html.read(page.encode(), "a.html")) == ["Deep down."]


def test_pdf_passages_name_their_page_and_never_reach_over_it() -> None:
    """Pages count from 1; words that a line end cut are joined, compounds of the document keep their hyphen."""
    first = [
        "An open-domain system answers questions from a large collec-",
        "tion of documents, and so it relies on an efficient open-",
        "domain search for the passages that hold the answer to them.",
    ]
    reading = pdf.read(pdf_of(first, ["The second page says something else in one line."]), "a.pdf")
    hold_their_offsets(reading)
    assert [locator.page for locator, _ in reading.parts] == [1, 2]
    assert "a large collection of documents" in texts(reading)[0]
    assert "efficient open-domain search" in texts(reading)[0]


COLUMNS = [
    "The lake is deep and it lies in a long\tFish are many there, and boats go out",
    "valley between two ranges of moun-\tevery morning in the summer to catch",
    "tains that rise to the north of it and\tthem, but in winter the harbour is still",
    "shelter it from wind in the winter.\tand the nets are mended in the houses.",
]


def test_two_columns_are_read_one_after_the_other() -> None:
    """Where a file draws both at once the left is read first, below a title over both, and cut words are joined."""
    reading = pdf.read(pdf_of(["A title that goes over both of the columns of this page", *COLUMNS * 3]), "a.pdf")
    read = " ".join(squeeze(reading.text).split())
    assert read.startswith("A title that goes over both of the columns of this page The lake is deep")
    assert "between two ranges of mountains that rise to the north of it and shelter it" in read
    assert "Fish are many there, and boats go out every morning in the summer to catch them" in read
    assert read.index("shelter it") < read.index("Fish are many")


def test_tables_are_not_taken_for_columns() -> None:
    """Rows of short or uneven cells, and rows of figures, stay rows."""
    for row in ("Depth of the lake\t31 m", "The name of the survey of 2019\t18,870 23,022 22,650 859 1,178 71,137"):
        reading = pdf.read(pdf_of([row] * 12), "a.pdf")
        assert squeeze(row.replace("\t", " ")) in squeeze(reading.text)


def test_rows_of_a_pdf_table_stay_lines() -> None:
    """Rows of figures are not run together into a sentence."""
    rows = ["Alabama 18,870 23,022 22,650 859 1,178 71,137", "Alaska 209 3,062 3,209 191 184 7,095"]
    assert texts(pdf.read(pdf_of(rows), "a.pdf")) == ["\n".join(rows)]


def test_csv_rows_name_their_columns_and_cells() -> None:
    """Comments before the header describe the table; cells count rows as a spreadsheet does."""
    source = "# Mauna Loa CO2 means\nyear;mean\n" + "".join(f"{1990 + n};{350 + n},5\n" for n in range(25))
    reading = csv.read(source.encode(), "co2.csv")
    described, first, second = reading.parts
    assert described[0].cells == "A1:B27"
    assert described[1].splitlines()[:2] == [
        "Table co2.csv: 25 rows, 2 columns.",
        "Column year: numbers from 1990 to 2014",
    ]
    assert "Mauna Loa CO2 means" in described[1]
    assert (first[0].cells, second[0].cells) == ("A3:B22", "A23:B27")
    assert first[1].splitlines()[0] == "year: 1990; mean: 350,5"


def test_the_separator_is_the_one_that_makes_columns() -> None:
    """Commas inside fields do not hide a semicolon, nor text a tab."""
    assert csv.separator("Lorem, ipsum; dolor sit; amet\nsed, do; eiusmod; tempor\n") == ";"
    assert csv.separator("a\tb, c\n1\t2\n") == "\t"
    assert csv.separator('name,text\nx,"a; b; c"\ny,"d; e; f"\n') == ","


def test_a_table_without_header_has_columns_by_letter() -> None:
    """A first row of numbers is data, not names."""
    assert texts(csv.read(b"1,2\n3,4\n", "a.csv"))[1] == "column A: 1; column B: 2\ncolumn A: 3; column B: 4"


def test_a_long_table_is_described_whole_and_shown_in_part() -> None:
    """Beyond the limit rows are for the analysis, and the description says so."""
    rows = "".join(f"{n},{n * n}\n" for n in range(ROWS_AS_TEXT + 50))
    reading = csv.read(f"n,square\n{rows}".encode(), "a.csv")
    assert f"numbers from 0 to {ROWS_AS_TEXT + 49}" in texts(reading)[0]
    assert f"Only the first {ROWS_AS_TEXT:,} rows are given as text" in texts(reading)[0]
    assert reading.parts[-1][0].cells == f"A{ROWS_AS_TEXT - 18}:B{ROWS_AS_TEXT + 1}"


def test_each_sheet_of_a_workbook_is_a_table() -> None:
    """Cells name their sheet; a title above the header describes the table; dates are ISO 8601."""
    book = xlsx_of(
        {
            "Prices": [("Prices in euros",), ("day", "price"), (date(2022, 3, 1), 1.1), (date(2022, 3, 2), None)],
            "Empty": [],
            "Names": [("id", "name"), (1, "A")],
        }
    )
    reading = xlsx.read(book, "book.xlsx")
    assert [locator.cells for locator, _ in reading.parts] == [
        "Prices!A1:B4",
        "Prices!A3:B4",
        "Names!A1:B2",
        "Names!A2:B2",
    ]
    assert "Prices in euros" in texts(reading)[0]
    assert "Column price: numbers from 1.1 to 1.1, 1 empty" in texts(reading)[0]
    assert texts(reading)[1] == "day: 2022-03-01; price: 1.1\nday: 2022-03-02"
