"""Analysis of variance: of one factor by exact sums, of two with their interaction."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import name_and_unit, p_value, share, significant
from tools.statistics import samples
from tools.statistics.exact import Exact
from tools.statistics.group_tests import even_spread, variance_test
from tools.statistics.result import ALPHA, Effect, StatResult
from tools.statistics.samples import CLEARLY_NOT, MOST_GROUPS, gaps, normality, verdict

_MOST_APART = 6


def one_way(values: "pd.Series[Any]", groups: "pd.Series[Any]") -> StatResult:
    """One-way analysis of variance of two groups or more, with the pairs of groups that differ.

    The sums of squares are exact. ToolError where fewer than 2 or more than 20 groups hold two values, or nothing
    varies within them. Source: Fisher 1925; Welch 1951; Levene 1960; Tukey & Kramer 1956.
    """
    name, _ = name_and_unit(str(values.name))
    by, left_out = samples.split(values, groups)
    exact = {key: Exact.of(part) for key, part in by.items()}
    if not any(each.deviation for each in exact.values()):
        raise ToolError(f"{name} does not vary within the groups.", remedy="Report the values as they are.")
    test = variance_test(list(by.values()), list(exact.values()))
    means = {key: float(each.mean) for key, each in exact.items()}
    ordered = sorted(means, key=lambda key: means[key])
    fisher = float(test.values.get("p for equal variances", test.values["p"]))
    says = "differs significantly" if test.values["p"] < ALPHA else "does not differ significantly"
    pooled = np.concatenate([part - part.mean() for part in by.values()])
    return StatResult(
        method="one-way analysis of variance",
        sentence=f"The mean of {name} {says} between the {len(by)} groups of {groups.name} ({test.words}); "
        f"{ordered[0]} has the lowest mean ({significant(means[ordered[0]])}), "
        f"{ordered[-1]} the highest ({significant(means[ordered[-1]])}){_apart(by)}.",
        values={**test.values, "p of F": fisher}
        | {f"mean of {key}": mean for key, mean in means.items()}
        | {"lowest mean": ordered[0], "highest mean": ordered[-1]},
        n=sum(map(len, by.values())),
        effect=test.effect,
        p=float(test.values["p"]),
        assumptions=(
            "values are independent of each other: not tested",
            normality("residuals", pooled),
            *test.assumptions,
        ),
        warnings=(*gaps(values), *left_out, *_spread_grows(by), *_numbered(groups)),
        formula=f"{test.formula}; pairs by Tukey & Kramer 1956",
    )


def _apart(by: "dict[str, samples.Numbers]") -> str:
    """The pairs of groups that differ, in words."""
    if len(by) < 3:
        return ""
    found = stats.tukey_hsd(*by.values()).pvalue
    apart = [f"{a} and {b}" for (i, a), (j, b) in combinations(enumerate(by), 2) if found[i, j] < ALPHA]
    if not apart:
        return "; no two groups differ significantly (Tukey)"
    more = f" and {len(apart) - _MOST_APART} more pairs" if len(apart) > _MOST_APART else ""
    return f"; {', '.join(apart[:_MOST_APART])}{more} differ significantly (Tukey)"


def _spread_grows(by: "dict[str, samples.Numbers]") -> tuple[str, ...]:
    """A warning where groups with a greater mean vary more."""
    if len(by) < 3:
        return ()
    rho = stats.spearmanr([part.mean() for part in by.values()], [part.var() for part in by.values()]).statistic
    spread = even_spread(list(by.values()))
    if rho > 0.7 and spread < ALPHA:
        return ("The variance grows with the mean: a root or a logarithm of the values would even it out.",)
    return ()


def _numbered(groups: "pd.Series[Any]") -> tuple[str, ...]:
    """A note where numbers name the groups."""
    if pd.api.types.is_numeric_dtype(groups) and not pd.api.types.is_bool_dtype(groups):
        return (f"The numbers of {groups.name} are taken as names of groups, not as amounts.",)
    return ()


def two_way(values: "pd.Series[Any]", first: "pd.Series[Any]", second: "pd.Series[Any]") -> StatResult:
    """Two-way analysis of variance with interaction, sums of squares of type II.

    ToolError where a factor makes fewer than 2 or more than 20 groups, a cell of the two is empty, or no cell holds two
    values. Source: Fisher 1925; type II sums of squares (Yates 1934), by statsmodels.
    """
    name, _ = name_and_unit(str(values.name))
    rows = pd.DataFrame({"y": samples.numeric(values), "a": first.map(samples.label, na_action="ignore")})
    rows = rows.assign(b=second.map(samples.label, na_action="ignore")).dropna()
    cells = rows.groupby(["a", "b"]).size()
    for factor, key in ((first, "a"), (second, "b")):
        if not 2 <= rows[key].nunique() <= MOST_GROUPS:
            said = f"{factor.name} makes {rows[key].nunique()} groups."
            raise ToolError(said, remedy=f"Choose a column that makes 2 to {MOST_GROUPS} groups.")
    if len(cells) < rows["a"].nunique() * rows["b"].nunique() or len(rows) <= len(cells):
        said = f"Some combination of {first.name} and {second.name} holds no values, or none holds two."
        raise ToolError(said, remedy="Compare the groups of one column at a time.")
    table, left = _two_way_table(rows)
    named = {"C(a)": str(first.name), "C(b)": str(second.name), "C(a):C(b)": f"{first.name} × {second.name}"}
    figures: dict[str, float | str] = {}
    rest = float(table["df"]["Residual"])
    words: list[str] = []
    for key, name_of in named.items():
        f, df, p = (float(table[part][key]) for part in ("F", "df", "PR(>F)"))
        figures |= {f"F of {name_of}": f, f"df of {name_of}": df, f"p of {name_of}": p}
        words.append(f"{name_of} F({df:.0f}, {rest:.0f}) = {significant(f, 6)}, {p_value(p)}")
    squares = table["sum_sq"]
    eta = float(squares["C(a)"] / (squares["C(a)"] + squares["Residual"]))
    spread = even_spread([part["y"].to_numpy(float) for _, part in rows.groupby(["a", "b"])])
    return StatResult(
        method="two-way analysis of variance",
        sentence=f"{name} by {first.name} and {second.name}: {'; '.join(words)}; "
        f"partial eta² of {first.name} {share(eta)}.",
        values=figures | {"df within": rest},
        n=len(rows),
        effect=Effect(name=f"partial eta² of {first.name}", value=eta),
        p=float(table["PR(>F)"]["C(a)"]),
        assumptions=(
            "values are independent of each other: not tested",
            normality("residuals", left),
            f"cells have equal variances: {verdict(spread >= CLEARLY_NOT)} (Levene {p_value(spread)})",
        ),
        warnings=(*gaps(values), *_numbered(first), *_numbered(second), *_uneven(cells)),
        formula="Fisher 1925; sums of squares of type II (Yates 1934)",
    )


def _two_way_table(rows: pd.DataFrame) -> tuple[pd.DataFrame, samples.Numbers]:
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    fitted = ols("y ~ C(a) * C(b)", rows.assign(y=rows["y"] - rows["y"].iloc[0])).fit()
    return anova_lm(fitted, typ=2), np.asarray(fitted.resid)


def _uneven(cells: "pd.Series[int]") -> tuple[str, ...]:
    said = "The cells hold different numbers of values: type I and type III sums would differ from these."
    return (said,) if cells.nunique() > 1 else ()
