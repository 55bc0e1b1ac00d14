"""A chart with all that goes along with it: the picture, its figures beside it, and what it shows in words."""

from dataclasses import dataclass

import pandas as pd

from state.errors import ToolError
from tools.charts.drawing import PictureForm, draw_chart
from tools.charts.figures import plotted
from tools.charts.spec import ChartSpec
from tools.charts.words import alt_text
from tools.report.escaping import cell_text


@dataclass(frozen=True)
class MadeChart:
    """A picture, the figures that it shows as CSV, and its alternative text."""

    picture: bytes
    csv: bytes
    alt: str


def make(frame: pd.DataFrame, spec: ChartSpec, form: PictureForm = "png") -> MadeChart:
    """The chart; ToolError as `plotted`, and where the columns cannot be drawn so. Blocking."""
    try:
        figures = plotted(frame, spec).map(cell_text).rename(columns=cell_text)
        return MadeChart(draw_chart(frame, spec, form), figures.to_csv(index=False).encode(), alt_text(frame, spec))
    except (ValueError, TypeError, ArithmeticError) as error:
        said = f"These columns cannot be drawn as a {spec.kind} ({error})."
        raise ToolError(said, remedy="Look at what the columns hold, and choose others.") from error
