"""Least squares without rounding where the data are few enough, and by scaled QR with refinement where not.

The exact way takes the numbers as the decimals they were written as (`exact.py`), forms the normal equations in
whole numbers and solves them by fraction-free elimination (Bareiss 1968), so that no condition number costs a digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, log10
from operator import mul

import numpy as np
from numpy.typing import NDArray

from tools.statistics.exact import Exact

MOST_PRODUCTS = 2_000_000
"""Products of whole numbers up to which the exact way is taken: about a second."""
_ROUNDS = 3
_PLACES = 40
"""Decimal places of a square root before it is rounded to a double."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """What least squares gives. Source: Draper & Smith 1998, chapter 5."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    """Standard errors of the coefficients."""
    residual_sd: float
    residual_squares: float
    total_squares: float
    """About the mean where there is an intercept, else about zero."""
    r2: float
    digits: float
    """Digits that rounding leaves; what the data's own precision leaves is another matter."""
    way: str


def is_few(rows: int, columns: int) -> bool:
    """Whether so many rows and columns are solved exactly."""
    return rows * columns * (columns + 3) // 2 <= MOST_PRODUCTS


def solve_exactly(columns: Sequence[Exact], y: Exact, *, intercept: bool) -> Solution | None:
    """`y` on the columns, which hold the intercept's ones first if there is one; None where they depend on each other.

    There must be more rows than columns.
    """
    n, p = len(y), len(columns)
    rows = [
        [sum(map(mul, a.multiples, b.multiples)) for b in columns]
        + [sum(map(mul, a.multiples, y.multiples))]
        + [int(i == j) for j in range(p)]
        for i, a in enumerate(columns)
    ]
    right = [row[p] for row in rows]
    determinant = _eliminate(rows, p)
    if determinant == 0:
        return None
    # In multiples of y's unit over those of the column's.
    bare = [Fraction(row[p], determinant) for row in rows]
    squares = sum(map(mul, y.multiples, y.multiples))
    left = (squares - sum((b * r for b, r in zip(bare, right, strict=True)), Fraction(0))) * y.unit**2
    total = y.deviation if intercept else squares * y.unit**2
    variance = left / (n - p)
    spread = [Fraction(row[p + 1 + i], determinant) / columns[i].unit ** 2 for i, row in enumerate(rows)]
    return Solution(
        coefficients=tuple(float(b * y.unit / column.unit) for b, column in zip(bare, columns, strict=True)),
        errors=tuple(root(variance * each) for each in spread),
        residual_sd=root(variance),
        residual_squares=float(left),
        total_squares=float(total),
        r2=float(1 - left / total) if total else 0.0,
        digits=15.0,
        way="exact arithmetic on the decimals",
    )


def _eliminate(rows: list[list[int]], p: int) -> int:
    """Turns the left p columns into the determinant times the unit matrix, in place; the determinant, 0 if there is
    no solution. Every division comes out even (Bareiss 1968).
    """
    previous = 1
    for k in range(p):
        pivot = next((i for i in range(k, p) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], [-each for each in rows[k]]
        top = rows[k]
        for i in range(p):
            if i != k:
                factor = rows[i][k]
                rows[i] = [
                    (top[k] * each - factor * other) // previous for each, other in zip(rows[i], top, strict=True)
                ]
        previous = top[k]
    return previous


def root(value: Fraction) -> float:
    """The square root of a fraction, rounded once."""
    scale = 10**_PLACES
    shift = max(0, len(str(value.denominator)) - len(str(value.numerator)))
    grown = scale * 10**shift
    return float(Fraction(isqrt(value.numerator * grown * grown // value.denominator), grown))


def solve_rounded(design: Matrix, y: Matrix, *, intercept: bool) -> Solution | None:
    """The same in double precision; None also where rounding would decide everything."""
    n, p = design.shape
    scale = np.sqrt((design**2).sum(axis=0))
    if not scale.all():
        return None
    q, r = np.linalg.qr(design / scale)
    condition = float(np.linalg.cond(r))
    if not np.isfinite(condition) or condition > 1 / np.finfo(float).eps:
        return None
    b = np.zeros(p)
    for _ in range(_ROUNDS):
        b = b + np.linalg.solve(r, q.T @ (y - (design / scale) @ b))
    left = y - (design / scale) @ b
    squares = float(left @ left)
    total = float(((y - y.mean()) ** 2).sum()) if intercept else float(y @ y)
    inverse = np.linalg.inv(r)
    variance = squares / (n - p)
    return Solution(
        coefficients=tuple((b / scale).tolist()),
        errors=tuple((np.sqrt((inverse**2).sum(axis=1) * variance) / scale).tolist()),
        residual_sd=variance**0.5,
        residual_squares=squares,
        total_squares=total,
        r2=1 - squares / total if total else 0.0,
        digits=max(0.0, 15 - log10(condition)),
        way="QR of scaled columns with refinement, as the rows are many",
    )
