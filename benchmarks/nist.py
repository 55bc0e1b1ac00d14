"""How many digits statistics have right on NIST's Statistical Reference Datasets, beside libraries called plainly.

    python -m benchmarks.nist [--data FOLDER]

Each figure is the log relative error (LRE) of the worst certified quantity of a data set: the number of digits that are
right, at most 15 (11 for nonlinear, whose certified values have no more). Univariate: mean, standard deviation and
autocorrelation; linear: coefficients, standard errors, r² and residual spread; ANOVA: F; nonlinear: parameters and
standard errors, from NIST's second start (the first in brackets, parameters only). The libraries are called as one
would first: numpy (mean, std, lstsq), scipy (describe, f_oneway, linalg.lstsq, curve_fit) and statsmodels (acf, OLS,
anova_lm); – where a library has no such function, 0 where it gives no right digit or fails.
"""

import argparse
import csv
import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import datasets
from state.errors import ToolError
from tools.statistics.anova import one_way
from tools.statistics.describe import describe
from tools.statistics.formulas import parse_formula
from tools.statistics.linear import Model, linear_regression
from tools.statistics.nonlinear import nonlinear_regression
from tools.statistics.result import StatResult
from tools.statistics.series import autocorrelation

Certified = dict[str, Any]
_MOST, _MOST_NONLINEAR = 15.0, 11.0
_ERROR_TERM = re.compile(r"\+\s*e\s*$")


class Line(NamedTuple):
    """The digits of one data set: ours, and those of libraries."""

    name: str
    category: str
    level: str
    ours: float
    numpy: float | None
    scipy: float | None
    statsmodels: float | None
    start1: float | None = None
    warned: bool = False


def digits(found: float, certified: float, most: float = _MOST) -> float:
    """The log relative error: correct significant digits, from 0 to `most`."""
    if found == certified:
        return most
    if not math.isfinite(found):
        return 0.0
    return max(0.0, min(most, -math.log10(abs(found - certified) / (abs(certified) or 1.0))))


def worst(found: Sequence[float], certified: Sequence[float], most: float = _MOST) -> float:
    """The digits of the worst of several figures."""
    return min(digits(float(a), float(b), most) for a, b in zip(found, certified, strict=True))


def lines(data: Path) -> Iterator[Line]:
    """The digits of each data set that is there."""
    listed = data / "nist" / "certified.json"
    if not listed.is_file():
        raise SystemExit(f"{listed} is not there: name the folder of the data sets with --data.")
    compare = {"univariate": _univariate, "linear": _linear, "anova": _anova, "nonlinear": _nonlinear}
    for name, entry in json.loads(listed.read_text(encoding="utf-8")).items():
        table = read(data / "nist" / entry["csv"])
        yield compare[entry["category"]](name, entry, table)


def read(path: Path) -> dict[str, "pd.Series[Any]"]:
    """The columns of a data set."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    return {name: pd.Series([float(row[i]) for row in rows], name=name) for i, name in enumerate(header)}


# --- ours -------------------------------------------------------------------------------------------------


def univariate(table: dict[str, "pd.Series[Any]"]) -> tuple[float, float, float]:
    """Mean, standard deviation and autocorrelation of a data set."""
    values, after = describe(table["y"]).values, autocorrelation(table["y"]).values
    return float(values["mean"]), float(values["sd"]), float(after["autocorrelation"])


def linear(entry: Certified, table: dict[str, "pd.Series[Any]"]) -> tuple[StatResult, list[float]]:
    """The regression of a data set, with its figures in the order of the certified ones."""
    count = len(entry["certified"]["coef"])
    xs = [column for name, column in table.items() if name != "y"]
    degree = count - 1 if len(xs) == 1 and count > 1 else 1
    found = linear_regression(table["y"], xs, Model(degree, intercept=count > 1))
    names = [name.removesuffix(" se") for name in found.values if name.endswith(" se")]
    b, se = ([float(found.values[f"{name}{suffix}"]) for name in names] for suffix in ("", " se"))
    return found, [*b, *se, float(found.values["r2"]), float(found.values["residual sd"])]


def certified_linear(entry: Certified) -> list[float]:
    """The certified figures in that order."""
    known = entry["certified"]
    return [*known["coef"].values(), *known["se"].values(), known["r2"], known["resid_sd"]]


def formula(entry: Certified) -> str:
    """A model as NIST writes it, without its error term."""
    return _ERROR_TERM.sub("", entry["model"])


def nonlinear(entry: Certified, table: dict[str, "pd.Series[Any]"], start: str) -> StatResult:
    """The fit of a data set from one of NIST's starts."""
    return nonlinear_regression(table, formula(entry), entry[start])


# --- beside libraries -------------------------------------------------------------------------------------


def _univariate(name: str, entry: Certified, table: dict[str, "pd.Series[Any]"]) -> Line:
    from scipy.stats import describe as scipy_describe
    from statsmodels.tsa.stattools import acf

    y, known = table["y"].to_numpy(float), list(entry["certified"].values())
    apart = y - y.mean()
    r = float(apart[:-1] @ apart[1:] / (apart @ apart))
    told = scipy_describe(y)
    return Line(
        name,
        "univariate",
        entry["level"] or "–",
        worst(univariate(table), known),
        worst([float(y.mean()), float(y.std(ddof=1)), r], known),
        worst([float(told.mean), math.sqrt(told.variance)], known[:2]),
        digits(float(acf(y, nlags=1, fft=False)[1]), known[2]),
    )


