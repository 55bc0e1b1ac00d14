"""Tools that say what a file is: facts, tables, pages, and the text in pictures by an engine that may be missing."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from state.errors import ToolFailed
from tests.tools.document_files import pdf_of
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


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program in the engine's place."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")


async def test_facts_of_a_file(contents: FileContents, tmp_path: Path) -> None:
    """Type, size and hash; a picture has a type although no reader of documents reads it."""
    (tmp_path / "a.csv").write_bytes(b"x,y\n1,2\n")
    known = await contents.file_info("a.csv")
    assert known == {
        "name": "a.csv",
        "media_type": "text/csv",
        "kind": "csv",
        "size": 8,
        "sha256": hashlib.sha256(b"x,y\n1,2\n").hexdigest(),
    }
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    picture = await contents.file_info("a.png")
    assert (picture["media_type"], picture["kind"]) == ("image/png", "")


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


async def test_the_text_in_a_picture(contents: FileContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is given the bytes and the language; what it cannot read is told in its words."""
    (tmp_path / "a.png").write_bytes(b"picture")
    engine(tmp_path, monkeypatch, '[ "$4" = xyz ] && { echo "no language" >&2; exit 1; }; echo "$1 $2 $4"; cat')
    assert await contents.read_picture("a.png") == {"text": "stdin stdout eng\npicture", "engine": "tesseract"}
    with pytest.raises(ToolFailed, match="no language") as raised:
        await contents.read_picture("a.png", "xyz")
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
async def test_the_real_engine_reads_a_picture(contents: FileContents, tmp_path: Path) -> None:
    """Words drawn into a picture come back."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2), dpi=200)
    figure.text(0.1, 0.4, "Harbour School", fontsize=40)
    figure.savefig(tmp_path / "a.png")
    assert "Harbour School" in (await contents.read_picture("a.png"))["text"]
