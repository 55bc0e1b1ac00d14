"""Files and folders into collections: what is read, under which name, and what is refused for which reason."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from state.errors import SourceError
from state.evidence import Collection, Passage
from tests.tools.document_files import folder_of, pdf_of, xlsx_of
from tools.documents import reading
from tools.documents.formats import FORMATS, format_of
from tools.documents.reading import read_document, read_sources
from tools.memory import MemoryArtifacts, MemoryPassages

DATA = Path(__file__).parents[3] / "shared" / "data" / "documents"
TABLE = "year,mean\n2021,416.41\n2022,418.53\n"
ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 100


UNREADABLE = [
    ("a.docx", b"PK", "the file is broken, or not docx"),
    ("a.doc", b"x", "files of type .doc are not read"),
    ("README", b"text", "files without a suffix are not read"),
    ("empty.pdf", b"", "the file is empty"),
    ("blank.txt", b" \n \n", "holds no text"),
    ("noise.txt", bytes(range(256)) * 8, "binary data"),
    ("fake.pdf", b"no pdf at all", "not a PDF"),
    ("cut.pdf", pdf_of(["Some words on a page."])[:150], "the PDF is broken"),
    ("secret.pdf", pdf_of(["Some words on a page."], password="secret"), "encrypted"),
    ("scan.pdf", pdf_of([]), "no text layer"),
    ("fake.xlsx", b"a,b\n1,2\n", "broken, or not xlsx"),
    ("cut.xlsx", xlsx_of({"S": [(1, 2)]})[:-40], "broken, or not xlsx"),
    ("secret.xlsx", ENCRYPTED, "encrypted"),
    ("old.xlsx", ENCRYPTED[:500], "binary format before 2007"),
    ("empty.xlsx", xlsx_of({"S": []}), "no sheet of the workbook holds anything"),
    ("plain.html", b"only words", "no HTML"),
    ("script.html", b"<script>alert(1)</script>", "holds no text"),
    ("empty.csv", b"\n\n,,\n", "table is empty"),
]
"""Name, content, and what is said of it."""


async def collected(*paths: Path) -> tuple[Collection, MemoryPassages, MemoryArtifacts]:
    """The collection of these paths, and the stores that it went into."""
    passages, artifacts = MemoryPassages(), MemoryArtifacts()
    return await read_sources([str(path) for path in paths], passages, artifacts), passages, artifacts


def read(uri: str, data: bytes | str) -> list[Passage]:
    """The passages of one file."""
    return list(read_document(data.encode() if isinstance(data, str) else data, uri, format_of(uri)).passages)


@pytest.mark.slow
async def test_a_folder_is_read_with_all_its_formats(tmp_path: Path) -> None:
    """Every format of the table is read; the uri is the path below the folder that was named."""
    folder_of(
        tmp_path,
        {
            "a.txt": "A note on levels.",
            "deep/er/b.md": "# Title\n\nSome text.",
            "c.html": "<p>Some page.</p>",
            "d.pdf": pdf_of(["A page of a document with words."]),
            "e.csv": TABLE,
            "f.xlsx": xlsx_of({"Sheet": [("year", "mean"), (2022, 418.53)]}),
        },
    )
    collection, passages, _ = await collected(tmp_path)
    sources = await passages.sources(collection.id)
    assert {source.uri: source.kind for source in sources} == {
        "a.txt": "text",
        "c.html": "html",
        "d.pdf": "pdf",
        "deep/er/b.md": "markdown",
        "e.csv": "csv",
        "f.xlsx": "xlsx",
    }
    assert collection.sources == 6
    assert collection.passages == len(await passages.passages(collection.id)) >= 6
    assert collection.skipped == ()


@pytest.mark.slow
async def test_tables_are_kept_for_the_analysis(tmp_path: Path) -> None:
    """The bytes of CSV and XLSX files can be had under the source's hash; other files' cannot."""
    workbook = xlsx_of({"One": [("a", "b"), (1, 2)]})
    folder_of(tmp_path, {"t/e.csv": TABLE, "f.xlsx": workbook, "a.txt": "A note."})
    collection, passages, artifacts = await collected(tmp_path)
    assert collection.tables == ("f.xlsx", "t/e.csv")
    by_uri = {source.uri: source for source in await passages.sources(collection.id)}
    assert await artifacts.get(by_uri["t/e.csv"].sha256) == TABLE.encode()
    assert await artifacts.get(by_uri["f.xlsx"].sha256) == workbook
    with pytest.raises(KeyError):
        await artifacts.get(by_uri["a.txt"].sha256)


@pytest.mark.slow
async def test_what_cannot_be_read_is_listed_with_its_reason(tmp_path: Path) -> None:
    """A bad file costs one line in the report, not the run."""
    folder_of(tmp_path, {"good.txt": "A good note.", **{name: data for name, data, _ in UNREADABLE}})
    collection, _, _ = await collected(tmp_path)
    assert collection.sources == 1
    found = {skip.uri: skip.reason for skip in collection.skipped}
    assert set(found) == {name for name, _, _ in UNREADABLE}
    for name, _, reason in UNREADABLE:
        assert reason in found[name], name


@pytest.mark.slow
async def test_a_broken_workbook_is_refused_whatever_its_parser_raises(tmp_path: Path) -> None:
    """A zip archive that is no workbook makes the parser fail in its own way; the file is listed as broken."""
    archive = xlsx_of({"S": [("a", "b"), (1, 2)]}).replace(b"xl/workbook.xml", b"xl/werkbuch.xml")
    collection, _, _ = await collected(folder_of(tmp_path, {"bad.xlsx": archive}))
    assert collection.skipped[0].reason.startswith("the xlsx is broken: KeyError")


async def test_a_large_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a file is refused with its size."""
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    collection, _, _ = await collected(folder_of(tmp_path, {"a.txt": "A note that is too long."}))
    assert "too large: 24 bytes; the limit is 10" in collection.skipped[0].reason


