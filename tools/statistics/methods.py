"""The methods by name: the function that computes each from its columns, and what the table says besides."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from state.errors import ToolError
from tools.numerals import name_and_unit
from tools.statistics.anova import one_way, two_way
from tools.statistics.asking import ASKS, MethodName, Options, Role
from tools.statistics.correlation import correlation, correlation_within, correlations
from tools.statistics.counts import Cases, chi_square, compare_shares
from tools.statistics.describe import count, describe, describe_groups
from tools.statistics.groups import compare_groups, paired_test
from tools.statistics.hints import hints
from tools.statistics.linear import Model, linear_regression
from tools.statistics.logistic import logistic_regression
from tools.statistics.nonlinear import nonlinear_regression
from tools.statistics.resampling import bootstrap, find_outliers
from tools.statistics.result import StatResult
from tools.statistics.series import autocorrelation, change_points, periods, robust_trend, seasonality
from tools.statistics.trend import linear_trend


@dataclass(frozen=True)
class Given:
    """The columns by their role, all with the same index, and the options."""

    options: Options
    columns: "Mapping[Role, pd.Series[Any]]"
    """Of every role but x."""
    x: "Sequence[pd.Series[Any]]" = ()
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    """All of the table that the columns are from."""
    where: "pd.Series[Any] | None" = None
    """What names each row."""

    def column(self, role: Role) -> "pd.Series[Any]":
        """A column that the method needs."""
        return self.columns[role]

    def only_x(self) -> "pd.Series[Any]":
        """The single column of x; ToolError if there are more."""
        if len(self.x) != 1:
            raise ToolError(f"{self.options.method} takes one column of x.", remedy="Name one, or use regression.")
        return self.x[0]

    @property
    def time(self) -> "pd.Series[Any] | None":
        """The column of x, if there is one."""
        return self.x[0] if self.x else None


def compute(given: Given) -> StatResult:
    """The result of the method that is asked for, with what the table says against it.

    ToolError where a column is missing, is not minded by the method, or does not allow it.
    """
    name = given.options.method
    ask = ASKS[name]
    present = {*given.columns, *(("x",) if given.x else ())}
    missing = [role for role in ask.needs if role not in present]
    extra = sorted(present - {*ask.needs, *ask.takes})
    if missing:
        raise ToolError(f"{name} needs {' and '.join(missing)}.", remedy=f"It gives {ask.says}.")
    if extra:
        remedy = f"It takes {', '.join((*ask.needs, *ask.takes)) or 'no columns'}."
        raise ToolError(f"{name} does not mind {' and '.join(extra)}.", remedy=remedy)
    try:
        with np.errstate(all="ignore"):  # what is not finite is left out below
            found = _finite(METHODS[name](given))
    except (ValueError, TypeError, ArithmeticError) as error:
        remedy = "Look at the columns, and choose others."
        raise ToolError(f"This cannot be computed from these columns ({error}).", remedy=remedy) from error
    said = hints(name, given.columns, given.x, given.table)
    return found.model_copy(update={"warnings": tuple(dict.fromkeys((*said, *found.warnings)))})


def _finite(found: StatResult) -> StatResult:
    """The result without figures that are no numbers, as of a test for which nothing varies."""
    values = {name: value for name, value in found.values.items() if isinstance(value, str) or isfinite(value)}
    ends = (found.interval.low, found.interval.high) if found.interval else ()
    return found.model_copy(
        update={
            "values": values,
            "interval": found.interval if all(map(isfinite, ends)) else None,
            "effect": found.effect if found.effect and isfinite(found.effect.value) else None,
            "p": found.p if found.p is not None and isfinite(found.p) else None,
        }
    )


def _describe(given: Given) -> StatResult:
    groups = given.columns.get("groups")
    if groups is None:
        return describe(given.column("values"), given.where)
    return describe_groups(given.column("values"), groups)


def _count(given: Given) -> StatResult:
    values = given.columns.get("values")
    columns = [given.table[name] for name in given.table] if values is None else [values]
    return count(columns, given.columns.get("groups"), given.columns.get("weights"))


def _share(given: Given) -> StatResult:
    if given.options.value is None:
        raise ToolError("share needs the value that counts.", remedy="Give it in value.")
    cases = Cases(given.column("values"), given.options.value, given.columns.get("weights"))
    return compare_shares(cases, given.columns.get("groups"), given.columns.get("within"))


def _anova(given: Given) -> StatResult:
    within = given.columns.get("within")
    if within is None:
        return one_way(given.column("values"), given.column("groups"))
    return two_way(given.column("values"), given.column("groups"), within)


def _correlation(given: Given) -> StatResult:
    groups = given.columns.get("groups")
    if groups is None:
        return correlation(given.only_x(), given.column("values"))
    return correlation_within(given.only_x(), given.column("values"), groups)


def _regression(given: Given) -> StatResult:
    asked = given.options
    return linear_regression(given.column("values"), given.x, Model(asked.degree, asked.intercept), asked.at)


def _nonlinear(given: Given) -> StatResult:
    if given.options.formula is None:
        raise ToolError("nonlinear needs a formula and a start.", remedy="Give y = a * exp(-b * x) and a, b.")
    named = {_identifier(column): column for column in (given.column("values"), *given.x)}
    short = {"y": given.column("values")} | ({"x": given.x[0]} if len(given.x) == 1 else {})
    return nonlinear_regression(short | named, given.options.formula, given.options.start or {})


def _identifier(column: "pd.Series[Any]") -> str:
    """The name of a column as formulas call it: without its unit, other signs as underscores."""
    return re.sub(r"\W+", "_", name_and_unit(str(column.name))[0]).strip("_")


def _season(given: Given) -> StatResult:
    if given.options.period is None:
        raise ToolError("season needs the rows of a season.", remedy="Give period: 12 for months, 4 for quarters.")
    return seasonality(given.column("values"), given.time, given.options.period)


def _bootstrap(given: Given) -> StatResult:
    other = given.columns.get("groups") if given.columns.get("groups") is not None else given.time
    return bootstrap(given.column("values"), given.options.statistic, other)


METHODS: Mapping[MethodName, Callable[[Given], StatResult]] = {
    "describe": _describe,
    "count": _count,
    "share": _share,
    "groups": lambda given: compare_groups(given.column("values"), given.column("groups")),
    "paired": lambda given: paired_test(given.column("values"), given.column("groups"), given.column("pairs")),
    "anova": _anova,
    "chi_square": lambda given: chi_square(
        given.column("values"), given.column("groups"), given.columns.get("weights")
    ),
    "correlation": _correlation,
    "correlations": lambda given: correlations(given.x),
    "trend": lambda given: linear_trend(given.only_x(), given.column("values")),
    "robust_trend": lambda given: robust_trend(given.column("values"), given.only_x()),
    "regression": _regression,
    "logistic": lambda given: logistic_regression(given.column("values"), given.x, given.options.value),
    "nonlinear": _nonlinear,
    "autocorrelation": lambda given: autocorrelation(given.column("values"), given.options.lag),
    "period": lambda given: periods(given.column("values"), given.time),
    "season": _season,
    "change_points": lambda given: change_points(given.column("values"), given.time),
    "outliers": lambda given: find_outliers(given.column("values"), given.where),
    "bootstrap": _bootstrap,
}
"""As `asking.ASKS` describes them."""
