"""Word documents: headings, paragraphs, lists, tables and notes, in the order of the text.

python-docx opens the package and knows the styles. Its own walk through a document leaves out what stands in
content controls and in tracked insertions, so the body is walked here.
"""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from state.errors import SourceError
from tools.dates import stated_date
from tools.documents.extracted import Reading, TextBuilder, squeeze
from tools.documents.packages import open_package
from tools.documents.passages import pack
from tools.documents.tables import add_table, without_figures

if TYPE_CHECKING:  # slow to import, and only needed where a document is read
    from docx.document import Document
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_LEFT_OUT = frozenset([f"{_W}del", f"{_W}moveFrom", f"{_W}txbxContent", f"{_W}p", _FALLBACK])
"""Inside a paragraph: what was deleted, what stands elsewhere, and what is walked to on its own."""
_MAX_SPAN = 100


def read(data: bytes, uri: str) -> Reading:
    """The body as passages; tables are named `Table 1`, `Table 2` and so on.

    Raises EncryptedSource, or SourceError if the bytes are no Word document.
    """
    open_package(data, "docx").close()
    from docx import Document
    from docx.opc.exceptions import OpcError

    try:
        document = Document(io.BytesIO(data))
    except OpcError as error:
        raise SourceError(f"the docx is broken: {squeeze(str(error))[:200]}") from error
    walker = _Walker(document)
    walker.walk(document.element.body)
    text, blocks = walker.builder.finish()
    title = squeeze(document.core_properties.title or "") or walker.title
    title = title or next((block.heading[0] for block in blocks if block.heading), "")
    return Reading(title, stated_date(text), pack(text, blocks), text, walker.tables, without_figures(walker.tables))


class _Walker:
    """Goes through the body once."""

    def __init__(self, document: "Document") -> None:
        self.builder = TextBuilder()
        self.tables: dict[str, Sequence[Sequence[str]]] = {}
        self.title = ""
        self._seen = 0
        self._styles = {style.style_id: (style.name or "").lower() for style in document.styles}
        self._notes = dict(_notes(document))

    def walk(self, parent: "_Element") -> None:
        for child in parent:
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._seen += 1
                name, rows = f"Table {self._seen}", table_rows(child)
                if add_table(self.builder, name, rows):
                    self.tables[name] = rows
                self._add_notes(child)
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
                self.walk(child)

    def _paragraph(self, paragraph: "_Element") -> None:
        text = text_of(paragraph)
        style = self._style(paragraph)
        level = _level(style, paragraph)
        if level == 0:
            self.title = self.title or squeeze(text)
        if style.startswith("toc "):
            return
        if level is not None:
            self.builder.heading(max(1, level), text)
        elif style.startswith("list") or paragraph.find(f"{_W}pPr/{_W}numPr") is not None:
            self.builder.add(f"- {text}" if text.strip() else "")
        else:
            self.builder.add(text, hard_lines="\n" in text)
        self._add_notes(paragraph)
        for box in paragraph.iter(f"{_W}txbxContent"):
            above = list(box.iterancestors(f"{_W}p", _FALLBACK))
            if above[0] is paragraph:  # neither the copy for old programs nor a box within a box
                self.walk(box)

    def _style(self, paragraph: "_Element") -> str:
        named = paragraph.find(f"{_W}pPr/{_W}pStyle")
        return self._styles.get(named.get(f"{_W}val", ""), "") if named is not None else ""

    def _add_notes(self, element: "_Element") -> None:
        """The foot- and endnotes that are referred to in the element, after it."""
        for mark in element.iter(f"{_W}footnoteReference", f"{_W}endnoteReference"):
            note = self._notes.get((mark.tag.removesuffix("Reference"), mark.get(f"{_W}id", "")), "")
            self.builder.add(f"Note: {note}" if note.strip() else "")


def text_of(element: "_Element") -> str:
    """The text of a paragraph, with tabs and line breaks; tracked insertions are in it, deletions are not."""
    pieces: list[str] = []
    stack = [iter(element)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in (f"{_W}t", _MATH):
            pieces.append(child.text or "")
        elif child.tag in _BREAKS:
            pieces.append(_BREAKS[child.tag])
        elif child.tag not in _LEFT_OUT and isinstance(child.tag, str):
            stack.append(iter(child))
    return "".join(pieces)


def table_rows(table: "_Element") -> list[list[str]]:
    """The cells as text: one that spans columns or rows stands in each of them."""
    rows: list[list[str]] = []
    for tr in _inside(table, "tr"):
        row: list[str] = []
        for tc in _inside(tr, "tc"):
            text = squeeze(" ".join(text_of(paragraph) for paragraph in tc.iter(f"{_W}p")))
            merged = tc.find(f"{_W}tcPr/{_W}vMerge")
            if merged is not None and merged.get(f"{_W}val") != "restart" and rows and len(row) < len(rows[-1]):
                text = rows[-1][len(row)]
            span = tc.find(f"{_W}tcPr/{_W}gridSpan")
            width = span.get(f"{_W}val", "1") if span is not None else "1"
            row += [text] * (min(_MAX_SPAN, max(1, int(width))) if width.isdigit() else 1)
        rows.append(row)
    return rows


def _inside(element: "_Element", name: str) -> Iterator["_Element"]:
    """The children of this name, also those in content controls; tables in cells keep their own rows."""
    for child in element:
        if child.tag == f"{_W}{name}":
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
            yield from _inside(child, name)


def _level(style: str, paragraph: "_Element") -> int | None:
    """The level of a heading, 0 of the document's title, None of other paragraphs."""
    if style == "title":
        return 0
    if style.startswith("heading ") and style[8:9].isdigit():
        return int(style[8:9])
    outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    value = outline.get(f"{_W}val", "9") if outline is not None else "9"
    return int(value) + 1 if value.isdigit() and int(value) < 9 else None


def _notes(document: "Document") -> Iterator[tuple[tuple[str, str], str]]:
    """The texts of foot- and endnotes by kind and id."""
    from docx.opc.oxml import parse_xml

    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("footnotes", "endnotes") and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                paragraphs = note.iter(f"{_W}p")
                key = f"{_W}{kind.removesuffix('s')}", note.get(f"{_W}id", "")
                yield key, squeeze(" ".join(text_of(paragraph) for paragraph in paragraphs))