async def test_a_name_that_is_no_text_is_still_read(tmp_path: Path) -> None:
    """File names are bytes; what is not UTF-8 in one is replaced in its uri."""
    collection, passages, _ = await collected(folder_of(tmp_path, {os.fsdecode(b"caf\xe9.txt"): "A note."}))
    assert [source.uri for source in await passages.sources(collection.id)] == ["caf\ufffd.txt"]


async def test_a_path_that_does_not_exist_stops_before_any_work(tmp_path: Path) -> None:
    """The error names the path and says what to do; nothing of the other paths is stored."""
    good = folder_of(tmp_path, {"a.txt": "A note."}) / "a.txt"
    passages = MemoryPassages()
    with pytest.raises(SourceError) as error:
        await read_sources([str(good), str(tmp_path / "gone")], passages, MemoryArtifacts())
    assert "gone" in str(error.value)
    assert "Check the path" in str(error.value)
    assert (await passages.gather([], [])).passages == 0


async def test_hidden_files_are_passed_over_and_links_stay_inside(tmp_path: Path) -> None:
    """Hidden files are not even listed; a link out of the folder is listed and not followed."""
    outside = folder_of(tmp_path / "outside", {"secret.txt": "Not for the report.", "sub/s.txt": "Nor this."})
    inside = folder_of(
        tmp_path / "inside", {"a.txt": "A note.", ".env": "KEY=1", ".git/config.txt": "x", "b/c.txt": "Another."}
    )
    (inside / "file.txt").symlink_to(outside / "secret.txt")
    (inside / "folder").symlink_to(outside / "sub", target_is_directory=True)
    (inside / "again").symlink_to(inside / "b", target_is_directory=True)
    (inside / "gone.txt").symlink_to(inside / "nothing.txt")
    os.mkfifo(inside / "pipe.txt")
    collection, passages, _ = await collected(inside)
    assert [source.uri for source in await passages.sources(collection.id)] == ["a.txt", "b/c.txt"]
    assert {skip.uri: skip.reason for skip in collection.skipped} == {
        "again": "a symbolic link to a folder that is read where it stands",
        "file.txt": "a symbolic link out of the folder",
        "folder": "a symbolic link out of the folder",
        "gone.txt": "a symbolic link to nothing",
        "pipe.txt": "not a regular file",
    }


async def test_roots_with_the_same_names_do_not_clash(tmp_path: Path) -> None:
    """With several roots each uri begins with what tells its root apart."""
    folder_of(tmp_path, {"x/data/a.txt": "One.", "y/data/a.txt": "Two.", "z/a.txt": "Three.", "b.txt": "Four."})
    roots = [tmp_path / "x/data", tmp_path / "y/data", tmp_path / "z", tmp_path / "b.txt", tmp_path / "z"]
    collection, passages, _ = await collected(*roots)
    uris = [source.uri for source in await passages.sources(collection.id)]
    assert uris == ["b.txt", "x/data/a.txt", "y/data/a.txt", "z/a.txt"]


async def test_a_single_file_goes_by_its_name(tmp_path: Path) -> None:
    """The uri of a file that was named is its name."""
    folder_of(tmp_path, {"x/a.txt": "One."})
    collection, passages, _ = await collected(tmp_path / "x/a.txt")
    assert [source.uri for source in await passages.sources(collection.id)] == ["a.txt"]


async def test_copies_of_a_file_are_one_witness(tmp_path: Path) -> None:
    """A second file with the same bytes is listed as a copy and adds no passages."""
    collection, _, _ = await collected(folder_of(tmp_path, {"a.txt": "One fact.", "b/copy.txt": "One fact."}))
    assert collection.sources == 1
    assert collection.skipped[0].uri == "b/copy.txt"
    assert collection.skipped[0].reason == "the same content as a.txt"


