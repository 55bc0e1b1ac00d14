"""What the operations on tables are asked for: one form each, for steps, agents and code alike."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue

from state.tables import ColumnType

Measure = Literal["sum", "mean", "median", "min", "max", "count", "distinct", "share"]
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "is missing", "is known"]
Scalar = str | int | float | bool
_TEXT: JsonSchemaValue = {"type": "string"}
_TEXTS: JsonSchemaValue = {"type": "array", "items": _TEXT}


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _paired(given: Any) -> Any:
    listed = _listed(given)
    return {name: name for name in listed} if isinstance(listed, list) else listed


Names = Annotated[list[str], BeforeValidator(_listed), WithJsonSchema({"anyOf": [_TEXTS, _TEXT]})]
"""Columns; a single one may stand without a list."""
Pairs = Annotated[
    dict[str, str],
    BeforeValidator(_paired),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": _TEXT}, _TEXTS, _TEXT]}),
]
"""Columns of one table by those of another; a name, or a list of names, where both have them."""


class Form(BaseModel):
    """What every operation may be given."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=100, description="What to call the new table.")


class Fill(BaseModel):
    """A value to put where one is missing."""

    model_config = ConfigDict(extra="forbid")

    value: Scalar


class CleanForm(Form):
    """What to clean. It is done in the order of these fields, and each change is listed."""

    trim: bool = Field(default=False, description="Leave out spaces around texts, and doubled ones inside.")
    markers: list[str] = Field(default=[], max_length=100, description="What stands for a missing value: n/a, -999.")
    replace: dict[str, dict[str, Scalar]] = Field(default={}, description="By column: values and what to put instead.")
    types: dict[str, ColumnType] = Field(default={}, description="By column; what cannot be read so becomes missing.")
    date_format: str | None = Field(default=None, description="How texts write dates: %d.%m.%Y. ISO 8601 without it.")
    units: dict[str, str] = Field(default={}, description="By column: convert into this unit, or say that it is in it.")
    missing: dict[str, Literal["drop", "mean", "median", "most frequent", "previous"] | Fill] = Field(
        default={}, description="By column, for missing values: drop the row, or fill with {value: 0}, the mean, …"
    )
    duplicates: Literal["keep", "drop"] = Field(default="keep", description="Rows that repeat an earlier one.")
    keys: list[str] = Field(default=[], description="For duplicates: drop. Columns that make a row repeated, else all.")
    rename: dict[str, str] = Field(default={}, description="New names of columns by the old ones.")

    @model_validator(mode="after")
    def _keys_of_duplicates(self) -> Self:
        """Keys say which rows are duplicates."""
        if self.keys and self.duplicates == "keep":
            raise ValueError("keys are given, but no duplicates are left out: add duplicates: drop, or leave out keys")
        return self


class Condition(BaseModel):
    """What a column must be for a row to stay."""

    model_config = ConfigDict(extra="forbid")

    column: str
    operator: Operator = "=="
    value: Scalar | list[Scalar] | None = Field(default=None, description="A list for in and not in.")


class FilterForm(Form):
    """Which rows to keep."""

    where: list[Condition] = Field(min_length=1, max_length=50, description="The conditions.")
    match: Literal["all", "any"] = Field(default="all", description="Whether all conditions must hold, or one.")
    columns: list[str] = Field(default=[], description="Keep only these columns, in this order; all without it.")


class DeriveForm(Form):
    """A new column, computed from others of the same row."""

    column: str = Field(min_length=1, max_length=200, description="The new column; a unit in brackets: profit (EUR).")
    formula: str = Field(description="Like revenue - costs; + - * / **, brackets, exp, log, sqrt and others.")
    names: dict[str, str] = Field(
        default={},
        description="Short names in the formula for columns whose names are no single words: {p: unit price}.",
    )
    digits: int | None = Field(default=None, ge=0, le=15, description="Round to so many digits after the point.")


class JoinForm(Form):
    """How rows of two tables are brought together."""

    on: Pairs = Field(min_length=1, max_length=10, description="Columns of other by columns of table, or names.")
    how: Literal["left", "inner", "outer"] = Field(
        default="left", description="Keep all rows of table (left), those with a partner (inner), or all of both."
    )
    many: bool = Field(
        default=False, description="Whether other may have several rows for one key, which repeats rows of table."
    )


class GroupForm(Form):
    """Rows put together by what some columns hold. Each group says how many rows it has."""

    by: Names = Field(max_length=10, description="The columns that name a group; empty for all rows as one.")
    measures: dict[str, Measure | list[Measure]] = Field(
        default={}, max_length=100, description="What to compute, by column: {revenue: [sum, share]}."
    )


class PivotForm(Form):
    """A table with one row for each value of some columns, and one column for each value of another."""

    rows: Names = Field(min_length=1, max_length=10, description="The columns that name a row.")
    columns: str = Field(description="The column whose values become columns.")
    values: str = Field(description="The column that is measured.")
    measure: Measure = Field(default="sum", description="What is computed for each cell.")


class SortForm(Form):
    """In which order, and how many rows."""

    by: Names = Field(min_length=1, max_length=10, description="The columns, the most important first.")
    descending: bool = Field(default=False, description="The greatest first.")
    top: int | None = Field(default=None, ge=1, description="Keep only so many rows.")
