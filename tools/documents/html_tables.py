"""Tables of a page as lines of text: `header: value; header: value` for each row of data."""

from collections.abc import Iterator
from itertools import zip_longest

from bs4.element import Tag

from tools.documents.extracted import squeeze
from tools.documents.tables import row_text

_LAYOUT = frozenset(["table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "form"])
_MAX_SPAN = 50
"""Columns or rows that one cell may claim to span; more is a mistake or malice."""
_LONG_CELL = 120
"""Words in a cell from which a table counts as layout."""

_Grid = list[list[tuple[str, bool]]]
"""Rows of cells: text, and whether the cell is a header."""


def tags_in(tag: Tag) -> Iterator[Tag]:
    """The tags below `tag`, in order."""
    return (part for part in tag.descendants if isinstance(part, Tag))


def _cells(row: Tag) -> list[Tag]:
    return [part for part in row.children if isinstance(part, Tag) and part.name in ("td", "th")]


def is_data_table(table: Tag) -> bool:
    """Whether a table holds data, not the layout of a page."""
    if any(tag.name in _LAYOUT for tag in tags_in(table)):  # first: of tables in tables it comes to an end at once
        return False
    rows = table.find_all("tr")
    if len(rows) < 2:
        return False
    cells = [_cells(row) for row in rows]
    if max(map(len, cells)) < 2:
        return False
    return all(len(cell.get_text().split()) <= _LONG_CELL for row in cells for cell in row)


def table_rows(table: Tag) -> Iterator[str]:
    """The caption, then each row as a line. Without a header row a row's own header cell leads it."""
    if table.caption is not None:
        yield squeeze(table.caption.get_text(" "))
    header: list[str] = []
    in_head = False
    for row in _grid(table):
        texts = [text for text, _ in row]
        if len(set(texts) - {""}) > 1 and all(is_header for text, is_header in row if text):
            header = _under(header, texts) if in_head else texts
            in_head = True
            continue
        in_head = False
        yield row_text(header, texts) if header and len(set(texts)) > 1 else _plain_row(row)


def _under(upper: list[str], lower: list[str]) -> list[str]:
    """The names of columns whose header has two rows: the cells of both, above before below."""
    pairs = zip_longest(upper, lower, fillvalue="")
    return [" ".join(dict.fromkeys(name for name in pair if name)) for pair in pairs]


def _plain_row(row: list[tuple[str, bool]]) -> str:
    texts = [text for text, _ in row if text]
    if len(set(texts)) == 1:
        return texts[0]
    if len(texts) > 1 and row[0][1] and row[0][0]:
        return f"{texts[0]}: {', '.join(texts[1:])}"
    return " | ".join(texts)


def _grid(table: Tag) -> _Grid:
    """The cells in their columns: a cell that spans several stands in each."""
    grid: _Grid = []
    hanging: dict[int, tuple[int, tuple[str, bool]]] = {}
    for tr in table.find_all("tr"):
        row: list[tuple[str, bool]] = []
        for td in _cells(tr):
            _fill(row, hanging)
            cell = (squeeze(td.get_text(" ")), td.name == "th")
            for _ in range(_span(td, "colspan")):
                if _span(td, "rowspan") > 1:
                    hanging[len(row)] = (_span(td, "rowspan") - 1, cell)
                row.append(cell)
        _fill(row, hanging)
        grid.append(row)
    return grid


def _fill(row: list[tuple[str, bool]], hanging: dict[int, tuple[int, tuple[str, bool]]]) -> None:
    """Puts the cells that reach down from the rows above into their columns."""
    while len(row) in hanging:
        left, cell = hanging.pop(len(row))
        if left > 1:
            hanging[len(row)] = (left - 1, cell)
        row.append(cell)


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1")).strip()
    return min(int(value), _MAX_SPAN) if value.isdigit() and int(value) > 0 else 1
