"""Rows of cells as passages: each row a line of `header: value`, and one passage that describes the
columns.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from state.errors import SourceError
from state.evidence import Locator
from tools.documents.extracted import squeeze

ROWS_IN_PASSAGE = 20
WORDS_IN_PASSAGE = 250
ROWS_AS_TEXT = 2000
"""Rows of a table that become passages; the rest is for the analysis, which loads the whole table."""
_VALUES_NAMED = 8

Row = Sequence[str]


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
    """The cell's finite number, thousands separators and a percent sign aside; None if it is none."""
    try:
        value = float(cell.strip().removesuffix("%").replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def table_parts(rows: Sequence[Row], name: str, sheet: str | None = None) -> list[tuple[Locator, str]]:
    """The passages of a table: its description first, then its rows in groups of up to 20.

    `rows` are all rows of the file or sheet, so that `cells` name rows as a spreadsheet counts them. Rows
    before the header (titles, comments) go into the description. Raises SourceError if no cell holds
    anything.
    """
    filled = [index for index, row in enumerate(rows) if any(cell.strip() for cell in row)]
    if not filled:
        raise SourceError("the table is empty")
    first = _header_row(rows, filled)
    header = [squeeze(cell) for cell in rows[first]] if _is_header(rows[first]) else []
    notes = [" ".join(squeeze(cell) for cell in rows[index] if cell.strip()) for index in filled if index < first]
    body = [index for index in filled if index > first or (index == first and not header)]
    width = max(len(rows[index]) for index in filled)
    names = [header[n] if n < len(header) and header[n] else f"column {column_letters(n)}" for n in range(width)]
    prefix = f"{sheet}!" if sheet else ""

    def cells(top: int, bottom: int) -> str:
        return f"{prefix}A{top + 1}:{column_letters(width - 1)}{bottom + 1}"

    described = Locator(cells=cells(filled[0], filled[-1]))
    parts = [
        (
            described,
            _description(f"{name}{f', sheet {sheet}' if sheet else ''}", names, [rows[n] for n in body], notes),
        )
    ]
    for group in _groups([(index, row_text(names, rows[index])) for index in body[:ROWS_AS_TEXT]]):
        locator = Locator(cells=cells(group[0][0], group[-1][0]))
        parts.append((locator, "\n".join(text for _, text in group)))
    return parts


def _header_row(rows: Sequence[Row], filled: Sequence[int]) -> int:
    """The first row as wide as most of the table: titles and comments above a table are narrower."""
    widths = sorted(_filled(rows[index]) for index in filled[:200])
    usual = widths[len(widths) // 2]
    return next(
        index for index in filled if _filled(rows[index]) >= min(usual, 2) and not rows[index][0].startswith("#")
    )


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_header(row: Row) -> bool:
    values = [cell.strip() for cell in row if cell.strip()]
    return len(set(values)) == len(values) and not any(number(value) is not None for value in values)


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


def _description(name: str, names: Row, body: Sequence[Row], notes: Sequence[str]) -> str:
    lines = [f"Table {name}: {len(body):,} rows, {len(names)} columns."]
    lines += [f"Column {column}" for column in (_column(n, title, body) for n, title in enumerate(names))]
    if len(body) > ROWS_AS_TEXT:
        lines.append(f"Only the first {ROWS_AS_TEXT:,} rows are given as text; load the table for the others.")
    lines += notes[:20]
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
