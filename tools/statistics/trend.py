"""The straight line through two columns, and whether it may be trusted; and a trend that needs no straight line."""

from typing import Any

import numpy as np
import pandas as pd

from tools.numerals import at_scale, interval, name_and_unit, p_value, share, with_unit
from tools.statistics import samples
from tools.statistics.fitting import Line, durbin_watson, fit_line, residuals, straightness
from tools.statistics.result import ALPHA, Effect, Interval, StatResult, level_words
from tools.statistics.samples import Numbers, few, gaps, normality, verdict

HARDLY = 1e-6
"""Spread of x as a share of its size below which a fit rests on the last digits of the data."""


def linear_trend(x: "pd.Series[Any]", y: "pd.Series[Any]") -> StatResult:
    """The straight line of `y` on `x`, which may hold dates (taken as decimal years).

    ToolError with fewer than 3 pairs or where `x` does not vary. Source: Draper & Smith 1998; Durbin & Watson
    1950.
    """
    (x_name, _), (y_name, unit) = name_and_unit(str(x.name)), name_and_unit(str(y.name))
    xs, ys = samples.pairs(x, y, least=3)
    line = fit_line(xs, ys)
    left = residuals(xs, ys, line)
    watson = durbin_watson(left)
    independent = (
        f"neighbouring observations are independent: {verdict(1.5 <= watson <= 2.5)} "
        f"(Durbin-Watson {at_scale(watson, 0.1)}, 2 if independent)"
    )
    return StatResult(
        method="linear trend by ordinary least squares",
        sentence=f"{y_name} {_rise(line, unit, _per(x))}, {p_value(line.p)}, r² = {share(line.r2)}, "
        f"n = {line.n}, {x_name} {samples.span(x[y.notna()])}).",
        values={"slope": line.slope, "slope low": line.slope - line.margin}
        | {"slope high": line.slope + line.margin, "slope se": line.slope_se}
        | {"intercept": line.intercept, "intercept se": line.intercept_se, "r2": line.r2, "p": line.p}
        | {"residual sd": line.residual_sd, "durbin-watson": watson},
        n=line.n,
        effect=Effect(name="r²", value=line.r2),
        interval=Interval(of="slope", low=line.slope - line.margin, high=line.slope + line.margin),
        p=line.p,
        assumptions=(independent, straightness(xs, ys, line), normality("residuals", left)),
        warnings=(*gaps(x), *gaps(y), *few(line.n, 10), *_fragile(xs, ys, watson)),
        formula="ordinary least squares (Draper & Smith 1998); Durbin & Watson 1950",
    )


def _rise(line: Line, unit: str, per: str) -> str:
    """The slope in words: `rises by 1.619 ppm per year (95 % CI 1.574 to 1.664 ppm per year`."""
    sure = line.p < ALPHA
    slope = abs(line.slope) if sure else line.slope
    verb = ("rises by" if line.slope > 0 else "falls by") if sure else "shows no significant linear trend:"
    bounds = interval(slope - line.margin, slope + line.margin, unit, level_words())
    return f"{verb} {with_unit(at_scale(slope, line.margin, 3), unit)} {per} ({bounds} {per}"


def _per(x: "pd.Series[Any]") -> str:
    """What a slope is for one of: `per year`, `per km of distance`."""
    name, unit = name_and_unit(str(x.name))
    if pd.api.types.is_datetime64_any_dtype(x) or name.casefold() in ("year", "years", "decimal date"):
        return "per year"
    return f"per {unit} of {name}" if unit else f"per unit of {name}"


def _fragile(xs: Numbers, ys: Numbers, watson: float) -> tuple[str, ...]:
    """What makes a fit fragile."""
    said = []
    if not 1.5 <= watson <= 2.5:
        said.append(
            f"The residuals are autocorrelated (Durbin-Watson {at_scale(watson, 0.1)}): "
            "the confidence interval and p are not to be trusted."
        )
    if xs.std() < HARDLY * abs(xs.mean()):
        said.append("Ill-conditioned: x hardly varies for its size, so the slope rests on its last digits.")
    if np.ptp(ys) == 0:
        said.append("y does not vary, so r² and p say nothing.")
    return tuple(said)
