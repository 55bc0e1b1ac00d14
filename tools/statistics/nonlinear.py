"""Nonlinear least squares of a model given as text, from several starting points.

Derivatives are taken by a complex step, free of cancellation (Squire & Trapp 1998), parameters are scaled, and a fit
that has not come to rest, or that the data do not determine, is refused or said to be so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log10, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from state.errors import ToolError
from tools.numerals import p_value, plain, significant
from tools.statistics import samples
from tools.statistics.formulas import Expression, parse_formula
from tools.statistics.result import Effect, Interval, StatResult, level
from tools.statistics.samples import Numbers, few, normality

MOST_PARAMETERS = 20
MOST_ROWS = 20_000
_STEP = 1e-30
_SPREADS = (0.5, 2.0, 0.1, 10.0)
"""Factors of the starting values that are tried besides."""
_TIGHT = 1e-15
_ROUNDS = 400
_AT_REST = 1e-4
"""Largest cosine of the angle between the residuals and a column of derivatives at a minimum (Bates & Watts 1988)."""
_PERFECT = 1e-9
"""Residuals as a share of the values below which rounding decides, and the cosine says nothing."""
_ILL = 1e8
"""Condition number of the scaled derivatives from which parameters cannot be told apart."""
_LEAST_DIGITS = 3

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Problem:
    """A model, its data and the names of its parameters."""

    right: Expression
    columns: Mapping[str, Numbers]
    y: Numbers
    names: tuple[str, ...]

    def fitted(self, parameters: Any) -> Any:
        """The model's values; not finite where the parameters do not allow it."""
        with np.errstate(all="ignore"):
            given = dict(zip(self.names, parameters, strict=True))
            return self.right.value({**self.columns, **given}) + np.zeros_like(self.y)

    def residuals(self, parameters: Numbers) -> Numbers:
        """Model minus data, a large number where the model has no value."""
        left = np.asarray(self.fitted(parameters) - self.y)
        return np.where(np.isfinite(left), left, 1e150)

    def slopes(self, parameters: Numbers) -> Numbers:
        """The derivative of the model for each parameter, a column each."""
        columns = []
        for place in range(len(self.names)):
            moved: Complex = parameters.astype(complex)
            moved[place] += 1j * _STEP
            columns.append(np.imag(self.fitted(moved)) / _STEP)
        slopes = np.column_stack(columns)
        return np.where(np.isfinite(slopes), slopes, 0.0)


@dataclass(frozen=True)
class Fit:
    """Where one start led."""

    parameters: Numbers
    squares: float
    cosine: float
    condition: float

    @property
    def digits(self) -> float:
        """Digits that rounding leaves of the parameters, by the condition of the problem."""
        return max(0.0, 15.5 - log10(max(self.condition, 1.0)))


def nonlinear_regression(
    columns: "Mapping[str, pd.Series[Any]]", formula: str, start: Mapping[str, float]
) -> StatResult:
    """Least squares of a model such as `y = b1 * (1 - exp(-b2 * x))` over columns, from a value of each parameter.

    The left side may be a function of a column (`log(y)`). ToolError where the formula cannot be read, a parameter has
    no start, rows are too few or too many, no start comes to rest, or the data do not determine the parameters.
    Source: Bates & Watts 1988; Levenberg 1944 and Marquardt 1963; Squire & Trapp 1998.
    """
    problem, gone = _problem(columns, formula, start)
    with np.errstate(all="ignore"):  # far from the minimum a model may leave the range of doubles
        fits = _fits(problem, np.array([float(start[name]) for name in problem.names]))
    best = min(fits, key=lambda fit: fit.squares)
    n, p = len(problem.y), len(problem.names)
    _trust(problem, best)
    scale = sqrt(best.squares / (n - p))
    errors = _errors(problem, best, scale)
    t = float(stats.t.ppf((1 + level()) / 2, n - p))
    total = float(((problem.y - problem.y.mean()) ** 2).sum())
    r2 = 1 - best.squares / total if total else 0.0
    values: dict[str, float | str] = {"residual sd": scale, "residual sum of squares": best.squares, "r2": r2}
    values |= {"condition number": best.condition}  # first, so that no parameter of such a name is lost
    for name, value, se in zip(problem.names, best.parameters.tolist(), errors, strict=True):
        values |= {name: value, f"{name} se": se, f"{name} low": value - t * se, f"{name} high": value + t * se}
    first, left = problem.names[0], problem.residuals(best.parameters)
    ratio = best.parameters[0] / errors[0] if errors[0] else np.inf
    listed = ", ".join(
        f"{name} = {significant(value, 8)} (standard error {significant(se, 3)})"
        for name, value, se in zip(problem.names, best.parameters.tolist(), errors, strict=True)
    )
    p_first = float(2 * stats.t.sf(abs(ratio), n - p))
    return StatResult(
        method="nonlinear least squares",
        sentence=f"{' '.join(formula.split())} fits with {listed}; residual standard deviation "
        f"{significant(scale, 5)}, r² = {significant(r2, 6)}, n = {n}; {first} differs from 0 with {p_value(p_first)}.",
        values=values,
        n=n,
        effect=Effect(name="r²", value=r2),
        interval=Interval(of=first, low=float(values[f"{first} low"]), high=float(values[f"{first} high"])),
        p=p_first,
        assumptions=(
            "rows are independent of each other: not tested",
            normality("residuals", left),
            "intervals take the model as straight near the minimum: not tested",
        ),
        warnings=(*gone, *few(n, 3 * p), *_doubts(best, fits, (1e-12 * float(np.linalg.norm(problem.y))) ** 2)),
        formula="Bates & Watts 1988; Levenberg 1944; Marquardt 1963; Squire & Trapp 1998",
    )


