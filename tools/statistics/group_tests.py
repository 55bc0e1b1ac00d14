"""Tests of whether groups have equal means, each with its result in words and where it comes from."""

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

from tools.numerals import at_scale, interval, p_value, plain, share, significant, with_unit
from tools.statistics.exact import Exact, between_groups
from tools.statistics.result import Effect, Interval, level, level_words
from tools.statistics.samples import CLEARLY_NOT, Numbers, verdict


class GroupTest(NamedTuple):
    """A test of equal means: its name, its result in words, its figures, its source, its assumptions."""

    method: str
    words: str
    values: dict[str, float]
    formula: str
    assumptions: tuple[str, ...] = ()
    effect: Effect | None = None
    interval: Interval | None = None


def welch_test(groups: Sequence[Exact], unit: str) -> GroupTest:
    """Welch's t test of two means, with Hedges' g. Source: Welch 1947; Hedges 1981.

    Something must vary within the groups.
    """
    a, b = groups
    difference = float(a.mean - b.mean)
    parts = [float(each.deviation / (len(each) - 1) / len(each)) for each in groups]
    se, freedom = sqrt(sum(parts)), len(a) + len(b) - 2
    df = sum(parts) ** 2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, groups, strict=True))
    t = difference / se
    p, half = float(2 * stats.t.sf(abs(t), df)), float(stats.t.ppf((1 + level()) / 2, df)) * se
    g = difference / sqrt((a.deviation + b.deviation) / freedom) * (1 - 3 / (4 * freedom - 1))
    low, high = difference - half, difference + half
    return GroupTest(
        method="Welch's t test",
        words=f"difference {with_unit(at_scale(difference, half, 3), unit)}, "
        f"{interval(low, high, unit, level_words())}, "
        f"Welch's t = {significant(t, 3)}, df = {significant(df, 3)}, {p_value(p)}, Hedges' g = {share(g)}",
        values={"difference": difference, "difference low": low, "difference high": high}
        | {"t": t, "df": df, "p": p, "hedges g": g},
        formula="Welch 1947; Hedges 1981",
        assumptions=("groups have equal variances: not needed by Welch's test",),
        effect=Effect(name="Hedges' g", value=g),
        interval=Interval(of="difference", low=low, high=high),
    )


def variance_test(samples: Sequence[Numbers], groups: Sequence[Exact]) -> GroupTest:
    """One-way analysis of variance, and Welch's form of it where variances clearly differ.

    Something must vary within the groups. Source: Fisher 1925; Welch 1951; Levene 1960.
    """
    within, between = sum((each.deviation for each in groups), Fraction(0)), between_groups(groups)
    df, rest = len(groups) - 1, sum(len(each) for each in groups) - len(groups)
    f, eta2 = float((between / df) / (within / rest)), float(between / (between + within))
    p = float(stats.f.sf(f, df, rest))
    words = f"F({df}, {rest}) = {significant(f, 6)}, {p_value(p)}, eta² = {share(eta2)}"
    values = {"F": f, "df between": df, "df within": rest, "p": p, "eta2": eta2}
    values |= {"ss between": float(between), "ss within": float(within)}
    shifted = [sample - float(groups[0].mean) for sample in samples]
    spread = even_spread(shifted)
    if spread < CLEARLY_NOT and all(each.deviation for each in groups):
        welch = float(stats.f_oneway(*shifted, equal_var=False).pvalue)
        words += f"; Welch's form, for unequal variances, {p_value(welch)}"
        values |= {"p for equal variances": p, "p": welch}
    equal = f"groups have equal variances: {verdict(spread >= CLEARLY_NOT)} (Levene {p_value(spread)})"
    return GroupTest(
        method="one-way analysis of variance",
        words=words,
        values=values | {"residual sd": sqrt(within / rest)},
        formula="Fisher 1925; Welch 1951 where variances differ; Levene 1960",
        assumptions=(equal,),
        effect=Effect(name="eta²", value=eta2),
    )


def even_spread(samples: Sequence[Numbers]) -> float:
    """p of equal variances (Levene 1960, about medians); 1 where nothing varies round them."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p = float(stats.levene(*samples).pvalue)
    return p if np.isfinite(p) else 1.0


def rank_test(samples: Sequence[Numbers]) -> GroupTest:
    """The rank test of two or more groups. Source: Mann & Whitney 1947; Kruskal & Wallis 1952."""
    if len(samples) == 2:
        found = stats.mannwhitneyu(samples[0].tolist(), samples[1].tolist())
        u, p = float(found.statistic), float(found.pvalue)
        effect = 2 * u / (len(samples[0]) * len(samples[1])) - 1
        return GroupTest(
            method="Mann-Whitney U test",
            words=f"Mann-Whitney U = {plain(u)}, {p_value(p)}, rank-biserial correlation = {share(effect)}",
            values={"U": u, "p": p, "rank-biserial": effect},
            formula="Mann & Whitney 1947, taken as a small group is clearly not normal",
            effect=Effect(name="rank-biserial correlation", value=effect),
        )
    kruskal = stats.kruskal(*samples)
    h, p = float(kruskal.statistic), float(kruskal.pvalue)
    return GroupTest(
        method="Kruskal-Wallis test",
        words=f"Kruskal-Wallis H = {significant(h)}, df = {len(samples) - 1}, {p_value(p)}",
        values={"H": h, "p": p},
        formula="Kruskal & Wallis 1952, taken as a small group is clearly not normal",
    )
