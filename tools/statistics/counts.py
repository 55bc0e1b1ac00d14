"""Counts and shares: tables of two columns, and how often a value occurs in each group."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import p_value, plain, share, significant
from tools.statistics import samples
from tools.statistics.result import ALPHA, Effect, Interval, StatResult, level, level_words
from tools.statistics.samples import MOST_GROUPS, label, named_values, verdict

_FEW = 5
"""Expected counts below which the chi-square distribution is a poor guide (Cochran 1954)."""


def cross_table(
    rows: "pd.Series[Any]", columns: "pd.Series[Any]", weights: "pd.Series[Any] | None" = None
) -> pd.DataFrame:
    """Counts of each combination of two columns; `weights` are the cases that a row stands for.

    ToolError where a column makes fewer than 2 or more than 20 groups, or a weight is negative or missing.
    """
    cases = _cases(rows, weights)
    table = pd.DataFrame({"a": rows.map(label, na_action="ignore"), "b": columns.map(label, na_action="ignore")})
    found = table.assign(cases=cases).dropna().pivot_table(index="a", columns="b", values="cases", aggfunc="sum")
    found = found.fillna(0)
    found = found.loc[found.sum(axis=1) > 0, found.sum(axis=0) > 0]
    for name, size in ((rows.name, found.shape[0]), (columns.name, found.shape[1])):
        if not 2 <= size <= MOST_GROUPS:
            remedy = f"Choose a column that makes 2 to {MOST_GROUPS} groups."
            raise ToolError(f"{name} makes {size} groups.", remedy=remedy)
    return found


def _cases(rows: "pd.Series[Any]", weights: "pd.Series[Any] | None") -> "pd.Series[float]":
    if weights is None:
        return pd.Series(1.0, index=rows.index)
    cases = samples.numeric(weights)
    if cases.isna().any() or (cases < 0).any():
        raise ToolError(f"{weights.name} holds gaps or negative numbers.", remedy="Weights are counts of cases.")
    return cases


def chi_square(
    rows: "pd.Series[Any]", columns: "pd.Series[Any]", weights: "pd.Series[Any] | None" = None
) -> StatResult:
    """Pearson's chi-square test of independence of two columns, without Yates' correction; for 2 × 2 Fisher's too.

    ToolError as `cross_table`. Source: Pearson 1900; Cramér 1946; Fisher 1922.
    """
    table = cross_table(rows, columns, weights)
    found = stats.chi2_contingency(table.to_numpy(float), correction=False)
    chi2, p, df, expected = float(found.statistic), float(found.pvalue), int(found.dof), found.expected_freq
    n = float(table.to_numpy().sum())
    v = float(np.sqrt(chi2 / (n * (min(table.shape) - 1))))
    small = float((expected < _FEW).mean())
    values: dict[str, float | str] = {"chi2": chi2, "df": df, "p": p, "n": n, "cramers v": v}
    if table.shape == (2, 2):
        values |= {"odds ratio": _odds(table), "p of Fisher": float(stats.fisher_exact(table.to_numpy(int)).pvalue)}
        values["chi2 with Yates' correction"] = float(stats.chi2_contingency(table.to_numpy(float)).statistic)
    says = "are associated" if p < ALPHA else "are not significantly associated"
    return StatResult(
        method="Pearson's chi-square test of independence",
        sentence=f"{rows.name} and {columns.name} {says}: chi² = {significant(chi2, 6)}, df = {df}, {p_value(p)}, "
        f"n = {plain(n)}, Cramér's V = {share(v)}.",
        values=values,
        n=int(n),
        effect=Effect(name="Cramér's V", value=v),
        p=p,
        assumptions=(
            "cases are independent of each other: not tested",
            f"expected counts are {_FEW} or more in four of five cells: {verdict(small <= 0.2)} "
            f"(least {significant(float(expected.min()))})",
        ),
        warnings=_gaps(rows, columns),
        formula="Pearson 1900; Cramér 1946; Fisher 1922 for 2 × 2",
    )


def _odds(table: pd.DataFrame) -> float:
    (a, b), (c, d) = table.to_numpy(float) + (0.5 if (table == 0).any(axis=None) else 0)
    return float(a * d / (b * c))


def _gaps(*columns: "pd.Series[Any]") -> tuple[str, ...]:
    return tuple(
        f"{int(column.isna().sum())} rows without {column.name} are left out."
        for column in columns
        if column.isna().any()
    )


class Share(NamedTuple):
    """How often something was so in a group."""

    hits: float
    n: float

    @property
    def rate(self) -> float:
        """Hits among all."""
        return self.hits / self.n

    def bounds(self) -> tuple[float, float]:
        """Wilson's interval. Source: Wilson 1927."""
        found = stats.binomtest(round(self.hits), round(self.n)).proportion_ci(level(), method="wilson")
        return float(found.low), float(found.high)


def _rate(value: float) -> str:
    return significant(value, 4)


class Cases(NamedTuple):
    """What a share is of: a column, the value that counts, and how many cases each row stands for."""

    values: "pd.Series[Any]"
    value: str
    weights: "pd.Series[Any] | None" = None


