"""How two columns, or many, go together."""

from collections.abc import Sequence
from itertools import combinations
from math import atanh, sqrt, tanh
from typing import Any

import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import at_scale, name_and_unit, p_value, share, significant
from tools.statistics import samples
from tools.statistics.exact import Exact
from tools.statistics.result import ALPHA, Effect, Interval, StatResult, level, level_words
from tools.statistics.samples import few, gaps, label, verdict

_MOST_SHOWN = 8


def correlation(x: "pd.Series[Any]", y: "pd.Series[Any]") -> StatResult:
    """Pearson's correlation with its interval by Fisher's z, and Spearman's beside it.

    ToolError with fewer than 4 pairs or where a column does not vary. Source: Fisher 1921; Spearman 1904.
    """
    xs, ys = samples.pairs(x, y, least=4)
    ex, ey, n = Exact.of(xs), Exact.of(ys), len(xs)
    for column, exact in ((x, ex), (y, ey)):
        if exact.deviation == 0:
            remedy = "A correlation needs two columns that vary."
            raise ToolError(f"All values of {column.name} are the same.", remedy=remedy)
    product = ex.product(ey)
    r = (1 if product >= 0 else -1) * sqrt(product**2 / (ex.deviation * ey.deviation))
    half, perfect = float(stats.norm.ppf((1 + level()) / 2)) / sqrt(n - 3), abs(r) >= 1
    low, high = (r, r) if perfect else (tanh(atanh(r) - half), tanh(atanh(r) + half))
    p = 0.0 if perfect else float(2 * stats.t.sf(abs(r) * sqrt((n - 2) / (1 - r * r)), n - 2))
    rho = float(stats.spearmanr(xs, ys).statistic)
    apart = abs(r - rho)
    names = " and ".join(name_and_unit(str(each.name))[0] for each in (x, y))
    relation = "positively correlated" if r > 0 else "negatively correlated"
    return StatResult(
        method="Pearson correlation",
        sentence=f"{names} are {relation if p < ALPHA else 'not significantly correlated'}: r = {share(r)} "
        f"({level_words()} CI {share(low)} to {share(high)}, {p_value(p)}, n = {n}; Spearman's rho = {share(rho)}).",
        values={"r": r, "r low": low, "r high": high, "p": p, "spearman rho": rho, "r2": r * r},
        n=n,
        effect=Effect(name="r", value=r),
        interval=Interval(of="r", low=low, high=high),
        p=p,
        assumptions=(
            f"the relation is a straight line without outliers: {verdict(apart <= 0.1)} "
            f"(Pearson and Spearman differ by {at_scale(apart, 0.1)})",
            "pairs are independent of each other: not tested",
        ),
        warnings=(*gaps(x), *gaps(y), *few(n, 10), "A correlation does not show a cause."),
        formula="Pearson's r, interval by Fisher's z (Fisher 1921); Spearman 1904",
    )


def correlation_within(x: "pd.Series[Any]", y: "pd.Series[Any]", groups: "pd.Series[Any]") -> StatResult:
    """The correlation of two columns over all rows and inside each group, and whether the groups turn it round.

    Groups with fewer than 4 pairs, or in which a column does not vary, are left out. ToolError where none is left.
    Source: as `correlation`; Simpson 1951.
    """
    whole = correlation(x, y)
    inside: dict[str, StatResult] = {}
    out: list[str] = []
    for key, part in x.groupby(groups, sort=True):
        try:
            inside[label(key)] = correlation(part, y.loc[part.index])
        except ToolError:
            out.append(label(key))
    if not 1 <= len(inside) <= samples.MOST_GROUPS:
        remedy = f"Choose a column that makes 1 to {samples.MOST_GROUPS} groups."
        raise ToolError(f"{groups.name} makes {len(inside)} groups with enough pairs.", remedy=remedy)
    rs = {key: float(each.values["r"]) for key, each in inside.items()}
    listed = ", ".join(f"r = {significant(r)} for {key} (n = {inside[key].n})" for key, r in rs.items())
    left = (f"Left out, as they hold too few pairs: {', '.join(out)}.",) if out else ()
    return whole.model_copy(
        update={
            "method": "Pearson correlation, over all and inside groups",
            "sentence": f"{whole.sentence.rstrip('.')} Inside {groups.name}: {listed}.",
            "values": whole.values | {f"r of {key}": r for key, r in rs.items()},
            "warnings": (*turned(float(whole.values["r"]), rs, str(groups.name)), *left, *whole.warnings),
            "formula": f"{whole.formula}; Simpson 1951",
        }
    )


def turned(whole: float, inside: dict[str, float], groups: str) -> tuple[str, ...]:
    """A warning where most groups have a correlation of the other sign than the whole."""
    other = [key for key, r in inside.items() if r * whole < 0]
    if len(other) <= len(inside) / 2:
        return ()
    return (
        f"Simpson's paradox: over all r = {share(whole)}, but inside {len(other)} of {len(inside)} groups of {groups} "
        f"it has the other sign ({', '.join(f'{key} {share(inside[key])}' for key in other)}); trust what is inside.",
    )


def correlations(columns: "Sequence[pd.Series[Any]]") -> StatResult:
    """The correlation of each pair of columns, with p corrected for the number of pairs.

    ToolError with fewer than 2 or more than 20 columns, or with a pair that `correlation` refuses. Source: Fisher 1921;
    Holm 1979; Benjamini & Hochberg 1995.
    """
    from statsmodels.stats.multitest import multipletests

    if not 2 <= len(columns) <= samples.MOST_GROUPS:
        raise ToolError(f"{len(columns)} columns are given.", remedy=f"Give 2 to {samples.MOST_GROUPS} columns.")
    found = {(str(a.name), str(b.name)): correlation(a, b) for a, b in combinations(columns, 2)}
    ps = [each.p for each in found.values()]
    holm, hochberg = multipletests(ps, method="holm")[1], multipletests(ps, method="fdr_bh")[1]
    values: dict[str, float | str] = {}
    for (a, b), each, sure, false in zip(found, found.values(), holm, hochberg, strict=True):
        values |= {f"r of {a} and {b}": each.values["r"], f"p of {a} and {b}": float(each.p or 0)}
        values |= {f"Holm p of {a} and {b}": float(sure), f"FDR q of {a} and {b}": float(false)}
    hold = [pair for pair, sure in zip(found, holm, strict=True) if sure < ALPHA]
    (a, b), strongest = max(found.items(), key=lambda item: abs(float(item[1].values["r"])))
    listed = ", ".join(f"{a} and {b} r = {share(float(found[a, b].values['r']))}" for a, b in hold[:_MOST_SHOWN])
    return StatResult(
        method="Pearson correlations with Holm's correction",
        sentence=f"Of {len(found)} pairs of columns {len(hold)} are significantly correlated after correction for "
        f"{len(found)} tests{f' ({listed})' if listed else ''}; the strongest is {a} and {b}, "
        f"r = {share(float(strongest.values['r']))}.",
        values=values,
        n=min(each.n for each in found.values()),
        effect=Effect(name=f"r of {a} and {b}", value=float(strongest.values["r"])),
        interval=strongest.interval,
        p=float(min(holm)),
        assumptions=(
            "rows are independent of each other: not tested",
            "relations are straight lines: look at each pair",
        ),
        warnings=(*dict.fromkeys(w for each in found.values() for w in each.warnings),),
        formula="Fisher 1921; Holm 1979; Benjamini & Hochberg 1995",
    )
