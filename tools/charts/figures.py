"""The figures of a chart as they are drawn, for the file beside the picture and for the words about it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cbook import boxplot_stats

from state.errors import ToolError
from tools.charts.spec import MOST_BARS, MOST_BINS, MOST_BOXES, MOST_PANELS, MOST_SERIES, MOST_TILES, ChartSpec
from tools.statistics.samples import label, numeric


def plotted(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """The figures as they are drawn: x and the y columns; the bins of a histogram (`from`, `to`, `count`); what a box
    shows of each group; the tiles of a heat map. With panels, the panel's value stands before them.

    Rows without x are left out; of rows with the same x, lines, bars and tiles show the mean. ToolError where a
    column is missing, holds text in place of numbers, or makes more bars or series than can be told apart, and where a
    trend is asked for that cannot be drawn.
    """
    _refuse(frame, spec)
    if spec.panels:
        parts = panels_of(frame, spec)
        return pd.concat([part.assign(**{spec.panels: name}) for name, part in parts.items()])[
            [spec.panels, *(name for name in next(iter(parts.values())) if name != spec.panels)]
        ].reset_index(drop=True)
    return _FIGURES.get(spec.kind, _series)(frame, spec)


def _refuse(frame: pd.DataFrame, spec: ChartSpec) -> None:
    named = [name for name in (spec.x, *spec.y, spec.panels) if name]
    if missing := [name for name in named if name not in frame.columns]:
        remedy = f"Its columns are: {', '.join(map(str, frame.columns))}."
        raise ToolError(f"There is no column {', '.join(missing)}.", remedy=remedy)
    if spec.trend and spec.kind not in ("line", "scatter"):
        remedy = "Draw a line or a scatter, or leave out trend."
        raise ToolError(f"A {spec.kind} chart has no trend.", remedy=remedy)
    if spec.trend and spec.kind == "line" and not pd.api.types.is_numeric_dtype(frame[spec.x]):
        remedy = "Choose a column of numbers as x, such as the year, or leave out trend."
        raise ToolError(f"{spec.x} holds no numbers, so no trend is drawn over it.", remedy=remedy)


def panels_of(frame: pd.DataFrame, spec: ChartSpec) -> dict[str, pd.DataFrame]:
    """The figures of each panel by its name, in order; all have the same bins or bars. ToolError as `plotted`."""
    _refuse(frame, spec)
    if spec.kind in ("box", "heat map") or spec.panels in (spec.x, *spec.y):
        remedy = "Panels are for lines, bars, scatters and histograms, by a column that is not drawn."
        raise ToolError(f"A {spec.kind} chart of these columns has no panels.", remedy=remedy)
    rows = frame.dropna(subset=[spec.x])
    rows = rows.dropna(subset=list(spec.y), how="all") if spec.y else rows
    groups = {label(key): part for key, part in rows.groupby(spec.panels, sort=True)}
    if not 2 <= len(groups) <= MOST_PANELS:
        remedy = f"Choose a column with 2 to {MOST_PANELS} values."
        raise ToolError(f"{spec.panels} makes {len(groups)} panels.", remedy=remedy)
    if spec.kind == "histogram":
        edges = _edges(frame[spec.x])
        return {name: _counted(part[spec.x], edges) for name, part in groups.items()}
    parts = {name: _series(part, spec.in_one) for name, part in groups.items()}
    if spec.kind == "bar" or not pd.api.types.is_numeric_dtype(frame[spec.x]):
        return _on_same_places(frame, spec, parts)
    return parts


def _on_same_places(frame: pd.DataFrame, spec: ChartSpec, parts: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Panels over names or dates with the places of all of them, so that one place is one value in each."""
    if spec.kind == "scatter" or pd.api.types.is_datetime64_any_dtype(frame[spec.x]):
        return parts
    places = _series(frame, spec.in_one)[spec.x]
    return {name: part.set_index(spec.x).reindex(places).reset_index() for name, part in parts.items()}


