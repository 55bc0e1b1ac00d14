"""Tables on a page of a PDF, by where its words and rules stand.

A PDF has no tables, only words at places and lines that are drawn. Where rules make cells, the words in each are its
text. Elsewhere lines of text make a table where wide gaps part them at the same places.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tools.documents.tables import has_figures, is_numeric, is_year, number

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in points from the page's left upper corner."""
_GAP = 0.7
"""Times the height of its letters, between words of a line, from which on they stand in different cells."""
_APART = 2.5
"""Times the height of its letters, between lines, from which on they belong to different tables."""
_LEAST_ROWS = 3
_MOST_WORDS = 40
"""In a cell of a table; what has more is a page's layout."""
_USUAL_WORDS = 6.0
"""On average in a cell between gaps: columns of prose have more."""
_CROSSING = 0.2
"""Share of a table's lines that may reach over a gap between columns."""
_MOST_PAGES = 1000


@dataclass(frozen=True)
class Word:
    """A word, or words that stand together, and where."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    @property
    def height(self) -> float:
        return max(1.0, self.bottom - self.top)


@dataclass(frozen=True)
class Layout:
    """A table that was found on a page."""

    rows: list[list[str]]
    columns: tuple[float, ...]
    """Where its columns begin, and the last one ends."""
    top: float
    bottom: float


Line = list[Word]
"""What stands on one line, in pieces that wide gaps part."""


def lines_of(words: Iterable[Word]) -> list[Line]:
    """The lines from the top, each in pieces from the left."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda each: each.top + each.bottom):
        middle = (word.top + word.bottom) / 2
        if lines and middle < max(lines[-1][0].bottom, lines[-1][-1].bottom) - 0.2 * word.height:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_pieces(line) for line in lines]


def _pieces(line: Sequence[Word]) -> Line:
    pieces: list[Word] = []
    for word in sorted(line, key=lambda each: each.left):
        if pieces and word.left - pieces[-1].right <= _GAP * min(word.height, pieces[-1].height):
            pieces[-1] = _joined(pieces[-1], word)
        else:
            pieces.append(word)
    return pieces


def _joined(one: Word, other: Word) -> Word:
    return Word(
        f"{one.text} {other.text}",
        min(one.left, other.left),
        max(one.right, other.right),
        min(one.top, other.top),
        max(one.bottom, other.bottom),
    )


# --- tables with rules -------------------------------------------------------------------------------------


def ruled(cells: Sequence[Box], words: Sequence[Word]) -> Layout | None:
    """The table that rules make of these cells; None where they frame something else.

    What stands in a cell that spans several stands in each of them, but in the first where it spans all. Where all
    cells of a row have the same number of lines, each line is a row: rules then part groups of rows.
    """
    lefts, tops = sorted({cell[0] for cell in cells}), sorted({cell[1] for cell in cells})
    if len(lefts) < 2:
        return None
    columns = [*lefts, max(cell[2] for cell in cells)]
    bands = [*tops, max(cell[3] for cell in cells)]
    grid: list[list[list[str]]] = [[[] for _ in lefts] for _ in tops]
    banded: list[list[Word]] = [[] for _ in bands]
    for word in words:
        banded[bisect_right(bands, _middle(word)[1]) - 1].append(word)  # what stands outside is in the last, no row
    spans: set[int] = set()
    for left, top, right, bottom in cells:
        across = range(bisect_left(columns, left), bisect_left(columns, right))
        down = range(bisect_left(bands, top), bisect_left(bands, bottom))
        inside = [word for row in down for word in banded[row] if left <= _middle(word)[0] < right]
        if len(across) > 1 or len(down) > 1:
            spans.update(down)
        for line in lines_of(inside):
            for place, text in _spread(line, columns, across):
                for row in down:
                    grid[row][place].append(text)
    rows = [row for n, band in enumerate(grid) for row in _rows(band, is_split=n not in spans)]
    is_framed = any(_holds_rows(cell) for n, band in enumerate(grid) for cell in band if n in spans)
    found = Layout(rows, tuple(columns), bands[0], bands[-1])
    return found if not is_framed and _is_table(rows) else None


