"""The pages of a PDF that are pictures, drawn and read by the engine for text in pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from state.errors import SourceError
from tools.documents.extracted import PARSER_ERRORS
from tools.documents.ocr import LEGIBLE, MOST_PICTURES, REMEDY, PictureReader, Seen, engine, listed
from tools.storable import storable

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfPage

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
    from pypdfium2 import PdfDocument, PdfiumError

    failures: tuple[type[Exception], ...] = (PdfiumError, SourceError, *PARSER_ERRORS)
    reader, seen = PictureReader(program), dict[int, Seen]()
    broken: list[int] = []
    with PdfDocument(data) as document:
        left = list(pages)
        while left and not reader.is_done:
            try:
                found = reader.read(_drawn(document[left[0] - 1]))
            except failures:  # told below
                broken.append(left[0])
            else:
                if found.confidence >= LEGIBLE:
                    seen[left[0]] = Seen(storable(found.text), found.confidence)
            left.pop(0)
    unread = [f"{listed(broken)}: a picture that cannot be read"] if broken else []
    if left:
        unread.append(f"{listed(left)}: pictures, of which {MOST_PICTURES} are read, as long as time allows")
    return Scans(seen, tuple(unread))


def _drawn(page: "PdfPage") -> "Image":
    width, height = page.get_size()
    inches = max(1.0, width * height) / _INCH**2
    dots = min(_DOTS, (_MOST_DOTS / inches) ** 0.5)
    picture: Image = page.render(scale=dots / _INCH, grayscale=True).to_pil()
    return picture
