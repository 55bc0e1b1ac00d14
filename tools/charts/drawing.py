"""Charts as PNG or SVG: drawn from a frame, the same bytes for the same data, readable without colours.

Series differ by dashes, markers and hatches as well as by colour. Only matplotlib's object interface is used, never
pyplot, so that several threads may draw at once.
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
from matplotlib.cbook import boxplot_stats
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import ScalarFormatter

from tools.charts.figures import boxes, grid_of, panels_of, plotted
from tools.charts.spec import MOST_BARS, ChartSpec
from tools.numerals import name_and_unit, significant
from tools.statistics.fitting import fit_line
from tools.statistics.samples import Numbers, label, pairs

PictureForm = Literal["png", "svg"]
DPI = 150
SIZE = (1000 / DPI, 620 / DPI)
"""Inches; 1000 pixels wide."""
FEW_POINTS = 60
"""Lines with fewer points than this show each of them."""
_INKS = ("#1f4e79", "#b5521b", "#3d7a4a", "#6b4a8a", "#8a6d1d", "#4a4a4a")
_DASHES = ("-", "--", "-.", ":", (0, (8, 2, 2, 2)), (0, (1, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "x")
_HATCHES = ("", "//", "..", "\\\\", "xx", "--")
_PAPER, _INK, _QUIET, _BOX = "white", "#222222", "#8a8a8a", "#e3e3e3"
_PANELS_ABREAST = 3
_PANEL_HEIGHT = 330 / DPI
_WRITTEN_TILES = 150
"""Up to so many tiles of a heat map have their numbers written in them."""


def draw_chart(frame: pd.DataFrame, spec: ChartSpec, form: PictureForm = "png") -> bytes:
    """The chart, 1000 pixels wide; ToolError as `plotted`. Blocking: call it by asyncio.to_thread."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor=_PAPER, layout=layout)
    if spec.panels:
        _draw_panels(figure, frame, spec)
    else:
        axes = figure.add_subplot()
        _draw(axes, frame, plotted(frame, spec), spec)
        _dress(axes, spec)
    picture = io.BytesIO()
    if form == "svg":
        matplotlib.rcParams["svg.hashsalt"] = "stretto"  # its ids are the same each time; nothing else reads it
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    else:
        figure.savefig(picture, format="png", dpi=DPI, metadata={"Software": None})
    return picture.getvalue()


