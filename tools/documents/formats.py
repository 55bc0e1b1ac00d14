"""The formats that can be read: one row each, from the suffix to the reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from state.errors import SourceError
from state.evidence import SourceKind
from tools.documents import (
    csv,
    docx,
    eml,
    epub,
    html,
    json,
    markdown,
    notebook,
    parquet,
    pdf,
    picture,
    pptx,
    text,
    xls,
    xlsx,
)
from tools.documents.extracted import Reader

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True)
class Format:
    """A format of documents and who reads it."""

    kind: SourceKind
    media_type: str
    read: Reader
    is_text: bool = False
    """Whether the bytes are text, read by rules of our own or of the standard library: what is small of it takes
    no time.
    """
    is_table: bool = False
    """Whether files of it are nothing but tables."""


TEXT = Format("text", "text/plain", text.read, is_text=True)
MARKDOWN = Format("markdown", "text/markdown", markdown.read, is_text=True)
HTML = Format("html", "text/html", html.read, is_text=True)
PDF = Format("pdf", "application/pdf", pdf.read)
DOCX = Format("docx", f"{_OFFICE}.wordprocessingml.document", docx.read)
PPTX = Format("pptx", f"{_OFFICE}.presentationml.presentation", pptx.read)
CSV = Format("csv", "text/csv", csv.read, is_text=True, is_table=True)
XLSX = Format("xlsx", f"{_OFFICE}.spreadsheetml.sheet", xlsx.read, is_table=True)
XLS = Format("xls", "application/vnd.ms-excel", xls.read, is_table=True)
PARQUET = Format("parquet", "application/vnd.apache.parquet", parquet.read, is_table=True)
JSON = Format("json", "application/json", json.read, is_text=True)
EPUB = Format("epub", "application/epub+zip", epub.read)
EMAIL = Format("email", "message/rfc822", eml.read)
NOTEBOOK = Format("notebook", "application/x-ipynb+json", notebook.read, is_text=True)
PICTURE = Format("picture", "image/png", picture.read)

FORMATS: Mapping[str, Format] = {
    ".txt": TEXT,
    ".text": TEXT,
    ".log": TEXT,
    ".rst": TEXT,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".docm": DOCX,
    ".pptx": PPTX,
    ".pptm": PPTX,
    ".ppsx": PPTX,
    ".csv": CSV,
    ".tsv": CSV,
    ".xlsx": XLSX,
    ".xlsm": XLSX,
    ".xls": XLS,
    ".parquet": PARQUET,
    ".json": JSON,
    ".geojson": JSON,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".epub": EPUB,
    ".eml": EMAIL,
    ".ipynb": NOTEBOOK,
    ".png": PICTURE,
    ".jpg": PICTURE,
    ".jpeg": PICTURE,
    ".tif": PICTURE,
    ".tiff": PICTURE,
    ".bmp": PICTURE,
    ".webp": PICTURE,
    ".gif": PICTURE,
}
"""By suffix, in small letters."""
BY_KIND: Mapping[str, Format] = {format_.kind: format_ for format_ in FORMATS.values()}
BY_MEDIA_TYPE: Mapping[str, Format] = {format_.media_type: format_ for format_ in FORMATS.values()}
_ALSO = {
    "application/xhtml+xml": HTML,
    "application/csv": CSV,
    "text/tab-separated-values": CSV,
    "text/json": JSON,
    "application/geo+json": JSON,
    "application/jsonl": JSON,
    "application/x-ndjson": JSON,
    "text/x-markdown": MARKDOWN,
    "image/jpeg": PICTURE,
    "image/tiff": PICTURE,
    "image/bmp": PICTURE,
    "image/webp": PICTURE,
    "image/gif": PICTURE,
}
"""Other names of formats on the web."""
_SAYS_NOTHING = frozenset(["", "text/plain", "application/octet-stream", "binary/octet-stream", "application/zip"])
"""What servers say of files that they do not know: the suffix knows better."""


def format_of(uri: str) -> Format:
    """The format that the suffix names; SourceError if files of that kind are not read."""
    suffix = PurePosixPath(uri).suffix.lower()
    if suffix not in FORMATS:
        named = f"files of type {suffix}" if suffix else "files without a suffix"
        raise SourceError(f"{named} are not read")
    return FORMATS[suffix]


def format_of_page(media_type: str, address: str) -> Format:
    """The format of what came from an address; SourceError if pages of that kind are not read."""
    suffix = PurePosixPath(urlsplit(address).path).suffix.lower()
    if media_type in _SAYS_NOTHING and suffix in FORMATS:
        return FORMATS[suffix]
    found = BY_MEDIA_TYPE.get(media_type) or _ALSO.get(media_type)
    if found is None:
        raise SourceError(f"pages of type {media_type or 'unknown'} are not read")
    return found
