"""What a chart is asked to show."""

from typing import Literal

from state.evidence import Record

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
    """Of a line chart over numbers: whether the straight line fitted to each series is drawn beside it."""
    panels: str = ""
    """A column: one small chart for each of its values, all on the same scales (small multiples)."""

    @property
    def in_one(self) -> "ChartSpec":
        """The chart of one panel."""
        return self.model_copy(update={"panels": ""})