def compare_shares(
    cases: Cases, groups: "pd.Series[Any] | None" = None, within: "pd.Series[Any] | None" = None
) -> StatResult:
    """The share of rows that hold a value: of all, in each group, and in each group within a second column.

    ToolError where no row holds the value, or there are more than 20 groups. Source: Wilson 1927; Pearson 1900.
    """
    hit, n = _hits(cases)
    rows = pd.DataFrame({"hit": hit, "n": n})
    whole = Share(float(hit.sum()), float(n.sum()))
    values: dict[str, float | str] = {"share": whole.rate, "hits": whole.hits, "n": whole.n}
    what = f"The share of {cases.values.name} = {cases.value}"
    low, high = whole.bounds()
    if groups is None:
        bounds = f"{level_words()} CI {_rate(low)} to {_rate(high)}"
        said = f"{what} is {_rate(whole.rate)} ({plain(whole.hits)} of {plain(whole.n)}, {bounds})."
        return _shares(said, values, cases, Interval(of="share", low=low, high=high))
    by = {key: Share(*part) for key, part in _by(rows, groups).items()}
    values |= {f"share of {key}": each.rate for key, each in by.items()}
    values |= {f"n of {key}": each.n for key, each in by.items()}
    listed = ", ".join(
        f"{_rate(each.rate)} for {key} ({plain(each.hits)} of {plain(each.n)})" for key, each in by.items()
    )
    said, warnings = f"{what} is {listed}", tuple[str, ...]()
    tested, words = _tested(list(by.values()))
    if within is not None:
        inside, more, warnings = _within(rows, groups, within, by)
        return _shares(f"{said}{words}{more}.", values | tested | inside, cases, warnings=warnings)
    return _shares(f"{said}{words}.", values | tested, cases)


def _tested(by: Sequence[Share]) -> tuple[dict[str, float | str], str]:
    """Whether the shares differ, as figures and in words; nothing where there is nothing to compare."""
    table = np.array([[each.hits, each.n - each.hits] for each in by])
    if len(by) < 2 or not table.sum(axis=0).all():
        return {}, ""
    found = stats.chi2_contingency(table, correction=False)
    p, v = float(found.pvalue), float(np.sqrt(found.statistic / table.sum()))
    verdict = "significant" if p < ALPHA else "not significant"
    words = f"; the difference is {verdict} ({p_value(p)}, Cramér's V = {share(v)})"
    return {"chi2": float(found.statistic), "df": int(found.dof), "p": p, "cramers v": v}, words


def _hits(cases: Cases) -> "tuple[pd.Series[float], pd.Series[float]]":
    texts = cases.values.map(label, na_action="ignore")
    counted = _cases(cases.values, cases.weights).where(texts.notna(), 0.0)
    if not (texts == cases.value).any():
        remedy = f"Its values are: {named_values(cases.values)}."
        raise ToolError(f"No row has {cases.values.name} = {cases.value}.", remedy=remedy)
    return counted.where(texts == cases.value, 0.0), counted


def _by(rows: pd.DataFrame, groups: "pd.Series[Any]") -> dict[str, tuple[float, float]]:
    found = {
        label(key): (float(part["hit"].sum()), float(part["n"].sum())) for key, part in rows.groupby(groups, sort=True)
    }
    kept = {key: part for key, part in found.items() if part[1] > 0}
    if not 1 <= len(kept) <= MOST_GROUPS:
        remedy = f"Choose a column that makes 1 to {MOST_GROUPS} groups."
        raise ToolError(f"{groups.name} makes {len(kept)} groups.", remedy=remedy)
    return kept


def _within(
    rows: pd.DataFrame, groups: "pd.Series[Any]", within: "pd.Series[Any]", by: dict[str, Share]
) -> tuple[dict[str, float | str], str, tuple[str, ...]]:
    """The same inside each stratum: figures, words, and a warning where the strata say the opposite of the whole."""
    strata = {
        label(key): {g: Share(*each) for g, each in _by(part, groups.loc[part.index]).items()}
        for key, part in rows.groupby(within, sort=True)
    }
    values: dict[str, float | str] = {
        f"share of {g} in {key}": each.rate for key, inside in strata.items() for g, each in inside.items()
    }
    ahead = {g: sum(_first(inside) == g for inside in strata.values()) for g in by}
    values |= {f"{within.name} where {g} is highest": float(times) for g, times in ahead.items()}
    listed = "; ".join(
        f"{key}: " + ", ".join(f"{g} {_rate(each.rate)}" for g, each in inside.items())
        for key, inside in strata.items()
    )
    counts = ", ".join(f"{g} in {times} of {len(strata)}" for g, times in ahead.items())
    said = f". Within {within.name}: {listed}. The highest share has {counts}"
    top = _first(by)
    if ahead[top] < len(strata) / 2:
        opposite = (
            f"Simpson's paradox: {top} has the higher share overall, but in only {ahead[top]} of {len(strata)} groups "
            f"of {within.name}. The groups differ in their mix of {within.name}; compare inside it."
        )
        return values, said, (opposite,)
    return values, said, ()


def _first(shares: dict[str, Share]) -> str:
    """The group with the highest share; none where the first two are equal."""
    ordered = sorted(shares, key=lambda key: -shares[key].rate)
    tied = len(ordered) > 1 and shares[ordered[0]].rate == shares[ordered[1]].rate
    return "" if tied or not ordered else ordered[0]


def _shares(
    sentence: str,
    values: dict[str, float | str],
    cases: Cases,
    interval: Interval | None = None,
    warnings: tuple[str, ...] = (),
) -> StatResult:
    v, p = values.get("cramers v"), values.get("p")
    return StatResult(
        method="shares of groups",
        sentence=sentence,
        values=values,
        n=int(float(values["n"])),
        effect=Effect(name="Cramér's V", value=float(v)) if v is not None else None,
        interval=interval,
        p=float(p) if p is not None else None,
        assumptions=("cases are independent of each other: not tested",),
        warnings=(*_gaps(cases.values), *warnings),
        formula="Wilson 1927; Pearson 1900",
    )
