"""What is read again and what is not, what is stored when, and what is told on the way."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from state.evidence import Passage, Source
from tests.tools.document_files import folder_of, xlsx_of
from tests.tools.office_files import docx_of
from tools.data import read_table, sheet_names
from tools.documents import reading
from tools.documents.formats import Format
from tools.documents.isolation import Outcome, Readers
from tools.documents.reading import READING, read_sources
from tools.memory import MemoryArtifacts, MemoryPassages

LEVELS = [["year", "level"], *([str(2000 + n), str(30 + n)] for n in range(5))]


@pytest.fixture
def read_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The uris of the documents that a reader was given."""
    seen: list[str] = []
    plain = Readers.read

    async def noted(self: Readers, data: bytes, uri: str, format_: Format) -> Outcome:
        seen.append(uri)
        return await plain(self, data, uri, format_)

    monkeypatch.setattr(Readers, "read", noted)
    return seen


@pytest.mark.slow
async def test_what_did_not_change_is_not_read_again(tmp_path: Path, read_names: list[str]) -> None:
    """The second reading gives the same collection, tables and all, and reads only what is new or changed."""
    folder_of(tmp_path, {"a.txt": "One.", "b.md": "Two.", "t.csv": "a,b\n1,2\n", "bad.pdf": b"no pdf"})
    passages, artifacts = MemoryPassages(), MemoryArtifacts()
    first = await read_sources([str(tmp_path)], passages, artifacts)
    assert sorted(read_names) == ["a.txt", "b.md", "bad.pdf", "t.csv"]
    read_names.clear()
    assert await read_sources([str(tmp_path)], passages, artifacts) == first
    assert read_names == ["bad.pdf"]  # nothing is stored of what cannot be read
    folder_of(tmp_path, {"b.md": "Two, changed."})
    read_names.clear()
    second = await read_sources([str(tmp_path)], passages, artifacts)
    assert sorted(read_names) == ["b.md", "bad.pdf"]
    assert second.tables == first.tables == ("t.csv",)
    assert {passage.text for passage in await passages.passages(second.id)} >= {"One.", "Two, changed."}


