"""Word documents, presentations and old workbooks: what they say, where it stands, and what is refused."""

from collections.abc import Sequence

import pytest

from state.errors import EncryptedSource, NoText, SourceError
from state.evidence import Locator
from tests.tools.document_files import pdf_of, xlsx_of
from tests.tools.office_files import docx_of, pptx_of, unzipped, xls_of, zip_of
from tools.documents import docx, pptx, xls
from tools.documents.extracted import Reading, squeeze
from tools.documents.formats import format_of
from tools.documents.packages import OLE
from tools.documents.reading import read_document

LEVELS = [["year", "level (m)"], *([str(2000 + n), f"{30 + n / 10:g}"] for n in range(5))]


def texts(reading: Reading) -> list[str]:
    """The passages' texts."""
    return [part for _, part in reading.parts]


def places(reading: Reading) -> Sequence[tuple[Locator, str]]:
    """The passages, once it is sure that their offsets give their texts."""
    for locator, part in reading.parts:
        assert locator.chars is not None
        assert squeeze(reading.text[slice(*locator.chars)]) == squeeze(part)
    return reading.parts


def test_a_word_document_keeps_its_headings_lists_and_tables() -> None:
    """Passages know the headings above them; a table's rows name its columns, and its cells are counted."""
    reading = docx.read(
        docx_of(
            (1, "Lakes"), "The lake is deep.", "* One", "* Two", (2, "Levels"), LEVELS, "After it.", title="Report"
        ),
        "a.docx",
    )
    assert reading.title == "Report"
    parts = places(reading)
    assert [(locator.heading, locator.cells) for locator, _ in parts] == [
        (("Lakes",), None),
        (("Lakes", "Levels"), "Table 1!A2:B6"),
        (("Lakes", "Levels"), None),
    ]
    assert parts[0][1] == "The lake is deep.\n- One\n- Two"
    assert parts[1][1].splitlines()[0] == "year: 2000; level (m): 30"
    assert parts[2][1] == "After it."
    assert reading.tables == {"Table 1": LEVELS}


def test_word_keeps_more_than_plain_paragraphs() -> None:
    """Insertions, content controls, links, formulas, text boxes and footnotes are read; deletions are not."""
    run = "<w:r><w:t>{}</w:t></w:r>"
    raw = (
        f"<w:sdt><w:sdtContent><w:p>{run.format('In a control.')}</w:p></w:sdtContent></w:sdt>"
        f"<w:p><w:ins>{run.format('Put in')}</w:ins><w:del><w:r><w:delText>taken out</w:delText></w:r></w:del>"
        f"<w:hyperlink>{run.format(' and linked')}</w:hyperlink><w:r><w:footnoteReference w:id='1'/></w:r></w:p>"
        f"<w:p>{run.format('Beside')}<w:r><w:pict><w:txbxContent><w:p>{run.format('a box.')}</w:p></w:txbxContent>"
        "</w:pict></w:r></w:p>"
    )
    reading = docx.read(docx_of(raw=raw, notes=["See the survey."]), "a.docx")
    assert "\n".join(texts(reading)).splitlines() == [
        "In a control.",
        "Put in and linked",
        "Note: See the survey.",
        "Beside",
        "a box.",
    ]


def test_merged_cells_stand_in_each_row_and_column() -> None:
    """A row says all that holds for it."""
    cell = "<w:tc><w:tcPr>{}</w:tcPr><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    rows = [
        cell.format("", "lake") + cell.format('<w:gridSpan w:val="2"/>', "depth"),
        cell.format('<w:vMerge w:val="restart"/>', "Erie") + cell.format("", "19") + cell.format("", "64"),
        cell.format("<w:vMerge/>", "") + cell.format("", "20") + cell.format("", "65"),
    ]
    raw = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert texts(docx.read(docx_of(raw=raw), "a.docx"))[0].splitlines()[-1] == "Erie; 20; 65"


def test_a_form_is_read_as_pairs_and_a_frame_as_text() -> None:
    """A table of two columns without figures has no header; one with a single column is only layout. The first can be
    loaded, but is no reason for an analysis.
    """
    reading = docx.read(docx_of([["Name", "Ann"], ["Town", "Riva"]], [["Framed."], ["Twice."]]), "a.docx")
    assert texts(reading) == ["Name: Ann\nTown: Riva", "Framed.\nTwice."]
    assert list(reading.tables) == ["Table 1"] == list(reading.texts)


def test_a_long_table_is_described_before_its_rows() -> None:
    """Of more rows than are seen at once the ranges of the columns are told."""
    rows = [["year", "2019"], *([f"r{n}", str(n)] for n in range(40))]
    reading = docx.read(docx_of(rows), "a.docx")
    assert "Column 2019: numbers from 0 to 39" in texts(reading)[0]
    assert reading.parts[0][0].cells == "Table 1!A1:B41"


