"""Pictures: the text that is seen in them, where an engine for that is installed."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from state.errors import NoText, SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.extracted import PARSER_ERRORS, Reading, TextBuilder
from tools.documents.ocr import MOST_PICTURES, MOST_PIXELS, REMEDY, PictureReader, Seen, engine
from tools.documents.passages import pack

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")


def read(data: bytes, uri: str, language: str = "") -> Reading:
    """The text in a picture, of a TIFF file in each of its pages, as passages that say how sure the engine is.

    `language` is as the engine calls it; those that are installed otherwise. Raises NoText where no engine is
    installed or sees any text, and what is wrong with the picture, or all pages of it: SourceError if the engine fails
    or the bytes are no picture, or too large a one.
    """
    program = engine()
    if program is None:
        raise NoText(f"the file is a picture; {REMEDY}")
    reader, seen, tried = PictureReader(program, language), dict[int, Seen](), 0
    late: tuple[str, ...] = ()
    with _opened(data) as picture:
        for number, page in enumerate(_pages(picture), 1):
            if reader.is_done:
                late = (f"page {number} and those after it: more than {MOST_PICTURES} pictures, or no time",)
                break
            tried, found = number, reader.read(number, partial(_checked, page))
            if found is not None:
                seen[number] = found
    if reader.errors and len(reader.errors) == tried:
        raise reader.errors[1]
    text, unread = _text(seen, has_pages=tried > 1), (*reader.unread, *late)
    if not text.blocks:
        raise NoText("; ".join(("no legible text was found in the picture", *unread)))
    return Reading("", stated_date(text.text), pack(text.text, text.blocks), text.text, unread=unread)


def _text(seen: dict[int, Seen], *, has_pages: bool) -> TextBuilder:
    builder = TextBuilder()
    for number, found in seen.items():
        builder.place = Locator(page=number if has_pages else None, ocr=round(found.confidence))
        for paragraph in found.text.split("\n\n"):
            builder.add(paragraph)
    return builder


@contextmanager
def _opened(data: bytes) -> "Iterator[Image]":
    """The picture, of which nothing is unpacked yet. SourceError where it is none, or states too large a size."""
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each is followed by an error, or of no matter
        try:
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise SourceError(_TOO_LARGE) from error
        except UnidentifiedImageError as error:
            raise SourceError("the file is no picture, or a broken one") from error
        with opened:
            yield opened


def _pages(picture: "Image") -> "Iterator[Image | Exception]":
    """The picture, at each page of a TIFF file in turn; for a page that cannot be found its error."""
    for number in count() if picture.format == "TIFF" else range(1):
        try:
            picture.seek(number)
        except EOFError:  # how the last page is told
            return
        except PARSER_ERRORS as error:
            yield error
        else:
            yield picture


_TOO_LARGE = f"the picture has more than {MOST_PIXELS:,} pixels"


def _checked(page: "Image | Exception") -> "Image":
    """The page, before it is unpacked; SourceError where it has too many pixels."""
    if isinstance(page, Exception):
        raise page
    if page.size[0] * page.size[1] > MOST_PIXELS:
        raise SourceError(_TOO_LARGE)
    return page
