"""Pages and pictures without text: read by an engine where there is one, and named where there is none."""

import asyncio
import io
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from pypdf import PdfReader, PdfWriter

from state.errors import NoText, SourceError
from state.evidence import Locator
from tests.tools.document_files import folder_of, pdf_of
from tests.tools.ocr_engine import fax_with, picture_of, stand_in, words_seen
from tools.documents import ocr, pdf, picture
from tools.documents.formats import PDF, format_of_page
from tools.documents.isolation import Readers
from tools.documents.ocr import listed, seen
from tools.documents.reading import read_sources
from tools.memory import MemoryArtifacts, MemoryPassages

TYPED = pdf_of(["The first page is typed, and can be read by all."])
NEEDS_ENGINE = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")


def joined(*documents: bytes) -> bytes:
    """The pages of several PDF files as one."""
    writer = PdfWriter()
    for each in documents:
        writer.append(PdfReader(io.BytesIO(each)))
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no engine is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_words_of_the_engine_become_paragraphs() -> None:
    """Lines stay lines, blocks become paragraphs, what is no word is left out; long words count for more."""
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    rows = [
        ("1", "1", "1", "90", "Lake"),
        ("1", "1", "2", "90", '"deep'),
        ("1", "1", "2", "-1", ""),
        ("2", "1", "1", "30", "ice!"),
    ]
    table = "".join(f"5\t1\t{b}\t{p}\t{line}\t1\t0\t0\t0\t0\t{conf}\t{text}\n" for b, p, line, conf, text in rows)
    found = seen(head + table)
    assert found.text == 'Lake\n"deep\n\nice!'
    assert found.confidence == pytest.approx((90 * 9 + 30 * 4) / 13)
    assert seen("").text == ""


def test_pages_are_listed_in_words() -> None:
    """Runs of pages by their ends."""
    assert listed([3]) == "page 3"
    assert listed([1, 2, 3, 7, 9, 10]) == "pages 1 to 3, 7 and 9 to 10"


@pytest.mark.slow
@pytest.mark.usefixtures("no_engine")
async def test_without_an_engine_the_pages_are_named(tmp_path: Path) -> None:
    """A scan and a picture are not read; a document with a scanned page is, and that page is listed, also when the
    document is known from before. Each says what to install.
    """
    files = {"a.pdf": picture_of("One.", form="PDF"), "b.pdf": joined(TYPED, picture_of("Two.", form="PDF"))}
    folder = folder_of(tmp_path / "s", {**files, "c.png": picture_of("Three.")})
    library = MemoryPassages()
    found = await read_sources([str(folder)], library, MemoryArtifacts())
    remedy = "install tesseract (Debian: tesseract-ocr) to have it read"
    page = ("b.pdf", "no_text", f"page 2 without text (a scan?); {remedy}")
    assert [(each.uri, each.status, each.reason) for each in found.skipped] == [
        ("a.pdf", "no_text", f"the PDF has no text layer: page 1 without text (a scan?); {remedy}"),
        page,
        ("c.png", "no_text", f"the file is a picture; {remedy}"),
    ]
    assert found.sources == 1
    known = await read_sources([str(folder / "b.pdf")], library, MemoryArtifacts())
    assert [(each.uri, each.status, each.reason) for each in known.skipped] == [page]


