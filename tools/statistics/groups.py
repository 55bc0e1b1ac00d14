"""Whether groups differ in their means, or in their ranks where means say little; and rows that belong together."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import at_scale, interval, name_and_unit, p_value, significant, with_unit
from tools.statistics import samples
from tools.statistics.exact import Exact
from tools.statistics.group_tests import rank_test, variance_test, welch_test
from tools.statistics.result import ALPHA, Effect, Interval, StatResult, level, level_words
from tools.statistics.samples import few, gaps, normality

SMALL = 30
"""Groups below this size rest on the normality of their values."""


def compare_groups(values: "pd.Series[Any]", groups: "pd.Series[Any]") -> StatResult:
    """Whether groups differ: two by Welch's t, more by one-way analysis of variance, by ranks if safer.

    Ranks are taken where a group of fewer than 30 values is clearly not normal. ToolError where fewer than 2
    or more than 20 groups hold at least two values, or nothing varies within them. Source: Welch 1947; Hedges
    1981; Fisher 1925; Mann & Whitney 1947; Kruskal & Wallis 1952.
    """
    name, unit = name_and_unit(str(values.name))
    by, left_out = samples.split(values, groups)
    parts = list(by.values())
    exact = [Exact.of(part) for part in parts]
    if not any(group.deviation for group in exact):
        raise ToolError(f"{name} does not vary within the groups.", remedy="Report the values as they are.")
    test = welch_test(exact, unit) if len(by) == 2 else variance_test(parts, exact)
    if any(len(part) < SMALL and samples.far_from_normal(part) for part in parts):
        ranks = rank_test(parts)
        test = ranks._replace(
            words=f"{ranks.words}; by means {test.words}",
            values={**test.values, "p of means": test.values["p"], **ranks.values},
            assumptions=test.assumptions,
            effect=ranks.effect or test.effect,
        )
    means = {label: float(group.mean) for label, group in zip(by, exact, strict=True)}
    scale = sqrt(sum(group.deviation for group in exact)) / sum(map(len, exact))
    said = [
        f"{with_unit(at_scale(mean, scale, 3), unit)} for {groups.name} {label} (n = {len(by[label])})"
        for label, mean in means.items()
    ]
    verdict = "significant" if test.values["p"] < ALPHA else "not significant"
    return StatResult(
        method=test.method,
        sentence=f"The mean of {name} is {', '.join(said)}; the difference is {verdict} ({test.words}).",
        values={**test.values, **{f"mean of {label}": mean for label, mean in means.items()}}
        | {
            "lowest mean": min(means, key=lambda key: means[key]),
            "highest mean": max(means, key=lambda key: means[key]),
        },
        n=sum(map(len, exact)),
        effect=test.effect,
        interval=test.interval,
        p=test.values["p"],
        assumptions=(
            "values are independent of each other: not tested",
            *(normality(f"values of {label}", sample) for label, sample in by.items()),
            *test.assumptions,
        ),
        warnings=(*gaps(values), *left_out, *few(min(map(len, exact)), 5)),
        formula=test.formula,
    )


def paired_test(values: "pd.Series[Any]", groups: "pd.Series[Any]", pairs: "pd.Series[Any]") -> StatResult:
    """Whether the same cases differ between two groups: Student's paired t test, Wilcoxon's signed ranks beside it.

    `pairs` says which rows belong together. ToolError unless there are two groups, three whole pairs and no case twice
    in a group, and where the differences do not vary. Source: Student 1908; Wilcoxon 1945; Cohen 1988.
    """
    name, unit = name_and_unit(str(values.name))
    wide, (first, second) = _wide(values, groups, pairs)
    whole = wide.dropna()
    if len(whole) < 3:
        raise ToolError(f"Only {len(whole)} pairs are whole, at least 3 are needed.", remedy="Choose other columns.")
    exact = Exact.of([*whole[first], *whole[second]])
    n = len(whole)
    left = [a - b for a, b in zip(exact.multiples[:n], exact.multiples[n:], strict=True)]
    change = Exact(tuple(left), exact.unit)
    if not change.deviation:
        raise ToolError(f"All pairs differ in {name} by the same.", remedy="Report the difference as it is.")
    mean, sd = float(change.mean), sqrt(change.deviation / (n - 1))
    t = mean / (sd / sqrt(n))
    p, half = float(2 * stats.t.sf(abs(t), n - 1)), float(stats.t.ppf((1 + level()) / 2, n - 1)) * sd / sqrt(n)
    drawn = np.array([each * float(exact.unit) for each in left])
    ranks = float(stats.wilcoxon(drawn).pvalue)
    verdict_words = "differs significantly" if p < ALPHA else "does not differ significantly"
    return StatResult(
        method="paired t test",
        sentence=f"{name} {verdict_words} between {groups.name} {first} and {second} in the same {pairs.name}: "
        f"mean difference {with_unit(at_scale(mean, half, 3), unit)}, "
        f"{interval(mean - half, mean + half, unit, level_words())}, "
        f"paired t = {significant(t, 5)}, df = {n - 1}, p = {significant(p, 4)}, n = {n} pairs; "
        f"by signed ranks {p_value(ranks)}.",
        values={"difference": mean, "difference low": mean - half, "difference high": mean + half}
        | {"t": t, "df": n - 1, "p": p, "sd of differences": sd, "cohens d": mean / sd, "p of signed ranks": ranks},
        n=n,
        effect=Effect(name="Cohen's d of the differences", value=mean / sd),
        interval=Interval(of="difference", low=mean - half, high=mean + half),
        p=p,
        assumptions=("pairs are independent of each other: not tested", normality("differences", drawn)),
        warnings=(*_broken(wide), *few(n, 5)),
        formula="Student 1908; Wilcoxon 1945; Cohen 1988",
    )


def _wide(
    values: "pd.Series[Any]", groups: "pd.Series[Any]", pairs: "pd.Series[Any]"
) -> tuple[pd.DataFrame, tuple[str, str]]:
    """The values of both groups side by side, a row for each case."""
    rows = pd.DataFrame({"value": samples.numeric(values), "group": groups.map(samples.label), "case": pairs}).dropna()
    names = sorted(rows["group"].unique())
    if len(names) != 2:
        remedy = "Choose a column of two groups, or the method anova."
        raise ToolError(f"{groups.name} makes {len(names)} groups; a paired test takes 2.", remedy=remedy)
    if rows.duplicated(["group", "case"]).any():
        remedy = "Choose the column that names each case."
        raise ToolError(f"{pairs.name} names a case twice in a group.", remedy=remedy)
    return rows.pivot(index="case", columns="group", values="value"), (names[0], names[1])


def _broken(wide: pd.DataFrame) -> tuple[str, ...]:
    broken = int(wide.isna().any(axis=1).sum())
    return (f"{broken} cases have a value in one group only and are left out.",) if broken else ()