def _problem(
    columns: "Mapping[str, pd.Series[Any]]", formula: str, start: Mapping[str, float]
) -> tuple[Problem, tuple[str, ...]]:
    left, right = parse_formula(formula)
    used = sorted((left.names | right.names) & columns.keys())
    names = tuple(sorted(right.names - columns.keys(), key=_natural))
    unknown = left.names - columns.keys()
    if unknown or not left.names or not names or len(names) > MOST_PARAMETERS:
        said = f"The left side must be made of columns ({', '.join(sorted(columns))}), the right side hold parameters."
        raise ToolError(said, remedy=f"Give columns plain names, and 1 to {MOST_PARAMETERS} parameters.")
    missing = sorted(set(names) - start.keys())
    if missing:
        raise ToolError(f"No starting value is given for {', '.join(missing)}.", remedy="Give one for each parameter.")
    frame = pd.DataFrame({name: samples.numeric(columns[name]) for name in used})
    whole = frame.dropna()
    if not len(names) < len(whole) <= MOST_ROWS:
        raise ToolError(
            f"{len(whole)} whole rows for {len(names)} parameters.", remedy=f"At most {MOST_ROWS} are fitted."
        )
    data = {name: whole[name].to_numpy(float) for name in used}
    with np.errstate(all="ignore"):
        y = np.asarray(left.value(data) + np.zeros(len(whole)), dtype=float)
    if not np.isfinite(y).all():
        raise ToolError("The left side has no value for some rows.", remedy="Leave these rows out.")
    gone = len(frame) - len(whole)
    notes = (f"{gone} of {len(frame)} rows have a missing value and are left out.",) if gone else ()
    return Problem(right, data, y, names), notes


