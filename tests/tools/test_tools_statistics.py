"""Statistics of one and two columns against values that can be derived by hand, and against scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from state.errors import ToolError
from tools.numerals import at_scale, name_and_unit, p_value, plain, share, significant
from tools.statistics.correlation import correlation
from tools.statistics.describe import describe
from tools.statistics.exact import Exact
from tools.statistics.groups import compare_groups
from tools.statistics.trend import linear_trend


def series(name: str, *values: object) -> pd.Series[Any]:
    return pd.Series(values, name=name, index=range(2, 2 + len(values)))


# --- describe ---------------------------------------------------------------------------------------------


def test_describe_by_hand() -> None:
    """2, 4, 4, 4, 5, 5, 7, 9: mean 5, sd √(32/7), quartiles 4 and 5.5; extremes with their places and unit."""
    years = series("year", *range(2000, 2008))
    found = describe(series("mass (kg)", 2, 4, 4, 4, 5, 5, 7, 9), years)
    assert found.values["mean"] == 5
    assert found.values["sd"] == pytest.approx(math.sqrt(32 / 7), rel=1e-15)
    assert (found.values["lower quartile"], found.values["upper quartile"]) == (4, 5.5)
    assert found.values["maximum at"] == "year 2007"
    assert found.sentence == (
        "mass has a mean of 5 kg (standard deviation 2.138, n = 8) and a median of 4.5 kg, "
        "from 2 kg (year 2000) to 9 kg (year 2007)."
    )


def test_exact_where_values_are_large() -> None:
    """The standard deviation of 1e15+1, 1e15+2, 1e15+3 is 1: nothing is lost to cancellation."""
    assert describe(series("x", 1e15 + 1, 1e15 + 2, 1e15 + 3)).values["sd"] == 1


def test_describe_says_gaps_and_outliers() -> None:
    """Missing values and values far outside are warned of."""
    found = describe(series("x", 1, 2, 3, 2, 1, 2, 3, 2, 100, None))
    assert found.n == 9
    assert any("1 of 10 values" in warning for warning in found.warnings)
    assert any("100 in row 10" in warning for warning in found.warnings)


def test_describe_one_value() -> None:
    """One value has a mean and no spread."""
    assert "(n = 1)" in describe(series("x", 7)).sentence


@pytest.mark.parametrize("values", [("a", "b"), (None, None), (True, False)])
def test_describe_refuses(values: tuple[object, ...]) -> None:
    """A column without numbers is refused."""
    with pytest.raises(ToolError, match="holds"):
        describe(series("x", *values))


# --- trend ------------------------------------------------------------------------------------------------


def test_trend_by_hand() -> None:
    """(1,1), (2,3), (3,2), (4,5): slope 1.1, intercept 0, r² 0.6914…, residual variance 1.35."""
    found = linear_trend(series("x", 1, 2, 3, 4), series("y", 1, 3, 2, 5))
    assert found.values["slope"] == 1.1
    assert found.values["intercept"] == 0
    assert found.values["r2"] == pytest.approx(6.05 / 8.75, rel=1e-15)
    assert found.values["residual sd"] == pytest.approx(math.sqrt(1.35), rel=1e-15)
    assert "no significant linear trend" in found.sentence
    assert any("Only 4 values" in warning for warning in found.warnings)


def test_trend_like_scipy() -> None:
    """Slope, its error and p agree with scipy; the interval is the slope with t standard errors to each side."""
    rng = np.random.default_rng(5)
    x = np.arange(1960.0, 2020.0)
    y = 300 + 1.5 * (x - 1960) + rng.normal(0, 3, x.size)
    found = linear_trend(series("year", *x), series("co2 (ppm)", *y)).values
    known = stats.linregress(x, y)
    assert found["slope"] == pytest.approx(known.slope, rel=1e-10)
    assert found["slope se"] == pytest.approx(known.stderr, rel=1e-10)
    assert found["p"] == pytest.approx(known.pvalue, rel=1e-8)
    half = stats.t.ppf(0.975, x.size - 2) * known.stderr
    assert found["slope high"] == pytest.approx(known.slope + half, rel=1e-10)


def test_trend_in_words() -> None:
    """A falling trend says falls, by how much per what, with positive bounds."""
    x, y = series("distance (km)", *range(12)), series("price (EUR)", *(100 - 2 * i + (-1) ** i for i in range(12)))
    said = linear_trend(x, y).sentence
    assert said.startswith(("price falls by 2.0", "price falls by 1.9"))
    assert "EUR per km of distance (95 % CI" in said
    assert "n = 12, distance 0 to 11" in said


def test_trend_over_dates() -> None:
    """Dates count in years: one unit a day is 365.2 a year."""
    days = pd.Series(pd.date_range("2001-01-01", periods=730), name="day")
    found = linear_trend(days, pd.Series(np.arange(730.0), name="count"))
    assert found.values["slope"] == pytest.approx(365, rel=1e-3)
    assert "per year" in found.sentence
    assert "day 2001-01-01 to 2002-12-31" in found.sentence


def test_trend_says_what_does_not_hold() -> None:
    """A bent, autocorrelated series is not passed off as a straight line with a sound interval."""
    x = np.arange(60.0)
    found = linear_trend(series("year", *x), series("y", *(x**2)))
    assert any("straight line: does not hold" in each for each in found.assumptions)
    assert any("independent: does not hold" in each for each in found.assumptions)
    assert any("autocorrelated" in warning for warning in found.warnings)


def test_trend_ill_conditioned() -> None:
    """An x that hardly varies for its size is warned of, and the slope is still right."""
    found = linear_trend(series("x", 1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3), series("y", 1, 2, 3, 5))
    assert found.values["slope"] == 1.3
    assert any("Ill-conditioned" in warning for warning in found.warnings)


def test_trend_constant_y() -> None:
    """A constant y has slope 0 and a warning; a constant x is refused."""
    found = linear_trend(series("x", 1, 2, 3), series("y", 4, 4, 4))
    assert (found.values["slope"], found.values["p"]) == (0, 1)
    assert any("does not vary" in warning for warning in found.warnings)
    with pytest.raises(ToolError, match="varies"):
        linear_trend(series("x", 4, 4, 4), series("y", 1, 2, 3))


def test_trend_too_few() -> None:
    """Two pairs make no trend."""
    with pytest.raises(ToolError, match="Only 2 rows"):
        linear_trend(series("x", 1, 2, None), series("y", 1, 2, 3))


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=3, max_size=30))
def test_trend_of_integers(points: list[tuple[int, int]]) -> None:
    """Any pairs of whole numbers: the slope is the ratio of exact sums, and the sentence holds its figures."""
    xs, ys = zip(*points, strict=True)
    if len(set(xs)) == 1:
        return
    found = linear_trend(series("x", *xs), series("y", *ys))
    ex, ey = Exact.of(xs), Exact.of(ys)
    assert found.values["slope"] == float(ex.product(ey) / ex.deviation)
    assert 0 <= float(found.values["r2"]) <= 1
    assert 0 <= float(found.values["p"]) <= 1


# --- groups -----------------------------------------------------------------------------------------------

SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
"""Student's sleep data (1908): Welch's t = -1.8608, df = 17.776, p = 0.07939."""


def grouped(*samples: tuple[float, ...]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    values = [value for sample in samples for value in sample]
    names = [name for name, sample in zip("ABCDEFGH", samples, strict=False) for _ in sample]
    return series("extra (h)", *values), series("drug", *names)


def test_welch_published() -> None:
    """Welch's test of Student's sleep data gives the published values, and their meaning in words."""
    found = compare_groups(*grouped(*SLEEP))
    assert found.method == "Welch's t test"
    assert found.values["t"] == pytest.approx(-1.8608, abs=5e-5)
    assert found.values["df"] == pytest.approx(17.776, abs=5e-4)
    assert found.values["p"] == pytest.approx(0.07939, abs=5e-6)
    assert "0.75 h for drug A (n = 10), 2.33 h for drug B (n = 10)" in found.sentence
    assert "not significant" in found.sentence


def test_anova_by_hand() -> None:
    """(1,2,3), (2,3,4), (5,6,7): F = 13 / 1, on 2 and 6 degrees of freedom."""
    found = compare_groups(*grouped((1, 2, 3), (2, 3, 4), (5, 6, 7)))
    assert found.values["F"] == 13
    assert (found.values["df between"], found.values["df within"]) == (2, 6)
    assert found.values["p"] == pytest.approx(stats.f.sf(13, 2, 6))
    assert "F(2, 6) = 13" in found.sentence


def test_unequal_variances() -> None:
    """Where variances clearly differ, Welch's form decides and the assumption is said not to hold."""
    rng = np.random.default_rng(1)
    samples = [tuple(rng.normal(0, sd, 40)) for sd in (1, 1, 12)]
    found = compare_groups(*grouped(*samples))
    assert "equal variances: does not hold" in " ".join(found.assumptions)
    assert found.values["p"] == pytest.approx(stats.f_oneway(*samples, equal_var=False).pvalue, rel=1e-6)
    assert "p for equal variances" in found.values


