"""The methods of the statistics tool on data whose answers can be derived by hand or are published."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.errors import ToolError
from tools.statistics.asking import ASKS, MethodName, Options, Role
from tools.statistics.formulas import parse_expression, parse_formula
from tools.statistics.linear import Model, linear_regression
from tools.statistics.methods import METHODS, Given, compute
from tools.statistics.result import StatResult

SLEEP = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0, 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Student's sleep data (1908): the same ten patients under two drugs."""
NILE = [1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140]
NILE += [1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969]
"""The flow of the Nile from 1871: it changes with 1899 (Cobb 1978)."""
XS = {"x": [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5], "x4": [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8]}
YS = {
    "y2": [9.14, 8.14, 8.74, 8.77, 9.26, 8.1, 6.13, 3.1, 9.13, 7.26, 4.74],
    "y3": [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73],
    "y4": [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.5, 5.56, 7.91, 6.89],
}
"""Anscombe (1973): the same line and r², and four different shapes."""
BOX = {"x": [1, 2, 3, 5, 7, 10], "y": [109, 149, 149, 191, 213, 224]}
"""Box, Hunter & Hunter (1978); certified by NIST: b1 = 213.80940889, b2 = 0.54723748542."""
RISE = {"formula": "y = b1 * (1 - exp(-b2 * x))"}


def of(
    method: MethodName, table: dict[str, Any], x: tuple[str, ...] = (), roles: Any = None, **options: Any
) -> StatResult:
    """A method over columns of a table; `roles` are names of columns."""
    frame = pd.DataFrame(table)
    named: dict[Role, str] = roles or {}
    columns = {role: frame[name] for role, name in named.items()}
    return compute(Given(Options(method=method, **options), columns, [frame[name] for name in x], frame))


def warned(found: StatResult, words: str) -> bool:
    return any(words in warning for warning in found.warnings)


def test_every_method_is_described_and_computed() -> None:
    """The names, what is said of them, and the functions are the same list."""
    assert set(get_args(MethodName)) == set(ASKS) == set(METHODS)


