"""JSON, notebooks, books and mail: what they say, and where it stands."""

import json as stdlib_json
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import EncryptedSource, SourceError
from tests.tools.office_files import docx_of, eml_of, epub_of, notebook_of, parquet_of, zip_of
from tools.documents import eml, epub, json, notebook, parquet
from tools.documents.extracted import Reading, squeeze


def texts(reading: Reading) -> list[str]:
    """The passages' texts."""
    return [part for _, part in reading.parts]


def at_their_offsets(reading: Reading) -> None:
    """Asserts that each passage is the extracted text between its offsets, white space aside."""
    for locator, part in reading.parts:
        assert locator.chars is not None
        assert squeeze(reading.text[slice(*locator.chars)]) == squeeze(part)


def dumped(value: object) -> bytes:
    return stdlib_json.dumps(value).encode()


# --- JSON


def test_values_stand_with_their_paths() -> None:
    """Each line says where its value stands; the passage's path is what they share; numbers stay as written."""
    source = b'{"title": "Lakes", "survey": {"year": 2019, "depth": 31.50, "by": ["Ann", "Bo"], "draft": false}}'
    reading = json.read(source, "a.json")
    assert reading.title == "Lakes"
    assert texts(reading) == [
        "title: Lakes\nsurvey.year: 2019\nsurvey.depth: 31.50\nsurvey.by[0]: Ann\nsurvey.by[1]: Bo\nsurvey.draft: false"
    ]
    inner = json.read(b'{"a b": {"c": [{"d": 1}, {"e": 2}]}}', "a.json")
    assert inner.parts[0][0].path == "$['a b'].c"
    assert inner.parts[0][0].label() == "at $['a b'].c"


def test_an_array_of_records_is_a_table() -> None:
    """Its rows name their columns; the path says where it stands, the cells which rows; an analysis can load it."""
    records = [{"year": 2000 + n, "level": 30 + n, "tags": ["a", "b"]} for n in range(25)]
    reading = json.read(dumped({"about": "levels", "data": {"rows": records}}), "a.json")
    first, described, rows, rest = reading.parts
    assert first[1] == "about: levels"
    assert (described[0].path, described[0].cells) == ("$.data.rows", "$.data.rows!A1:C26")
    assert "Column level: numbers from 30 to 54" in described[1]
    assert rows[1].splitlines()[0] == "year: 2000; level: 30; tags: a, b"
    assert rest[0].cells == "$.data.rows!A22:C26"
    assert list(reading.tables) == ["$.data.rows"]


def test_arrays_of_other_things_are_no_tables() -> None:
    """Records within records, or with nothing in common, are walked into."""
    assert not json.read(dumped([{"a": {"b": 1}}] * 4), "a.json").tables
    assert not json.read(dumped([{f"k{n}": 1} for n in range(4)]), "a.json").tables


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines_are_an_array(name: str) -> None:
    """One document a line, whatever the file is called; a line that is broken is named."""
    reading = json.read(b'{"a": 1, "b": 2}\n\n{"a": 3, "b": 4}\n{"a": 5}\n', name)
    assert texts(reading)[1] == "a: 1; b: 2\na: 3; b: 4\na: 5"
    with pytest.raises(SourceError, match=r"not JSON: .* in line 2"):
        json.read(b'{"a": 1}\n{"a": \n', "a.jsonl")


def test_a_long_value_is_cut_into_passages() -> None:
    """No passage is too long, and each knows its path."""
    reading = json.read(dumped({"text": "The lake is deep here. " * 100}), "a.json")
    assert len(reading.parts) == 3
    assert {locator.path for locator, _ in reading.parts} == {"$.text"}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abcdé", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(_values)
def test_every_word_of_a_json_document_is_in_a_passage(value: object) -> None:
    """Whatever the shape, no string is lost."""
    read = squeeze(" ".join(texts(json.read(dumped(value), "a.json"))))
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, str):
            assert found in read
        elif isinstance(found, dict | list):
            stack += found.values() if isinstance(found, dict) else found


# --- notebooks


def test_a_notebook_is_read_cell_by_cell() -> None:
    """Headings go on from cell to cell; code keeps its lines; what it printed follows; pictures are left out."""
    reading = notebook.read(
        notebook_of(
            {"cell_type": "markdown", "source": ["# Lakes\n", "\n", "About *levels*."]},
            {
                "cell_type": "code",
                "source": "x = 1\nprint(x)",
                "outputs": [
                    {"output_type": "stream", "text": ["31\n", "32\n"]},
                    {"output_type": "execute_result", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                    {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["\x1b[0;31m"]},
                ],
            },
            {"cell_type": "raw", "source": "Raw."},
        ),
        "a.ipynb",
    )
    at_their_offsets(reading)
    assert reading.title == "Lakes"
    assert [(locator.notebook_cell, locator.heading, locator.lines) for locator, _ in reading.parts] == [
        (1, ("Lakes",), None),
        (2, ("Lakes",), None),
        (3, ("Lakes",), None),
    ]
    assert texts(reading) == ["About levels.", "x = 1\nprint(x)\n31\n32\n<Figure>\nKeyError: 'x'", "Raw."]
    assert reading.parts[1][0].label() == "notebook cell 2, Lakes"


def test_a_notebook_of_an_old_version_is_read() -> None:
    """Its cells stand in worksheets, and its code is called input."""
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["y = 2"], "outputs": [{"text": ["2"]}]}]}]}
    assert texts(notebook.read(dumped(old), "a.ipynb")) == ["y = 2\n2"]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a": 1}'])