@pytest.mark.parametrize("count", [2, 3])
def test_ranks_where_far_from_normal(count: int) -> None:
    """A small, clearly skewed group is tested by ranks; the test of means stays beside it."""
    skewed = (1, 1, 1, 1, 2, 2, 2, 3, 3, 500)
    found = compare_groups(*grouped(*(tuple(value + 10 * i for value in skewed) for i in range(count))))
    assert found.method == ("Mann-Whitney U test" if count == 2 else "Kruskal-Wallis test")
    assert "p of means" in found.values
    assert any("normal: does not hold" in each for each in found.assumptions)


def test_groups_refused() -> None:
    """One group, too many groups, or groups in which nothing varies are refused."""
    with pytest.raises(ToolError, match="makes 1 groups"):
        compare_groups(*grouped((1, 2, 3)))
    with pytest.raises(ToolError, match="does not vary"):
        compare_groups(*grouped((1, 1), (2, 2)))
    many = series("x", *range(60)), series("g", *(i // 2 for i in range(60)))
    with pytest.raises(ToolError, match="makes 30 groups"):
        compare_groups(*many)


def test_single_values_are_left_out() -> None:
    """A group of one value is left out, and that is said."""
    found = compare_groups(*grouped((1, 2, 3), (4, 5, 6), (9,)))
    assert found.n == 6
    assert "Left out, as they hold one value only: C." in found.warnings


# --- correlation ------------------------------------------------------------------------------------------


def test_correlation_like_scipy() -> None:
    """r, its interval, p and Spearman's rho agree with scipy."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    found = correlation(series("x", *x), series("y", *y)).values
    known = stats.pearsonr(x, y)
    low, high = known.confidence_interval()
    assert found["r"] == pytest.approx(known.statistic, rel=1e-10)
    assert found["r low"] == pytest.approx(low)
    assert found["r high"] == pytest.approx(high)
    assert found["p"] == pytest.approx(known.pvalue, rel=1e-8)
    assert found["spearman rho"] == pytest.approx(stats.spearmanr(x, y).statistic)


def test_correlation_by_hand() -> None:
    """1, 2, 3, 4 with 8, 6, 4, 2 is a perfect negative correlation; with 1, 3, 2, 5 it is 0.8315…"""
    perfect = correlation(series("x", 1, 2, 3, 4), series("y", 8, 6, 4, 2))
    assert perfect.values["r"] == -1
    assert "x and y are negatively correlated: r = -1 " in perfect.sentence
    found = correlation(series("x", 1, 2, 3, 4), series("y", 1, 3, 2, 5))
    assert found.values["r"] == pytest.approx(5.5 / math.sqrt(5 * 8.75), rel=1e-15)


def test_correlation_doubts_outliers() -> None:
    """One outlier that makes the correlation is seen by the distance to Spearman's."""
    found = correlation(series("x", *range(20), 1000), series("y", *[3, 1, 2, 0] * 5, 1000))
    assert "without outliers: does not hold" in found.assumptions[0]


def test_correlation_refused() -> None:
    """Three pairs, or a column that does not vary, make no correlation."""
    with pytest.raises(ToolError, match="at least 4"):
        correlation(series("x", 1, 2, 3), series("y", 1, 2, 4))
    with pytest.raises(ToolError, match="same"):
        correlation(series("x", 1, 1, 1, 1), series("y", 1, 2, 4, 3))


# --- numbers in words -------------------------------------------------------------------------------------


def test_numbers_in_words() -> None:
    """Numbers are written with the digits that mean something."""
    assert [plain(value) for value in (3.0, 0.1, 1959.5417, -2.5e-7)] == ["3", "0.1", "1959.5417", "-2.5e-07"]
    assert [significant(value) for value in (358.8412, 123456.7, 0.00123456)] == ["358.8", "123457", "0.001235"]
    assert at_scale(1.61934, 0.0223) == "1.619"
    assert at_scale(-0.0001, 1.0) == "0"
    assert at_scale(12345.6, 2000) == "12300"
    assert [share(value) for value in (0.99999, 1.0, -0.23456)] == ["0.99999", "1", "-0.235"]
    assert [p_value(p) for p in (1e-9, 0.0123, 0.5, 1.0)] == ["p < 0.001", "p = 0.012", "p = 0.5", "p = 1"]
    assert name_and_unit("co2 (ppm)") == ("co2", "ppm")
    assert name_and_unit("mass [kg]") == ("mass", "kg")
    assert name_and_unit("plain") == ("plain", "")