def _series(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """Columns over x."""
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


def _bins(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """The counts of a histogram."""
    return _counted(frame[spec.x], _edges(frame[spec.x]))


def _edges(values: "pd.Series[Any]") -> Any:
    """The bins by the greater of Sturges' and Freedman-Diaconis' numbers."""
    numbers = _known(values)
    edges = np.histogram_bin_edges(numbers, bins="auto")
    return edges if len(edges) - 1 <= MOST_BINS else np.histogram_bin_edges(numbers, bins=MOST_BINS)


def _counted(values: "pd.Series[Any]", edges: Any) -> pd.DataFrame:
    counts, _ = np.histogram(numeric(values).dropna().to_numpy(float), bins=edges)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "count": counts})


def _known(values: "pd.Series[Any]") -> Any:
    numbers = numeric(values).dropna().to_numpy(float)
    if numbers.size == 0:
        raise ToolError(f"{values.name} holds no number.", remedy="Choose a column of numbers.")
    return numbers


# --- boxes and tiles --------------------------------------------------------------------------------------


def boxes(frame: pd.DataFrame, spec: ChartSpec) -> list[tuple[str, Any]]:
    """The numbers of each box, by its name: of x alone, of each y, or of the one y in each group of x."""
    if not spec.y:
        found = [(spec.x, _known(frame[spec.x]))]
    elif len(spec.y) > 1:
        raise ToolError("A box chart by groups shows one column.", remedy="Name one column as y.")
    else:
        rows = pd.DataFrame({"group": frame[spec.x], "value": numeric(frame[spec.y[0]])}).dropna()
        found = [(label(key), part["value"].to_numpy(float)) for key, part in rows.groupby("group", sort=True)]
    if not 1 <= len(found) <= MOST_BOXES:
        remedy = f"Choose a column with at most {MOST_BOXES} values."
        raise ToolError(f"{spec.x} makes {len(found)} boxes.", remedy=remedy)
    return found


def _boxes(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """What the boxes show (Tukey 1977): quartiles, median, whiskers up to 1.5 interquartile ranges, and the rest."""
    rows = []
    for name, numbers in boxes(frame, spec):
        (told,) = boxplot_stats(numbers)
        figures = {"n": len(numbers), "low": told["whislo"], "q1": told["q1"], "median": told["med"]}
        figures |= {"q3": told["q3"], "high": told["whishi"], "outside": len(told["fliers"])}
        rows.append({spec.x if spec.y else "column": name, **figures})
    return pd.DataFrame(rows)


def _tiles(frame: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """Column, row and mean of each tile."""
    if len(spec.y) != 2 or len({spec.x, *spec.y}) != 3:
        remedy = "Give as y the column of the rows and then the column of numbers."
        raise ToolError("A heat map needs three columns.", remedy=remedy)
    upwards, value = spec.y
    rows = pd.DataFrame({spec.x: frame[spec.x], upwards: frame[upwards], value: numeric(frame[value])}).dropna()
    if rows.empty:
        raise ToolError("No row holds all three.", remedy="Choose other columns.")
    for name in (spec.x, upwards):
        if (count := rows[name].nunique()) > MOST_TILES:
            remedy = f"Choose a column with at most {MOST_TILES} values."
            raise ToolError(f"{name} has {count} values.", remedy=remedy)
    return rows.groupby([spec.x, upwards], sort=True, as_index=False).mean()


_FIGURES = {"histogram": _bins, "box": _boxes, "heat map": _tiles}


def grid_of(drawn: pd.DataFrame, spec: ChartSpec) -> tuple[Sequence[str], Sequence[str], Any]:
    """The tiles as a grid: names along x, names upwards, and the values by row; NaN where there is no tile."""
    upwards, value = spec.y
    grid = drawn.pivot(index=upwards, columns=spec.x, values=value)
    return [label(each) for each in grid.columns], [label(each) for each in grid.index], grid.to_numpy(float)
