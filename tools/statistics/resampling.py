"""Intervals and outliers that need no distribution: the bootstrap, and rules on quartiles and medians."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import name_and_unit, p_value, significant, with_unit
from tools.statistics import samples
from tools.statistics.result import Effect, Interval, StatResult, level, level_words
from tools.statistics.samples import few, gaps

Statistic = Literal["mean", "median", "sd", "difference of means", "correlation"]
STATISTICS = get_args(Statistic)
_DRAWS = 9999
_SEED = 20_250_101
"""Fixed, so that the same data give the same interval."""
_MOST = 20_000
_ONE: Mapping[str, Callable[..., Any]] = {
    "mean": np.mean,
    "median": np.median,
    "sd": lambda sample, axis=-1: np.std(sample, ddof=1, axis=axis),
}


def bootstrap(values: "pd.Series[Any]", statistic: str = "mean", other: "pd.Series[Any] | None" = None) -> StatResult:
    """A confidence interval by drawing the rows again, bias-corrected and accelerated (BCa), 9,999 times.

    `mean`, `median` and `sd` of one column; `correlation` with another column of numbers; `difference of means` between
    the two groups of another column. ToolError with fewer than 5 or more than 20,000 values. Source: Efron 1987.
    """
    name, unit = name_and_unit(str(values.name))
    data, compute, paired = _drawn(values, statistic, other)
    n = sum(map(len, data)) if not paired else len(data[0])
    if not 5 <= n <= _MOST or any(np.ptp(each) == 0 for each in data):
        remedy = f"Choose columns that vary, with 5 to {_MOST} values."
        raise ToolError(f"{n} values cannot be drawn again.", remedy=remedy)
    value = float(compute(*data))
    # Batches keep what is drawn at once to some tens of megabytes.
    found = stats.bootstrap(
        data,
        compute,
        n_resamples=_DRAWS,
        confidence_level=level(),
        batch=max(1, 2_000_000 // n),
        paired=paired,
        vectorized=True,
        method="BCa" if n <= 2000 and statistic != "median" else "percentile",
        rng=np.random.default_rng(_SEED),
    )
    low, high = (float(each) for each in found.confidence_interval)
    what = f"{statistic} of {name}" + (f" and {other.name}" if other is not None else "")
    bounds = f"{significant(low, 5)} to {with_unit(significant(high, 5), unit)}"
    return StatResult(
        method=f"bootstrap of the {statistic}",
        sentence=f"The {what} is {with_unit(significant(value, 7), unit)} "
        f"({level_words()} bootstrap interval {bounds}, n = {n}).",
        values={statistic: value, "low": low, "high": high, "standard error": float(found.standard_error)},
        n=n,
        effect=Effect(name=statistic, value=value) if other is not None else None,
        interval=Interval(of=statistic, low=low, high=high),
        assumptions=("rows are independent of each other: not tested",),
        warnings=(*gaps(values), *few(n, 20)),
        formula="Efron 1987 (BCa); percentiles for medians and over 2,000 values",
    )


def _drawn(
    values: "pd.Series[Any]", statistic: str, other: "pd.Series[Any] | None"
) -> tuple[tuple[samples.Numbers, ...], Callable[..., Any], bool]:
    """The samples, what is computed of them, and whether their rows belong together."""
    if statistic in _ONE and other is None:
        return (np.asarray(samples.known(values), dtype=float),), _ONE[statistic], False
    if statistic == "correlation" and other is not None:
        return samples.pairs(values, other, least=5), _correlated, True
    if statistic == "difference of means" and other is not None:
        parts, _ = samples.split(values, other)
        if len(parts) == 2:
            first, second = parts.values()
            return (first, second), lambda a, b, axis=-1: np.mean(a, axis=axis) - np.mean(b, axis=axis), False
    remedy = "One column for mean, median or sd; two columns, or two groups, for correlation or difference of means."
    raise ToolError(f"The bootstrap cannot compute “{statistic}” of these columns.", remedy=remedy)


def _correlated(a: Any, b: Any, axis: int = -1) -> Any:
    a, b = a - a.mean(axis=axis, keepdims=True), b - b.mean(axis=axis, keepdims=True)
    squares = np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))
    return (a * b).sum(axis=axis) / np.where(squares > 0, squares, 1)


def find_outliers(values: "pd.Series[Any]", where: "pd.Series[Any] | None" = None) -> StatResult:
    """Values far from the others by three rules: Tukey's fences, the median's distance, Grubbs' test of the farthest.

    ToolError with fewer than 5 numbers or where they do not vary. Source: Tukey 1977; Iglewicz & Hoaglin 1993; Grubbs
    1969.
    """
    name, unit = name_and_unit(str(values.name))
    numbers = samples.known(values)
    n = len(numbers)
    if n < 5 or np.ptp(numbers) == 0:
        raise ToolError(f"{name} has {n} numbers, which must vary.", remedy="Choose a column with at least 5.")
    lower, median, upper = (float(numbers.quantile(q)) for q in (0.25, 0.5, 0.75))
    reach = 1.5 * (upper - lower)
    fenced = numbers[(numbers < lower - reach) | (numbers > upper + reach)]
    spread = float((numbers - median).abs().median()) * 1.4826
    robust = numbers[(numbers - median).abs() > 3.5 * spread] if spread else numbers.iloc[:0]
    apart = (numbers - numbers.mean()).abs()
    g = float(apart.max() / numbers.std())
    others = np.asarray(numbers.drop(apart.idxmax()), dtype=float)
    t2 = n * (n - 2) * g**2 / max((n - 1) ** 2 - n * g**2, 1e-300)
    p = float(min(1.0, 2 * n * stats.t.sf(np.sqrt(t2), n - 2)))
    far = fenced.loc[(fenced - median).abs().sort_values(ascending=False).index]
    shown = [
        f"{with_unit(significant(float(v), 6), unit)} ({samples.place(at, where)})" for at, v in far.head(5).items()
    ]
    more = f" and {len(far) - 5} more" if len(far) > 5 else ""
    said = f"{len(far)} of {n} values of {name} lie outside Tukey's fences" + (
        f": {', '.join(shown)}{more}" if shown else ""
    )
    return StatResult(
        method="outliers",
        sentence=f"{said}; by the median's distance {len(robust)}; Grubbs' G = {significant(g)}, {p_value(p)}.",
        values={"outside fences": float(len(far)), "far from the median": float(len(robust)), "G": g, "p": p}
        | {"lower fence": lower - reach, "upper fence": upper + reach}
        | {f"outlier {i}": float(v) for i, v in enumerate(far.head(5), start=1)},
        n=n,
        effect=Effect(name="Grubbs' G", value=g),
        p=p,
        assumptions=(samples.normality("values without the farthest", others),),
        warnings=(
            *gaps(values),
            *few(n, 10),
            "A value that lies far away is not for that wrong: look where it comes from.",
        ),
        formula="Tukey 1977; Iglewicz & Hoaglin 1993; Grubbs 1969",
    )