def _natural(name: str) -> tuple[str, int]:
    """Orders b2 before b10."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _fits(problem: Problem, start: Numbers) -> list[Fit]:
    """The ends that are reached from the start, and from others around it where that one does not come to rest."""
    fits = []
    for factor in (1.0, *_SPREADS):
        for powers in (np.ones(len(start)), np.arange(len(start)) % 2, (np.arange(len(start)) + 1) % 2):
            fit = _fit(problem, start * factor**powers)
            if fit is not None:
                fits.append(fit)
            if factor == 1.0:
                break
        if fits and factor == 1.0 and _rests(problem, fits[0]):
            # Two more, to see whether another minimum lies deeper.
            fits += [found for spread in (0.8, 1.25) if (found := _fit(problem, start * spread)) is not None]
            break
    if not fits:
        remedy = "Give other starting values: plot the data, and read them off."
        raise ToolError("No starting point leads to a fit.", remedy=remedy)
    return fits


def _fit(problem: Problem, start: Numbers) -> Fit | None:
    """Levenberg-Marquardt, a trust region, then Gauss-Newton steps to the last digit; None where it breaks down."""
    from scipy.optimize import least_squares

    at = np.where(start == 0, 1e-3, start)
    for method in ("lm", "trf"):
        size = np.abs(at) + (at == 0)
        try:
            found = least_squares(
                partial(_scaled, problem.residuals, size),
                at / size,
                jac=partial(_scaled_slopes, problem.slopes, size),
                method=method,
                ftol=_TIGHT,
                xtol=_TIGHT,
                gtol=_TIGHT,
                x_scale="jac" if method == "trf" else 1.0,
                max_nfev=_ROUNDS,
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
        at = found.x * size
    at = _polished(problem, at)
    squares = float((problem.residuals(at) ** 2).sum())
    if not np.isfinite(squares) or squares >= 1e100:
        return None
    return Fit(at, squares, _cosine(problem, at), _condition(problem.slopes(at)))


def _scaled(function: Callable[[Numbers], Numbers], size: Numbers, at: Numbers) -> Numbers:
    return function(at * size)


def _scaled_slopes(function: Callable[[Numbers], Numbers], size: Numbers, at: Numbers) -> Numbers:
    return function(at * size) * size


def _polished(problem: Problem, at: Numbers) -> Numbers:
    """Gauss-Newton steps while they shrink."""
    last = np.inf
    for _ in range(10):
        slopes = problem.slopes(at)
        scale = np.sqrt((slopes**2).sum(axis=0))
        if not scale.all():
            return at
        q, r = np.linalg.qr(slopes / scale)
        if np.abs(np.diag(r)).min() < 1e-13:
            return at
        step = np.linalg.solve(r, q.T @ -problem.residuals(at)) / scale
        size = float(np.max(np.abs(step) / (np.abs(at) + 1e-300)))
        if not np.isfinite(size) or size >= last or size > 1e-3:
            return at
        at, last = at + step, size
    return at


def _cosine(problem: Problem, at: Numbers) -> float:
    """Of the angle between the residuals and what the parameters can still change; 0 at a minimum."""
    left, slopes = problem.residuals(at), problem.slopes(at)
    scale = np.sqrt((slopes**2).sum(axis=0))
    size = float(np.linalg.norm(left))
    if not size or not scale.any():
        return 0.0
    q = np.linalg.qr(slopes[:, scale > 0] / scale[scale > 0])[0]
    return float(np.linalg.norm(q.T @ left)) / size


def _condition(slopes: Numbers) -> float:
    scale = np.sqrt((slopes**2).sum(axis=0))
    return float(np.linalg.cond(slopes / scale)) if scale.all() else float("inf")


def _rests(problem: Problem, fit: Fit) -> bool:
    perfect = sqrt(fit.squares) <= _PERFECT * float(np.linalg.norm(problem.y))
    return fit.cosine < _AT_REST or perfect


def _trust(problem: Problem, fit: Fit) -> None:
    """ToolError where the best fit is none that can be given."""
    if fit.digits < _LEAST_DIGITS or not np.isfinite(fit.condition):
        said = "The data do not determine the parameters: some of them can change together without changing the fit."
        raise ToolError(said, remedy="Take a model with fewer parameters.")
    if not _rests(problem, fit):
        said = f"The fit does not come to rest (it is still {fit.cosine:.2g} away, a minimum is below {_AT_REST:g})."
        raise ToolError(said, remedy="Give starting values nearer to the data, or a simpler model.")


def _errors(problem: Problem, fit: Fit, scale: float) -> list[float]:
    slopes = problem.slopes(fit.parameters)
    size = np.sqrt((slopes**2).sum(axis=0))
    inverse = np.linalg.inv(np.linalg.qr(slopes / size)[1])
    return [float(each) for each in np.sqrt((inverse**2).sum(axis=1)) * scale / size]


def _doubts(best: Fit, fits: Sequence[Fit], rounding: float) -> tuple[str, ...]:
    """What is to be said of a fit; `rounding` are squares that differ by nothing else."""
    said = []
    if best.condition >= _ILL:
        said.append(
            f"Ill-conditioned (condition number {best.condition:.2g}): parameters can hardly be told apart; of the "
            f"computed figures about {plain(float(int(best.digits)))} digits can be trusted."
        )
    worse = [fit for fit in fits if fit.squares > best.squares * (1 + 1e-6) + rounding]
    if worse:
        said.append(
            f"Of {len(fits)} starting points {len(worse)} led to a worse fit: there may be several "
            "minima; the best is given."
        )
    return tuple(said)
