"""What stands between a column and a statistic on it: which values count, and what is odd about them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from state.errors import ToolError
from tools.numerals import p_value, plain

Series = pd.Series
Numbers = NDArray[np.float64]

CLEARLY_NOT = 0.01
"""A p-value of an assumption's test below which the assumption does not hold."""
MOST_GROUPS = 20
_NAMED, _SHORT = 10, 20


def numeric(values: "Series[Any]") -> "Series[float]":
    """The column as floats, dates as decimal years, infinite values missing; ToolError where it is text."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return _decimal_years(values)
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ToolError(f"{values.name} holds text, not numbers.", remedy="Choose a column of numbers.")
    return values.astype(float).replace([np.inf, -np.inf], np.nan)


def _decimal_years(dates: "Series[Any]") -> "Series[float]":
    """Dates as years with a fraction: the first of July 2023 is about 2023.5."""
    year, day, hour = (
        part.to_numpy(float, na_value=np.nan) for part in (dates.dt.year, dates.dt.day_of_year, dates.dt.hour)
    )
    days = np.where(dates.dt.is_leap_year, 366, 365)
    return pd.Series(year + (day - 1 + hour / 24) / days, index=dates.index, name=dates.name)


def known(values: "Series[Any]") -> "Series[float]":
    """The numbers of a column without the missing ones; ToolError where there are none."""
    numbers = numeric(values).dropna()
    if numbers.empty:
        raise ToolError(f"{values.name} holds no number.", remedy="Choose a column of numbers.")
    return numbers


def pairs(x: "Series[Any]", y: "Series[Any]", least: int) -> tuple[Numbers, Numbers]:
    """The rows in which both columns hold a number; ToolError where they are fewer than `least`."""
    both = pd.DataFrame({"x": numeric(x), "y": numeric(y)}).dropna()
    if len(both) < least:
        said = f"Only {len(both)} rows hold both {x.name} and {y.name}, at least {least} are needed."
        raise ToolError(said, remedy="Choose columns with more values.")
    return both["x"].to_numpy(float), both["y"].to_numpy(float)


def split(values: "Series[Any]", groups: "Series[Any]") -> tuple[dict[str, Numbers], tuple[str, ...]]:
    """The numbers by group, in order of the labels, and a warning on groups of one value, which are left out.

    ToolError where fewer than 2 or more than 20 groups remain.
    """
    rows = pd.DataFrame({"value": numeric(values), "group": groups}).dropna()
    found = {label(key): part["value"].to_numpy(float) for key, part in rows.groupby("group", sort=True)}
    kept = {name: part for name, part in found.items() if len(part) > 1}
    if not 2 <= len(kept) <= MOST_GROUPS:
        said = f"{groups.name} makes {len(kept)} groups with two values or more."
        raise ToolError(said, remedy=f"Choose a column that makes 2 to {MOST_GROUPS} groups.")
    single = sorted(found.keys() - kept.keys())
    return kept, (f"Left out, as they hold one value only: {', '.join(single)}.",) if single else ()


def label(key: Any) -> str:
    """A group's or a row's label as text."""
    if isinstance(key, pd.Timestamp):
        return key.date().isoformat()
    if isinstance(key, int | float | np.number) and not isinstance(key, bool):
        return plain(float(key))
    return str(key)


def named_values(values: "pd.Series[Any]") -> str:
    """The values of a column for an error: ten at most, each cut short, since an error is not screened for orders."""
    known = [label(each) for each in values.dropna().unique()[:_NAMED]]
    return ", ".join(text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…" for text in known) or "none"


def span(values: "Series[Any]") -> str:
    """The range of a column in words: `1959 to 2023`, `1958-03-01 to 2023-12-01`."""
    return f"{label(values.min())} to {label(values.max())}"


def place(key: Any, where: "Series[Any] | None") -> str:
    """Where a value stands: `year 1959`, or `row 12`."""
    return f"row {key}" if where is None else f"{where.name} {label(where.loc[key])}"


# --- what is odd ------------------------------------------------------------------------------------------


def gaps(values: "Series[Any]") -> tuple[str, ...]:
    """A warning on missing values."""
    missing = int(numeric(values).isna().sum())
    said = f"{missing} of {values.size} values of {values.name} are missing and left out."
    return (said,) if missing else ()


def outliers(values: "Series[float]", lower: float, upper: float) -> tuple[str, ...]:
    """A warning on values farther from the quartiles than three interquartile ranges (Tukey 1977)."""
    far = values[(values < lower - 3 * (upper - lower)) | (values > upper + 3 * (upper - lower))]
    if far.empty or upper == lower:
        return ()
    named = ", ".join(f"{plain(float(value))} in row {row}" for row, value in far.head(3).items())
    more = f" and {len(far) - 3} more" if len(far) > 3 else ""
    return (f"Far outside the other values of {values.name}: {named}{more}; check them.",)


def few(n: int, enough: int) -> tuple[str, ...]:
    """A warning on a sample too small to trust."""
    return (f"Only {n} values: the result may change with a few more.",) if n < enough else ()


def verdict(holds: bool) -> str:
    """Whether an assumption holds, in words."""
    return "holds" if holds else "does not hold"


def far_from_normal(values: Numbers) -> bool:
    """Whether the values are clearly not normal."""
    p = _shapiro(values)
    return p is not None and p < CLEARLY_NOT


def normality(what: str, values: Numbers) -> str:
    """The assumption that values are normal, and whether it holds."""
    p = _shapiro(values)
    if p is None:
        return f"{what} are normal: not tested (n = {len(values)})"
    return f"{what} are normal: {verdict(p >= CLEARLY_NOT)} (Shapiro-Wilk {p_value(p)})"


def _shapiro(values: Numbers) -> float | None:
    """The p-value of normality (Shapiro & Wilk 1965); None where the test does not apply."""
    shifted = values - values[0]
    applies = 3 <= len(values) <= 5000 and np.ptp(shifted) > 0
    return float(stats.shapiro(shifted).pvalue) if applies else None