def _draw_panels(figure: Figure, frame: pd.DataFrame, spec: ChartSpec) -> None:
    """One small chart beside the other, on the same scales; the legend stands below all."""
    parts = panels_of(frame, spec)
    across = min(_PANELS_ABREAST, len(parts))
    down = -(-len(parts) // across)
    figure.set_size_inches(SIZE[0], max(SIZE[1], 0.6 + down * _PANEL_HEIGHT))
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flatten()
    for place, (axes, (name, part)) in enumerate(zip(grid, parts.items(), strict=False)):
        _draw(axes, part, part, spec.in_one)
        _dress(axes, spec.in_one.model_copy(update={"title": name}), has_legend=False)
        axes.title.set(fontsize=10)
        axes.tick_params(labelbottom=place + across >= len(parts))
        for label_, is_shown in (
            (axes.xaxis.label, place + across >= len(parts)),
            (axes.yaxis.label, place % across == 0),
        ):
            label_.set_visible(is_shown)
    for axes in grid[len(parts) :]:
        axes.set_visible(False)
    _legend(figure, grid[0], loc="outside lower right", ncols=3)
    title = textwrap.fill(drawable(spec.title, 130), 68)
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold", color=_INK).set_parse_math(False)


def _draw(axes: Axes, frame: pd.DataFrame, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    if spec.kind == "box":
        _draw_boxes(axes, frame, spec)
    else:
        _DRAW[spec.kind](axes, drawn, spec)


def _draw_lines(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    x = _positions(axes, drawn[spec.x])
    for i, name in enumerate(spec.y):
        known = drawn[name].notna().to_numpy()
        marker = _MARKERS[i] if known.sum() <= FEW_POINTS else ""
        (line,) = axes.plot(x[known], drawn[name][known], color=_INKS[i], linewidth=1.6, markersize=4)
        line.set(linestyle=_DASHES[i], marker=marker, label=name)
        if spec.trend:
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


def _draw_boxes(axes: Axes, frame: pd.DataFrame, spec: ChartSpec) -> None:
    found = boxes(frame, spec)
    for place, (_, numbers) in enumerate(found):
        (told,) = boxplot_stats(numbers)
        ends = (told["whislo"], told["whishi"])
        axes.vlines([place, place], [ends[0], told["q3"]], [told["q1"], ends[1]], color=_INK, linewidth=1.2)
        axes.hlines(ends, place - 0.12, place + 0.12, color=_INK, linewidth=1.2)
        axes.bar(place, told["q3"] - told["q1"], 0.5, told["q1"], color=_BOX, edgecolor=_INK, linewidth=1.2)
        axes.hlines(told["med"], place - 0.25, place + 0.25, color=_INK, linewidth=2.4)
        outside = told["fliers"]
        axes.plot([place] * len(outside), outside, "o", markersize=4, markerfacecolor=_PAPER, markeredgecolor=_INK)
    axes.margins(y=0.05)
    axes.use_sticky_edges = False  # else a box at the lower end stands on the axis
    _name_ticks(axes, [name if spec.y else "" for name, _ in found])


def _draw_tiles(axes: Axes, drawn: pd.DataFrame, spec: ChartSpec) -> None:
    """Tiles from light to dark, with their numbers where there is room; those without a value are hatched."""
    across, upwards, values = grid_of(drawn, spec)
    axes.patch.set(facecolor=_PAPER, edgecolor=_QUIET, hatch="////")
    mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap="Greys", edgecolor=_PAPER, linewidth=0.5)
    shown = _labelled(spec.y[1], spec.y_unit)
    bar = axes.get_figure(root=True).colorbar(mesh, ax=axes)  # type: ignore[union-attr]
    bar.ax.set_ylabel(shown, color=_INK, fontsize=9, parse_math=False)
    axes.set_xticks(np.arange(len(across)) + 0.5, [drawable(name, 24) for name in across], parse_math=False)
    axes.set_yticks(np.arange(len(upwards)) + 0.5, [drawable(name, 24) for name in upwards], parse_math=False)
    if sum(map(len, across)) > 70:
        axes.tick_params(axis="x", rotation=60)
    if values.size <= _WRITTEN_TILES:
        middle = (np.nanmin(values) + np.nanmax(values)) / 2
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                ink = _PAPER if value > middle else _INK
                number = significant(float(value), 3)
                axes.text(column + 0.5, row + 0.5, number, ha="center", va="center", color=ink, fontsize=8)


_DRAW = {
    "line": _draw_lines,
    "bar": _draw_bars,
    "scatter": _draw_points,
    "histogram": _draw_bins,
    "heat map": _draw_tiles,
}


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


def _dress(axes: Axes, spec: ChartSpec, has_legend: bool = True) -> None:
    """Title, labels, legend and quiet lines."""
    x_label, y_label, y_unit = _axis_names(spec)
    title = textwrap.fill(drawable(spec.title, 130), 68)
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=_INK, pad=12, parse_math=False)
    axes.set_xlabel(_labelled(x_label, spec.x_unit), color=_INK, fontsize=10, parse_math=False)
    axes.set_ylabel(_labelled(y_label, y_unit), color=_INK, fontsize=10, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_QUIET)
    axes.tick_params(colors=_INK, labelsize=9)
    if spec.kind != "heat map":
        axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, ScalarFormatter):
            formatter.set_useOffset(False)
    if has_legend:
        _legend(axes, axes)


def _legend(place: Axes | Figure, axes: Axes, **where: Any) -> None:
    """The names of the series, where there are several."""
    handles, names = axes.get_legend_handles_labels()
    if len(names) > 1:
        legend = place.legend(handles, [drawable(name, 60) for name in names], fontsize=9, frameon=False, **where)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _axis_names(spec: ChartSpec) -> tuple[str, str, str]:
    """What stands along the axis, upwards, and the unit of the latter."""
    if spec.kind == "histogram":
        return spec.x, "count", ""
    if spec.kind == "heat map":
        return spec.x, spec.y[0], ""
    if spec.kind == "box" and not spec.y:
        return "", spec.x, spec.x_unit
    return spec.x, spec.y[0] if len(spec.y) == 1 else "", spec.y_unit


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
