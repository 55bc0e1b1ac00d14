"""What a column does in order of time: its memory, its strongest period, its season, and where its level changes."""

from itertools import pairwise
from math import pi, sqrt
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from state.errors import ToolError
from tools.numerals import name_and_unit, p_value, share, significant, with_unit
from tools.statistics import samples
from tools.statistics.exact import Exact
from tools.statistics.result import ALPHA, Effect, Interval, StatResult, level, level_words
from tools.statistics.samples import Numbers, few, gaps, label

_SHORTEST = 8
_MOST = 100_000
_MOST_CHANGES = 5
_FALSE_ALARM = 0.01
"""Level at which a change point is taken."""


def autocorrelation(values: "pd.Series[Any]", lag: int = 1) -> StatResult:
    """How much a column, in the order of its rows, is like itself `lag` rows earlier.

    The coefficient is of the whole series' mean and squares (Box & Jenkins 1976), not the correlation of the shifted
    series. ToolError with fewer than 3 numbers or where they do not vary. Source: Box & Jenkins 1976; Ljung & Box 1978.
    """
    name, _ = name_and_unit(str(values.name))
    numbers = samples.known(values)
    n, exact = len(numbers), Exact.of(numbers)
    if not 1 <= lag < n - 1 or not exact.deviation:
        raise ToolError(f"{name} has {n} numbers, which must vary.", remedy="Choose a longer column, or a smaller lag.")
    r = float(exact.autocorrelation(lag))
    q = n * (n + 2) * r * r / (n - lag)
    p, half = float(stats.chi2.sf(q, 1)), 1.96 / sqrt(n)
    mean, sd = float(exact.mean), sqrt(exact.deviation / (n - 1))
    says = "is" if p < ALPHA else "is not significantly"
    return StatResult(
        method=f"autocorrelation at lag {lag}",
        sentence=f"{name} {says} correlated with itself {lag} {'row' if lag == 1 else 'rows'} earlier: "
        f"r = {share(r)}, {p_value(p)}, n = {n}.",
        values={"autocorrelation": r, "lag": float(lag), "ljung-box": q, "p": p, "mean": mean, "sd": sd},
        n=n,
        effect=Effect(name="r", value=r),
        interval=Interval(of="autocorrelation", low=r - half, high=r + half),
        p=p,
        assumptions=("rows stand in order of time at equal distances: not tested",),
        warnings=(*gaps(values), *few(n, 20)),
        formula="Box & Jenkins 1976; Ljung & Box 1978; interval ± 1.96 / √n",
    )