def test_what_is_no_notebook_is_refused(data: bytes) -> None:
    """JSON alone does not make one."""
    with pytest.raises(SourceError, match="notebook"):
        notebook.read(data, "a.ipynb")


# --- books


def test_a_book_is_read_in_its_order() -> None:
    """Chapters come as the spine names them; title and date are the book's; offsets go on from one to the next."""
    reading = epub.read(
        epub_of(
            {"z.xhtml": "<html><h1>One</h1><p>First.</p></html>", "a.xhtml": "<html><h2>Two</h2><p>Last.</p></html>"}
        ),
        "a.epub",
    )
    at_their_offsets(reading)
    assert (reading.title, reading.date) == ("A Book", "2019-05-04")
    assert [(locator.heading, part) for locator, part in reading.parts] == [(("One",), "First."), (("Two",), "Last.")]


def test_a_locked_book_is_told_from_a_broken_one() -> None:
    """A seller's lock on the chapters is encryption; an archive without a list of contents is no book."""
    with pytest.raises(EncryptedSource, match="locked"):
        epub.read(epub_of({"a.xhtml": "<p>x</p>"}, locked=True), "a.epub")
    with pytest.raises(SourceError, match="no list of contents"):
        epub.read(zip_of({"a.xhtml": b"<p>x</p>"}), "a.epub")


# --- mail


def test_a_message_is_read_once_with_its_headers() -> None:
    """Of two forms of the same text one is read; the date is the message's."""
    reading = eml.read(
        eml_of(
            "The lake is deep.",
            page="<p>The lake is deep.</p>",
            To="bo@example.org",
            Date="Fri, 3 May 2019 10:00 +0200",
        ),
        "a.eml",
    )
    at_their_offsets(reading)
    assert (reading.title, reading.date) == ("A lake", "2019-05-03")
    assert texts(reading) == [
        "From: Ann <ann@example.org>\nTo: bo@example.org\nDate: Fri, 03 May 2019 10:00:00 +0200\nSubject: A lake",
        "The lake is deep.",
    ]


def test_a_message_in_html_is_read_as_a_page() -> None:
    """Where there is no plain text the page's content is read, without markup."""
    data = b"From: a@example.org\nContent-Type: text/html; charset=cp1252\n\n<p>Gr\xf6\xdfe: <b>3</b> m</p>"
    assert texts(eml.read(data, "a.eml"))[1] == "Größe: 3 m"


def test_attachments_are_listed_and_read() -> None:
    """What is attached in a known format stands under its name; what is not, or is broken, is named with the reason."""
    rows = b"year,level\n2000,1\n2001,2\n2002,3\n"
    inner = eml_of("Inner text.", attached={"more.txt": b"Deepest."})
    report = docx_of((1, "Lakes"), "Deep.")
    attached = {"a.docx": report, "t.csv": rows, "x.zip": b"PK", "b.docx": b"PK", "in.eml": inner}
    reading = eml.read(eml_of("See these.", attached=attached), "a.eml")
    assert texts(reading)[0].splitlines()[2:] == [
        "Attached: a.docx",
        "Attached: t.csv",
        "Attached: x.zip, not read: of type application/octet-stream",
        "Attached: b.docx, not read: the file is broken, or not docx",
        "Attached: in.eml",
    ]
    found = {locator.heading: part for locator, part in reading.parts}
    assert found["a.docx", "Lakes"] == "Deep."
    assert found["in.eml", "more.txt"] == "Deepest."
    assert reading.tables == {"t.csv": [["year", "level"], ["2000", "1"], ["2001", "2"], ["2002", "3"]]}


def test_messages_within_messages_end() -> None:
    """Mail attached to mail is read to a depth of three."""
    data = b"From: a@example.org\n\nThe innermost."
    for _ in range(6):
        data = eml_of("Around it.", attached={"in.eml": data})
    assert not any("innermost" in part for part in texts(eml.read(data, "a.eml")))


def test_text_that_is_no_message_is_refused() -> None:
    """A message has at least one of the headers that all have."""
    with pytest.raises(SourceError, match="no header"):
        eml.read(b"Only words, and no header.\n", "a.eml")


@pytest.mark.slow
def test_a_parquet_file_is_a_table_with_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are passages, with its cells; lists are text; without its package the reason says what to install."""
    data = parquet_of({"n": [1, None], "price": [Decimal("0.10"), Decimal("2.00")], "tags": [["a"], []]})
    reading = parquet.read(data, "in/prices.parquet")
    assert texts(reading)[0].startswith("Table prices.parquet, sheet prices: 2 rows, 3 columns.")
    assert "price: 0.10" in texts(reading)[1]
    assert list(parquet.rows_of(data))[1:] == [(1, Decimal("0.10"), "['a']"), (None, Decimal("2.00"), "[]")]
    with pytest.raises(SourceError, match="broken"):
        list(parquet.rows_of(data[:-9]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SourceError, match="not installed") as raised:
        list(parquet.rows_of(data))
    assert "'.[parquet]'" in str(raised.value)
