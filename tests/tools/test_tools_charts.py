"""Charts: what is drawn, that it is always the same, and what is said of it."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from state.errors import ToolError
from tools.charts.drawing import draw_chart, drawable
from tools.charts.figures import plotted
from tools.charts.spec import ChartForm, ChartKind, ChartSpec
from tools.charts.words import alt_text


@pytest.fixture
def frame() -> pd.DataFrame:
    years = np.arange(1960, 2020)
    return pd.DataFrame(
        {
            "year": years,
            "co2 (ppm)": 317 + 1.5 * (years - 1960),
            "site": ["A", "B", "C"] * 20,
            "day": pd.date_range("2001-01-01", periods=60),
            "decade": [f"{year // 10}0s" for year in years],
        }
    )


def spec(kind: ChartKind, x: str = "year", *y: str, **more: Any) -> ChartSpec:
    return ChartSpec(kind=kind, x=x, y=y, title="CO2", **more)


SPECS = [
    spec("line", "year", "co2 (ppm)", y_unit="ppm"),
    spec("line", "day", "co2 (ppm)", "year"),
    spec("line", "site", "year"),
    spec("bar", "site", "co2 (ppm)", "year"),
    spec("scatter", "year", "co2 (ppm)"),
    spec("scatter", "day", "co2 (ppm)"),
    spec("histogram", "co2 (ppm)", x_unit="ppm"),
    spec("box", "site", "co2 (ppm)", y_unit="ppm"),
    spec("heat map", "site", "decade", "co2 (ppm)", y_unit="ppm"),
    spec("bar", "decade", "co2 (ppm)", panels="site"),
]


@pytest.mark.slow
@pytest.mark.parametrize("wanted", SPECS, ids=lambda each: f"{each.kind}-{each.x}")
def test_draws_a_picture(frame: pd.DataFrame, wanted: ChartSpec) -> None:
    """Each kind gives a PNG of 1000 pixels' width that is not blank, in white at its corners."""
    png = draw_chart(frame, wanted)
    picture = imread(io.BytesIO(png))
    assert picture.shape[:2] == (620, 1000)
    assert (picture[0, 0, :3] == 1).all()
    assert (picture[..., :3] < 0.5).any()


@pytest.mark.slow
def test_same_bytes_also_in_threads(frame: pd.DataFrame) -> None:
    """The same figures give the same bytes, also when several threads draw at once."""
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda wanted: draw_chart(frame, wanted), [SPECS[0], SPECS[3]] * 2))
    assert len(set(drawn)) == 2
    assert b"matplotlib" not in drawn[0].lower()


@pytest.mark.slow
def test_a_trend_is_drawn_beside_its_line(frame: pd.DataFrame) -> None:
    """The fitted line is another picture, named in a legend."""
    frame = frame.assign(**{"co2 (ppm)": frame["co2 (ppm)"] + np.sin(frame["year"])})
    without, fitted = (draw_chart(frame, spec("line", "year", "co2 (ppm)", trend=trend)) for trend in (False, True))
    assert without != fitted


@pytest.mark.slow
def test_no_global_state(frame: pd.DataFrame) -> None:
    """Drawing needs no pyplot, which would choose a window system."""
    draw_chart(frame, spec("box", "site", "co2 (ppm)"))
    assert "matplotlib.pyplot" not in sys.modules


def test_means_of_repeated_x(frame: pd.DataFrame) -> None:
    """Bars over a repeated x show the mean, in the order in which the values came."""
    drawn = plotted(frame.assign(site=["B", "A", "C"] * 20), spec("bar", "site", "year"))
    assert drawn["site"].tolist() == ["B", "A", "C"]
    assert drawn["year"].tolist() == [1988.5, 1989.5, 1990.5]


def test_histogram_counts_every_value() -> None:
    """The bins of a histogram hold every value once."""
    bins = plotted(pd.DataFrame({"x": [1.0, 2, 2, 3, 10, None]}), spec("histogram", "x"))
    assert bins["count"].sum() == 5
    assert (bins["from"].iloc[0], bins["to"].iloc[-1]) == (1, 10)


@pytest.mark.slow
def test_gaps_do_not_count(frame: pd.DataFrame) -> None:
    """A missing value is not drawn as one."""
    frame.loc[3, "co2 (ppm)"] = np.nan
    assert len(plotted(frame, SPECS[0])) == 59
    assert draw_chart(frame, SPECS[0])


@pytest.mark.slow
def test_hostile_labels() -> None:
    """Formulas, markup, line breaks, leading underscores and unknown letters in names are drawn as text."""
    names = ["$\\frac{", "_hidden", "<b>&\n漢字 𝔘"]
    frame = pd.DataFrame({name: [1, 2, 3] for name in names})
    assert draw_chart(frame, ChartSpec(kind="scatter", x=names[0], y=tuple(names[1:]), title="$x^{"))
    words = pd.DataFrame({"k": ["$a$", "$\\frac{", "_c"], "v": [1, 2, 3]})
    assert draw_chart(words, spec("bar", "k", "v"))
    assert drawable("漢 a\nb", 10) == "□ a b"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (spec("line", "years", "co2 (ppm)"), "no column years"),
        (spec("line", "year"), "needs 1 to 6"),
        (spec("line", "year", "site"), "text, not numbers"),
        (spec("bar", "year", "co2 (ppm)"), "60 bars"),
        (spec("histogram", "site"), "text, not numbers"),
        (spec("box", "site", "year", "co2 (ppm)"), "shows one column"),
        (spec("box", "year", "co2 (ppm)"), "60 boxes"),
        (spec("heat map", "site", "co2 (ppm)"), "needs three columns"),
        (spec("line", "year", "co2 (ppm)", panels="day"), "60 panels"),
        (spec("box", "site", "year", panels="decade"), "no panels"),
        (spec("line", "year", "co2 (ppm)", panels="place"), "no column place"),
        (spec("line", "day", "co2 (ppm)", trend=True), "day holds no numbers"),
        (spec("line", "decade", "co2 (ppm)", trend=True, panels="site"), "decade holds no numbers"),
        (spec("bar", "site", "co2 (ppm)", trend=True), "bar chart has no trend"),
        (spec("histogram", "year", trend=True, panels="site"), "histogram chart has no trend"),
    ],
)
def test_refusals(frame: pd.DataFrame, wanted: ChartSpec, said: str) -> None:
    """What cannot be drawn is refused in words, with a remedy."""
    with pytest.raises(ToolError, match=said) as caught:
        draw_chart(frame, wanted)
    assert caught.value.remedy


