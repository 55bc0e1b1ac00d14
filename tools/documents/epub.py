"""Electronic books: the chapters in reading order, each a page of HTML."""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from state.errors import EncryptedSource, SourceError
from tools.dates import iso_date
from tools.documents import html
from tools.documents.extracted import Reading, joined, squeeze
from tools.documents.packages import open_package

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PAGES = ("application/xhtml+xml", "text/html")
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def read(data: bytes, uri: str) -> Reading:
    """The chapters as passages; `chars` count in their text, one after another.

    Raises EncryptedSource for a book whose chapters are locked, SourceError if the bytes are no book.
    """
    with open_package(data, "epub") as archive:
        names = set(archive.namelist())
        if _CONTAINER not in names:
            raise SourceError("the file is no epub: it has no list of contents")
        root = next(_named(_xml(archive, _CONTAINER), "rootfile"), None)
        package = _xml(archive, root.get("full-path", "") if root is not None else "")
        folder = posixpath.dirname(root.get("full-path", "") if root is not None else "")
        chapters = [name for name in _chapters(package, folder) if name in names]
        if names >= {_ENCRYPTION} and set(chapters) & _locked(archive):
            raise EncryptedSource("the epub is encrypted: its seller has locked it")
        return joined(_said(package, "title"), iso_date(_said(package, "date")), _readings(archive, chapters))


def _xml(archive: zipfile.ZipFile, name: str) -> "Element":
    from defusedxml.ElementTree import fromstring

    return fromstring(archive.read(name))


def _named(element: "Element", name: str) -> Iterator["Element"]:
    """The elements of this name at any depth, whatever their namespace."""
    return (part for part in element.iter() if isinstance(part.tag, str) and part.tag.rpartition("}")[2] == name)


def _said(package: "Element", name: str) -> str:
    return next((squeeze(part.text or "") for part in _named(package, name) if part.text), "")


def _chapters(package: "Element", folder: str) -> Iterator[str]:
    """The parts that are pages of the book, in the order of its spine; tables of contents are left out."""
    items = {item.get("id"): item for item in _named(package, "item")}
    for place in _named(package, "itemref"):
        item = items.get(place.get("idref"))
        if item is None or item.get("media-type") not in _PAGES or "nav" in item.get("properties", "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """The parts that are encrypted; fonts mostly are, and do not matter."""
    return {unquote(part.get("URI", "")) for part in _named(_xml(archive, _ENCRYPTION), "CipherReference")}


def _readings(archive: zipfile.ZipFile, chapters: list[str]) -> Iterator[tuple[str, Reading]]:
    for name in chapters:
        page = archive.read(name)
        if page.strip():
            yield "", html.read(page, name)
