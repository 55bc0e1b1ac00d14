"""Pictures: the text that is seen in them, where an engine for that is installed."""

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from state.errors import NoText, SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.extracted import Reading, TextBuilder
from tools.documents.ocr import LEGIBLE, MOST_PICTURES, MOST_PIXELS, REMEDY, PictureReader, engine
from tools.documents.passages import pack
from tools.storable import storable

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")


def read(data: bytes, uri: str, language: str = "") -> Reading:
    """The text in a picture, of a TIFF file in each of its pages, as passages that say how sure the engine is.

    `language` is as the engine calls it; those that are installed otherwise. Raises NoText where no engine is
    installed or sees any text, SourceError if it fails or the bytes are no picture, or too large a one.
    """
    program = engine()
    if program is None:
        raise NoText(f"the file is a picture; {REMEDY}")
    reader, builder = PictureReader(program, language), TextBuilder()
    unread: tuple[str, ...] = ()
    for number, picture in enumerate(_pictures(data), 1):
        if reader.is_done:
            unread = (f"page {number} and those after it: more than {MOST_PICTURES} pictures, or no time",)
            break
        seen = reader.read(picture)
        if seen.confidence >= LEGIBLE:
            page = number if getattr(picture, "n_frames", 1) > 1 else None
            builder.place = Locator(page=page, ocr=round(seen.confidence))
            for paragraph in storable(seen.text).split("\n\n"):
                builder.add(paragraph)
    text, blocks = builder.finish()
    if not blocks:
        raise NoText("no legible text was found in the picture")
    return Reading("", stated_date(text), pack(text, blocks), text, unread=unread)


def _pictures(data: bytes) -> Iterator["Image"]:
    """The picture, or the pages of a TIFF file; SourceError where one has too many pixels, before it is unpacked."""
    from PIL import Image, ImageSequence, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each is followed by an error, or of no matter
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                frames = ImageSequence.Iterator(opened) if opened.format == "TIFF" else [opened]
                for frame in frames:
                    _check(frame.size)
                    yield frame
        except Image.DecompressionBombError as error:
            raise SourceError(_TOO_LARGE) from error
        except UnidentifiedImageError as error:
            raise SourceError("the file is no picture, or a broken one") from error


_TOO_LARGE = f"the picture has more than {MOST_PIXELS:,} pixels"


def _check(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise SourceError(_TOO_LARGE)