def test_alt_texts(frame: pd.DataFrame) -> None:
    """One sentence says range, trend and extremes from the figures."""
    assert alt_text(frame, SPECS[0]) == (
        "Line chart of co2 (ppm) by year: co2 (ppm) rises from 317 ppm at 1960 to 405.5 ppm at 2019, "
        "lowest 317 ppm at 1960, highest 405.5 ppm at 2019."
    )
    assert alt_text(frame, spec("bar", "site", "year")) == (
        "Bar chart of year by site: year lowest 1988.5 at A, highest 1990.5 at C."
    )
    assert "60 points of co2 (ppm)" in alt_text(frame, SPECS[4])
    assert "correlation r = 1" in alt_text(frame, SPECS[4])
    histogram = alt_text(pd.DataFrame({"x": [1, 1, 1, 1, 9]}), spec("histogram", "x", x_unit="m"))
    assert histogram.startswith("Histogram of 5 values of x from 1 to 9 m; most, 4, lie between 1 and")


def test_figures_of_boxes_tiles_and_panels() -> None:
    """A box has its quartiles and says what lies outside, a tile the mean of its rows; panels share bins and places."""
    frame = pd.DataFrame({"g": list("aaaaabb"), "h": list("xyxyxyx"), "v": [1.0, 2, 3, 4, 50, None, 7]})
    boxes = plotted(frame, spec("box", "g", "v"))
    assert boxes.iloc[0].to_dict() == {
        "g": "a", "n": 5, "low": 1, "q1": 2, "median": 3, "q3": 4, "high": 4, "outside": 1
    }  # fmt: skip
    assert plotted(frame, spec("box", "v"))["n"].tolist() == [6]
    tiles = plotted(frame, spec("heat map", "g", "h", "v"))
    assert tiles.to_numpy().tolist() == [["a", "x", 18.0], ["a", "y", 3.0], ["b", "x", 7.0]]
    bars = plotted(frame, spec("bar", "g", "v", panels="h"))
    assert bars[["h", "g"]].to_numpy().tolist() == [["x", "a"], ["x", "b"], ["y", "a"], ["y", "b"]]
    assert bars["v"].tolist()[:3] == [18.0, 7.0, 3.0]
    assert np.isnan(bars["v"].tolist()[3])
    bins = plotted(frame, spec("histogram", "v", panels="h"))
    first, second = (part[["from", "to"]].to_numpy().tolist() for _, part in bins.groupby("h"))
    assert first == second
    assert bins["count"].sum() == 6


def test_alt_texts_of_boxes_tiles_and_panels() -> None:
    """Each group, the extremes, and a clause for each panel, from the figures."""
    frame = pd.DataFrame({"g": list("aabb"), "h": list("xyxy"), "v": [1.0, 2, 3, 40]})
    assert alt_text(frame, spec("box", "g", "v", y_unit="m")) == (
        "Box chart of v by g: a (n = 2) median 1.5 m, middle half 1.25 m to 1.75 m; "
        "b (n = 2) median 21.5 m, middle half 12.25 m to 30.75 m."
    )
    assert alt_text(frame, spec("heat map", "g", "h", "v")) == (
        "Heat map of v by g and h (2 by 2): lowest 1 at a, x; highest 40 at b, y."
    )
    told = alt_text(frame, spec("bar", "g", "v", panels="h"))
    assert told.startswith("2 small charts by h, on the same scales. x: Bar chart of v by g: v lowest 1 at a,")


@pytest.mark.slow
def test_charts_differ_without_colours(frame: pd.DataFrame) -> None:
    """Two series that change places are told apart in shades of grey; SVG has the same bytes each time."""
    swapped = frame.assign(year=frame["co2 (ppm)"], **{"co2 (ppm)": frame["year"]})
    pictures = [draw_chart(each, spec("bar", "site", "year", "co2 (ppm)")) for each in (frame, swapped)]
    grey = [imread(io.BytesIO(each))[..., :3].mean(axis=2) for each in pictures]
    assert np.abs(grey[0] - grey[1]).max() > 0.3
    drawn = {draw_chart(frame, SPECS[-2], "svg") for _ in range(2)}
    assert len(drawn) == 1
    assert b"<svg" in drawn.pop()


def test_a_chart_is_asked_for_in_the_tables_own_names() -> None:
    """Headers are found and units told; of a heat map the unit is that of the numbers."""
    form = ChartForm.model_validate({"kind": "heat map", "x": "a", "y": ["b", "c"], "title": " T\n1 "})
    made = form.spec(str.upper, lambda name: {"C": "kg", "A": "s"}.get(name, ""))
    assert made == ChartSpec(kind="heat map", x="A", y=("B", "C"), title="T 1", x_unit="s", y_unit="kg")
    assert ChartForm(kind="histogram", x="a", y=["b"], title="").spec(str, lambda name: "m").y == ()
