"""The tables of a PDF: found page by page, and joined where one goes on over the page's end."""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tools.documents.extracted import PARSER_ERRORS, Row
from tools.documents.pdf_layout import Layout, Word, lines_of, ruled, unruled
from tools.documents.tables import number
from tools.storable import storable

if TYPE_CHECKING:  # slow to import, and only needed where a PDF with figures is read
    from pdfplumber.page import Page

_MOST_SECONDS = 40.0
"""Of this process's time; the pages after that are not looked at."""
_MOST_LETTERS = 20_000
"""Of a page; and of its rules and what else is drawn. Pages with more are maps and drawings."""
_MOST_CROSSINGS = 10_000
_TOGETHER = 3.0
"""Points within which rules are one."""
_SHIFT = 6.0
"""Points by which the columns of a table may stand elsewhere on its next page."""
_FEET, _HEADS = 2, 3
"""Lines below a table, and above it on the next page, that a page's foot and head may have."""


@dataclass(frozen=True)
class PdfTables:
    """The tables of a document by name, each its rows, and what must be known of each."""

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Placed:
    """A table, the pages on which it stands, and what stands on the last of them below it."""

    layout: Layout
    page: int
    last: int
    above: int
    below: int
    header_repeats: bool = False


def read_tables(data: bytes, pages: Sequence[int]) -> PdfTables:
    """The tables on the pages with these numbers, from 1, in order.

    What cannot be looked through has none, and the tables that were found say so: the text can be read all the same.
    """
    if not pages:
        return PdfTables()
    import pdfplumber
    from pdfplumber.utils.exceptions import PdfminerException

    placed: list[_Placed] = []
    started, seen = time.process_time(), 0
    failures: tuple[type[Exception], ...] = (PdfminerException, *PARSER_ERRORS)
    try:
        with pdfplumber.open(io.BytesIO(data), pages=list(pages), password="") as document:
            for page in document.pages:
                if time.process_time() - started > _MOST_SECONDS:
                    break
                placed += _on_page(page)
                page.close()
                seen = page.page_number
    except failures:  # another reader got the text out of it
        pass
    unseen = [page for page in pages if page > seen]
    return _named(_joined(placed), f"page {unseen[0]} and those after it were not looked through" if unseen else "")


def _on_page(page: "Page") -> Iterator[_Placed]:
    """The tables of a page, from the top."""
    if len(page.chars) > _MOST_LETTERS or len(page.edges) > _MOST_LETTERS:
        return
    words = [
        Word(storable(word["text"]), word["x0"], word["x1"], word["top"], word["bottom"])
        for word in page.extract_words(x_tolerance_ratio=0.3)
        if word["upright"] and word["text"].strip()
    ]
    found: list[Layout] = []
    for table in page.find_tables() if _are_few(page.edges) else ():
        layout = ruled(table.cells, words)
        if layout is not None:
            found.append(layout)
            words = [word for word in words if not _is_in(word, layout)]
    found += unruled(words)
    lines = [line[0].top for line in lines_of(words)]
    for layout in sorted(found, key=lambda each: each.top):
        above, below = sum(top < layout.top for top in lines), sum(top > layout.bottom for top in lines)
        yield _Placed(layout, page.page_number, page.page_number, above, below)


def _are_few(edges: list[dict[str, Any]]) -> bool:
    """Whether there are rules, and not so many that their crossings cannot be counted in a moment."""
    from pdfplumber.table import merge_edges

    merged = merge_edges(edges, *[_TOGETHER] * 4)
    upright = sum(edge["orientation"] == "v" for edge in merged)
    return bool(0 < upright * (len(merged) - upright) <= _MOST_CROSSINGS)


def _is_in(word: Word, layout: Layout) -> bool:
    is_across = layout.columns[0] - 1 <= word.left and word.right <= layout.columns[-1] + 1
    return is_across and layout.top - 1 <= word.top and word.bottom <= layout.bottom + 1


# --- over pages --------------------------------------------------------------------------------------------


def _joined(placed: Sequence[_Placed]) -> list[_Placed]:
    """The tables, those as one that go on from a page to the next: only a page's foot and head stand between, and the
    header repeats, or the columns stand at the same places and rows of figures go on without a header.
    """
    joined: list[_Placed] = []
    for table in placed:
        before = joined[-1] if joined else None
        if before is None or not _goes_on(before, table):
            joined.append(table)
            continue
        rows, repeats = table.layout.rows, table.layout.rows[0] == before.layout.rows[0]
        layout = replace(before.layout, rows=before.layout.rows + rows[repeats:])
        joined[-1] = replace(before, layout=layout, last=table.page, below=table.below, header_repeats=repeats)
    return joined


def _goes_on(before: _Placed, table: _Placed) -> bool:
    one, other = before.layout, table.layout
    if table.page != before.last + 1 or before.below > _FEET or table.above > _HEADS:
        return False
    if len(one.columns) != len(other.columns):
        return False
    shift = max(abs(a - b) for a, b in zip(one.columns, other.columns, strict=True))
    return one.rows[0] == other.rows[0] or (shift <= _SHIFT and any(number(cell) is not None for cell in other.rows[0]))


def _named(placed: Sequence[_Placed], unseen: str) -> PdfTables:
    """The tables by the pages on which they stand: `Page 3 table 1`, `Pages 3–4 table 1`."""
    tables: dict[str, Sequence[Row]] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for number_, table in enumerate(placed):
        first = next(i for i, each in enumerate(placed) if each.page == table.page)
        pages = f"Page {table.page}" if table.page == table.last else f"Pages {table.page}–{table.last}"
        name = f"{pages} table {number_ - first + 1}"
        tables[name] = table.layout.rows
        why = "its header repeats" if table.header_repeats else "its columns go on without a header"
        said = f"joined from pages {table.page} to {table.last}: {why}" if table.page != table.last else ""
        notes[name] = tuple(filter(None, (said, unseen)))
    return PdfTables(tables, notes)