async def test_reading_twice_gives_the_same_collection(tmp_path: Path) -> None:
    """Ids depend on content and names only, not on when or in which order files are read."""
    folder_of(tmp_path, {"a.txt": "One.", "b.md": "# T\n\nTwo.", "c.csv": TABLE})
    first, _, _ = await collected(tmp_path)
    second, _, _ = await collected(tmp_path)
    assert first == second
    (tmp_path / "a.txt").write_text("Changed.")
    third, _, _ = await collected(tmp_path)
    assert third.id != first.id


@pytest.mark.slow
async def test_reading_leaves_the_event_loop_free(tmp_path: Path) -> None:
    """While pages are parsed, other tasks of the process go on."""
    page = "<h1>Title</h1>" + "<p>Some words that make a paragraph of a page.</p>" * 300
    folder_of(tmp_path, {f"{n}.html": f"{page}{n}" for n in range(12)})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    collection, _, _ = await collected(tmp_path)
    ticking.cancel()
    assert collection.sources == 12
    assert ticks >= 12


@pytest.mark.slow
async def test_titles_and_dates_are_what_the_documents_state(tmp_path: Path) -> None:
    """A title comes from the document or else from the file's name; a date only if the document states one."""
    folder_of(
        tmp_path,
        {
            "a.md": "---\ntitle: Levels\ndate: 2021-03-04\n---\n\nText of it.",
            "b.md": "# Heights\n\nPublished: 12 March 2022\n\nText.",
            "c.html": '<title>Page</title><meta property="article:published_time" content="2020-05-06T10:00Z"><p>Text.',
            "d.txt": "A Short Title\n\nIn March 2019 nothing happened.",
            "e.txt": "This is a sentence and no title.\nReport date: July 2018",
            "f.pdf": pdf_of(["Words on the first page of it.", "Date: 2017-01-02"], title="A Report"),
            "g.html": "<h1>Only heading</h1><p>Text <time datetime='2016-02-03'>today</time></p>",
        },
    )
    collection, passages, _ = await collected(tmp_path)
    found = {source.uri: (source.title, source.date) for source in await passages.sources(collection.id)}
    assert found == {
        "a.md": ("Levels", "2021-03-04"),
        "b.md": ("Heights", "2022-03-12"),
        "c.html": ("Page", "2020-05-06"),
        "d.txt": ("A Short Title", None),
        "e.txt": ("e", "2018-07"),
        "f.pdf": ("A Report", "2017-01-02"),
        "g.html": ("Only heading", "2016-02-03"),
    }


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe und Höhe: 25 °C", "utf-8"),
        ("Größe und Höhe: 25 °C", "utf-8-sig"),
        ("Größe und Höhe: 25 °C", "utf-16"),
        ("A “quoted” word – for 5 €, a naïve café.", "cp1252"),
        ("Müller, Åse and the señor live here.", "latin-1"),
        ("名前,年齢,住所\n佐藤太郎,30,東京\n三木英子,25,大阪\n", "cp932"),
        ("Съешь ещё этих мягких французских булок, да выпей чаю.", "koi8-r"),
        ("Zażółć gęślą jaźń. Wieś ma około 300 mieszkańców i leży nad rzeką.", "cp1250"),
    ],
)
def test_text_is_read_in_any_encoding(text: str, encoding: str) -> None:
    """By byte order mark, else UTF-8, else by what the bytes look like."""
    assert " ".join(read("a.txt", text.encode(encoding))[0].text.split()) == " ".join(text.split())


def test_a_page_is_read_in_the_encoding_that_it_declares() -> None:
    """The declared encoding counts before a guess."""
    page = '<meta charset="cp1253"><p>α β γ</p>'.encode("cp1253")
    assert read("a.html", page)[0].text == "α β γ"


EXPECTED = json.loads((DATA / "manifest.json").read_text()) if DATA.exists() else []


@pytest.mark.slow
@pytest.mark.skipif(not EXPECTED, reason="the folder of real documents is not on this machine")
@pytest.mark.parametrize("entry", EXPECTED, ids=lambda entry: Path(entry["file"]).name)
def test_real_documents_are_read_as_their_manifest_says(
    entry: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the formats that are read, every file gives its text, or is refused where it has none; a scan has none where
    no engine for pictures is installed.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    name = Path(entry["file"]).name
    is_read = Path(name).suffix in FORMATS
    if not is_read or entry["expect"] != "ok":
        with pytest.raises(SourceError):
            read(name, (DATA / entry["file"]).read_bytes())
        return
    passages = read(name, (DATA / entry["file"]).read_bytes())
    text = " ".join(" ".join([*passage.locator.heading, passage.text]) for passage in passages)
    text = " ".join(text.split())
    assert [wanted for wanted in entry["must_find"] if " ".join(wanted.split()) not in text] == []
    assert [unwanted for unwanted in entry["must_not_find"] if unwanted in text] == []