def test_a_scanned_page_says_how_sure_the_engine_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside typed pages, which stay as they are; what the engine doubts is marked, what is illegible left out."""
    data = joined(TYPED, picture_of("Two.", form="PDF"))
    labels = {91.2: "p. 2, read by OCR, 91 % sure", 54.0: "p. 2, read by OCR, only 54 % sure"}
    for sure, label in labels.items():
        stand_in(tmp_path, monkeypatch, words_seen("The lake froze", "in 2019.", sure=sure))
        first, second = pdf.read(data, "a.pdf").parts
        assert (first[0].label(), second[0].label(), second[1]) == ("p. 1", label, "The lake froze\nin 2019.")
    stand_in(tmp_path, monkeypatch, words_seen("x1 yy", sure=12))
    assert [place.page for place, _ in pdf.read(data, "a.pdf").parts] == [1]
    with pytest.raises(NoText, match="no legible text"):
        picture.read(picture_of("Two."), "a.png")


def test_what_the_engine_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page on which it fails, and pages beyond the limit, are listed; the others are read."""
    scans = picture_of("One.", "Two.", "Three.", form="PDF")
    monkeypatch.setattr(ocr, "MOST_PICTURES", 2)
    monkeypatch.setattr("tools.documents.pdf_scans.MOST_PICTURES", 2)
    count = f"n=$(cat {tmp_path}/n 2>/dev/null); echo $((n+1)) > {tmp_path}/n; [ -z $n ] && exit 1"
    stand_in(tmp_path, monkeypatch, f"{count}; {words_seen('The lake froze.')}")
    reading = pdf.read(scans, "a.pdf")
    assert [place.page for place, _ in reading.parts] == [2]
    late = "page 3: pictures, of which 2 are read, as long as time allows"
    assert reading.unread == ("page 1: tesseract cannot read the picture", late)


