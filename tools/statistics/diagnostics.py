"""What makes a linear fit fragile: columns that say the same, rows that decide alone, errors that are not alike."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tools.numerals import at_scale, p_value, plain, significant
from tools.statistics.fitting import durbin_watson
from tools.statistics.samples import CLEARLY_NOT, Numbers, normality, verdict

MOST_INFLATION = 10.0
"""Variance inflation above which columns say nearly the same (Marquardt 1970)."""
ILL = 1e7
"""Condition number of the scaled columns from which the fit rests on the last digits of the data."""
_SHOWN = 5


def assumptions(left: Numbers, design: Numbers, intercept: bool) -> tuple[str, ...]:
    """What least squares rests on, each with whether it holds."""
    watson = durbin_watson(left)
    said = [
        f"neighbouring rows are independent: {verdict(1.2 <= watson <= 2.8)} "
        f"(Durbin-Watson {at_scale(watson, 0.1)}, 2 if independent)",
        normality("residuals", left),
    ]
    n, p = design.shape
    if intercept and n > p + 2 and p > 1 and float(left @ left):
        spread, bent = _even(left, design), _straight(left, design)
        said.append(f"residuals spread evenly: {verdict(spread >= CLEARLY_NOT)} (Breusch-Pagan {p_value(spread)})")
        said.append(f"the relation is a straight line: {verdict(bent >= CLEARLY_NOT)} (RESET {p_value(bent)})")
    return tuple(said)


def _even(left: Numbers, design: Numbers) -> float:
    """p of even spread: n r² of the squared residuals on the columns (Koenker 1981)."""
    squares = left**2 / float(np.mean(left**2))
    r2 = 1 - _rest(squares, design) / float(((squares - squares.mean()) ** 2).sum() or 1)
    return float(stats.chi2.sf(len(left) * r2, design.shape[1] - 1))


def _straight(left: Numbers, design: Numbers) -> float:
    """p of a straight line: F of the squared fitted values added to the model (Ramsey 1969)."""
    q = np.linalg.qr(design / np.abs(design).max(axis=0))[0]
    main = q[:, 1:] if design.shape[1] == 2 else q
    squared = (main**2).sum(axis=1) if design.shape[1] == 2 else _fitted_squares(left, design)
    more = _rest(left, np.column_stack([q, squared]))
    whole, rest = float(left @ left), len(left) - design.shape[1] - 1
    return float(stats.f.sf(max(0.0, whole - more) / (more / rest), 1, rest)) if more > 0 and rest > 0 else 1.0


def _fitted_squares(left: Numbers, design: Numbers) -> Numbers:
    centred = design[:, 1:] - design[:, 1:].mean(axis=0)
    scaled = centred / np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1)
    return np.asarray((scaled.sum(axis=1)) ** 2)


def _rest(y: Numbers, design: Numbers) -> float:
    """The squares that least squares leaves."""
    scale = np.abs(design).max(axis=0)
    fitted = design / scale @ np.linalg.lstsq(design / scale, y, rcond=None)[0]
    return float(((y - fitted) ** 2).sum())


def fragile(left: Numbers, design: Numbers, names: Sequence[str], rows: "pd.Index[Any]", y: Numbers) -> tuple[str, ...]:
    """Warnings on columns that say the same, and on rows that lie apart or decide alone."""
    return (*collinear(design, names), *_influential(left, design, rows), *_apart(left, design, rows, y))


def collinear(design: Numbers, names: Sequence[str]) -> tuple[str, ...]:
    """Warnings on columns that say nearly the same: variance inflation and condition number."""
    scale = np.sqrt((design**2).sum(axis=0))
    condition = float(np.linalg.cond(design / scale))
    said = []
    if condition >= ILL:
        said.append(
            f"Ill-conditioned (condition number {condition:.2g} of the scaled columns): the fit answers to the last "
            "digits of the data. The arithmetic is right for the numbers as written; numbers measured less exactly do "
            "not determine the coefficients."
        )
    centred = [place for place in range(design.shape[1]) if np.ptp(design[:, place]) > 0]
    if len(centred) > 1:
        inverse = np.linalg.pinv(np.corrcoef(design[:, centred], rowvar=False), rcond=1e-15)
        grown = {names[place]: float(inverse[i, i]) for i, place in enumerate(centred)}
        high = {name: vif for name, vif in grown.items() if vif > MOST_INFLATION or vif < 0}
        if high:
            listed = ", ".join(f"{name} {'over 1e8' if vif < 0 else significant(vif, 3)}" for name, vif in high.items())
            said.append(
                f"Multicollinearity: columns say nearly the same (variance inflation {listed}; condition number "
                f"{significant(condition, 3)}): single coefficients are fragile and may change sign with a few rows."
            )
    return tuple(said)


def _influential(left: Numbers, design: Numbers, rows: "pd.Index[Any]") -> tuple[str, ...]:
    """Rows that decide alone (leverage), and rows without which the fit is another (Cook 1977)."""
    n, p = design.shape
    leverage = (np.linalg.qr(design / np.sqrt((design**2).sum(axis=0)))[0] ** 2).sum(axis=1)
    alone = [rows[int(i)] for i in np.flatnonzero(leverage > 1 - 1e-9)]
    if alone:
        return (
            f"The fit goes through row {', '.join(map(str, alone[:_SHOWN]))} by itself: without it there is no slope.",
        )
    variance = float(left @ left) / (n - p)
    if not variance:
        return ()
    cook = left**2 / (p * variance) * leverage / (1 - leverage) ** 2
    strong = [i for i in np.argsort(-cook) if cook[i] > max(4 / n, 0.5)]
    if not strong:
        return ()
    named = ", ".join(f"row {rows[int(i)]} (Cook's distance {significant(float(cook[i]), 2)})" for i in strong[:_SHOWN])
    return (f"Decisive for the fit: {named}; look at it without them.",)


def _apart(left: Numbers, design: Numbers, rows: "pd.Index[Any]", y: Numbers) -> tuple[str, ...]:
    """Rows that a robust fit sets aside: weight under one half by Tukey's biweight (Huber 1981)."""
    n, p = design.shape
    if n < 2 * p + 4 or n > 20_000 or not float(left @ left):
        return ()
    weights = _robust_weights(y, design)
    far = [i for i in np.argsort(weights) if weights[i] < 0.5]
    if not far or len(far) > n / 4:
        return ()
    listed = ", ".join(
        plain(float(rows[int(i)])) if isinstance(rows[int(i)], int | float) else str(rows[int(i)])
        for i in sorted(far)[:10]
    )
    return (
        f"Outliers by a robust fit: row {listed} ({len(far)} of {n}); check them, and report the fit without them.",
    )


def _robust_weights(y: Numbers, design: Numbers) -> Numbers:
    """The weights of a fit by Tukey's biweight, started from least absolute deviations' kin, Huber's fit."""
    from statsmodels.robust.norms import HuberT, TukeyBiweight
    from statsmodels.robust.robust_linear_model import RLM

    scaled = design / np.sqrt((design**2).sum(axis=0))
    start = RLM(y, scaled, M=HuberT()).fit(maxiter=50)
    found = RLM(y, scaled, M=TukeyBiweight()).fit(maxiter=50, start_params=start.params)
    return np.asarray(found.weights)
