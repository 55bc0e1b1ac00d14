"""What a table says against a way of reading it: rows that stand for many cases, rows that belong together, groups that
turn a relation round, numbers that are names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tools.numerals import name_and_unit
from tools.statistics.asking import MethodName, Role
from tools.statistics.correlation import turned
from tools.statistics.samples import label

_COUNTING = frozenset({"freq", "frequency", "frequencies", "count", "counts", "n", "cases", "weight"})
_CASES = frozenset({"describe", "count", "share", "groups", "anova", "chi_square"})
_MOST_GROUPS = 12
_MOST_COLUMNS = 12
_LEAST_IN_GROUP = 8


def hints(
    method: MethodName, columns: "Mapping[Role, pd.Series[Any]]", x: "Sequence[pd.Series[Any]]", table: pd.DataFrame
) -> tuple[str, ...]:
    """Warnings on what the method does not see in the columns that it was given."""
    said: list[str] = []
    if method in _CASES and "weights" not in columns:
        said += _counted(columns, table)
    if method in ("groups", "anova") and "pairs" not in columns:
        said += _paired(columns["values"], columns["groups"], table)
    if method in ("correlation", "trend", "regression") and len(x) == 1:
        said += _turned(columns["values"], x[0], table) if "groups" not in columns else []
        said += _names(x[0]) if method != "regression" else []
    return tuple(said)


def counting_column(table: pd.DataFrame) -> str | None:
    """The column that says how many cases a row stands for: whole numbers called a count, beside columns of names whose
    combinations occur once each.
    """
    names = [name for name in table if not pd.api.types.is_float_dtype(table[name])]
    for name in names:
        others = [other for other in table if other != name and not pd.api.types.is_numeric_dtype(table[other])]
        is_whole = pd.api.types.is_integer_dtype(table[name]) and bool((table[name] >= 0).all())
        called = name_and_unit(str(name))[0].casefold() in _COUNTING
        if called and is_whole and len(others) >= 2 and not table.duplicated(others).any():
            return str(name)
    return None


def _counted(columns: "Mapping[Role, pd.Series[Any]]", table: pd.DataFrame) -> list[str]:
    name = counting_column(table)
    values = columns.get("values")
    if name is None or (values is not None and name_and_unit(str(values.name))[0] == name_and_unit(name)[0]):
        return []
    return [f"Each row seems to stand for as many cases as {name} says: give {name} as weights."]


def _paired(values: "pd.Series[Any]", groups: "pd.Series[Any]", table: pd.DataFrame) -> list[str]:
    """A warning where a column names the same cases in each group."""
    sizes = groups.value_counts()
    if len(sizes) < 2 or sizes.nunique() > 1 or sizes.iloc[0] < 3:
        return []
    used = {name_and_unit(str(each.name))[0] for each in (values, groups)}
    for name in list(table)[:_MOST_COLUMNS]:
        column = table[name]
        if name_and_unit(str(name))[0] in used or column.isna().any() or pd.api.types.is_float_dtype(column):
            continue
        cases = [frozenset(part) for _, part in column.groupby(groups)]
        if all(len(each) == sizes.iloc[0] and each == cases[0] for each in cases):
            return [
                f"The groups hold the same cases by {name}: the method paired, with pairs = {name}, is the right one."
            ]
    return []


def _turned(values: "pd.Series[Any]", x: "pd.Series[Any]", table: pd.DataFrame) -> list[str]:
    """A warning where the groups of some column of names turn the relation round."""
    if not all(pd.api.types.is_numeric_dtype(each) for each in (values, x)):
        return []
    pair = pd.DataFrame({"x": x.astype(float), "y": values.astype(float)})
    whole = _r(pair)
    names = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    for name in names[:_MOST_COLUMNS]:
        groups = table[name]
        if whole and 2 <= groups.nunique() <= _MOST_GROUPS:
            inside = {label(key): _r(part) for key, part in pair.groupby(groups) if len(part) >= _LEAST_IN_GROUP}
            known = {key: r for key, r in inside.items() if r is not None}
            if len(known) > 1 and (said := turned(whole, known, str(name))):
                return list(said)
    return []


def _r(pair: pd.DataFrame) -> float | None:
    """Pearson's r; None where it has none."""
    known = pair.dropna().to_numpy(float)
    if len(known) < 3 or not all(np.ptp(known, axis=0)):
        return None
    return float(np.corrcoef(known, rowvar=False)[0, 1])


def _names(x: "pd.Series[Any]") -> list[str]:
    """A note on a column of numbers that takes few values."""
    distinct = sorted(x.dropna().unique()) if pd.api.types.is_numeric_dtype(x) else []
    if not 3 <= len(distinct) <= 6 or len(x) < 4 * len(distinct):
        return []
    shown = ", ".join(label(each) for each in distinct)
    return [f"{x.name} takes {len(distinct)} values only ({shown}): if they name groups, use anova on them."]