def _middle(word: Word) -> tuple[float, float]:
    return (word.left + word.right) / 2, (word.top + word.bottom) / 2


def _spread(line: Line, columns: Sequence[float], across: Sequence[int]) -> list[tuple[int, str]]:
    """The pieces of a line in a cell by the columns that it spans: a single one stands in all of them."""
    is_whole = len(across) == len(columns) - 1
    if len(across) < 2 or len(line) == 1 or is_whole:
        text = " ".join(piece.text for piece in line)
        return [(place, text) for place in (across[:1] if is_whole else across)]
    return [(max(i for i in across if i == across[0] or columns[i] <= _middle(piece)[0]), piece.text) for piece in line]


def _rows(band: list[list[str]], *, is_split: bool) -> list[list[str]]:
    counts = {len(cell) for cell in band if cell}
    if is_split and len(counts) == 1 and sum(map(bool, band)) > 1:
        return [[cell[n] if cell else "" for cell in band] for n in range(counts.pop())]
    return [[" ".join(cell) for cell in band]]


def _holds_rows(cell: Sequence[str]) -> bool:
    """Whether the lines of a cell are rows of another table: several end in figures."""
    return sum(number(line.split()[-1]) is not None for line in cell) >= _LEAST_ROWS


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether most rows have several cells, and no cell is a text of its own."""
    if any(len(cell.split()) > _MOST_WORDS for row in rows if any(row[1:]) for cell in row):
        return False
    return len(rows) > 1 and 2 * sum(len({cell for cell in row if cell}) > 1 for row in rows) > len(rows)


# --- tables without rules ----------------------------------------------------------------------------------


def unruled(words: Sequence[Word]) -> list[Layout]:
    """The tables with figures that stand in columns with nothing but space between them."""
    return [found for run in _runs(lines_of(words)) if (found := _aligned(run)) is not None]


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that follow each other closely and most of which are in pieces; a run begins and ends with such a one."""
    near: list[list[Line]] = [[]]
    for line in lines:
        run = near[-1]
        if run and (_gap(run[-1], line) > _APART * line[0].height or len(line) == len(run[-1]) == 1):
            near.append([])
        near[-1].append(line)
    runs = [part for run in near for part in _parted(run)]
    return [run for run in map(_trimmed, runs) if sum(len(line) > 1 for line in run) > _LEAST_ROWS]


def _parted(run: Sequence[Line]) -> list[list[Line]]:
    """The run in parts, between which is far more space than between its other lines."""
    usual = max(0.0, median([_gap(above, below) for above, below in pairwise(run)] or [0.0]))
    parts = [[*run[:1]]]
    for above, below in pairwise(run):
        if _gap(above, below) > 2 * usual + 0.5 * below[0].height:
            parts.append([])
        parts[-1].append(below)
    return parts


def _trimmed(run: list[Line]) -> list[Line]:
    inner = [n for n, line in enumerate(run) if len(line) > 1]
    return run[inner[0] : inner[-1] + 1] if inner else []


def _gap(above: Line, below: Line) -> float:
    return below[0].top - above[0].bottom


def _aligned(run: Sequence[Line]) -> Layout | None:
    columns = _columns(run)
    if len(columns) < 2:
        return None
    placed = [_cells(line, columns) for line in run]
    crossing = sum(is_crossing for _, is_crossing in placed[2:])
    rows = _one_header([row for row, _ in placed], [is_crossing for _, is_crossing in placed])
    filled = [cell for row in rows for cell in row if cell]
    wordy = sum(len(cell.split()) for cell in filled) > _USUAL_WORDS * len(filled)
    if crossing > _CROSSING * len(run) or wordy or not _is_table(rows) or not _is_counted(rows):
        return None
    edges = (*(left for left, _ in columns), columns[-1][1])
    return Layout(rows, edges, min(piece.top for piece in run[0]), max(piece.bottom for piece in run[-1]))


