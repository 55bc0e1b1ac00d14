"""A straight line through points, and whether the points follow one."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from state.errors import ToolError
from tools.numerals import p_value, plain
from tools.statistics.exact import Exact
from tools.statistics.result import level
from tools.statistics.samples import CLEARLY_NOT, Numbers, verdict


@dataclass(frozen=True)
class Line:
    """A straight line fitted by ordinary least squares. Source: Draper & Smith 1998, chapter 1."""

    slope: float
    intercept: float
    slope_se: float
    intercept_se: float
    residual_sd: float
    r2: float
    p: float
    """Of the slope being zero."""
    margin: float
    """Half the width of the slope's confidence interval."""
    n: int


def fit_line(xs: Numbers, ys: Numbers) -> Line:
    """Fit `ys` on `xs`, three or more pairs without missing values; ToolError where `xs` does not vary."""
    x, y, n = Exact.of(xs), Exact.of(ys), len(xs)
    if x.deviation == 0:
        raise ToolError(f"All values of x are {plain(xs[0])}.", remedy="A trend needs an x that varies.")
    product = x.product(y)
    slope = product / x.deviation
    error = (y.deviation - slope * product) / (n - 2)
    se = sqrt(error / x.deviation)
    return Line(
        slope=float(slope),
        intercept=float(y.mean - slope * x.mean),
        slope_se=se,
        intercept_se=sqrt(error / n + error * x.mean**2 / x.deviation),
        residual_sd=sqrt(error),
        r2=float(slope * product / y.deviation) if y.deviation else 0.0,
        p=float(2 * stats.t.sf(abs(float(slope)) / se, n - 2)) if se else float(slope == 0),
        margin=float(stats.t.ppf((1 + level()) / 2, n - 2)) * se,
        n=n,
    )


def residuals(xs: Numbers, ys: Numbers, line: Line) -> Numbers:
    """What the line leaves of `ys`, in order of `xs`."""
    left = (ys - ys.mean()) - line.slope * (xs - xs.mean())
    return np.asarray(left[np.argsort(xs, kind="stable")])


def durbin_watson(left: Numbers) -> float:
    """2 where neighbouring residuals are independent, near 0 where they are alike (Durbin & Watson 1950)."""
    squares = float(left @ left)
    return float(np.sum(np.diff(left) ** 2)) / squares if squares else 2.0


def straightness(xs: Numbers, ys: Numbers, line: Line) -> str:
    """Whether the relation is a straight line, by the F test of a square term added to it."""
    said = "the relation is a straight line"
    z = (xs - xs.mean()) / xs.std()
    if line.n < 5 or len(set(z)) < 3 or not line.residual_sd:
        return f"{said}: not tested (n = {line.n})"
    design = np.column_stack([np.ones_like(z), z, z * z])
    centred = ys - ys.mean()
    left = centred - design @ np.linalg.lstsq(design, centred, rcond=None)[0]
    bent, straight = float(left @ left), line.residual_sd**2 * (line.n - 2)
    p = float(stats.f.sf((straight - bent) / (bent / (line.n - 3)), 1, line.n - 3)) if bent else 0.0
    return f"{said}: {verdict(p >= CLEARLY_NOT)} (a square term has {p_value(p)})"
