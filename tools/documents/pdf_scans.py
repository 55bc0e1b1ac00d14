"""The pages of a PDF that are pictures, drawn and read by the engine for text in pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tools.documents.ocr import MOST_PICTURES, REMEDY, PictureReader, Seen, engine, listed

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument

_DOTS = 300
"""An inch: what the engine is made for."""
_MOST_DOTS = 16_000_000
"""Of a page; one that is larger on paper is drawn more coarsely."""
_INCH = 72


@dataclass(frozen=True)
class Scans:
    """The text of pages that are pictures, by their numbers, and in words which of them could not be read."""

    seen: Mapping[int, Seen] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def read_scans(data: bytes, pages: Sequence[int]) -> Scans:
    """The text of the pages with these numbers, from 1; at most so many, and as long as there is time."""
    if not pages:
        return Scans()
    program = engine()
    if program is None:
        return Scans(unread=(f"{listed(pages)} without text (a scan?); {REMEDY}",))
    from pypdfium2 import PdfDocument

    reader, seen, left = PictureReader(program), dict[int, Seen](), list(pages)
    with PdfDocument(data) as document:
        while left and not reader.is_done:
            number = left.pop(0)
            found = reader.read(number, partial(_drawn, document, number))
            if found is not None:
                seen[number] = found
    unread = reader.unread
    if left:
        unread += (f"{listed(left)}: pictures, of which {MOST_PICTURES} are read, as long as time allows",)
    return Scans(seen, unread)


def _drawn(document: "PdfDocument", number: int) -> "Image":
    page = document[number - 1]
    width, height = page.get_size()
    inches = max(1.0, width * height) / _INCH**2
    dots = min(_DOTS, (_MOST_DOTS / inches) ** 0.5)
    picture: Image = page.render(scale=dots / _INCH, grayscale=True).to_pil()
    return picture
