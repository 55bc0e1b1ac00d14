"""Stored tables as pandas frames, for statistics and charts: numbers as floating point, dates as timestamps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.tables.cells import NUMBERS, as_json
from tools.tables.data import Data

if TYPE_CHECKING:  # slow to import
    import pandas as pd


def frame_of(data: Data) -> "pd.DataFrame":
    """The table with its rows counted from 1; whole numbers without gaps stay whole."""
    import pandas as pd

    columns = {column.name: _column(column.type, data.values[column.name]) for column in data.columns}
    return pd.DataFrame(columns, index=pd.RangeIndex(1, data.rows + 1, name="row"))


def _column(type_: str, values: Sequence[Any]) -> Any:
    import numpy as np
    import pandas as pd

    if type_ == "date":
        return pd.to_datetime(pd.Series(values, dtype=object)).to_numpy()
    if type_ in NUMBERS:
        whole = type_ == "whole" and None not in values
        return np.array([np.nan if value is None else value for value in values], dtype=int if whole else float)
    return np.array(values, dtype=object)


def records(data: Data, most: int | None = None) -> list[dict[str, Any]]:
    """The rows as JSON by column name; exact decimals and dates are text."""
    rows = data.rows if most is None else min(most, data.rows)
    return [{name: as_json(data.values[name][at]) for name in data.names} for at in range(rows)]
