"""Bytes into text, whatever the encoding."""

import codecs
import re

from charset_normalizer import from_bytes

from state.errors import SourceError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_UNLIKELY = re.compile(
    r"[^\x00-\x7f]{3}"  # Western languages have their accents one or two at a time
    r"|[^\W\d_][^\w\s\x00-\x7f’‘´`®™·–—…”“»«][^\W\d_]|[^\W\d_][¹²³ªº][^\W\d_]"  # a symbol inside a word
    r"|[\x80-\x9f]"  # holes of the code page
)
"""What text in cp1252 does not have: where nothing of it shows, cp1252 beats a guess from statistics."""
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]+)|<\?xml[^>]{0,100}encoding=[\"']([\w-]+)", re.I
)


def decode(data: bytes) -> str:
    """The text of `data`, line ends as `\\n`: by byte order mark or form, else UTF-8, else by charset-normalizer.

    Raises SourceError if the bytes are not text.
    """
    text = _by_mark(data) or _by_form(data) or _by_name(data, "utf-8") or _by_guess(data)
    return _checked(text)


def decode_html(data: bytes) -> str:
    """As `decode`, but an encoding that the page itself declares comes before a guess."""
    declared = _DECLARED.search(data[:4096])
    name = (declared.group(1) or declared.group(2)).decode() if declared else "utf-8"
    text = _by_mark(data) or _by_form(data) or _by_name(data, "utf-8") or _by_name(data, name) or _by_guess(data)
    return _checked(text)


def _by_mark(data: bytes) -> str | None:
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    return _by_name(data, name) if name else None


def _by_form(data: bytes) -> str | None:
    """The text of encodings that show in the bytes: UTF-16 by the zeros of its Latin letters, digits and line ends."""
    sample = data[:4096]
    for zeros, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[1 - zeros :: 2].count(0) == 0 and 20 * sample[zeros::2].count(0) >= len(sample) > 1:
            return _by_name(data, name)
    return _by_name(data, "iso2022_jp") if b"\x1b$" in sample else None


def _by_name(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        return None


def _by_guess(data: bytes) -> str:
    if b"\x00" in data:
        raise SourceError("the file holds binary data, not text")
    western = _by_name(data, "cp1252")
    if western is not None and not _UNLIKELY.search(western):
        return western
    best = from_bytes(data).best()
    if best is None:
        raise SourceError("the file is not text in any known encoding")
    return str(best)


def _checked(text: str) -> str:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(_CONTROL.findall(text[:20_000])) > max(2, len(text[:20_000]) // 100):
        raise SourceError("the file holds binary data, not text")
    return _CONTROL.sub(" ", text)
