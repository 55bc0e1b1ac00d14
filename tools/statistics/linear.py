"""Linear regression on one column or more, or on the powers of one, with what makes it fragile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import name_and_unit, p_value, significant, with_unit
from tools.statistics import samples
from tools.statistics.diagnostics import assumptions, fragile
from tools.statistics.exact import Exact
from tools.statistics.least_squares import Solution, is_few, solve_exactly, solve_rounded
from tools.statistics.result import Effect, Interval, StatResult, level
from tools.statistics.samples import Numbers, few, label

INTERCEPT = "intercept"
MOST_TERMS = 30
_MOST_DEGREE = 12
_MOST_LEVELS = 12
_TAKEN = ("r2", "residual sd", "F", "p", "adjusted r2", "df residual", "predicted", INTERCEPT)
"""Names of other figures."""
_LEAST_DIGITS = 4
"""Digits that rounding must leave for a fit to be given at all."""


@dataclass(frozen=True)
class Design:
    """What `y` is explained by: a name and exact values for each term, the intercept first if there is one."""

    names: tuple[str, ...]
    matrix: Numbers
    """A column for each term."""
    y: Numbers
    exact: "tuple[tuple[Exact, ...], Exact] | None"
    """The terms and `y` as the decimals they were written as, where they are few enough."""
    rows: "pd.Index[Any]"
    intercept: bool
    notes: tuple[str, ...] = ()

    def solve(self) -> Solution | None:
        """The fit; None where the terms depend on each other."""
        if self.exact is None:
            return solve_rounded(self.matrix, self.y, intercept=self.intercept)
        return solve_exactly(*self.exact, intercept=self.intercept)


@dataclass(frozen=True)
class Model:
    """How the columns enter."""

    degree: int = 1
    intercept: bool = True


def linear_regression(
    y: "pd.Series[Any]", xs: "Sequence[pd.Series[Any]]", model: Model = Model(), at: Mapping[str, float] | None = None
) -> StatResult:
    """Ordinary least squares of `y` on columns of numbers or of up to 12 groups, or on the powers of one column.

    `at` gives a value of each column for a prediction. Exact arithmetic where it takes about a second at most.
    ToolError where columns depend on each other, rows are too few, or rounding would leave fewer than 4 digits.
    Source: Draper & Smith 1998.
    """
    design = _design(y, xs, model)
    n, p = design.matrix.shape
    found = design.solve()
    if found is None:
        remedy = "Leave one of them out."
        raise ToolError("The columns depend on each other: there is no single fit.", remedy=remedy)
    if found.digits < _LEAST_DIGITS:
        said = f"The columns are so nearly dependent that rounding leaves {found.digits:.0f} digits of the fit."
        raise ToolError(said, remedy="Leave columns out, take fewer powers, or fewer rows, which are computed exactly.")
    left = _residuals(design, found)
    freedom = p - model.intercept
    f, p_all = _f_test(found, n, freedom, model.intercept)
    values = _figures(design, found, n) | {"r2": found.r2, "residual sd": found.residual_sd, "F": f, "p": p_all}
    values |= {"adjusted r2": 1 - (1 - found.r2) * (n - model.intercept) / (n - p)} | {"df residual": float(n - p)}
    said, predicted = _prediction(design, found, xs, model, at or {})
    test = f"F({freedom}, {n - p}) = {significant(f)}, {p_value(p_all)}" if f < inf else "a perfect fit"
    main = design.names[model.intercept] if freedom else INTERCEPT
    return StatResult(
        method=f"linear regression by least squares ({found.way})",
        sentence=f"{_words(y, design, found)}, {test}, n = {n}.{said}",
        values=values | predicted,
        n=n,
        effect=Effect(name="r²", value=found.r2),
        interval=Interval(of=main, low=float(values[f"{main} low"]), high=float(values[f"{main} high"])),
        p=p_all,
        assumptions=assumptions(left, design.matrix, design.intercept),
        warnings=(
            *design.notes,
            *few(n, 5 * p),
            *fragile(left, design.matrix, design.names, design.rows, design.y),
        ),
        formula="ordinary least squares (Draper & Smith 1998); Durbin & Watson 1950; Breusch & Pagan 1979; Cook 1977",
    )


def _design(y: "pd.Series[Any]", xs: "Sequence[pd.Series[Any]]", model: Model) -> Design:
    """The rows in which all columns are known, as exact terms."""
    if not xs or not 1 <= model.degree <= _MOST_DEGREE or (model.degree > 1 and len(xs) > 1):
        remedy = f"Name the columns that explain it; powers up to {_MOST_DEGREE} go with a single column."
        raise ToolError("A regression needs one column or more to explain another.", remedy=remedy)
    frame = pd.concat([samples.numeric(y), *xs], axis=1, keys=range(len(xs) + 1)).dropna()
    names: list[str] = [INTERCEPT] if model.intercept else []
    terms = [(np.ones(len(frame)), 1)] if model.intercept else []
    notes: list[str] = []
    for place, x in enumerate(xs, start=1):
        for header, values in _entered(frame[place], x, notes):
            name = f"column {header}" if header in (*names, *_TAKEN) else header
            for power in range(1, model.degree + 1):
                names.append(name if power == 1 else f"{name}^{power}")
                terms.append((np.asarray(values, dtype=float), power))
    if len(frame) <= len(names) or len(names) > MOST_TERMS:
        said = (
            f"{len(frame)} whole rows are {'too few' if len(frame) <= len(names) else 'given'} for {len(names)} terms."
        )
        raise ToolError(said, remedy=f"Take fewer columns; at most {MOST_TERMS} terms.")
    gone = len(y) - len(frame)
    notes += [f"{gone} of {len(y)} rows have a missing value and are left out."] if gone else []
    exact = None
    if is_few(len(frame), len(terms)):
        exact = (tuple(Exact.of(values).power(power) for values, power in terms), Exact.of(frame[0]))
    return Design(
        tuple(names),
        np.column_stack([values**power for values, power in terms]),
        frame[0].to_numpy(float),
        exact,
        frame.index,
        model.intercept,
        tuple(notes),
    )


def _entered(values: "pd.Series[Any]", x: "pd.Series[Any]", notes: list[str]) -> list[tuple[str, Any]]:
    """A column of numbers as one term; one of groups as a term for each group but the first."""
    name = name_and_unit(str(x.name))[0]
    if not (pd.api.types.is_numeric_dtype(x) or pd.api.types.is_datetime64_any_dtype(x)) or x.dtype == bool:
        keys = sorted(values.map(label).unique())
        if not 2 <= len(keys) <= _MOST_LEVELS:
            remedy = f"Choose numbers, or a column of 2 to {_MOST_LEVELS} groups."
            raise ToolError(f"{name} holds text with {len(keys)} different values.", remedy=remedy)
        notes.append(f"{name} holds groups: each is compared with {keys[0]}.")
        return [(f"{name} {key}", (values.map(label) == key).astype(float)) for key in keys[1:]]
    numbers = samples.numeric(values)
    distinct = sorted(numbers.unique())
    if 3 <= len(distinct) <= 6 and len(numbers) >= 4 * len(distinct):
        shown = ", ".join(label(each) for each in distinct)
        notes.append(f"{name} takes {len(distinct)} values only ({shown}): if they name groups, use anova on them.")
    return [(name, numbers)]


def _residuals(design: Design, found: Solution) -> Numbers:
    """What the fit leaves; where the sums were exact, without the rounding of the product."""
    if not found.residual_squares:
        return np.zeros(len(design.y))
    fitted = np.zeros(len(design.y), dtype=np.longdouble)
    for term, b in zip(design.matrix.T, found.coefficients, strict=True):
        fitted += term.astype(np.longdouble) * b
    return np.asarray(design.y - fitted, dtype=float)


def _f_test(found: Solution, n: int, freedom: int, intercept: bool) -> tuple[float, float]:
    """F of the whole model and its p; 0 and 1 where there is nothing to test, infinity where the fit is perfect."""
    rest = n - freedom - intercept
    explained = found.total_squares - found.residual_squares
    if not freedom or not found.total_squares:
        return 0.0, 1.0
    if not found.residual_squares:
        return inf, 0.0
    f = (explained / freedom) / (found.residual_squares / rest)
    return f, float(stats.f.sf(f, freedom, rest))


def _figures(design: Design, found: Solution, n: int) -> dict[str, float | str]:
    t = float(stats.t.ppf((1 + level()) / 2, n - len(design.names)))
    figures: dict[str, float | str] = {}
    for name, b, se in zip(design.names, found.coefficients, found.errors, strict=True):
        p = float(2 * stats.t.sf(abs(b) / se, n - len(design.names))) if se else float(b == 0)
        figures |= {name: b, f"{name} se": se, f"{name} low": b - t * se, f"{name} high": b + t * se, f"p of {name}": p}
    return figures


def _prediction(
    design: Design, found: Solution, xs: "Sequence[pd.Series[Any]]", model: Model, at: Mapping[str, float]
) -> tuple[str, dict[str, float | str]]:
    """The value of `y` where the columns have the values of `at`, in words and figures."""
    if not at:
        return "", {}
    names = [name_and_unit(str(x.name))[0] for x in xs]
    given = {name_and_unit(key)[0]: float(value) for key, value in at.items()}
    if sorted(given) != sorted(names):
        raise ToolError(
            f"A prediction needs a number for each of {', '.join(names)}.", remedy="Give all of them in at."
        )
    known = {INTERCEPT: 1.0} | {
        name if power == 1 else f"{name}^{power}": given[name] ** power
        for name in names
        for power in range(1, model.degree + 1)
    }
    value = float(sum(b * known.get(name, nan) for name, b in zip(design.names, found.coefficients, strict=True)))
    if not np.isfinite(value):
        raise ToolError("A prediction is made from numbers only.", remedy="Leave `at` away, or the columns of groups.")
    place = ", ".join(f"{name} = {label(given[name])}" for name in names)
    beyond = [n for n, x in zip(names, xs, strict=True) if not x.min() <= given[n] <= x.max()]
    caution = f" (outside the data in {', '.join(beyond)})" if beyond else ""
    return f" Predicted for {place}: {significant(value, 6)}{caution}.", {"predicted": value}


def _words(y: "pd.Series[Any]", design: Design, found: Solution) -> str:
    """The equation and its fit, with digits enough to compute from."""
    name, unit = name_and_unit(str(y.name))
    said = ""
    for term, b in zip(design.names, found.coefficients, strict=True):
        number = significant(abs(b), 9)
        sign = ("- " if b < 0 else "+ ") if said else ("-" if b < 0 else "")
        said += f" {sign}{number}" + ("" if term == INTERCEPT else f" × {term}")
    size = with_unit(significant(found.residual_sd, 6), unit)
    return f"{name} ={said}; r² = {significant(found.r2, 6)}, residual standard deviation {size}"
