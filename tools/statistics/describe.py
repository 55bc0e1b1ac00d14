"""What a column is like: centre, spread, extremes, of all rows or of each group; and how many rows there are."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import at_scale, name_and_unit, plain, significant, with_unit
from tools.statistics import samples
from tools.statistics.exact import Exact
from tools.statistics.result import Interval, StatResult, level
from tools.statistics.samples import MOST_GROUPS, gaps, label

_MOST_SHOWN = 12


def describe(values: "pd.Series[Any]", where: "pd.Series[Any] | None" = None) -> StatResult:
    """Number, mean, standard deviation, median, quartiles and extremes of a column.

    `where` names each value (its year, its station) under the same index; otherwise its row does. ToolError
    where the column holds no number. Source: sample standard deviation with n - 1; quartiles of type 7
    (Hyndman & Fan 1996); Student's t interval of the mean.
    """
    name, unit = name_and_unit(str(values.name))
    numbers = samples.known(values)
    n, exact = len(numbers), Exact.of(numbers)
    mean, sd = float(exact.mean), sqrt(exact.deviation / (n - 1)) if n > 1 else 0.0
    lower, median, upper = (float(numbers.quantile(q)) for q in (0.25, 0.5, 0.75))
    least, most = float(numbers.min()), float(numbers.max())
    least_at, most_at = (samples.place(at, where) for at in (numbers.idxmin(), numbers.idxmax()))
    spread = f"standard deviation {at_scale(sd, sd, 4)}, n = {n}" if n > 1 else "n = 1"
    missing = int(values.size - n)
    return StatResult(
        method="descriptive statistics",
        sentence=f"{name} has a mean of {with_unit(at_scale(mean, sd, 4), unit)} ({spread}) and a median of "
        f"{with_unit(plain(median), unit)}, from {with_unit(plain(least), unit)} ({least_at}) "
        f"to {with_unit(plain(most), unit)} ({most_at}).",
        values={"mean": mean, "sd": sd, "median": median, "lower quartile": lower, "upper quartile": upper}
        | {"minimum": least, "minimum at": least_at, "maximum": most, "maximum at": most_at}
        | {"sum": float(exact.total), "variance": float(exact.deviation / max(n - 1, 1)), "missing": missing},
        n=n,
        interval=mean_interval(exact),
        assumptions=("the interval of the mean takes values as independent: not tested",) if n > 1 else (),
        warnings=(*gaps(values), *samples.outliers(numbers, lower, upper)),
        formula="sample standard deviation with n - 1; quartiles of type 7 (Hyndman & Fan 1996); Student 1908",
    )


def mean_interval(values: Exact) -> Interval | None:
    """Student's t interval of the mean; None for a single value."""
    n = len(values)
    if n < 2:
        return None
    mean = float(values.mean)
    half = float(stats.t.ppf((1 + level()) / 2, n - 1)) * sqrt(values.deviation / (n - 1) / n)
    return Interval(of="mean", low=mean - half, high=mean + half)


def describe_groups(values: "pd.Series[Any]", groups: "pd.Series[Any]") -> StatResult:
    """Number, mean, standard deviation and median of a column in each group, and which means are least and greatest.

    ToolError where no group, or more than 20, hold a number. Source: as `describe`.
    """
    name, unit = name_and_unit(str(values.name))
    rows = pd.DataFrame({"value": samples.numeric(values), "group": groups}).dropna()
    parts = {label(key): part["value"] for key, part in rows.groupby("group", sort=True)}
    if not 1 <= len(parts) <= MOST_GROUPS:
        remedy = f"Choose a column that makes 1 to {MOST_GROUPS} groups."
        raise ToolError(f"{groups.name} makes {len(parts)} groups.", remedy=remedy)
    exact = {key: Exact.of(part) for key, part in parts.items()}
    means = {key: float(each.mean) for key, each in exact.items()}
    spreads = {key: sqrt(each.deviation / (len(each) - 1)) for key, each in exact.items() if len(each) > 1}
    ordered = sorted(means, key=lambda key: means[key])
    said = [f"{with_unit(significant(means[key], 6), unit)} for {key} (n = {len(exact[key])})" for key in means]
    return StatResult(
        method="descriptive statistics by group",
        sentence=f"The mean of {name} by {groups.name} is {', '.join(said)}.",
        values={f"mean of {key}": mean for key, mean in means.items()}
        | {f"sd of {key}": spread for key, spread in spreads.items()}
        | {f"median of {key}": float(part.median()) for key, part in parts.items()}
        | {f"n of {key}": float(len(part)) for key, part in parts.items()}
        | {"lowest mean": ordered[0], "highest mean": ordered[-1]},
        n=len(rows),
        warnings=(*gaps(values), *gaps_of_groups(groups)),
        formula="sample standard deviation with n - 1",
    )


def count(
    columns: "Sequence[pd.Series[Any]]", by: "pd.Series[Any] | None", weights: "pd.Series[Any] | None"
) -> StatResult:
    """How many rows there are, how many hold a missing value, and how many there are of each group.

    With `weights` (whole numbers, the cases that a row stands for) their sums are counted. ToolError where there are
    more than 20 groups.
    """
    frame = pd.concat(list(columns), axis=1) if columns else pd.DataFrame()
    cases = samples.numeric(weights).fillna(0) if weights is not None else pd.Series(1.0, index=frame.index)
    n, gapped = float(cases.sum()), int(frame.isna().any(axis=1).sum())
    values: dict[str, float | str] = {"n": n, "rows": len(frame), "rows with a missing value": gapped}
    said = f"There are {plain(n)} {'cases' if weights is not None else 'rows'}, {gapped} rows with a missing value"
    if by is not None:
        groups = {label(key): float(part.sum()) for key, part in cases.groupby(by, sort=True)}
        if len(groups) > MOST_GROUPS:
            raise ToolError(f"{by.name} makes {len(groups)} groups.", remedy=f"At most {MOST_GROUPS} are counted.")
        values |= {f"n of {key}": size for key, size in groups.items()}
        named = [f"{plain(size)} {key}" for key, size in list(groups.items())[:_MOST_SHOWN]]
        said += f"; by {by.name}: {', '.join(named)}"
    gappy = {str(name): int(column.isna().sum()) for name, column in frame.items() if column.isna().any()}
    values |= {f"missing in {name}": float(missing) for name, missing in gappy.items()}
    return StatResult(
        method="count",
        sentence=f"{said}.",
        values=values,
        n=len(frame),
        warnings=(*(gaps_of_groups(by) if by is not None else ()), *_missing(gappy)),
        formula="counted",
    )


def _missing(gappy: dict[str, int]) -> tuple[str, ...]:
    named = ", ".join(f"{name} {missing}" for name, missing in list(gappy.items())[:_MOST_SHOWN])
    return (f"Values are missing: {named}.",) if gappy else ()


def gaps_of_groups(groups: "pd.Series[Any]") -> tuple[str, ...]:
    """A warning on rows that belong to no group."""
    missing = int(groups.isna().sum())
    return (f"{missing} rows have no {groups.name} and are left out.",) if missing else ()
