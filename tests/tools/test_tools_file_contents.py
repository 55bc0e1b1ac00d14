"""Tools that say what a file is: facts, tables, pages, and the text in pictures by an engine that may be missing."""

import hashlib
from pathlib import Path

import pytest

from state.errors import ToolFailed
from tests.tools.document_files import pdf_of
from tests.tools.ocr_engine import fax_with, picture_of, stand_in, words_seen
from tools.file_contents import FileContents
from tools.run_files import RunFiles


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    """The files of a run that may read in its folder."""
    return RunFiles(tmp_path / "own", (tmp_path,))


@pytest.fixture
def contents(tmp_path: Path) -> FileContents:
    """The tools over plain files of the folder."""
    return FileContents(lambda path, most: (tmp_path / path).read_bytes()[:most])


async def test_facts_of_a_file(contents: FileContents, tmp_path: Path) -> None:
    """Type, size and hash; of other files the type alone."""
    (tmp_path / "a.csv").write_bytes(b"x,y\n1,2\n")
    known = await contents.file_info("a.csv")
    assert known == {
        "name": "a.csv",
        "media_type": "text/csv",
        "kind": "csv",
        "size": 8,
        "sha256": hashlib.sha256(b"x,y\n1,2\n").hexdigest(),
    }
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    sound = await contents.file_info("a.mp3")
    assert (sound["media_type"], sound["kind"]) == ("audio/mpeg", "")


async def test_a_table_as_columns(contents: FileContents, tmp_path: Path) -> None:
    """Numbers are numbers, empty cells are null, dates are texts, and what was cleaned is told."""
    (tmp_path / "a.csv").write_text("month,revenue\n2025-01-31,10.5\n2025-02-28,\n2025-03-31,12\n")
    table = await contents.read_table("a.csv")
    assert table["rows"] == 3
    assert table["columns"]["revenue"] == [10.5, None, 12]
    assert table["columns"]["month"][0].startswith("2025-01-31")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ToolFailed) as raised:
        await contents.read_table("empty.csv")
    assert raised.value.error == "bad_input"


@pytest.mark.slow
async def test_the_pages_of_a_document(files: RunFiles, tmp_path: Path) -> None:
    """A PDF has its pages in order; a document without pages has one."""
    (tmp_path / "a.pdf").write_bytes(pdf_of(["The first page is here."], ["The second page is here."]))
    (tmp_path / "a.txt").write_text("One.\n\nTwo.\n")
    pages = (await files.read_document("a.pdf"))["pages"]
    assert [(page["number"], "second" in page["text"]) for page in pages] == [(1, False), (2, True)]
    assert [page["number"] for page in (await files.read_document("a.txt"))["pages"]] == [1]


@pytest.mark.slow
async def test_the_text_in_a_picture(contents: FileContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how sure the engine is, and a warning where it is not or a page was not read; it is given the language, and
    its errors are told.
    """
    packed_as_nobody_knows = {2: (259, 999)}
    (tmp_path / "a.tif").write_bytes(fax_with(picture_of("One.", "Two.", form="TIFF"), packed_as_nobody_knows))
    refusing = '[ "$4" = xyz ] && { echo "no language" >&2; exit 1; }'
    stand_in(tmp_path, monkeypatch, f"{refusing}; {words_seen('The lake froze.', sure=50)}")
    seen = await contents.read_picture("a.tif", "eng")
    warning = (
        "The engine is not sure: compare the text with the picture. Not read: page 2: a picture that cannot be read."
    )
    assert seen == {"text": "The lake froze.", "engine": "tesseract", "confidence": 50, "warning": warning}
    with pytest.raises(ToolFailed, match="no language") as raised:
        await contents.read_picture("a.tif", "xyz")
    assert raised.value.error == "bad_input"


async def test_without_an_engine_it_says_so(
    contents: FileContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing engine is an error that is not tried again and names what to install."""
    (tmp_path / "a.png").write_bytes(b"picture")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolFailed, match="No engine") as raised:
        await contents.read_picture("a.png")
    assert raised.value.error == "refused"
    assert "tesseract" in str(raised.value.remedy)
