"""A statistic of a table's columns, asked for by their headers: what is computed, from which cells, and its name."""

import html
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, field_validator

from state.errors import ToolError
from tools.computed import one_line
from tools.data import Table
from tools.numerals import name_and_unit
from tools.statistics.asking import Options, Role
from tools.statistics.methods import Given
from tools.statistics.samples import label, named_values

TableName = Annotated[
    str,
    Field(description="The table's uri from list_tables (`book.xlsx#Sheet2` for a sheet), or the id of a made one."),
]


class TableStatistic(Options):
    """Which statistic of which columns of a table; columns are named by their headers."""

    table: TableName
    values: str | None = Field(default=None, description="The column that is measured, tested or explained (y).")
    x: list[str] = Field(default=[], description="The columns that explain or go along with values; time for a trend.")
    groups: str | None = Field(default=None, description="The column that says to which group a row belongs.")
    within: str | None = Field(default=None, description="A second column of groups.")
    weights: str | None = Field(default=None, description="The column that says how many cases a row stands for.")
    pairs: str | None = Field(default=None, description="The column that names the case, the same in both groups.")
    only: dict[str, str] | None = Field(default=None, description="Take only rows in which a column has a value.")

    @field_validator("x", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A single header, which models often write without a list."""
        return [given] if isinstance(given, str) else given or []

    def roles(self) -> dict[Role, str]:
        """The header that is named for each role but x."""
        named: dict[Role, str | None] = {"values": self.values, "groups": self.groups, "within": self.within}
        named |= {"weights": self.weights, "pairs": self.pairs}
        return {role: header for role, header in named.items() if header is not None}


def given_columns(asked: TableStatistic, table: Table) -> tuple[Given, list[str], str]:
    """What the method is given, the headers that it uses, and the computation's name: `trend(co2 by year)`.

    ToolError with near names where the table has no such column, or no row with the values of `only`.
    """
    roles = {role: header_of(table, name) for role, name in asked.roles().items()}
    xs = [header_of(table, name) for name in asked.x]
    only = {header_of(table, name): value for name, value in (asked.only or {}).items()}
    rows = _rows(table, only)
    if asked.method in ("period", "season", "change_points") and not xs:
        key = key_of(table, roles.get("values", ""))
        xs = [str(key.name)] if key is not None and pd.api.types.is_numeric_dtype(key) else []
    where = key_of(table, roles.get("values", ""))
    given = Given(
        options=asked,
        columns={role: column_of(table, header).loc[rows] for role, header in roles.items()},
        x=[column_of(table, header).loc[rows] for header in xs],
        table=table.frame.loc[rows],
        where=where.loc[rows] if where is not None else None,
    )
    used = list(dict.fromkeys([*roles.values(), *xs, *only])) or [str(name) for name in table.frame.columns]
    return given, used, _name(asked, roles, xs, only)


def _rows(table: Table, only: Mapping[str, str]) -> "pd.Index[Any]":
    """The rows in which each column has its value."""
    frame = table.frame
    for header, value in only.items():
        texts = frame[header].map(label, na_action="ignore")
        if not (texts == value).any():
            remedy = f"Its values are: {one_line(named_values(frame[header]))}."
            raise ToolError(f"No row has {header} = {value}.", place=table.uri, remedy=remedy)
        frame = frame[texts == value]
    return frame.index


def _name(asked: TableStatistic, roles: Mapping[Role, str], xs: Sequence[str], only: Mapping[str, str]) -> str:
    """What was computed, so that two computations that differ have two names."""
    by = [*xs, *([roles["groups"]] if "groups" in roles else [])]
    parts = [roles.get("values", ""), f"by {', '.join(by)}" if by else ""]
    parts += [f"{word} {roles[role]}" for role, word in _WORDS.items() if role in roles]
    parts += [f"where {header} is {value}" for header, value in only.items()]
    defaults = {name: field.default for name, field in Options.model_fields.items() if name != "method"}
    for name, default in defaults.items():
        chosen = getattr(asked, name)
        if chosen != default:
            shown = (
                ", ".join(f"{key} = {value}" for key, value in chosen.items()) if isinstance(chosen, dict) else chosen
            )
            parts.append(f"{name} {shown}")
    return f"{asked.method}({' '.join(part for part in parts if part)})"


_WORDS: Mapping[Role, str] = {"within": "within", "weights": "weighted by", "pairs": "paired by"}


def header_of(table: Table, name: str) -> str:
    """The header that a model means, who was shown it escaped; ToolError with near names if there is none."""
    names = [str(each) for each in table.frame.columns]
    for header in (name, html.unescape(name)):
        if header in names:
            return header
    raise ToolError(f"There is no column “{name}”.", place=table.uri, remedy=near_names(name, names, "columns"))


def column_of(table: Table, header: str) -> "pd.Series[Any]":
    """A column with the unit of its cells (`%`) added to its name."""
    unit = table.units.get(header)
    named = f"{header} ({unit})" if unit and not name_and_unit(header)[1] else header
    return table.frame[header].rename(named)


def key_of(table: Table, column: str) -> "pd.Series[Any] | None":
    """The column that names each row: the first, if it holds years, dates or names, each once."""
    first = table.frame[table.frame.columns[0]]
    if first.name == column or first.isna().any() or not first.is_unique:
        return None
    return first if not pd.api.types.is_numeric_dtype(first) or first.is_monotonic_increasing else None


def near_names(name: str, names: Sequence[str], what: str) -> str:
    """A remedy that lists the names most like the one that is not there."""
    folded = {each.casefold(): each for each in names}
    near = [folded[each] for each in get_close_matches(name.casefold(), folded, n=5, cutoff=0.4)]
    if near:
        return f"Did you mean: {', '.join(map(one_line, near))}?"
    return f"The {what} are: {', '.join(one_line(each) for each in names[:20]) or 'none'}."
