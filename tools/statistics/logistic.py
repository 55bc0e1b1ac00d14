"""Logistic regression of a column that says yes or no."""

from collections.abc import Sequence
from math import exp, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import name_and_unit, p_value, share, significant
from tools.statistics import samples
from tools.statistics.diagnostics import collinear
from tools.statistics.result import Effect, Interval, StatResult, level
from tools.statistics.samples import Numbers, few, label

INTERCEPT = "intercept"
_TAKEN = ("p", "aic", INTERCEPT)
"""Names of other figures."""
_ROUNDS = 100
_STILL = 1e-10
"""Relative change of the likelihood below which the fit stands still."""
_CERTAIN = 1e-8
"""A fitted chance this near 0 or 1 for every row means that the columns separate the outcomes."""


def logistic_regression(y: "pd.Series[Any]", xs: "Sequence[pd.Series[Any]]", value: str | None = None) -> StatResult:
    """The chance that `y` is 1 (or `value`) by columns of numbers, by maximum likelihood.

    ToolError where `y` has not two values, rows are too few, the columns depend on each other, or they separate the
    outcomes so that there is no finite fit. Source: Cox 1958; McFadden 1974; by Newton's method.
    """
    hits, design, names, notes = _design(y, xs, value)
    b, inverse, likelihood = _newton(hits, design)
    n, p = design.shape
    ones = float(hits.sum())
    empty = ones * np.log(ones / n) + (n - ones) * np.log(1 - ones / n)
    ratio, r2 = 2 * (likelihood - empty), 1 - likelihood / empty
    p_all = float(stats.chi2.sf(ratio, p - 1))
    values: dict[str, float | str] = {}
    z = float(stats.norm.ppf((1 + level()) / 2))
    for place, name in enumerate(names):
        beta, se = float(b[place]), sqrt(float(inverse[place, place]))
        values |= {name: beta, f"{name} se": se, f"p of {name}": float(2 * stats.norm.sf(abs(beta) / se))}
        values |= {f"{name} low": beta - z * se, f"{name} high": beta + z * se}
        if name != INTERCEPT and beta < 700:
            values[f"odds ratio of {name}"] = exp(beta)
    chances = 1 / (1 + np.exp(-(design @ b)))
    right = float(((chances > 0.5) == (hits > 0.5)).mean())
    values |= {"log-likelihood": likelihood, "log-likelihood of the intercept alone": empty, "likelihood ratio": ratio}
    values |= {"p": p_all, "mcfadden r2": r2, "rightly told": right, "aic": 2 * p - 2 * likelihood}
    equation = " ".join(
        f"{'-' if beta < 0 else '+'} {significant(abs(beta), 8)}" + ("" if name == INTERCEPT else f" × {name}")
        for name, beta in zip(names, b.tolist(), strict=True)
    ).removeprefix("+ ")
    main = names[1]
    return StatResult(
        method="logistic regression by maximum likelihood",
        sentence=f"The log odds of {name_and_unit(str(y.name))[0]} = {equation}; log-likelihood "
        f"{significant(likelihood, 8)}, likelihood ratio {significant(ratio)} (df {p - 1}, {p_value(p_all)}), "
        f"McFadden's r² = {share(r2)}, n = {n}.",
        values=values,
        n=n,
        effect=Effect(name=f"odds ratio of {main}", value=exp(min(float(b[1]), 700.0))),
        interval=Interval(of=main, low=float(values[f"{main} low"]), high=float(values[f"{main} high"])),
        p=p_all,
        assumptions=(
            "rows are independent of each other: not tested",
            f"at least 10 cases of the rarer outcome for each column: "
            f"{samples.verdict(min(ones, n - ones) >= 10 * (p - 1))} ({min(ones, n - ones):.0f} for {p - 1})",
        ),
        warnings=(*notes, *few(n, 10 * p), *collinear(design, names)),
        formula="Cox 1958; McFadden 1974; Peduzzi et al. 1996 for the cases needed",
    )


def _design(
    y: "pd.Series[Any]", xs: "Sequence[pd.Series[Any]]", value: str | None
) -> tuple[Numbers, Numbers, list[str], list[str]]:
    """The outcomes as 0 and 1, the columns with the intercept's ones first, their names, and what was done."""
    if not xs:
        raise ToolError("A logistic regression needs a column that explains.", remedy="Name one or more in x.")
    frame = pd.concat([y.map(label, na_action="ignore"), *map(samples.numeric, xs)], axis=1, keys=range(len(xs) + 1))
    frame = frame.dropna()
    kinds = sorted(map(str, frame[0].unique()))
    if len(kinds) != 2 or (value is not None and value not in kinds):
        said = f"{y.name} has {len(kinds)} values ({samples.named_values(frame[0])}), not two with the one asked for."
        raise ToolError(said, remedy="Choose a column of yes and no.")
    counted = value or kinds[1]
    if len(frame) <= len(xs) + 1:
        raise ToolError(f"{len(frame)} rows are too few for {len(xs)} columns.", remedy="Take fewer columns.")
    design = np.column_stack([np.ones(len(frame)), *(frame[place].to_numpy(float) for place in range(1, len(xs) + 1))])
    notes = [] if counted == "1" else [f"The chance is that of {y.name} = {counted}."]
    gone = len(y) - len(frame)
    notes += [f"{gone} of {len(y)} rows have a missing value and are left out."] if gone else []
    names = [name_and_unit(str(x.name))[0] for x in xs]
    names = [f"column {name}" if name in _TAKEN else name for name in names]
    return np.asarray(frame[0] == counted, dtype=float), design, [INTERCEPT, *names], notes


def _newton(hits: Numbers, design: Numbers) -> tuple[Numbers, Numbers, float]:
    """Coefficients, their covariance and the log-likelihood; the columns are centred and scaled for the way there."""
    from statsmodels.discrete.discrete_model import Logit

    if np.linalg.matrix_rank(design / np.sqrt((design**2).sum(axis=0) + (design == 0).all(axis=0))) < design.shape[1]:
        raise ToolError("The columns depend on each other: there is no single fit.", remedy="Leave one of them out.")
    centre, scale = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    scaled = np.column_stack([design[:, 0], (design[:, 1:] - centre) / scale])
    model = Logit(hits, scaled)
    b = np.zeros(design.shape[1])
    likelihood = model.loglike(b)
    for _ in range(_ROUNDS):
        if not _apart(scaled @ b):
            remedy = "Report that they tell the outcomes apart without exception, or leave a column out."
            raise ToolError("The columns separate the outcomes wholly: no finite fit exists.", remedy=remedy)
        b = b + np.linalg.solve(-model.hessian(b), model.score(b))
        before, likelihood = likelihood, model.loglike(b)
        if abs(likelihood - before) <= _STILL * abs(likelihood):
            break
    else:
        raise ToolError("The fit did not come to rest.", remedy="Take fewer columns.")
    back = np.eye(design.shape[1])
    back[0, 1:], back[range(1, len(b)), range(1, len(b))] = -centre / scale, 1 / scale
    covariance = back @ np.linalg.inv(-model.hessian(b)) @ back.T
    return np.asarray(back @ b), np.asarray(covariance), float(likelihood)


def _apart(log_odds: Numbers) -> bool:
    """Whether some row's outcome is not certain."""
    chances = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    return bool((np.minimum(chances, 1 - chances) > _CERTAIN).any())
