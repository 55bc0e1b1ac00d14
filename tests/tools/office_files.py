"""Office documents, books, notebooks and messages, made for the tests."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any, cast

from docx import Document
from docx.oxml.parser import parse_xml
from docx.table import Table
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)

Content = str | tuple[int, str] | Sequence[Sequence[str]]
"""A paragraph, a heading with its level, or the rows of a table."""


def docx_of(*contents: Content, raw: str = "", title: str = "", notes: Sequence[str] = ()) -> bytes:
    """A Word document; `raw` is XML at the end of its body, `notes` are footnotes that `raw` may refer to by 1, 2."""
    document = Document()
    document.core_properties.title = title
    for content in contents:
        if isinstance(content, str):
            style = "List Bullet" if content.startswith("* ") else None
            document.add_paragraph(content.removeprefix("* "), style)
        elif isinstance(content, tuple) and isinstance(content[0], int):
            document.add_heading(str(content[1]), content[0])
        else:
            rows = cast(Sequence[Sequence[str]], content)
            _fill(document.add_table(len(rows), len(rows[0])), rows)
    if raw:
        for element in parse_xml(f"<w:body {_WORD}>{raw}</w:body>"):
            document.element.body.insert(len(document.element.body) - 1, element)
    written = io.BytesIO()
    document.save(written)
    return _with_notes(written.getvalue(), notes) if notes else written.getvalue()


def _fill(table: Table, rows: Sequence[Sequence[str]]) -> None:
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text


def _with_notes(data: bytes, notes: Sequence[str]) -> bytes:
    marked = "".join(
        f'<w:footnote w:id="{n}"><w:p><w:r><w:t>{note}</w:t></w:r></w:p></w:footnote>'
        for n, note in enumerate(notes, 1)
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    parts = unzipped(data)
    parts["word/footnotes.xml"] = f"<w:footnotes {_WORD}>{marked}</w:footnotes>".encode()
    types, relations = "[Content_Types].xml", "word/_rels/document.xml.rels"
    parts[types] = parts[types].replace(
        b"</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>'.encode()
    )
    parts[relations] = parts[relations].replace(
        b"</Relationships>",
        f'<Relationship Id="rIdN" Type="{relation}" Target="footnotes.xml"/></Relationships>'.encode(),
    )
    return zip_of(parts)


def unzipped(data: bytes) -> dict[str, bytes]:
    """The parts of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(parts: dict[str, bytes]) -> bytes:
    """An archive of these parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def pptx_of(slides: Sequence[dict[str, Any]]) -> bytes:
    """A presentation: each slide may have `title`, `text`, `table` (rows), `chart` (categories, {name: values})
    and `notes`.
    """
    presentation = Presentation()
    for wanted in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5 if "title" in wanted else 6])
        if "title" in wanted:
            slide.shapes.title.text = wanted["title"]
        place = (Inches(1), Inches(2), Inches(6), Inches(2))
        if "text" in wanted:
            slide.shapes.add_textbox(*place).text_frame.text = wanted["text"]
        if "table" in wanted:
            rows = wanted["table"]
            table = slide.shapes.add_table(len(rows), len(rows[0]), *place).table
            for n, row in enumerate(rows):
                for m, cell in enumerate(row):
                    table.cell(n, m).text = cell
        if "chart" in wanted:
            data = CategoryChartData()  # type: ignore[no-untyped-call]
            data.categories, series = wanted["chart"]
            for name, values in series.items():
                data.add_series(name, values)  # type: ignore[no-untyped-call]
            slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
        if "notes" in wanted:
            slide.notes_slide.notes_text_frame.text = wanted["notes"]
    written = io.BytesIO()
    presentation.save(written)
    return written.getvalue()


def xls_of(rows: Sequence[Sequence[str | float]], *, locked: bool = False) -> bytes:
    """A worksheet of the binary format, its second version: the one that needs no OLE file around it."""

    def record(code: int, body: bytes) -> bytes:
        return struct.pack("<HH", code, len(body)) + body

    data = record(0x0009, struct.pack("<HH", 2, 0x10)) + (record(0x002F, b"\x01\x02\x03\x04") if locked else b"")
    for n, row in enumerate(rows):
        for m, cell in enumerate(row):
            place = struct.pack("<HH3s", n, m, b"\0\0\0")
            if isinstance(cell, str):
                data += record(0x0004, place + bytes([len(cell)]) + cell.encode("cp1252"))
            else:
                data += record(0x0003, place + struct.pack("<d", cell))
    return data + record(0x000A, b"")


def epub_of(chapters: dict[str, str], *, locked: bool = False, title: str = "A Book") -> bytes:
    """A book of these pages, in this order; their files stand in the archive in the opposite one."""
    items = "".join(f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in chapters)
    spine = "".join(f'<itemref idref="{n}"/>' for n in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f"<dc:title>{title}</dc:title><dc:date>2019-05-04</dc:date></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    parts = {f"OPS/{name}": page.encode() for name, page in reversed(chapters.items())}
    if locked:
        marks = "".join(f'<CipherReference URI="OPS/{name}"/>' for name in chapters)
        parts["META-INF/encryption.xml"] = f"<encryption>{marks}</encryption>".encode()
    return zip_of({"META-INF/container.xml": _CONTAINER.encode(), "OPS/book.opf": package.encode(), **parts})


def eml_of(text: str, *, page: str = "", attached: dict[str, bytes] | None = None, **headers: str) -> bytes:
    """A message; `page` is its other form in HTML."""
    message = EmailMessage()
    for name, value in {"From": "Ann <ann@example.org>", "Subject": "A lake", **headers}.items():
        message[name] = value
    message.set_content(text)
    if page:
        message.add_alternative(page, subtype="html")
    for name, data in (attached or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def notebook_of(*cells: dict[str, Any]) -> bytes:
    """A notebook of these cells."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


def parquet_of(columns: Mapping[str, Sequence[object]]) -> bytes:
    """A parquet file with these columns."""
    import pyarrow
    from pyarrow.parquet import write_table

    written = pyarrow.BufferOutputStream()
    write_table(pyarrow.table({name: list(values) for name, values in columns.items()}), written)
    return bytes(written.getvalue().to_pybytes())
