"""What a source is worth as a witness, by what the program knows of it. The figures are ours; a reader sees them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from state.evidence import DOUBTFUL, Passage, Source, SourceKind
from tools.reservations import reservation
from tools.screening import order_in

_COMPUTED = 1.0
_KINDS: dict[SourceKind, tuple[float, str]] = {
    "csv": (0.9, "a table of data"),
    "xlsx": (0.9, "a table of data"),
    "xls": (0.9, "a table of data"),
    "parquet": (0.9, "a table of data"),
    "json": (0.9, "a file of data"),
    "pdf": (0.8, "a document"),
    "docx": (0.8, "a document"),
    "epub": (0.8, "a book"),
    "html": (0.7, "a page"),
    "pptx": (0.7, "slides"),
    "email": (0.5, "a message"),
    "picture": (0.6, "a picture"),
}
_NOTE = (0.6, "a note")
"""Plain text, Markdown, notebooks, and what is not known."""
_OFFICIAL = (".gov", ".edu", ".int", ".mil")
_OFFICIAL_ABROAD = re.compile(r"\.(?:gov|gob|gouv|ac|edu)\.[a-z]{2}$")
_FOR_OFFICIAL = 0.1
_MANIPULATING = 0.3
"""A source that gives orders to a model is not to be trusted with facts either."""
_FOR_RESERVATION = 0.2
"""What a source loses that calls itself a draft, preliminary or superseded."""
_FOR_DOUBT = 0.2
"""What a text loses that may have been misread."""
NOTABLE = 0.2
"""Difference from which on one source is called better than another."""


@dataclass(frozen=True)
class Quality:
    """A share from 0 to 1, and what the source is in words."""

    value: float
    what: str


def quality_of(passage: Passage, source: Source | None) -> Quality:
    """What the passage is worth: computed from data, a table, a document, a page, a note."""
    if passage.locator.computed is not None:
        return Quality(_COMPUTED, "a computation from the data")
    if order_in(passage, source):
        return Quality(_MANIPULATING, "a text that tries to give orders to a model")
    value, what = _KINDS.get(source.kind, _NOTE) if source else _NOTE
    if said := reservation(passage, source):
        value, what = value - _FOR_RESERVATION, f"{what} that calls itself {said}"
    if (sure := passage.locator.ocr) is not None and sure < DOUBTFUL:
        value, what = value - _FOR_DOUBT, f"{what} that an engine read from a picture and is not sure of"
    if source and _is_official(source.uri):
        return Quality(min(1.0, value + _FOR_OFFICIAL), f"{what} of an official site")
    return Quality(value, what)


def _is_official(uri: str) -> bool:
    """Whether the address is that of a government, a university or an international body."""
    try:
        host = (urlsplit(uri).hostname or "").lower()
    except ValueError:
        return False
    return host.endswith(_OFFICIAL) or _OFFICIAL_ABROAD.search(host) is not None