async def test_a_new_version_of_the_readers_reads_all_again(
    tmp_path: Path, read_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passages of old and new readers never mix: the version is part of what is looked for."""
    folder_of(tmp_path, {"a.txt": "One."})
    passages = MemoryPassages()
    await read_sources([str(tmp_path)], passages, MemoryArtifacts())
    monkeypatch.setattr(reading, "READING", READING + "x")
    await read_sources([str(tmp_path)], passages, MemoryArtifacts())
    assert read_names == ["a.txt", "a.txt"]


class Failing(MemoryPassages):
    """A store that gives up after some documents."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    async def add_all(self, documents: Sequence[tuple[Source, Sequence[Passage]]]) -> None:
        self.left -= len(documents)
        if self.left < 0:
            raise ConnectionError("the database went away")
        await super().add_all(documents)


async def test_a_reading_that_is_broken_off_goes_on_where_it_was(tmp_path: Path, read_names: list[str]) -> None:
    """What was stored before the failure is not read again; the failure comes out as it was raised."""
    folder_of(tmp_path, {f"{n}.txt": f"Note {n}." for n in range(12)})
    passages = Failing(after=6)
    with pytest.raises(ConnectionError):
        await read_sources([str(tmp_path)], passages, MemoryArtifacts())
    passages.left = 100
    read_names.clear()
    collection = await read_sources([str(tmp_path)], passages, MemoryArtifacts())
    assert 1 <= len(read_names) < 12
    assert (collection.sources, collection.passages) == (12, 12)


@pytest.mark.slow
async def test_a_reading_that_is_cancelled_leaves_nothing_running(tmp_path: Path) -> None:
    """Its tasks end with it, and what they had stored stays."""
    folder_of(tmp_path, {f"{n}.txt": f"Note {n}." for n in range(40)})
    passages = MemoryPassages()
    started = asyncio.Event()
    reading_ = asyncio.create_task(
        read_sources([str(tmp_path)], passages, MemoryArtifacts(), on_file=lambda *_: started.set())
    )
    await started.wait()
    reading_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading_
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.slow
async def test_each_file_is_told_once(tmp_path: Path) -> None:
    """How many are done of how many, with the name, also of what was stored before, is a copy or is broken."""
    folder_of(tmp_path, {"a.txt": "One.", "b.txt": "Two.", "copy.txt": "One.", "bad.pdf": b"no pdf", "x.bin": b"\0"})
    passages = MemoryPassages()
    told: list[tuple[int, int, str]] = []

    def note(done: int, total: int, name: str) -> None:
        told.append((done, total, name))

    for _ in range(2):
        told.clear()
        await read_sources([str(tmp_path)], passages, MemoryArtifacts(), on_file=note)
        assert [(done, total) for done, total, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
        assert sorted(name for *_, name in told) == ["a.txt", "b.txt", "bad.pdf", "copy.txt"]


@pytest.mark.slow
async def test_why_a_file_is_left_out_is_told_in_one_word(tmp_path: Path) -> None:
    """A scan, a copy and a broken file are told apart by more than their reasons."""
    folder_of(tmp_path, {"a.txt": "One.", "b.txt": "One.", "blank.docx": docx_of(), "bad.docx": b"PK"})
    collection = await read_sources([str(tmp_path)], MemoryPassages(), MemoryArtifacts())
    assert {skip.uri: skip.status for skip in collection.skipped} == {
        "b.txt": "copy",
        "bad.docx": "error",
        "blank.docx": "no_text",
    }


@pytest.mark.slow
async def test_a_copy_that_cannot_be_read_under_its_name_does_not_hide_the_other(tmp_path: Path) -> None:
    """The first of equal files that is read counts, whatever became of those before it."""
    folder_of(tmp_path, {"a.pdf": "One fact.", "b.txt": "One fact.", "c.txt": "One fact."})
    collection = await read_sources([str(tmp_path)], MemoryPassages(), MemoryArtifacts())
    assert [(skip.uri, skip.status) for skip in collection.skipped] == [("a.pdf", "error"), ("c.txt", "copy")]


@pytest.mark.slow
async def test_many_files_are_read_in_processes(tmp_path: Path) -> None:
    """A folder of many small pages gives what it gives file by file."""
    folder_of(tmp_path, {f"{n:02}.html": f"<html><h1>Page {n}</h1><p>Text {n}.</p></html>" for n in range(35)})
    passages = MemoryPassages()
    collection = await read_sources([str(tmp_path)], passages, MemoryArtifacts())
    assert (collection.sources, collection.skipped) == (35, ())
    assert [passage.text for passage in await passages.passages(collection.id)] == [f"Text {n}." for n in range(35)]


@pytest.mark.slow
async def test_tables_of_documents_are_for_the_analysis(tmp_path: Path) -> None:
    """A document with figures in a table is among the tables; its rows count as its passages' cells do. A table that
    holds only texts can be loaded, too, and is not counted.
    """
    report = docx_of("Levels of the lake.", LEVELS, [["Name", "Ann"], ["Town", "Riva"]])
    folder_of(tmp_path, {"report.docx": report, "plain.docx": docx_of("No table."), "b.xlsx": xlsx_of({"S": LEVELS})})
    passages, artifacts = MemoryPassages(), MemoryArtifacts()
    collection = await read_sources([str(tmp_path)], passages, artifacts)
    assert collection.tables == ("b.xlsx", "report.docx")
    (source,) = [each for each in await passages.sources(collection.id) if each.uri == "report.docx"]
    assert (source.kind, source.tables) == ("docx", 1)
    data = await artifacts.get(source.sha256)
    async with Readers() as readers:
        assert await sheet_names(readers, data, source.uri, source.kind) == ("Table 1", "Table 2")
        table = await read_table(readers, data, source.uri, None, source.kind)
    assert table.frame["level"].tolist() == [30, 31, 32, 33, 34]
    assert table.cells(["level"]) == "Table 1!B2:B6"
    cells = [passage.locator.cells for passage in await passages.passages(collection.id) if passage.locator.cells]
    assert "Table 1!A2:B6" in cells
