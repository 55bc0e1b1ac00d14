"""What a chart shows in words, for who cannot see it: from its figures, never from the picture."""

from typing import Any

import numpy as np
import pandas as pd

from tools.charts.figures import panels_of, plotted
from tools.charts.spec import ChartSpec
from tools.numerals import plain, significant, with_unit
from tools.statistics.samples import label, numeric

_NAMES = {"line": "Line chart", "bar": "Bar chart", "scatter": "Scatter chart"}


def alt_text(frame: pd.DataFrame, spec: ChartSpec) -> str:
    """What the chart shows, in one sentence from its figures; of panels, one clause for each."""
    if spec.panels:
        parts = panels_of(frame, spec)
        shown = "; ".join(f"{name}: {_said(part, spec.in_one)}" for name, part in parts.items())
        return f"{len(parts)} small charts by {spec.panels}, on the same scales. {shown}."
    return f"{_said(plotted(frame, spec), spec)}."


def _said(drawn: pd.DataFrame, spec: ChartSpec) -> str:
    special = {"histogram": _histogram, "box": _boxes, "heat map": _tiles}
    if spec.kind in special:
        return special[spec.kind](drawn, spec)
    series = "; ".join(_in_words(drawn, name, spec) for name in spec.y)
    return f"{_NAMES[spec.kind]} of {', '.join(spec.y)} by {spec.x}: {series}"


def _histogram(drawn: pd.DataFrame, spec: ChartSpec) -> str:
    edges, counts = [*drawn["from"].tolist(), drawn["to"].tolist()[-1]], drawn["count"].tolist()
    most = counts.index(max(counts))
    shown = (significant(each) for each in (edges[0], edges[-1], *edges[most : most + 2]))
    low, high, left, right = shown
    return (
        f"Histogram of {sum(counts)} values of {spec.x} from {low} to {with_unit(high, spec.x_unit)}; "
        f"most, {counts[most]}, lie between {left} and {with_unit(right, spec.x_unit)}"
    )


def _boxes(drawn: pd.DataFrame, spec: ChartSpec) -> str:
    unit = spec.y_unit if spec.y else spec.x_unit
    said = []
    for _, row in drawn.iterrows():
        median, low, high = (with_unit(significant(float(row[name]), 5), unit) for name in ("median", "q1", "q3"))
        outside = f", {row['outside']} outside the whiskers" if row["outside"] else ""
        said.append(f"{row.iloc[0]} (n = {row['n']}) median {median}, middle half {low} to {high}{outside}")
    of = f"{spec.y[0]} by {spec.x}" if spec.y else spec.x
    return f"Box chart of {of}: {'; '.join(said)}"


def _tiles(drawn: pd.DataFrame, spec: ChartSpec) -> str:
    upwards, value = spec.y

    def at(row: Any) -> str:
        number = with_unit(significant(float(drawn[value].loc[row]), 5), spec.y_unit)
        return f"{number} at {label(drawn[spec.x].loc[row])}, {label(drawn[upwards].loc[row])}"

    count = f"{drawn[spec.x].nunique()} by {drawn[upwards].nunique()}"
    extremes = f"lowest {at(drawn[value].idxmin())}; highest {at(drawn[value].idxmax())}"
    return f"Heat map of {value} by {spec.x} and {upwards} ({count}): {extremes}"


def _in_words(drawn: pd.DataFrame, name: str, spec: ChartSpec) -> str:
    """One series: where it begins and ends, or its slope, and its extremes."""
    known = drawn.dropna(subset=[name])
    if known.empty:
        return f"{name} holds no value"
    values, x = known[name], known[spec.x]

    def at(row: Any) -> str:
        return f"{with_unit(significant(float(values.loc[row]), 5), spec.y_unit)} at {label(x.loc[row])}"

    extremes = f"lowest {at(values.idxmin())}, highest {at(values.idxmax())}"
    if spec.kind == "line":
        first, last = values.index[0], values.index[-1]
        change = float(values.loc[last]) - float(values.loc[first])
        verb = "rises" if change > 0 else "falls" if change < 0 else "goes"
        return f"{name} {verb} from {at(first)} to {at(last)}, {extremes}"
    if spec.kind == "scatter" and len(known) > 3 and min(np.ptp(numeric(x)), np.ptp(numeric(values))) > 0:
        r = float(np.corrcoef(numeric(x), numeric(values))[0, 1])
        return f"{len(known)} points of {name}, {extremes}, correlation r = {plain(round(r, 2))}"
    return f"{name} {extremes}"
