"""Charts: what is drawn, that it is always the same, and what is said of it."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from state.errors import ToolError
from tools.charts.drawing import draw_chart, drawable
from tools.charts.figures import plotted
from tools.charts.spec import ChartSpec
from tools.charts.words import alt_text

Kind = Literal["line", "bar", "scatter", "histogram"]


@pytest.fixture
def frame() -> pd.DataFrame:
    years = np.arange(1960, 2020)
    return pd.DataFrame(
        {
            "year": years,
            "co2 (ppm)": 317 + 1.5 * (years - 1960),
            "site": ["A", "B", "C"] * 20,
            "day": pd.date_range("2001-01-01", periods=60),
        }
    )


def spec(kind: Kind, x: str = "year", *y: str, **more: Any) -> ChartSpec:
    return ChartSpec(kind=kind, x=x, y=y, title="CO2", **more)


SPECS = [
    spec("line", "year", "co2 (ppm)", y_unit="ppm"),
    spec("line", "day", "co2 (ppm)", "year"),
    spec("line", "site", "year"),
    spec("bar", "site", "co2 (ppm)", "year"),
    spec("scatter", "year", "co2 (ppm)"),
    spec("scatter", "day", "co2 (ppm)"),
    spec("histogram", "co2 (ppm)", x_unit="ppm"),
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
    """The fitted line is another picture, named in a legend; over dates or names nothing is fitted."""
    frame = frame.assign(**{"co2 (ppm)": frame["co2 (ppm)"] + np.sin(frame["year"])})
    for x, changes in (("year", True), ("day", False), ("site", False)):
        without, fitted = (draw_chart(frame, spec("line", x, "co2 (ppm)", trend=trend)) for trend in (False, True))
        assert (without != fitted) == changes


def test_no_global_state() -> None:
    """Drawing needs no pyplot."""
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
