"""The reading order of a page of a PDF that has two columns, where the file draws it line by line across both.

Most files draw one column after the other, and are left as they are. Where nearly every line has a second piece that
begins at the same place, and both pieces are as full as lines of prose are, the left column is read before the right.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # slow to import, and only needed where a PDF is read
    from pypdf import PageObject

_GRID = 4.0
"""Points by which the beginnings of a column's lines may differ."""
_MIN_LINES = 8
_MIN_SHARE = 0.5
"""Share of the page's lines that must have a second piece."""
_PROSE = 20
"""Characters that the lines of a column have at the least on average."""
_FULL = 0.7
"""Share of the longest line that most lines of a column reach: those of a table do not."""

Piece = tuple[float, str]
"""Where a piece of text begins on the page, from its left, in points, and the text."""


@dataclass(frozen=True)
class _Line:
    left: str
    right: str


def text_in_order(page: "PageObject") -> str:
    """The page's text with line ends, column by column."""
    pieces: list[Piece] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], *_: Any) -> None:
        pieces.append((tm[4] * cm[0] + tm[5] * cm[2] + cm[4], text))

    text = page.extract_text(visitor_text=visit)
    lines = _lines(pieces)
    start = _second_start(lines)
    return text if start is None else "\n".join(_ordered([_split(line, start) for line in lines]))


def _lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    lines: list[list[Piece]] = [[]]
    for place, text in pieces:
        first, *rest = text.split("\n")
        if first.strip():
            lines[-1].append((place, first))
        lines += [[(place, part)] if part.strip() else [] for part in rest]
    return [line for line in lines if line]


def _second_start(lines: Sequence[list[Piece]]) -> float | None:
    """Where the second column begins, or None if the page is no prose in two columns drawn across both."""
    starts = Counter(round(place / _GRID) for line in lines for place, _ in line[1:])
    if not starts:
        return None
    start = starts.most_common(1)[0][0] * _GRID
    both = [line for line in (_split(line, start) for line in lines) if line.left and line.right]
    if len(both) < max(_MIN_LINES, _MIN_SHARE * len(lines)):
        return None
    return start if _is_prose([line.left for line in both]) and _is_prose([line.right for line in both]) else None


def _is_prose(lines: Sequence[str]) -> bool:
    lengths = [len(line) for line in lines]
    full = sum(length >= _FULL * max(lengths) for length in lengths)
    digits = sum(letter.isdigit() for line in lines for letter in line)
    return sum(lengths) >= _PROSE * len(lines) and 2 * full >= len(lines) and 5 * digits <= sum(lengths)


def _split(line: Sequence[Piece], start: float) -> _Line:
    left = "".join(text for place, text in line if place < start - _GRID)
    right = "".join(text for place, text in line if place >= start - _GRID)
    return _Line(left.strip(), right.strip())


def _ordered(lines: Sequence[_Line]) -> list[str]:
    """The left column, then the right one; a line that is wider than a column, such as a title, parts them."""
    width = max(len(line.left) for line in lines if line.right)
    ordered: list[str] = []
    left: list[str] = []
    right: list[str] = []
    for line in lines:
        if not line.right and len(line.left) > width:
            ordered += [*left, *right, line.left]
            left, right = [], []
            continue
        left += [line.left] if line.left else []
        right += [line.right] if line.right else []
    return [*ordered, *left, *right]
