"""The level of confidence intervals is the one that was asked for, in every statistic that has one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tools.numerals import interval
from tools.statistics.correlation import correlation
from tools.statistics.counts import Cases, compare_shares
from tools.statistics.describe import describe
from tools.statistics.groups import compare_groups, paired_test
from tools.statistics.linear import Model, linear_regression
from tools.statistics.logistic import logistic_regression
from tools.statistics.nonlinear import nonlinear_regression
from tools.statistics.resampling import bootstrap
from tools.statistics.result import StatResult, at_level, level
from tools.statistics.series import robust_trend
from tools.statistics.trend import linear_trend

_N = 40
_NOISE = np.random.default_rng(3).normal(0, 3, _N)
X = pd.Series(np.arange(_N, dtype=float), name="x")
Y = pd.Series(2 * np.arange(_N) + _NOISE, name="y")
SIDES = pd.Series(["a", "b"] * (_N // 2), name="side")
PAIRS = pd.Series(np.repeat(np.arange(_N // 2), 2), name="pair")
WON = pd.Series((_NOISE + X / 10 > 2).astype(float), name="won")
STATISTICS: dict[str, Callable[[], StatResult]] = {
    "describe": lambda: describe(Y),
    "correlation": lambda: correlation(X, Y),
    "groups": lambda: compare_groups(Y, SIDES),
    "paired": lambda: paired_test(Y, SIDES, PAIRS),
    "share": lambda: compare_shares(Cases(WON, "1")),
    "trend": lambda: linear_trend(X, Y),
    "robust_trend": lambda: robust_trend(Y, X),
    "regression": lambda: linear_regression(Y, [X], Model()),
    "logistic": lambda: logistic_regression(WON, [X]),
    "nonlinear": lambda: nonlinear_regression({"x": X, "y": Y}, "y = a * x + b", {"a": 1.0, "b": 1.0}),
    "bootstrap": lambda: bootstrap(Y),
}


def bounds(found: StatResult) -> tuple[float, float]:
    """Of the interval, wherever the method tells it."""
    if found.interval is not None:
        return found.interval.low, found.interval.high
    ends: Any = [next(value for name, value in found.values.items() if name.endswith(end)) for end in ("low", "high")]
    return ends[0], ends[1]


@pytest.mark.parametrize(
    "method", [pytest.param(each, marks=pytest.mark.slow if each == "regression" else ()) for each in STATISTICS]
)
def test_an_interval_has_the_level_that_is_asked_for(method: str) -> None:
    """It lies inside of that of a higher level, names it in its words, and is 95 % again afterwards."""
    made = {}
    for share in (0.5, 0.99):
        with at_level(share):
            made[share] = STATISTICS[method]()
    (narrow, wide), usual = (bounds(made[share]) for share in (0.5, 0.99)), bounds(STATISTICS[method]())
    assert wide[0] < usual[0] < narrow[0] <= narrow[1] < usual[1] < wide[1]
    assert "95 %" not in made[0.99].sentence
    assert made[0.99].interval is None or made[0.99].interval.level == 0.99
    assert level() == 0.95


def test_a_level_is_said_as_it_is() -> None:
    """Without digits that nobody gave it."""
    assert interval(1, 2, "m", "99.9 %").startswith("99.9 % CI")
    with at_level(0.999):
        assert "(99.9 % CI" in linear_trend(X, Y).sentence
