"""Statistics in words and numbers, each with the assumptions it rests on and whether they hold.

Sums are exact (`tools/exact.py`), so that the certified values of NIST's Statistical Reference Datasets come
out to nine digits and more. What cannot be computed is a ToolError; what cannot be trusted has a warning.
"""

from math import atanh, sqrt, tanh
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from state.evidence import Record
from tools import samples as columns
from tools.exact import Exact
from tools.fitting import Line, durbin_watson, fit_line, residuals, straightness
from tools.group_tests import rank_test, variance_test, welch_test
from tools.numerals import at_scale, interval, name_and_unit, p_value, plain, share, with_unit
from tools.samples import LEVEL, Numbers, few, gaps, normality, verdict

ALPHA = 0.05
"""A p-value below it is called significant."""
SMALL = 30
"""Groups below this size rest on the normality of their values."""
HARDLY = 1e-6
"""Spread of x as a share of its size below which a fit rests on the last digits of the data."""


class StatResult(Record):
    """One statistic: what it says, its figures, and what it rests on."""

    method: str
    sentence: str
    """The result in words, with numbers and units."""
    values: dict[str, float | str]
    n: int
    """Values that were used."""
    assumptions: tuple[str, ...] = ()
    """Each says whether it holds."""
    warnings: tuple[str, ...] = ()
    formula: str
    """Where the formula comes from."""


def describe(values: "pd.Series[Any]", where: "pd.Series[Any] | None" = None) -> StatResult:
    """Number, mean, standard deviation, median, quartiles and extremes of a column.

    `where` names each value (its year, its station) under the same index; otherwise its row does. ToolError
    where the column holds no number. Source: sample standard deviation with n - 1; quartiles of type 7
    (Hyndman & Fan 1996).
    """
    name, unit = name_and_unit(str(values.name))
    numbers = columns.known(values)
    n, exact = len(numbers), Exact.of(numbers)
    mean, sd = float(exact.mean), sqrt(exact.deviation / (n - 1)) if n > 1 else 0.0
    lower, median, upper = (float(numbers.quantile(q)) for q in (0.25, 0.5, 0.75))
    least, most = float(numbers.min()), float(numbers.max())
    least_at, most_at = (columns.place(at, where) for at in (numbers.idxmin(), numbers.idxmax()))
    spread = f"standard deviation {at_scale(sd, sd, 4)}, n = {n}" if n > 1 else "n = 1"
    return StatResult(
        method="descriptive statistics",
        sentence=f"{name} has a mean of {with_unit(at_scale(mean, sd, 4), unit)} ({spread}) and a median of "
        f"{with_unit(plain(median), unit)}, from {with_unit(plain(least), unit)} ({least_at}) "
        f"to {with_unit(plain(most), unit)} ({most_at}).",
        values={"mean": mean, "sd": sd, "median": median, "lower quartile": lower, "upper quartile": upper}
        | {"minimum": least, "minimum at": least_at, "maximum": most, "maximum at": most_at},
        n=n,
        warnings=(*gaps(values), *columns.outliers(numbers, lower, upper)),
        formula="sample standard deviation with n - 1; quartiles of type 7 (Hyndman & Fan 1996)",
    )


def linear_trend(x: "pd.Series[Any]", y: "pd.Series[Any]") -> StatResult:
    """The straight line of `y` on `x`, which may hold dates (taken as decimal years).

    ToolError with fewer than 3 pairs or where `x` does not vary. Source: Draper & Smith 1998; Durbin & Watson
    1950.
    """
    (x_name, _), (y_name, unit) = name_and_unit(str(x.name)), name_and_unit(str(y.name))
    xs, ys = columns.pairs(x, y, least=3)
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
        f"n = {line.n}, {x_name} {columns.span(x[y.notna()])}).",
        values={"slope": line.slope, "slope low": line.slope - line.margin}
        | {"slope high": line.slope + line.margin, "slope se": line.slope_se}
        | {"intercept": line.intercept, "intercept se": line.intercept_se, "r2": line.r2, "p": line.p}
        | {"residual sd": line.residual_sd, "durbin-watson": watson},
        n=line.n,
        assumptions=(independent, straightness(xs, ys, line), normality("residuals", left)),
        warnings=(*gaps(x), *gaps(y), *few(line.n, 10), *_fragile(xs, ys, watson)),
        formula="ordinary least squares (Draper & Smith 1998); Durbin & Watson 1950",
    )


def _rise(line: Line, unit: str, per: str) -> str:
    """The slope in words: `rises by 1.619 ppm per year (95 % CI 1.574 to 1.664 ppm per year`."""
    sure = line.p < ALPHA
    slope = abs(line.slope) if sure else line.slope
    verb = ("rises by" if line.slope > 0 else "falls by") if sure else "shows no significant linear trend:"
    bounds = interval(slope - line.margin, slope + line.margin, unit)
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


