"""The formats that can be read: one row each, from the suffix to the reader."""

from collections.abc import Mapping
from dataclasses import dataclass

from state.evidence import SourceKind
from tools.documents import csv, html, markdown, pdf, text, xlsx
from tools.documents.extracted import Reader


@dataclass(frozen=True)
class Format:
    """A format of documents and who reads it."""

    kind: SourceKind
    media_type: str
    read: Reader
    is_table: bool = False
    """Whether an analysis can load the file itself: its bytes are then kept as an artifact."""


TEXT = Format("text", "text/plain", text.read)
MARKDOWN = Format("markdown", "text/markdown", markdown.read)
HTML = Format("html", "text/html", html.read)
PDF = Format("pdf", "application/pdf", pdf.read)
CSV = Format("csv", "text/csv", csv.read, is_table=True)
XLSX = Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.read, is_table=True)

FORMATS: Mapping[str, Format] = {
    ".txt": TEXT,
    ".text": TEXT,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".pdf": PDF,
    ".csv": CSV,
    ".tsv": CSV,
    ".xlsx": XLSX,
}
"""By suffix, in small letters."""