def test_a_presentation_is_read_slide_by_slide() -> None:
    """Title, text, table, the figures behind a chart and notes, each with the number of the slide."""
    data = pptx_of(
        [
            {"title": "Lakes", "text": "Three are deep.", "notes": "Say which."},
            {"title": "Levels", "table": LEVELS},
            {"text": "Untitled.", "chart": (["2020", "2021", "2022"], {"rain": (1.5, 2, None), "snow": (3, 4, 5)})},
        ]
    )
    reading = pptx.read(data, "a.pptx")
    parts = places(reading)
    assert [(locator.slide, locator.heading, locator.cells) for locator, _ in parts] == [
        (1, ("Lakes",), None),
        (2, ("Levels",), "Slide 2 table 1!A2:B6"),
        (3, (), None),
        (3, (), "Slide 3 table 1!A2:C4"),
    ]
    assert parts[0][1] == "Three are deep.\nNotes: Say which."
    assert parts[3][1].splitlines()[1:] == ["2021; rain: 2; snow: 4", "2022; snow: 5"]
    assert list(reading.tables) == ["Slide 2 table 1", "Slide 3 table 1"]
    assert parts[1][0].label() == "slide 2, Levels, cells Slide 2 table 1!A2:B6"


def test_an_old_workbook_is_a_table() -> None:
    """The binary format of before 2007 gives rows as the newer one does."""
    reading = xls.read(xls_of([["year", "level"], [2001.0, 30.5], [2002.0, 31.0]]), "a.xls")
    assert texts(reading)[1] == "year: 2001; level: 30.5\nyear: 2002; level: 31"
    assert reading.parts[1][0].cells == "Sheet 1!A2:B3"
    assert list(reading.tables) == ["Sheet 1"]


def test_what_is_only_called_xls_is_read_as_what_it_is() -> None:
    """Programs write newer workbooks and pages of HTML under that name."""
    assert "a: 1" in texts(xls.read(xlsx_of({"S": [("a", "b"), (1, 2)]}), "a.xls"))[1]
    page = b"<html><table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert texts(xls.read(page, "a.xls")) == ["x: 1; y: 2"]


ENCRYPTED = OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 100


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.xls", "a.docm"])
def test_a_document_behind_a_password_is_told_from_a_broken_one(name: str) -> None:
    """All office formats are encrypted the same way; what is cut off is broken."""
    with pytest.raises(EncryptedSource, match="encrypted with a password"):
        read_document(ENCRYPTED, name, format_of(name))
    with pytest.raises(SourceError) as error:
        read_document(ENCRYPTED[:300], name, format_of(name))
    assert not isinstance(error.value, EncryptedSource | NoText)


def test_other_ways_to_lock_a_document_are_known_too() -> None:
    """An old workbook with a password, an archive whose parts are locked, a PDF with the strongest key."""
    locked = bytearray(zip_of({"word/document.xml": b"<x/>"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(mark) + place] |= 1
    files = {
        "a.xls": xls_of([["a"]], locked=True),
        "a.docx": bytes(locked),
        "a.pdf": pdf_of(["Some words on a page."], password="secret", algorithm="AES-256"),
    }
    for name, data in files.items():
        with pytest.raises(EncryptedSource, match="encrypted"):
            read_document(data, name, format_of(name))


def test_a_pdf_encrypted_without_a_password_is_read() -> None:
    """What every reader opens is opened, with whichever key."""
    data = pdf_of(["The lake is 31 m deep here."], owner="owner", algorithm="AES-256")
    assert read_document(data, "a.pdf", format_of("a.pdf")).passages[0].text == "The lake is 31 m deep here."


@pytest.mark.parametrize(
    ("name", "data"), [("a.docx", docx_of()), ("a.pptx", pptx_of([{}])), ("a.xlsx", xlsx_of({"S": []}))]
)
def test_a_document_without_words_is_told_from_a_broken_one(name: str, data: bytes) -> None:
    """A deck of pictures is whole, and holds no text."""
    with pytest.raises(NoText):
        read_document(data, name, format_of(name))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "data"), [("a.docx", docx_of("x")), ("a.pptx", pptx_of([{"text": "x"}]))])
def test_an_archive_that_is_no_document_is_refused(name: str, data: bytes) -> None:
    """Each part that a format needs may be missing."""
    parts = unzipped(data)
    for missing in parts:
        rest = {part: content for part, content in parts.items() if part != missing}
        try:
            read_document(zip_of(rest), name, format_of(name))
        except SourceError as error:
            assert "broken" in error.message or "no text" in error.message  # noqa: PT017 # most parts are not needed