def test_paired() -> None:
    """Student's sleep data: t and p as published; the unpaired test warns that the cases are the same."""
    table = {"extra": SLEEP, "group": [1] * 10 + [2] * 10, "ID": [*range(10), *range(10)]}
    roles = {"values": "extra", "groups": "group"}
    found = of("paired", table, roles={**roles, "pairs": "ID"})
    assert found.values["t"] == pytest.approx(-4.0621, abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((-2.4598858, -0.7001142))
    assert warned(of("groups", table, roles=roles), "the method paired, with pairs = ID")


def test_counts_are_weights() -> None:
    """Rows that stand for many cases are counted so, or warned of; Simpson's paradox is told."""
    table = {
        "kept": ["yes", "no"] * 4,
        "sex": ["f", "f", "m", "m"] * 2,
        "part": ["A"] * 4 + ["B"] * 4,
        "Freq": [9, 1, 80, 20, 30, 70, 2, 8],
    }
    roles = {"values": "kept", "groups": "sex", "weights": "Freq"}
    found = of("share", table, roles={**roles, "within": "part"}, value="yes")
    assert found.values["share of f"] == pytest.approx(39 / 110)
    assert found.values["share of m in A"] == pytest.approx(0.8)
    assert found.values["part where f is highest"] == 2
    assert warned(found, "Simpson's paradox: m has the higher share overall")
    assert of("chi_square", table, roles=roles).values["n"] == 220
    assert warned(of("count", table, roles={"groups": "sex"}), "give Freq as weights")
    with pytest.raises(ToolError, match=r"No row has kept = ja\. Its values are: yes, no"):
        of("share", table, roles=roles, value="ja")


def test_correlation_turned_round_by_groups() -> None:
    """Where groups turn a relation round it is said, whether they were asked for or not."""
    base = np.arange(10.0)
    noise = np.array([0, 1, 0, 1, 1, 0, 1, 0, 0, 1]) / 4
    table = {"x": [*base, *base + 20], "y": [*base + noise, *base + noise - 30], "kind": ["a"] * 10 + ["b"] * 10}
    found = of("correlation", table, ("x",), {"values": "y", "groups": "kind"})
    assert float(found.values["r"]) < 0 < float(found.values["r of a"])
    for result in (
        found,
        of("correlation", table, ("x",), {"values": "y"}),
        of("trend", table, ("x",), {"values": "y"}),
    ):
        assert warned(result, "Simpson's paradox")


@pytest.mark.slow
def test_correlations_are_corrected() -> None:
    """Holm's p of the second of three pairs is twice its own."""
    rng = np.random.default_rng(4)
    table = dict(zip("abc", rng.normal(size=(3, 20)), strict=True))
    found = of("correlations", table, ("a", "b", "c")).values
    ps = sorted((float(v), name[5:]) for name, v in found.items() if name.startswith("p of"))
    assert found[f"Holm p of {ps[0][1]}"] == pytest.approx(min(1, 3 * ps[0][0]))


@pytest.mark.slow
def test_two_way_anova() -> None:
    """A 2 × 2 table by hand: the sums of squares are 16, 4 and 0 over an error of 2 on 4 degrees."""
    table = {"y": [0, 1, 2, 3, 4, 5, 6, 7], "a": list("llllhhhh"), "b": list("nnmmnnmm")}
    found = of("anova", table, roles={"values": "y", "groups": "a", "within": "b"}).values
    assert (found["F of a"], found["F of b"]) == (pytest.approx(64), pytest.approx(16))
    assert float(found["F of a × b"]) == pytest.approx(0, abs=1e-20)


@pytest.mark.slow
@pytest.mark.parametrize(("y", "x", "said"), [("y2", "x", "straight line: does not hold"), ("y3", "x", "Outliers")])
def test_same_summary_other_shape(y: str, x: str, said: str) -> None:
    """Anscombe's sets have the same line, and what tells them apart is said."""
    found = of("regression", XS | YS, (x,), {"values": y})
    assert (found.values["intercept"], found.values[x]) == pytest.approx((3.0, 0.5), abs=0.003)
    assert said in " ".join((*found.assumptions, *found.warnings))


@pytest.mark.slow
def test_a_row_that_decides_alone() -> None:
    """Anscombe's fourth set has its slope from one row."""
    assert warned(of("regression", XS | YS, ("x4",), {"values": "y4"}), "goes through row 7 by itself")


def test_regression_on_groups_and_powers() -> None:
    """A column of text enters as differences from its first group; powers are exact; a prediction is made in words."""
    table = {"y": [1, 2, 3, 5, 6, 7, 9.5], "g": list("aaabbbb"), "x": [0, 1, 2, 3, 4, 5, 6]}
    assert of("regression", table, ("g",), {"values": "y"}).values["g b"] == pytest.approx(27.5 / 4 - 2)
    cubes = {"x": [1, 2, 3, 4, 5, 6], "y": [each**3 for each in range(1, 7)]}
    found = of("regression", cubes, ("x",), {"values": "y"}, degree=3, at={"x": 10})
    assert [found.values[name] for name in ("intercept", "x", "x^2", "x^3", "predicted")] == [0, 0, 0, 1, 1000]
    assert "Predicted for x = 10: 1000 (outside the data in x)." in found.sentence


def test_a_perfect_fit_and_a_column_called_like_a_figure() -> None:
    """A perfect fit has no F to state; a column called p does not lose its coefficient."""
    found = of("regression", {"y": [1, 3, 5, 7, 9], "p": [0, 1, 2, 3, 4]}, ("p",), {"values": "y"})
    assert "a perfect fit" in found.sentence
    assert (found.values["column p"], found.values["p"]) == (2, 0)
    assert "F" not in found.values


@pytest.mark.slow
def test_columns_that_say_the_same() -> None:
    """Columns that depend on each other are refused; those that nearly do are warned of."""
    x = list(range(12))
    double = [2.0 * each for each in x]
    table = {"y": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], "a": x, "b": double}
    with pytest.raises(ToolError, match="depend on each other"):
        of("regression", table, ("a", "b"), {"values": "y"})
    double[3] = 6.001
    assert warned(of("regression", table, ("a", "b"), {"values": "y"}), "Multicollinearity")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """All data count as too many for exact sums."""
    monkeypatch.setattr("tools.statistics.least_squares.MOST_PRODUCTS", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("many")
def test_many_rows_are_rounded_and_say_so() -> None:
    """Where exact sums would take long the fit is by QR, and says so."""
    x = pd.Series(np.linspace(0, 1, 50), name="x")
    found = linear_regression((2 + 3 * x).rename("y"), [x])
    assert "QR" in found.method
    assert (found.values["intercept"], found.values["x"]) == (pytest.approx(2), pytest.approx(3))


@pytest.mark.usefixtures("many")
def test_too_ill_conditioned_for_rounding() -> None:
    """Powers of a year that cannot be told apart in double precision are refused, not answered with wrong digits."""
    x = pd.Series(np.linspace(2000, 2001, 100), name="x")
    with pytest.raises(ToolError, match=r"depend on each other|rounding leaves"):
        linear_regression((x % 0.1).rename("y"), [x], Model(degree=9))


@pytest.mark.slow
def test_logistic() -> None:
    """With one column of 0 and 1 the slope is the log of the odds ratio; an outcome told without fail is refused."""
    table = {"y": [0] * 6 + [1] * 4 + [0] * 2 + [1] * 8, "x": [0] * 10 + [1] * 10}
    found = of("logistic", table, ("x",), {"values": "y"})
    assert found.values["x"] == pytest.approx(np.log((8 / 2) / (4 / 6)))
    assert found.values["x se"] == pytest.approx(np.sqrt(1 / 6 + 1 / 4 + 1 / 2 + 1 / 8))
    with pytest.raises(ToolError, match="separate the outcomes"):
        of("logistic", {"y": [0, 0, 0, 0, 1, 1, 1, 1], "x": range(8)}, ("x",), {"values": "y"})


@pytest.mark.parametrize("start", [{"b1": 1, "b2": 1}, {"b1": 100, "b2": 0.75}])
def test_nonlinear(start: dict[str, float]) -> None:
    """A fit that a plain call fails from the first start has the certified digits from both."""
    found = of("nonlinear", BOX, ("x",), {"values": "y"}, **RISE, start=start).values
    assert found["b1"] == pytest.approx(213.80940889, rel=1e-9)
    assert found["b2"] == pytest.approx(0.54723748542, rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "start", "said"),
    [
        ("y = b1 * b2 * x", {"b1": 1, "b2": 1}, "do not determine the parameters"),
        ("y = b1 * x", {}, "No starting value is given for b1"),
        ("y = b1.real * x", {"b1": 1}, "not part of the language"),
        ("y = open(b1)", {"b1": 1}, "not part of the language"),
        ("b1 * x", {"b1": 1}, "no formula with one equals sign"),
        ("y = 9**9**9**9 * b1 * x", {"b1": 1}, "."),
    ],
)
def test_nonlinear_refuses(formula: str, start: dict[str, float], said: str) -> None:
    """A model that has no answer, or is no model, is refused with the reason."""
    with pytest.raises(ToolError, match=said):
        of("nonlinear", BOX, ("x",), {"values": "y"}, formula=formula, start=start)


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="xb1+-*/()., =_'\"[]e^ lambda:", max_size=40))
def test_formulas_are_read_or_refused(text: str) -> None:
    """Any text is an expression or a ToolError."""
    with contextlib.suppress(ToolError):
        parse_expression(text)