def periods(values: "pd.Series[Any]", time: "pd.Series[Any] | None" = None) -> StatResult:
    """The strongest period of a series at equal distances, by the periodogram about the mean, and Fisher's test.

    `time` gives the distance of the rows and where extremes lie; without it periods are in rows. ToolError with fewer
    than 8 numbers, gaps, uneven distances, or where nothing varies. Source: Schuster 1898; Fisher 1929.
    """
    name, unit = name_and_unit(str(values.name))
    y, at, step = _even(values, time)
    n = len(y)
    power = np.abs(np.fft.rfft(y - y.mean()))[1 : (n + 1) // 2] ** 2
    order = np.argsort(-power)
    strongest = n / (int(order[0]) + 1) * step
    second = n / (int(order[1]) + 1) * step
    g = float(power[order[0]] / power.sum())
    p = _fisher(g, len(power))
    around = _refined(y, int(order[0]) + 1) * step
    per = "rows" if time is None else _unit_of(time)
    exact = Exact.of(y)
    top, low = int(np.argmax(y)), int(np.argmin(y))
    verb = "is" if p < ALPHA else "is not significant,"
    return StatResult(
        method="periodogram",
        sentence=f"The strongest period of {name} {verb} {significant(strongest, 6)} {per} "
        f"({significant(100 * g, 3)} % of the variance, Fisher's test {p_value(p)}, n = {n}); the mean is "
        f"{with_unit(significant(float(exact.mean), 7), unit)}, the highest value "
        f"{with_unit(significant(float(y[top]), 6), unit)} at {label(at[top])}, the lowest "
        f"{with_unit(significant(float(y[low]), 6), unit)} at {label(at[low])}.",
        values={"period": strongest, "share of variance": g, "p": p, "second period": second, "refined period": around}
        | {"mean": float(exact.mean), "highest at": label(at[top]), "lowest at": label(at[low])}
        | {"maximum": float(y[top]), "minimum": float(y[low])},
        n=n,
        effect=Effect(name="share of the variance", value=g),
        interval=Interval(of="period", low=n / (int(order[0]) + 1.5) * step, high=n / (int(order[0]) + 0.5) * step),
        p=p,
        assumptions=("rows stand in order of time at equal distances: holds", *_no_trend(y)),
        warnings=_beyond(n / (int(order[0]) + 1), n),
        formula="Schuster 1898; Fisher 1929; the interval is the width of a line of the periodogram",
    )


def _even(values: "pd.Series[Any]", time: "pd.Series[Any] | None") -> tuple[Numbers, Any, float]:
    """Values in order of time, their times, and the distance of two rows."""
    numbers = samples.numeric(values)
    at = samples.numeric(time) if time is not None else pd.Series(np.arange(1.0, len(values) + 1), index=values.index)
    frame = pd.DataFrame({"y": numbers, "at": at}).sort_values("at", kind="stable").dropna(subset=["at"])
    if frame["y"].isna().any() or not _SHORTEST <= len(frame) <= _MOST or np.ptp(frame["y"]) == 0:
        said = f"{values.name} must vary, without gaps, over at least {_SHORTEST} rows."
        raise ToolError(said, remedy="Choose another column, or a part of it without gaps.")
    steps = np.diff(frame["at"].to_numpy(float))
    step = float(np.median(steps))
    if step <= 0 or np.abs(steps - step).max() > 0.15 * step:
        name = time.name if time is not None else "row"
        remedy = "Take one row for each time, at equal distances."
        raise ToolError(f"The rows do not stand at equal distances of {name}.", remedy=remedy)
    times = (time if time is not None else at).loc[frame.index].tolist()
    return frame["y"].to_numpy(float), times, step


def _fisher(g: float, m: int) -> float:
    """p of the largest line holding a share `g` of `m` lines. Source: Fisher 1929, its first term bounds the sum."""
    return float(min(1.0, m * (1 - g) ** (m - 1)))


def _refined(y: Numbers, k: int) -> float:
    """The period between the lines of the periodogram at which a sine fits best, in rows."""
    from scipy.optimize import minimize_scalar

    rows, left = np.arange(len(y)), y - y.mean()

    def power(frequency: float) -> float:
        return -float(np.abs(np.sum(left * np.exp(-2j * pi * frequency * rows))))

    n = len(y)
    return 1 / float(minimize_scalar(power, bounds=((k - 0.75) / n, (k + 0.75) / n), method="bounded").x)


def _no_trend(y: Numbers) -> tuple[str, ...]:
    tau = stats.kendalltau(np.arange(len(y)), y)
    flat = not (abs(float(tau.statistic)) > 0.5 and float(tau.pvalue) < samples.CLEARLY_NOT)
    return (f"the series has no trend: {samples.verdict(flat)} (Kendall's tau {share(float(tau.statistic))})",)


def _beyond(period: float, n: int) -> tuple[str, ...]:
    return ("The period is longer than a third of the series: it may be a trend.",) if period > n / 3 else ()


def _unit_of(time: "pd.Series[Any]") -> str:
    name, unit = name_and_unit(str(time.name))
    return (
        "years"
        if pd.api.types.is_datetime64_any_dtype(time) or name.casefold() == "year"
        else unit or f"units of {name}"
    )


def seasonality(values: "pd.Series[Any]", time: "pd.Series[Any] | None", period: int) -> StatResult:
    """How strong a season of `period` rows is, and which of its places are high and low, beside a smooth trend.

    ToolError with fewer than two whole seasons, gaps, or uneven distances. Source: Cleveland et al. 1990 (STL); Wang,
    Smith & Hyndman 2006 (strength); Kruskal & Wallis 1952.
    """
    from statsmodels.tsa.seasonal import STL

    name, unit = name_and_unit(str(values.name))
    y, _, _ = _even(values, time)
    if not 2 <= period <= len(y) // 2:
        remedy = f"Give a period between 2 and {len(y) // 2} rows."
        raise ToolError(f"{len(y)} rows do not hold two seasons of {period}.", remedy=remedy)
    found = STL(y, period=period, robust=True).fit()
    season, trend, rest = (np.asarray(part) for part in (found.seasonal, found.trend, found.resid))
    strength = max(0.0, 1 - float(rest.var() / (season + rest).var()))
    trended = max(0.0, 1 - float(rest.var() / (trend + rest).var()))
    places = [season[place::period] for place in range(period)]
    p = float(stats.kruskal(*(y[place::period] - trend[place::period] for place in range(period))).pvalue)
    means = [float(part.mean()) for part in places]
    high, low = int(np.argmax(means)) + 1, int(np.argmin(means)) + 1
    says = "has a significant season" if p < ALPHA else "has no significant season"
    return StatResult(
        method="seasonal decomposition (STL)",
        sentence=f"{name} {says} of {period} rows ({p_value(p)}; strength {share(strength)}, "
        f"of the trend {share(trended)}, n = {len(y)}): "
        f"place {high} is highest ({with_unit(significant(means[high - 1]), unit)} over the trend), "
        f"place {low} lowest ({with_unit(significant(means[low - 1]), unit)}).",
        values={"strength of season": strength, "strength of trend": trended, "p": p, "highest place": float(high)}
        | {"lowest place": float(low), "amplitude": max(means) - min(means)}
        | {f"effect of place {place}": mean for place, mean in enumerate(means, start=1)},
        n=len(y),
        effect=Effect(name="strength of season", value=strength),
        p=p,
        assumptions=(
            "rows stand in order of time at equal distances: holds",
            "the season is alike at all levels: not tested",
        ),
        warnings=few(len(y) // period, 3),
        formula="Cleveland et al. 1990; Wang, Smith & Hyndman 2006; Kruskal & Wallis 1952",
    )


def change_points(values: "pd.Series[Any]", time: "pd.Series[Any] | None" = None) -> StatResult:
    """Where the level of a column changes, in order of time: up to five places, by repeated halving, each tested.

    Each place is that with the largest shift of the mean; its p is that of the largest of all places (Sidak's
    correction of Student's t). ToolError with fewer than 8 numbers. Source: Scott & Knott
    1974; Pettitt 1979 beside it.
    """
    name, unit = name_and_unit(str(values.name))
    rows = pd.DataFrame({"y": samples.numeric(values), "at": time if time is not None else values.index}).dropna()
    rows = rows.sort_values("at", kind="stable")
    y, at = rows["y"].to_numpy(float), rows["at"].tolist()
    if not _SHORTEST <= len(y) <= _MOST or np.ptp(y) == 0:
        said = f"{name} must vary, over {_SHORTEST} to {_MOST} rows."
        raise ToolError(said, remedy="Choose a longer column.")
    first = _split(y)
    assert first is not None
    found = sorted(_changes(y))
    pettitt = _pettitt(y)
    borders = [0, *[place for place, _ in found], len(y)]
    levels = [float(y[a:b].mean()) for a, b in pairwise(borders)]
    listed = [
        f"{label(at[place])} (from {with_unit(significant(levels[i], 6), unit)} to "
        f"{with_unit(significant(levels[i + 1], 6), unit)}, {p_value(p)})"
        for i, (place, p) in enumerate(found)
    ]
    where = (
        f"The level of {name} changes at {'; '.join(listed)}"
        if found
        else f"The level of {name} does not change clearly"
    )
    place, p = first
    values_out: dict[str, float | str] = {"change points": float(len(found)), "p": p, "p of Pettitt": pettitt[1]}
    values_out |= {f"change {i} at": label(at[place]) for i, (place, _) in enumerate(found, start=1)}
    values_out |= {f"last before change {i}": label(at[place - 1]) for i, (place, _) in enumerate(found, start=1)}
    values_out |= {f"level {i}": level for i, level in enumerate(levels, start=1)} | {
        "pettitt at": label(at[pettitt[0]])
    }
    shift = (y[place:].mean() - y[:place].mean()) / np.sqrt(_within(y, place) / (len(y) - 2) or 1)
    return StatResult(
        method="change points by binary segmentation",
        sentence=f"{where} (n = {len(y)}; a change is named by the first row of the new level; Pettitt's test "
        f"{p_value(pettitt[1])}).",
        values=values_out,
        n=len(y),
        effect=Effect(name="largest shift in standard deviations", value=float(shift)),
        p=p,
        assumptions=("values are independent of each other round their levels: not tested", *_no_trend(y)),
        warnings=(*gaps(values), *few(len(y), 20)),
        formula="Scott & Knott 1974; Student's t with Sidak's correction; Pettitt 1979",
    )


def _changes(y: Numbers) -> list[tuple[int, float]]:
    """First rows of new levels with their p, the clearest first, at most five."""
    parts = [(0, len(y))]
    found: list[tuple[int, float]] = []
    while parts and len(found) < _MOST_CHANGES:
        candidates = [(split, a, b) for a, b in parts if b - a >= _SHORTEST and (split := _split(y[a:b]))]
        if not candidates:
            break
        (place, p), a, b = min(candidates, key=lambda each: each[0][1])
        if p >= _FALSE_ALARM:
            break
        found.append((a + place, p))
        parts = [part for part in parts if part != (a, b)] + [(a, a + place), (a + place, b)]
    return found


def _split(y: Numbers) -> tuple[int, float] | None:
    """The first row of the second level where two levels fit best, and p for the best of all places."""
    n = len(y)
    if np.ptp(y) == 0:
        return None
    left = np.cumsum(y - y.mean())[:-1]
    sizes = np.arange(1, n)
    gain = left**2 * n / (sizes * (n - sizes))
    gain[[0, -1]] = 0  # a level needs two rows
    place = int(np.argmax(gain)) + 1
    rest = _within(y, place)
    t = sqrt(float(gain[place - 1]) / (rest / (n - 2))) if rest else 1e6
    one = float(2 * stats.t.sf(t, n - 2))
    return place, float(-np.expm1((n - 3) * np.log1p(-min(one, 1 - 1e-16))))


def _within(y: Numbers, place: int) -> float:
    return float(((y[:place] - y[:place].mean()) ** 2).sum() + ((y[place:] - y[place:].mean()) ** 2).sum())


def _pettitt(y: Numbers) -> tuple[int, float]:
    """First row of the new level and p, by ranks. Source: Pettitt 1979."""
    n = len(y)
    u = 2 * np.cumsum(stats.rankdata(y)) - np.arange(1, n + 1) * (n + 1)
    place = int(np.argmax(np.abs(u[:-1])))
    return place + 1, float(min(1.0, 2 * np.exp(-6 * float(u[place]) ** 2 / (n**3 + n**2))))


def robust_trend(values: "pd.Series[Any]", x: "pd.Series[Any]") -> StatResult:
    """Whether a column rises or falls over another, by ranks: Mann-Kendall's test and Sen's slope.

    ToolError with fewer than 4 pairs or where `x` does not vary. Source: Mann 1945; Kendall 1975; Sen 1968.
    """
    (name, unit), (over, _) = name_and_unit(str(values.name)), name_and_unit(str(x.name))
    xs, ys = samples.pairs(x, values, least=4)
    if np.ptp(xs) == 0 or len(xs) > 5000:
        raise ToolError(f"{over} must vary, over at most 5,000 rows.", remedy="Choose another column.")
    tau = stats.kendalltau(xs, ys)
    slope, _, low, high = (float(each) for each in stats.theilslopes(ys, xs, alpha=level()))
    p, r = float(tau.pvalue), float(tau.statistic) if np.ptp(ys) else 0.0
    p = p if np.isfinite(p) else 1.0
    says = ("rises" if slope > 0 else "falls") if p < ALPHA else "shows no significant trend"
    return StatResult(
        method="Mann-Kendall trend test with Sen's slope",
        sentence=f"{name} {says} over {over}: Sen's slope {with_unit(significant(slope, 6), unit)} per unit of {over} "
        f"({level_words()} CI {significant(low)} to {significant(high)}), Kendall's tau = {share(r)}, {p_value(p)}, "
        f"n = {len(xs)}.",
        values={"slope": slope, "slope low": low, "slope high": high, "tau": r, "p": p},
        n=len(xs),
        effect=Effect(name="Kendall's tau", value=r),
        interval=Interval(of="slope", low=low, high=high),
        p=p,
        assumptions=("values are independent of each other: not tested",),
        warnings=(*gaps(values), *gaps(x), *few(len(xs), 10)),
        formula="Mann 1945; Kendall 1975; Sen 1968",
    )