@pytest.mark.parametrize("form", ["PDF", "TIFF"])
def test_one_page_that_takes_too_long_costs_only_itself(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages before and after it are read, and it is told apart from one that cannot be read."""
    run = subprocess.run
    pages = iter(["ok", "slow", "ok", "slow", "broken"])

    def answer(command: list[str], **given: Any) -> Any:
        if command[1] != "--list-langs" and (now := next(pages)) != "ok":
            if now == "slow":
                raise subprocess.TimeoutExpired(command, given["timeout"])
            raise OSError
        return run(command, **given)

    stand_in(tmp_path, monkeypatch, words_seen("The lake froze."))
    monkeypatch.setattr(subprocess, "run", answer)
    data = picture_of("One.", "Two.", "Three.", "Four.", "Five.", form=form)
    reading = (pdf if form == "PDF" else picture).read(data, "a")
    assert [place.page for place, _ in reading.parts] == [1, 3]
    assert reading.unread == (
        "pages 2 and 4: tesseract took longer than 60 s for a picture",
        "page 5: a picture that cannot be read",
    )


def test_broken_pages_of_a_fax_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed in a way that nobody knows, cut off, or too large; a file of which no page can be read says why."""
    stand_in(tmp_path, monkeypatch, words_seen("The lake froze."))
    width, packing, strip = 256, 259, 273
    data = fax_with(picture_of("One.", "Two.", "Three.", "Four.", form="TIFF"), {2: (packing, 999), 3: (strip, 10**9)})
    monkeypatch.setattr(picture, "MOST_PIXELS", 1_000_000)
    reading = picture.read(fax_with(data, {4: (width, 10**6)}), "a.tif")
    assert [place.page for place, _ in reading.parts] == [1]
    assert reading.unread == (
        "pages 2 to 3: a picture that cannot be read",
        "page 4: the picture has more than 60,000,000 pixels",
    )
    stand_in(tmp_path, monkeypatch, words_seen("x1 yy", sure=12))
    with pytest.raises(NoText, match="no legible text was found in the picture; pages 2 to 3: a picture that"):
        picture.read(data, "a.tif")
    with pytest.raises(SourceError, match="the picture has more than"):
        picture.read(fax_with(picture_of("One.", form="TIFF"), {1: (width, 10**6)}), "a.tif")


def test_a_picture_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size that it states, before anything is unpacked; a page of a PDF that is metres wide is drawn in less
    detail.
    """
    stand_in(tmp_path, monkeypatch, words_seen("The lake froze."))
    data = picture_of("One.")
    head = b"IHDR" + (60_000).to_bytes(4) * 2 + data[24:29]
    bomb = data[:12] + head + zlib.crc32(head).to_bytes(4) + data[33:]
    for most in (60_000_000, 10_000_000_000):
        monkeypatch.setattr(picture, "MOST_PIXELS", most)
        with pytest.raises(SourceError, match="the picture has more than"):
            picture.read(bomb, "a.png")
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(picture_of("One.", form="PDF"))))
    writer.pages[0].scale_by(30)
    written = io.BytesIO()
    writer.write(written)
    assert pdf.read(written.getvalue(), "a.pdf").parts[0][0] == Locator(page=1, ocr=90, chars=(0, 15))


@pytest.mark.slow
async def test_an_engine_that_hangs_is_ended_with_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader started itself goes with it."""
    stand_in(tmp_path, monkeypatch, f"while :; do echo >> {tmp_path}/alive; sleep 0.05; done")
    async with Readers() as readers:
        reading = asyncio.create_task(readers.read(picture_of("One.", form="PDF"), "a.pdf", PDF))
        for _ in range(1000):
            if (tmp_path / "alive").exists():
                break
            await asyncio.sleep(0.05)
        reading.cancel()
        await asyncio.wait([reading])
    written = (tmp_path / "alive").stat().st_size
    await asyncio.sleep(0.3)
    assert 0 < written == (tmp_path / "alive").stat().st_size


def test_pictures_of_the_web_are_read_as_pictures() -> None:
    """By the type that the server states."""
    assert format_of_page("image/jpeg", "https://a.example/x").kind == "picture"


def test_each_page_of_a_fax_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages of a TIFF file have numbers; a picture that is alone has none."""
    stand_in(tmp_path, monkeypatch, words_seen("The lake froze."))
    parts = picture.read(picture_of("One.", "Two.", form="TIFF"), "a.tif").parts
    assert [place.page for place, _ in parts] == [1, 2]
    assert [place.page for place, _ in picture.read(picture_of("One.", form="JPEG"), "a.jpg").parts] == [None]


_CLEAR: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "RGBA": ((0, 0, 0, 0), (0, 0, 0, 255), {}),
    "LA": ((0, 0), (0, 255), {}),
    "P": (1, 0, {"transparency": 1}),
    "RGB": ((0, 0, 1), 0, {"transparency": (0, 0, 1)}),
    "L": (255, 0, {}),
}
"""By the mode of a picture: its ground, its ink, and what makes the ground transparent, if it is."""


@pytest.mark.parametrize("mode", list(_CLEAR))
def test_the_engine_is_shown_what_a_person_sees(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dark on white where a picture is transparent, and upright where its EXIF data say that it lies on its side."""
    ground, ink, options = _CLEAR[mode]
    drawn = Image.new(mode, (60, 30), ground)
    if mode == "P":
        drawn.putpalette(bytes(6))
    drawn.paste(ink, (0, 0, 16, 8))  # what is left and above becomes right and above
    lies = Image.Exif()
    lies[0x0112] = 6
    drawn.save(tmp_path / "a", "JPEG" if mode == "L" else "PNG", exif=lies, **options)
    stand_in(tmp_path, monkeypatch, f"cat >{tmp_path}/shown; {words_seen('The lake froze.')}")
    picture.read((tmp_path / "a").read_bytes(), "a")
    with Image.open(tmp_path / "shown") as shown:
        dark = ImageOps.invert(shown).point(lambda value: 255 * (value > 127))
        assert (shown.mode, shown.size, dark.getbbox()) == ("L", (30, 60), (22, 0, 30, 16))


@NEEDS_ENGINE
@pytest.mark.slow
def test_the_real_engine_reads_a_scan() -> None:
    """The words of a scanned page come back."""
    line = "The lake was 412 metres deep in May 2019."
    ((place, text),) = pdf.read(picture_of(line, form="PDF"), "a.pdf").parts
    assert (place.page, text) == (1, line)
    assert (place.ocr or 0) > 80
