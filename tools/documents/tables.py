"""Rows of cells as passages: each row a line of `header: value`, and one passage that describes the
columns.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any, TypeVar

from state.errors import NoText, SourceError
from state.evidence import Locator
from tools.documents.extracted import NOWHERE, Cells, Row, TextBuilder, squeeze

AnyRow = TypeVar("AnyRow", bound=Sequence[Any])
"""A row of texts, or of what a workbook holds."""
ROWS_IN_PASSAGE = 20
WORDS_IN_PASSAGE = 250
ROWS_AS_TEXT = 2000
"""Rows of a table that become passages; the rest is for the analysis, which loads the whole table."""
MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "null", "-", "--", "–", "—", ".", "..", "?", "missing"}
    | {"#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"}
)
"""Cells that stand for no value, in lower case."""
MOST_COLUMNS = 20_000
"""Of a table: a spreadsheet has up to 16,384, a file of a few kilobytes can claim millions."""
_VALUES_NAMED = 8
_COLUMNS_NAMED = 200
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d|2100")
"""The numbers that may head a column."""
_CURRENCY = "$€£¥"


def row_text(header: Row, row: Row) -> str:
    """A row as `header: value; header: value`; empty cells are left out, a cell without header stands
    alone.
    """
    names = [*header, *[""] * (len(row) - len(header))]
    pairs = ((squeeze(name), squeeze(value)) for name, value in zip(names, row, strict=False))
    return "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)


def column_letters(index: int) -> str:
    """The spreadsheet's name of a column, counted from 0: `A`, `B`, … `Z`, `AA`."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def number(cell: str) -> float | None:
    """The cell's finite number, thousands separators, a percent sign and a currency's aside; None if it is none."""
    try:
        value = float(cell.strip().removesuffix("%").lstrip(_CURRENCY).replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def cell_range(table: str, top: int, bottom: int, width: int) -> str:
    """The range of these rows, counted from 1, over the whole width: `Sheet1!A2:D30`, or `A2:D30` without a name."""
    return f"{table}{'!' if table else ''}A{top}:{column_letters(width - 1)}{bottom}"


def is_name(text: str) -> bool:
    """Whether a cell can be a column's name: neither a number nor a date nor a missing marker."""
    return text.casefold() not in MISSING and not re.fullmatch(r"[\d\s.,:/%+\-T]+(e[+-]?\d+)?", text)


def is_year(text: str) -> bool:
    """Whether a number may head a column."""
    return _YEAR.fullmatch(text.strip()) is not None


def heads_years(row: Row) -> bool:
    """Whether years head the columns but the first, which has no name."""
    return len(row) > 2 and not row[0].strip() and all(map(is_year, row[1:])) and len(set(row)) == len(row)


def is_banner(row: Row) -> bool:
    """Whether one text stands in all cells: a title that spans the table."""
    return len(row) > 1 and len(set(row)) == 1 and is_name(row[0].strip())


def two_line_header(upper: Row, lower: Row) -> list[str] | None:
    """The names of columns that two rows give together, the upper one's before the lower one's; None where the upper
    row has no cell that spans several columns, or the lower one is no header.
    """
    pairs = list(zip_longest(map(squeeze, upper), map(squeeze, lower), fillvalue=""))
    names = [" ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]
    spans = any(one[0] and one[0] == other[0] and one != other for one, other in pairwise(pairs))
    data = any(number(cell) is not None and not is_year(cell) for cell in lower)
    return names if spans and not data and len(set(names)) == len(names) else None


def bounded(rows: Iterable[AnyRow]) -> Iterator[AnyRow]:
    """The rows as they come; SourceError at one with too many cells."""
    for row in rows:
        if len(row) > MOST_COLUMNS:
            raise SourceError(
                f"the table has {len(row):,} columns; the limit is {MOST_COLUMNS:,}",
                remedy="Give a file with the columns that matter.",
            )
        yield row


@dataclass(frozen=True)
class _Shape:
    """What the rows of a table are; rows are counted from 0."""

    header: Row
    """Empty where the first row is one of data."""
    names: Row
    """Of all columns: `column C` where the header has none."""
    notes: list[str]
    """Text above the header."""
    first: int
    """The header, or the first row of data where there is none."""
    body: list[int]
    top: int
    bottom: int

    @property
    def width(self) -> int:
        return len(self.names)


def _shape(rows: Sequence[Row]) -> _Shape | None:
    """None if no cell holds anything."""
    filled = [index for index, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        return None
    first = _header_row(rows, filled)
    lower = next((index for index in filled if index > first), None)
    both = two_line_header(rows[first], rows[lower]) if lower is not None else None
    header = both or ([squeeze(cell) for cell in rows[first]] if _is_header(rows[first]) else [])
    notes = [_note(rows[index]) for index in filled if index < first]
    start = first if not header else lower if both and lower is not None else first + 1
    body = [index for index in filled if index >= start + bool(both)]
    width = max(len(rows[index]) for index in filled)
    names = [header[n] if n < len(header) and header[n] else f"column {column_letters(n)}" for n in range(width)]
    return _Shape(header, names, notes, first, body, filled[0], filled[-1])


def _note(row: Row) -> str:
    return squeeze(row[0]) if is_banner(row) else " ".join(squeeze(cell) for cell in row if cell.strip())


def table_parts(rows: Sequence[Row], name: str, sheet: str = "", place: Locator = NOWHERE) -> list[tuple[Locator, str]]:
    """The passages of a file or sheet that is one table: its description first, then its rows in groups of up to 20.

    `rows` are all rows of the file or sheet, so that `cells` name rows as a spreadsheet counts them. Rows
    before the header (titles, comments) go into the description. Raises NoText if no cell holds anything.
    """
    shape = _shape(rows)
    if shape is None:
        raise NoText("the table is empty")

    def located(top: int, bottom: int) -> Locator:
        cells = cell_range(sheet, top + 1, bottom + 1, shape.width)
        return place.model_copy(update={"cells": cells})

    title = f"{name}{f', sheet {sheet}' if sheet else ''}"
    parts = [(located(shape.top, shape.bottom), _description(title, shape, rows))]
    lines = [(index, row_text(shape.names, rows[index])) for index in shape.body[:ROWS_AS_TEXT]]
    parts += [(located(group[0][0], group[-1][0]), "\n".join(line for _, line in group)) for group in _groups(lines)]
    return parts


def without_figures(tables: Mapping[str, Sequence[Row]]) -> frozenset[str]:
    """The names of the tables that are not worth an analysis, their headers aside."""
    shapes = {name: _shape(rows) for name, rows in tables.items()}
    bodies = {name: [tables[name][index] for index in shape.body] for name, shape in shapes.items() if shape}
    return frozenset(name for name in tables if not has_figures(bodies.get(name, [])))


def add_table(builder: TextBuilder, name: str, rows: Sequence[Row]) -> bool:
    """Adds a table that stands among the text of a document; False if it is none.

    What has a single row or column is layout: its cells become paragraphs. A table of figures that is too long to be
    seen at once is described first.
    """
    shape = _shape(rows)
    if shape is None:
        return False
    if shape.top == shape.bottom or shape.width < 2:
        for cell in (cell for row in rows for cell in row):
            builder.add(cell)
        return False
    figures = has_figures([rows[index] for index in shape.body])
    if figures and len(shape.body) > ROWS_IN_PASSAGE:
        cells = Cells(name, shape.top + 1, shape.bottom + 1, shape.width)
        builder.add(_description(name, shape, rows), cells=cells, hard_lines=True)
    else:
        for note in shape.notes:
            builder.add(note, cells=Cells(name, shape.top + 1, shape.top + 1, shape.width))
    pairs = shape.width == 2 and not figures  # a form or a glossary: its first row is like the others
    for index in [*[shape.first] * (pairs and bool(shape.header)), *shape.body[:ROWS_AS_TEXT]]:
        text = ": ".join(filter(None, map(squeeze, rows[index]))) if pairs else row_text(shape.header, rows[index])
        builder.add(text, cells=Cells(name, index + 1, index + 1, shape.width))
    return True


def has_figures(body: Sequence[Row]) -> bool:
    """Whether rows are worth an analysis: three or more, and numbers in most filled cells of a column, and in a quarter
    of its cells.
    """
    return len(body) >= 3 and any(map(is_numeric, zip_longest(*body, fillvalue="")))


def is_numeric(cells: Row) -> bool:
    """Whether a column is one of numbers, with gaps perhaps."""
    filled = [cell for cell in cells if cell.strip().casefold() not in MISSING]
    numbers = sum(number(cell) is not None for cell in filled)
    return numbers >= 2 and 2 * numbers > len(filled) and 4 * numbers >= len(cells)


def _header_row(rows: Sequence[Row], filled: Sequence[int]) -> int:
    """The first row as wide as most of the table: titles and comments above a table are narrower."""
    widths = sorted(_filled(rows[index]) for index in filled[:200])
    usual = widths[len(widths) // 2]
    fitting = (
        index
        for index in filled
        if _filled(rows[index]) >= min(usual, 2) and not rows[index][0].startswith("#") and not is_banner(rows[index])
    )
    return next(fitting, filled[0])


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_header(row: Row) -> bool:
    values = [cell.strip() for cell in row if cell.strip()]
    names = [value for value in values if number(value) is None]
    years = all(is_year(value) for value in values if value not in names)
    return heads_years(row) or (len(set(values)) == len(values) and values[:1] == names[:1] and years)


def _groups(lines: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    group: list[tuple[int, str]] = []
    words = 0
    for index, text in lines:
        size = len(text.split())
        if group and (len(group) == ROWS_IN_PASSAGE or words + size > WORDS_IN_PASSAGE):
            yield group
            group, words = [], 0
        group.append((index, text))
        words += size
    if group:
        yield group


def _description(title: str, shape: _Shape, rows: Sequence[Row]) -> str:
    body = [rows[index] for index in shape.body]
    lines = [f"Table {title}: {len(body):,} rows, {shape.width} columns."]
    lines += [f"Column {_column(n, name, body)}" for n, name in enumerate(shape.names[:_COLUMNS_NAMED])]
    if len(body) > ROWS_AS_TEXT:
        lines.append(f"Only the first {ROWS_AS_TEXT:,} rows are given as text; load the table for the others.")
    lines += shape.notes[:20]
    return "\n".join(lines)


def _column(index: int, title: str, body: Sequence[Row]) -> str:
    values = [row[index].strip() for row in body if index < len(row) and row[index].strip()]
    numbers = [value for value in map(number, values) if value is not None]
    missing = f", {len(body) - len(values):,} empty" if len(values) < len(body) else ""
    if numbers and len(numbers) == len(values):
        return f"{title}: numbers from {min(numbers):.10g} to {max(numbers):.10g}{missing}"
    distinct = list(dict.fromkeys(values))
    shown = ", ".join(value[:40] for value in distinct[:_VALUES_NAMED])
    more = ", …" if len(distinct) > _VALUES_NAMED else ""
    return (
        f"{title}: text, {len(distinct):,} different values ({shown}{more}){missing}" if values else f"{title}: empty"
    )