def test_formula_language() -> None:
    """Brackets of all kinds, powers and functions have their usual meaning."""
    left, right = parse_formula("log[y] = b1 - 2^x * exp{-x}")
    assert left.names == {"y"}
    assert right.value({"b1": 1.0, "x": 2.0}) == pytest.approx(1 - 4 * np.exp(-2))


@pytest.mark.slow
def test_series() -> None:
    """The period of a sine, the place of a changed level, a season, and the memory of a series are found."""
    t = np.arange(120)
    wave = {"y": np.sin(2 * np.pi * t / 12) + 0.01 * (t % 7), "year": 1900 + t}
    roles = {"values": "y"}
    assert of("period", wave, ("year",), roles).values["period"] == pytest.approx(12)
    season = of("season", wave, ("year",), roles, period=12)
    assert (season.values["highest place"], season.values["lowest place"]) == (4, 10)
    nile = of("change_points", {"flow": NILE, "year": range(1871, 1911)}, ("year",), {"values": "flow"}).values
    assert (nile["change points"], nile["change 1 at"]) == (1, "1899")
    assert of("autocorrelation", {"y": [1, 2, 3, 4, 5]}, roles=roles).values["autocorrelation"] == 0.4
    trend = of("robust_trend", {"x": [1, 2, 3, 4, 5], "y": [1, 2, 3, 4, 50]}, ("x",), roles).values
    assert (trend["slope"], trend["tau"]) == (1, pytest.approx(1))


def test_outliers_and_bootstrap() -> None:
    """The far value is found; the bootstrap's interval is near Student's, and the same each time."""
    found = of("outliers", {"y": [1, 2, 3, 2, 1, 2, 3, 2, 100]}, roles={"values": "y"})
    assert (found.values["outside fences"], found.values["outlier 1"]) == (1, 100)
    table = {"y": np.random.default_rng(1).normal(10, 2, 60)}
    first, second = (of("bootstrap", table, roles={"values": "y"}) for _ in "ab")
    assert first == second
    student = of("describe", table, roles={"values": "y"}).interval
    assert first.interval is not None
    assert student is not None
    assert (first.interval.low, first.interval.high) == pytest.approx((student.low, student.high), abs=0.1)


def test_missing_values_are_counted() -> None:
    """A count tells the rows of each group, and those with a gap."""
    table = {"kind": ["a", "a", "b", None], "size": [1, None, 3, 4], "other": [1, 2, None, None]}
    found = of("count", table, roles={"groups": "kind"}).values
    assert (found["n of a"], found["n of b"], found["rows with a missing value"]) == (2, 1, 3)