def compare_groups(values: "pd.Series[Any]", groups: "pd.Series[Any]") -> StatResult:
    """Whether groups differ: two by Welch's t, more by one-way analysis of variance, by ranks if safer.

    Ranks are taken where a group of fewer than 30 values is clearly not normal. ToolError where fewer than 2
    or more than 20 groups hold at least two values, or nothing varies within them. Source: Welch 1947; Hedges
    1981; Fisher 1925; Mann & Whitney 1947; Kruskal & Wallis 1952.
    """
    name, unit = name_and_unit(str(values.name))
    by, left_out = columns.split(values, groups)
    samples = list(by.values())
    exact = [Exact.of(sample) for sample in samples]
    if not any(group.deviation for group in exact):
        raise ToolError(f"{name} does not vary within the groups.", remedy="Report the values as they are.")
    test = welch_test(exact, unit) if len(by) == 2 else variance_test(samples, exact)
    if any(len(sample) < SMALL and columns.far_from_normal(sample) for sample in samples):
        ranks = rank_test(samples)
        test = ranks._replace(
            words=f"{ranks.words}; by means {test.words}",
            values={**test.values, "p of means": test.values["p"], **ranks.values},
            assumptions=test.assumptions,
        )
    means = {label: float(group.mean) for label, group in zip(by, exact, strict=True)}
    scale = sqrt(sum(group.deviation for group in exact)) / sum(map(len, exact))
    said = [
        f"{with_unit(at_scale(mean, scale, 3), unit)} for {groups.name} {label} (n = {len(by[label])})"
        for label, mean in means.items()
    ]
    level = "significant" if test.values["p"] < ALPHA else "not significant"
    return StatResult(
        method=test.method,
        sentence=f"The mean of {name} is {', '.join(said)}; the difference is {level} ({test.words}).",
        values={**test.values, **{f"mean of {label}": mean for label, mean in means.items()}},
        n=sum(map(len, exact)),
        assumptions=(
            "values are independent of each other: not tested",
            *(normality(f"values of {label}", sample) for label, sample in by.items()),
            *test.assumptions,
        ),
        warnings=(*gaps(values), *left_out, *few(min(map(len, exact)), 5)),
        formula=test.formula,
    )


def correlation(x: "pd.Series[Any]", y: "pd.Series[Any]") -> StatResult:
    """Pearson's correlation with its interval by Fisher's z, and Spearman's beside it.

    ToolError with fewer than 4 pairs or where a column does not vary. Source: Fisher 1921; Spearman 1904.
    """
    xs, ys = columns.pairs(x, y, least=4)
    ex, ey, n = Exact.of(xs), Exact.of(ys), len(xs)
    for column, exact in ((x, ex), (y, ey)):
        if exact.deviation == 0:
            remedy = "A correlation needs two columns that vary."
            raise ToolError(f"All values of {column.name} are the same.", remedy=remedy)
    product = ex.product(ey)
    r = (1 if product >= 0 else -1) * sqrt(product**2 / (ex.deviation * ey.deviation))
    half, perfect = float(stats.norm.ppf((1 + LEVEL) / 2)) / sqrt(n - 3), abs(r) >= 1
    low, high = (r, r) if perfect else (tanh(atanh(r) - half), tanh(atanh(r) + half))
    p = 0.0 if perfect else float(2 * stats.t.sf(abs(r) * sqrt((n - 2) / (1 - r * r)), n - 2))
    rho = float(stats.spearmanr(xs, ys).statistic)
    apart = abs(r - rho)
    names = " and ".join(name_and_unit(str(each.name))[0] for each in (x, y))
    relation = "positively correlated" if r > 0 else "negatively correlated"
    return StatResult(
        method="Pearson correlation",
        sentence=f"{names} are {relation if p < ALPHA else 'not significantly correlated'}: r = {share(r)} "
        f"(95 % CI {share(low)} to {share(high)}, {p_value(p)}, n = {n}; Spearman's rho = {share(rho)}).",
        values={"r": r, "r low": low, "r high": high, "p": p, "spearman rho": rho},
        n=n,
        assumptions=(
            f"the relation is a straight line without outliers: {verdict(apart <= 0.1)} "
            f"(Pearson and Spearman differ by {at_scale(apart, 0.1)})",
            "pairs are independent of each other: not tested",
        ),
        warnings=(*gaps(x), *gaps(y), *few(n, 10), "A correlation does not show a cause."),
        formula="Pearson's r, interval by Fisher's z (Fisher 1921); Spearman 1904",
    )
