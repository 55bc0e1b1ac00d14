"""What a chart is asked to show."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from state.evidence import Record
from tools.tables.forms import Names

ChartKind = Literal["line", "bar", "scatter", "histogram", "box", "heat map"]

MOST_BARS = 30
MOST_SERIES = 6
MOST_BINS = 40
MOST_BOXES = 20
MOST_PANELS = 12
MOST_TILES = 60
"""Columns, and rows, of a heat map."""


class ChartSpec(Record):
    """What to draw: each column of `y` over `x`; a histogram of `x`; boxes of `y` by the groups of `x`, or of `x`
    alone; a heat map of the second column of `y`, by `x` along the axis and the first of `y` upwards.
    """

    kind: ChartKind
    x: str
    y: tuple[str, ...] = ()
    title: str
    x_unit: str = ""
    y_unit: str = ""
    trend: bool = False
    """Of lines over numbers: whether the straight line fitted to each series is drawn too, as scatters have it."""
    panels: str = ""
    """A column: one small chart for each of its values, all on the same scales (small multiples)."""

    @property
    def in_one(self) -> "ChartSpec":
        """The chart of one panel."""
        return self.model_copy(update={"panels": ""})


class ChartForm(BaseModel):
    """What to draw, as agents and workflows ask for it."""

    model_config = ConfigDict(extra="forbid")

    kind: ChartKind = Field(description="Which kind of chart.")
    x: str = Field(description="The column along the axis; the only one of a histogram; the groups of boxes.")
    y: Names = Field(
        default=[],
        description="The columns over x; none for a histogram; for a heat map the rows' column, then the numbers'.",
    )
    title: str = Field(description="What the chart shows, in a few words.")
    trend: bool = Field(
        default=False,
        description="Of a line chart over numbers: whether to draw the straight line that the method trend fits.",
    )
    panels: str | None = Field(default=None, description="A column: one small chart for each of its values.")

    def spec(self, header: Callable[[str], str], unit: Callable[[str], str]) -> ChartSpec:
        """The chart by the table's own headers and units; `header` finds the one that a name means."""
        x, *y = (header(name) for name in (self.x, *self.y))
        y = list(dict.fromkeys(y)) if self.kind != "histogram" else []
        units = {unit(name) for name in (y[1:] if self.kind == "heat map" else y)}
        return ChartSpec(
            kind=self.kind,
            x=x,
            y=tuple(y),
            title=" ".join(self.title.split()),
            x_unit=unit(x),
            y_unit=units.pop() if len(units) == 1 else "",
            trend=self.trend,
            panels=header(self.panels) if self.panels else "",
        )
