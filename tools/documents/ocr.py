"""Text in pictures, read by the program tesseract where it is installed (OCR)."""

import csv
import io
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from state.errors import SourceError
from tools.documents.extracted import PARSER_ERRORS
from tools.storable import storable

if TYPE_CHECKING:
    from PIL.Image import Image

ENGINE = "tesseract"
REMEDY = f"install {ENGINE} (Debian: tesseract-ocr) to have it read"
LEGIBLE = 30.0
"""Confidence below which what the engine writes is no text."""
_PICTURE_SECONDS = 60.0
_DOCUMENT_SECONDS = 90.0
"""Less than a document may take in all."""
MOST_PICTURES = 20
"""Of a document that are read."""
MOST_PIXELS = 60_000_000
"""Of a picture; a page of A4 at 600 dots an inch has 35 million."""
_SMALLEST = 20
"""Pixels that a line of text is high and wide at least."""
_MOST_LANGUAGES = 4
_NO_LANGUAGES = ("osd", "equ")
_FAILURES: tuple[type[Exception], ...] = (SourceError, *PARSER_ERRORS)


@dataclass(frozen=True)
class Seen:
    """What the engine saw in a picture."""

    text: str
    """Its paragraphs, with an empty line between them."""
    confidence: float
    """The engine's, from 0 to 100, on average over the letters."""


def engine() -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which(ENGINE)


@cache
def languages(program: str) -> str:
    """The languages that are installed for it, English first, as its option takes them."""
    done = subprocess.run([program, "--list-langs"], capture_output=True, timeout=_PICTURE_SECONDS, check=False)
    lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines()[1:]]
    known = {each for each in lines if each and each not in _NO_LANGUAGES}
    return "+".join(sorted(known, key=lambda each: (each != "eng", each))[:_MOST_LANGUAGES]) or "eng"


class PictureReader:
    """Reads the pictures of one document, as long as there is time and there are not too many.

    A picture that cannot be read costs its own text, and none of the others'.
    """

    def __init__(self, program: str, language: str = "") -> None:
        self.errors: dict[int, Exception] = {}
        """Why pages could not be read, by their numbers."""
        self._program = program
        self._language = language
        self._ends = time.monotonic() + _DOCUMENT_SECONDS
        self._tried = 0

    @property
    def is_done(self) -> bool:
        """Whether no more pictures are read."""
        return self._tried >= MOST_PICTURES or time.monotonic() >= self._ends

    @property
    def unread(self) -> tuple[str, ...]:
        """The pages that could not be read, with the reason: `page 3: a picture that cannot be read`."""
        pages: dict[str, list[int]] = {}
        for number, error in self.errors.items():
            why = error.message if isinstance(error, SourceError) else "a picture that cannot be read"
            pages.setdefault(why, []).append(number)
        return tuple(f"{listed(numbers)}: {why}" for why, numbers in pages.items())

    def read(self, number: int, drawn: "Callable[[], Image]") -> Seen | None:
        """The text on the page with this number, if it is legible; `errors` says where that failed."""
        self._tried += 1
        try:
            found = self._seen(drawn())
        except _FAILURES as error:
            self.errors[number] = error
            return None
        return Seen(storable(found.text), found.confidence) if found.confidence >= LEGIBLE else None

    def _seen(self, picture: "Image") -> Seen:
        """SourceError where the engine fails, or takes too long."""
        if min(picture.size) < _SMALLEST:
            return Seen("", 0.0)
        written = io.BytesIO()
        _on_paper(picture).save(written, "PNG", compress_level=1)
        seconds = max(1.0, min(_PICTURE_SECONDS, self._ends - time.monotonic()))
        try:
            command = [self._program, "stdin", "stdout", "-l", self._language or languages(self._program), "tsv"]
            done = subprocess.run(command, input=written.getvalue(), capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"{ENGINE} took longer than {seconds:.0f} s for a picture") from error
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())[:200]
            raise SourceError(f"{ENGINE} cannot read the picture{f': {said}' if said else ''}")
        return seen(done.stdout.decode(errors="replace"))


def _on_paper(picture: "Image") -> "Image":
    """The picture in greys, upright as its EXIF data say, on white where it is transparent."""
    from PIL import Image, ImageOps

    grey = picture.convert("L")
    if picture.has_transparency_data:
        paper = Image.new("L", picture.size, "white")
        paper.paste(grey, mask=picture.convert("RGBA").getchannel("A"))
        paper.info = grey.info  # holds which side is up
        grey = paper
    upright: Image.Image = ImageOps.exif_transpose(grey)
    return upright


def seen(table: str) -> Seen:
    """What the engine's table of words (TSV) says."""
    rows = list(csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))
    words = [row for row in rows if (row.get("text") or "").strip() and float(row["conf"]) >= 0]
    paragraphs = []
    for _, paragraph in groupby(words, key=lambda row: (row["page_num"], row["block_num"], row["par_num"])):
        lines = groupby(paragraph, key=lambda row: row["line_num"])
        paragraphs.append("\n".join(" ".join(row["text"].strip() for row in line) for _, line in lines))
    letters = sum(len(row["text"]) for row in words)
    confidence = sum(len(row["text"]) * float(row["conf"]) for row in words) / letters if letters else 0.0
    return Seen("\n\n".join(paragraphs), confidence)


def listed(numbers: Sequence[int]) -> str:
    """`page 3`, or `pages 3, 5 to 8 and 12`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    last = f" and {named.pop()}" if len(named) > 1 else ""
    return f"page{'s' * (len(numbers) > 1)} {', '.join(named)}{last}"
