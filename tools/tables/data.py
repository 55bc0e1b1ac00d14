"""A table in memory: typed columns of equal length, and the limits of what a table may be."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from state.errors import ToolError
from state.tables import TableColumn
from tools.numerals import name_and_unit

MOST_ROWS = 200_000
MOST_COLUMNS = 1000
MOST_CELLS = 4_000_000
_NAMED = 30


@dataclass(frozen=True)
class Data:
    """Columns, and the values of each by its name; None is a missing one. ToolError where there are too many."""

    name: str
    columns: tuple[TableColumn, ...]
    values: Mapping[str, Sequence[Any]]

    def __post_init__(self) -> None:
        refuse_size(self.rows, len(self.columns))

    @property
    def rows(self) -> int:
        return len(self.values[self.columns[0].name]) if self.columns else 0

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> TableColumn:
        """The column of a name, also where it is escaped as a model was shown it; ToolError without one."""
        for wanted in (name, html.unescape(name)):
            for column in self.columns:
                if column.name == wanted:
                    return column
        named = ", ".join(_short(each) for each in self.names[:_NAMED])
        raise ToolError(f"There is no column “{_short(name)}”.", place=self.name, remedy=f"The columns are: {named}.")

    def of(self, name: str) -> Sequence[Any]:
        """The values of a column."""
        return self.values[self.column(name).name]

    def take(self, positions: Sequence[int]) -> "Data":
        """The rows at these places, in their order."""
        return self.over({name: [values[at] for at in positions] for name, values in self.values.items()})

    def over(self, values: Mapping[str, Sequence[Any]], columns: Iterable[TableColumn] | None = None) -> "Data":
        """The same table with other values."""
        return Data(self.name, self.columns if columns is None else tuple(columns), values)

    def called(self, name: str) -> "Data":
        """The same table under another name."""
        return Data(name, self.columns, self.values)

    def rows_of(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """The values of some columns by row."""
        return list(zip(*(self.of(name) for name in names), strict=True))


def refuse_size(rows: int, columns: int) -> None:
    """ToolError for a table that is too large, before it is made."""
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        said = f"The table would have {rows:,} rows and {columns:,} columns."
        most = f"{MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns and {MOST_CELLS:,} cells"
        raise ToolError(said, remedy=f"A table has at most {most}; filter or group before.")


def unused(name: str, taken: Iterable[str]) -> str:
    """The name, or with a number behind it where a column has it already; a unit stays at its end."""
    known = set(taken)
    base, unit = name_and_unit(name)
    tail = f" ({unit})" if unit else ""
    number, made = 2, name
    while made in known:
        made, number = f"{base}_{number}{tail}", number + 1
    return made


def _short(text: str) -> str:
    line = " ".join(text.split()).replace("<", "&lt;").replace(">", "&gt;")
    return line if len(line) <= 60 else f"{line[:59]}…"
