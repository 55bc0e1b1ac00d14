"""Charts as PNG: drawn from a frame, the same bytes for the same data, and described in one sentence.

Only matplotlib's object interface is used, never pyplot, so that several threads may draw at once.
"""

import io
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import ScalarFormatter

from state.errors import ToolError
from state.evidence import Record
from tools.numerals import name_and_unit, plain, significant, with_unit
from tools.statistics.fitting import fit_line
from tools.statistics.samples import Numbers, label, numeric, pairs

ChartKind = Literal["line", "bar", "scatter", "histogram"]

DPI = 150
SIZE = (1000 / DPI, 620 / DPI)
"""Inches; 1000 pixels wide."""
MOST_BARS = 30
MOST_SERIES = 6
MOST_BINS = 40
FEW_POINTS = 60
"""Lines with fewer points than this show each of them."""
_INKS = ("#1f4e79", "#b5521b", "#3d7a4a", "#6b4a8a", "#8a6d1d", "#4a4a4a")
_DASHES = ("-", "--", "-.", ":", (0, (8, 2, 2, 2)), (0, (1, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "x")
_HATCHES = ("", "//", "..", "\\\\", "xx", "--")
_PAPER, _INK, _QUIET = "white", "#222222", "#8a8a8a"


class ChartSpec(Record):
    """What to draw: a histogram of `x`, or each column of `y` over `x`."""

    kind: ChartKind
    x: str
    y: tuple[str, ...] = ()
    title: str
    x_unit: str = ""
    y_unit: str = ""
    trend: bool = False
    """Of a line chart over numbers: whether the straight line fitted to each series is drawn beside it."""


def plotted(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """The figures as they are drawn: x and the y columns, or the bins of a histogram (`from`, `to`, `count`).

    Rows without x are left out; of rows with the same x, lines and bars show the mean. ToolError where a
    column is missing, holds text in place of numbers, or makes more bars or series than can be told apart.
    """
    missing = [name for name in (spec.x, *spec.y) if name not in frame.columns]
    if missing:
        remedy = f"Its columns are: {', '.join(map(str, frame.columns))}."
        raise ToolError(f"There is no column {', '.join(missing)}.", remedy=remedy)
    if spec.kind == "histogram":
        return _bins(frame[spec.x])
    if not 1 <= len(spec.y) <= MOST_SERIES or spec.x in spec.y:
        remedy = "Draw a histogram to see how one column is distributed."
        raise ToolError(f"A {spec.kind} chart needs 1 to {MOST_SERIES} other columns as y.", remedy=remedy)
    drawn = pd.DataFrame({spec.x: frame[spec.x], **{name: numeric(frame[name]) for name in spec.y}})
    drawn = drawn.dropna(subset=[spec.x]).dropna(subset=list(spec.y), how="all")
    if spec.kind == "scatter":
        drawn[spec.x] = numeric(drawn[spec.x])
    else:
        drawn = drawn.groupby(spec.x, sort=spec.kind == "line", as_index=False).mean()
    if drawn.empty:
        raise ToolError("No row holds both x and y.", remedy="Choose other columns.")
    if spec.kind == "bar" and len(drawn) > MOST_BARS:
        remedy = "Choose a column with fewer values, or draw a line or a scatter."
        raise ToolError(f"{spec.x} makes {len(drawn)} bars, at most {MOST_BARS} can be read.", remedy=remedy)
    return drawn.reset_index(drop=True)


def _bins(values: "pd.Series[Any]") -> pd.DataFrame:
    """The counts of a histogram; the bins by the greater of Sturges' and Freedman-Diaconis' numbers."""
    numbers = numeric(values).dropna().to_numpy(float)
    if numbers.size == 0:
        raise ToolError(f"{values.name} holds no number.", remedy="Choose a column of numbers.")
    edges = np.histogram_bin_edges(numbers, bins="auto")
    if len(edges) - 1 > MOST_BINS:
        edges = np.histogram_bin_edges(numbers, bins=MOST_BINS)
    counts, _ = np.histogram(numbers, bins=edges)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "count": counts})


# --- drawing ----------------------------------------------------------------------------------------------


def draw_chart(frame: pd.DataFrame, spec: ChartSpec) -> bytes:
    """The chart as PNG, 1000 pixels wide; ToolError as `plotted`. Blocking: call it by asyncio.to_thread."""
    drawn = plotted(frame, spec)
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor=_PAPER, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    axes = figure.add_subplot()
    _DRAW[spec.kind](axes, drawn, spec)
    _dress(axes, spec)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return png.getvalue()


def _draw_lines(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    x = _positions(axes, drawn[spec.x])
    for i, name in enumerate(spec.y):
        known = drawn[name].notna().to_numpy()
        marker = _MARKERS[i] if known.sum() <= FEW_POINTS else ""
        (line,) = axes.plot(x[known], drawn[name][known], color=_INKS[i], linewidth=1.6, markersize=4)
        line.set(linestyle=_DASHES[i], marker=marker, label=name)
        if spec.trend and pd.api.types.is_numeric_dtype(drawn[spec.x]):
            _fit(axes, *pairs(drawn[spec.x], drawn[name], least=1), i, name)


def _draw_bars(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    places, width = np.arange(len(drawn)), 0.8 / len(spec.y)
    for i, name in enumerate(spec.y):
        left = places - 0.4 + width * (i + 0.5)
        heights = drawn[name].fillna(0)
        axes.bar(left, heights, width * 0.95, color=_INKS[i], edgecolor=_PAPER, hatch=_HATCHES[i], label=name)
    _name_ticks(axes, [label(value) for value in drawn[spec.x]])
    axes.axhline(0, color=_INK, linewidth=0.8)


def _draw_points(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    for i, name in enumerate(spec.y):
        x, y = pairs(drawn[spec.x], drawn[name], least=1)
        axes.scatter(x, y, s=18, c=_INKS[i], marker=_MARKERS[i], alpha=0.75, label=name)
        _fit(axes, x, y, i, name)


def _fit(axes: Axes, x: Numbers, y: Numbers, i: int, name: str) -> None:
    """The straight line through the points of a series; none through one or two, or over a single x."""
    if len(x) > 2 and np.ptp(x) > 0:
        line, ends = fit_line(x, y), np.array([x.min(), x.max()])
        fitted, said = line.intercept + line.slope * ends, f"{name}, straight line fitted"
        axes.plot(ends, fitted, color=_INKS[i], linestyle="--", linewidth=1.2, label=said)


def _draw_bins(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    widths = drawn["to"] - drawn["from"]
    axes.bar(drawn["from"], drawn["count"], widths, align="edge", color=_INKS[0], edgecolor=_PAPER)


_DRAW = {"line": _draw_lines, "bar": _draw_bars, "scatter": _draw_points, "histogram": _draw_bins}


def _positions(axes: Axes, x: "pd.Series[Any]") -> Any:
    """Where the values of x stand: numbers and dates where they are, texts one after the other."""
    if pd.api.types.is_datetime64_any_dtype(x):
        locator = AutoDateLocator(maxticks=9)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        return x.to_numpy()
    if pd.api.types.is_numeric_dtype(x):
        return x.to_numpy()
    _name_ticks(axes, [label(value) for value in x])
    return np.arange(len(x))


def _name_ticks(axes: Axes, names: Sequence[str]) -> None:
    """Put names under the axis, each n-th where they are many, slanted where they are long."""
    step = -(-len(names) // MOST_BARS)
    shown = [drawable(name, 24) for name in names[::step]]
    ticks = axes.set_xticks(range(0, len(names), step), shown, parse_math=False)
    if sum(map(len, shown)) > 70:
        for tick in ticks:
            tick.label1.set(rotation=35, ha="right", rotation_mode="anchor")


def _dress(axes: Axes, spec: ChartSpec) -> None:
    """Title, labels, legend and quiet lines."""
    y_label = spec.y[0] if len(spec.y) == 1 else "count" if spec.kind == "histogram" else ""
    title = textwrap.fill(drawable(spec.title, 130), 68)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=_INK, pad=12, parse_math=False)
    axes.set_xlabel(_labelled(spec.x, spec.x_unit), color=_INK, fontsize=10, parse_math=False)
    axes.set_ylabel(_labelled(y_label, spec.y_unit), color=_INK, fontsize=10, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_QUIET)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter):
            formatter.set_useOffset(False)
    handles, names = axes.get_legend_handles_labels()
    if len(names) > 1:
        legend = axes.legend(handles, [drawable(name, 60) for name in names], fontsize=9, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _labelled(name: str, unit: str) -> str:
    shown = f"{name} ({unit})" if name and unit and not name_and_unit(name)[1] else name or unit
    return drawable(shown, 70)


def drawable(text: str, most: int) -> str:
    """Text that the chart's font can draw, on one line, at most `most` characters."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return "".join(character if ord(character) in _glyphs() else "□" for character in line)


@cache
def _glyphs() -> frozenset[int]:
    """The characters that matplotlib's own font holds."""
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return frozenset(FT2Font(str(font)).get_charmap())


# --- in words ---------------------------------------------------------------------------------------------


def alt_text(frame: pd.DataFrame, spec: ChartSpec) -> str:
    """What the chart shows, in one sentence from its figures."""
    drawn = plotted(frame, spec)
    if spec.kind == "histogram":
        edges, counts = [*drawn["from"].tolist(), drawn["to"].tolist()[-1]], drawn["count"].tolist()
        most = counts.index(max(counts))
        shown = (significant(each) for each in (edges[0], edges[-1], *edges[most : most + 2]))
        low, high, left, right = shown
        return (
            f"Histogram of {sum(counts)} values of {spec.x} from {low} to {with_unit(high, spec.x_unit)}; "
            f"most, {counts[most]}, lie between {left} and {with_unit(right, spec.x_unit)}."
        )
    names = {"line": "Line chart", "bar": "Bar chart", "scatter": "Scatter chart"}
    series = "; ".join(_in_words(drawn, name, spec) for name in spec.y)
    return f"{names[spec.kind]} of {', '.join(spec.y)} by {spec.x}: {series}."


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