def _linear(name: str, entry: Certified, table: dict[str, "pd.Series[Any]"]) -> Line:
    import scipy.linalg
    import statsmodels.api as sm

    known, count = certified_linear(entry), len(entry["certified"]["coef"])
    y, xs = table["y"].to_numpy(float), [column.to_numpy(float) for key, column in table.items() if key != "y"]
    many = len(xs) > 1 or count == 1
    design = np.column_stack(
        [*([np.ones_like(y)] if count > 1 else []), *xs] if many else [xs[0] ** k for k in range(count)]
    )
    fitted = sm.OLS(y, design).fit()
    found, figures = linear(entry, table)
    return Line(
        name,
        "linear",
        entry["level"] or "–",
        worst(figures, known),
        worst(np.linalg.lstsq(design, y, rcond=None)[0].tolist(), known[:count]),
        worst(scipy.linalg.lstsq(design, y)[0].tolist(), known[:count]),
        worst([*fitted.params, *fitted.bse, fitted.rsquared, math.sqrt(fitted.scale)], known),
        warned=any("Ill-conditioned" in each for each in found.warnings),
    )


def _anova(name: str, entry: Certified, table: dict[str, "pd.Series[Any]"]) -> Line:
    from scipy.stats import f_oneway
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    known = float(entry["certified"]["F"])
    groups = [part.to_numpy(float) for _, part in table["y"].groupby(table["group"])]
    fitted = anova_lm(ols("y ~ C(group)", pd.DataFrame(table)).fit())
    grand = np.concatenate(groups).mean()
    between = sum(len(part) * (part.mean() - grand) ** 2 for part in groups) / (len(groups) - 1)
    within = sum(((part - part.mean()) ** 2).sum() for part in groups) / (len(table["y"]) - len(groups))
    return Line(
        name,
        "anova",
        entry["level"] or "–",
        digits(float(one_way(table["y"], table["group"]).values["F"]), known),
        digits(float(between / within), known),
        digits(float(f_oneway(*groups).statistic), known),
        digits(float(fitted["F"].iloc[0]), known),
    )


def _nonlinear(name: str, entry: Certified, table: dict[str, "pd.Series[Any]"]) -> Line:
    known = [*entry["certified"]["params"].values(), *entry["certified"]["se"].values()]
    names = list(entry["certified"]["params"])
    ours = {}
    for start in ("start1", "start2"):
        try:
            found = nonlinear(entry, table, start).values
        except ToolError:
            ours[start] = (0.0, 0.0)
            continue
        figures = [float(found[f"{each}{suffix}"]) for suffix in ("", " se") for each in names]
        ours[start] = (
            worst(figures, known, _MOST_NONLINEAR),
            worst(figures[: len(names)], known[: len(names)], _MOST_NONLINEAR),
        )
    return Line(
        name,
        "nonlinear",
        entry["level"] or "–",
        ours["start2"][0],
        None,
        _curve_fit(entry, table),
        None,
        start1=ours["start1"][1],
    )


def _curve_fit(entry: Certified, table: dict[str, "pd.Series[Any]"]) -> float:
    """What scipy's curve_fit with its defaults has right of the parameters, from the second start."""
    from scipy.optimize import curve_fit

    left, right = parse_formula(formula(entry))
    columns = {name: column.to_numpy(float) for name, column in table.items()}
    names, known = list(entry["start2"]), list(entry["certified"]["params"].values())
    model: Callable[..., Any] = lambda _x, *b: right.value({**columns, **dict(zip(names, b, strict=True))})  # noqa: E731
    try:
        found = curve_fit(model, columns["y"], left.value(columns), p0=list(entry["start2"].values()))[0]
    except RuntimeError:
        return 0.0
    return worst(found.tolist(), known, _MOST_NONLINEAR)


def _shown(value: float | None) -> str:
    return "   –" if value is None else f"{value:4.1f}"


def _summary(category: str, found: Sequence[Line]) -> str:
    """The least digits of all data sets of a kind."""
    least = {}
    for name in ("ours", "numpy", "scipy", "statsmodels"):
        known = [value for line in found if (value := getattr(line, name)) is not None]
        least[name] = _shown(min(known, default=None)).strip()
    return f"{category}, {len(found)} sets, the least: {', '.join(f'{n} {v}' for n, v in least.items())}"


def main(options: argparse.Namespace) -> None:
    """Prints a line a data set, and the least of each kind."""
    warnings.simplefilter("ignore")  # the libraries' own, which this table counts as digits
    found = list(lines(options.data))
    print(f"{'data set':10} {'kind':10} {'level':8} ours (start 1)  numpy  scipy  statsmodels")
    for line in found:
        first = f"({line.start1:4.1f})" if line.start1 is not None else ""
        told = "  ill-conditioned, said so" if line.warned else ""
        print(
            f"{line.name:10} {line.category:10} {line.level:8} {_shown(line.ours)} {first:10} {_shown(line.numpy)}   "
            f"{_shown(line.scipy)}   {_shown(line.statsmodels)}{told}"
        )
    print()
    for category in dict.fromkeys(line.category for line in found):
        print(_summary(category, [line for line in found if line.category == category]))


if __name__ == "__main__":
    main(datasets.parser(__doc__).parse_args())