def _columns(run: Sequence[Line]) -> list[tuple[float, float]]:
    """Where the columns stand: between them is space in all lines but a few, and the first two, which may be heads
    over several columns.
    """
    parted = [line for line in run if len(line) > 1]
    body = parted[2:] if len(parted) > 4 else parted
    most = len(body) // 10
    ends = sorted((place, step) for line in body for piece in line for place, step in _ends(piece))
    columns: list[tuple[float, float]] = []
    depth, start = 0, None
    for place, step in ends:
        depth += step
        if start is None and depth > most:
            start = place
        elif start is not None and depth <= most:
            columns.append((start, place))
            start = None
    return _closed(columns, median(piece.height for line in body for piece in line))


def _ends(piece: Word) -> tuple[tuple[float, int], tuple[float, int]]:
    return (piece.left, 1), (piece.right, -1)


def _closed(columns: Sequence[tuple[float, float]], height: float) -> list[tuple[float, float]]:
    """The columns, those together that hardly anything parts."""
    closed: list[tuple[float, float]] = []
    for left, right in columns:
        if closed and left - closed[-1][1] < 0.3 * height:
            closed[-1] = closed[-1][0], right
        else:
            closed.append((left, right))
    return closed


def _cells(line: Line, columns: Sequence[tuple[float, float]]) -> tuple[list[str], bool]:
    """The line's cells, and whether one of its pieces reaches over several: it then stands in each of them."""
    cells, is_crossing = [""] * len(columns), False
    for piece in line:
        over = _over(piece, columns)
        is_crossing |= len(over) > 1
        for place in over if len(line) > 1 else over[:1]:
            cells[place] = f"{cells[place]} {piece.text}".strip()
    return cells, is_crossing


def _over(piece: Word, columns: Sequence[tuple[float, float]]) -> list[int]:
    """The columns that a piece stands in, or next to: it may stand over two, in the space between them."""
    over = [i for i, (left, right) in enumerate(columns) if min(right, piece.right) - max(left, piece.left) > 1]
    if over:
        return over
    after = next((i for i, (left, _) in enumerate(columns) if left > piece.left), len(columns))
    return [i for i in (after - 1, after) if 0 <= i < len(columns)]


def _one_header(rows: list[list[str]], crossing: Sequence[bool]) -> list[list[str]]:
    """The rows, with the lines of a head joined: a line without figures completes one that leaves columns unnamed,
    or names several at once.
    """
    header, count = rows[0], 1
    while (
        count < len(rows) - _LEAST_ROWS
        and (crossing[count - 1] or not all(header[1:]))
        and not _figures(rows[count - 1])
        and not _figures(rows[count])
    ):
        pairs = zip(header, rows[count], strict=True)
        header = [" ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]
        count += 1
    return [header, *rows[count:]]


def _figures(row: Sequence[str]) -> bool:
    return any(number(cell) is not None and not is_year(cell) for cell in row)


def _is_counted(rows: Sequence[Sequence[str]]) -> bool:
    """Whether there are figures other than the numbers of lines, items or pages, which only grow."""
    columns = [column for column in zip(*rows[1:], strict=True) if is_numeric(column)]
    return has_figures(rows[1:]) and not (len(columns) == 1 and _grows([cell for cell in columns[0] if cell]))


def _grows(cells: Sequence[str]) -> bool:
    values = [float(cell) for cell in cells if cell.isdigit()]
    steps = [b - a for a, b in pairwise(values)]
    is_small = max(values, default=0) < _MOST_PAGES or set(steps) == {1.0}
    return len(values) == len(cells) and is_small and all(step >= 0 for step in steps)
