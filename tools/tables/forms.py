"""What the operations on tables are asked for: one form each, for steps, agents and code alike."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from state.tables import ColumnType

Measure = Literal["sum", "mean", "median", "min", "max", "count", "distinct", "share"]
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "is missing", "is known"]
Scalar = str | int | float | bool


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
    markers: list[str] = Field(default=[], max_length=100, description="Texts that stand for a missing value: n/a, -.")
    replace: dict[str, dict[str, Scalar]] = Field(default={}, description="By column: values and what to put instead.")
    types: dict[str, ColumnType] = Field(default={}, description="By column; what cannot be read so becomes missing.")
    date_format: str | None = Field(default=None, description="How texts write dates: %d.%m.%Y. ISO 8601 without it.")
    units: dict[str, str] = Field(default={}, description="By column: convert into this unit, or say that it is in it.")
    missing: dict[str, Literal["drop", "mean", "median", "most frequent", "previous"] | Fill] = Field(
        default={}, description="By column, for missing values: drop the row, or fill with {value: 0}, the mean, …"
    )
    duplicates: Literal["keep", "drop"] = Field(default="keep", description="Rows that repeat an earlier one.")
    keys: list[str] = Field(default=[], description="Columns by which rows count as repeated; all without it.")
    rename: dict[str, str] = Field(default={}, description="New names of columns by the old ones.")


class Condition(BaseModel):
    """What a column must be for a row to stay."""

    model_config = ConfigDict(extra="forbid")

    column: str
    operator: Operator = "=="
    value: Scalar | list[Scalar] | None = Field(default=None, description="A list for in and not in.")


class FilterForm(Form):
    """Which rows to keep."""

    where: list[Condition] = Field(min_length=1, max_length=50)
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

    on: dict[str, str] = Field(
        min_length=1,
        max_length=10,
        description="Columns of table by columns of other; a list where both have the name.",
    )
    how: Literal["left", "inner", "outer"] = Field(
        default="left", description="Keep all rows of table (left), those with a partner (inner), or all of both."
    )
    many: bool = Field(
        default=False, description="Whether other may have several rows for one key, which repeats rows of table."
    )

    @field_validator("on", mode="before")
    @classmethod
    def _same_names(cls, given: Any) -> Any:
        """A name, or a list of names, that both tables have."""
        listed = [given] if isinstance(given, str) else given
        return {name: name for name in listed} if isinstance(listed, list) else listed


class GroupForm(Form):
    """Rows put together by what some columns hold. Each group says how many rows it has."""

    by: list[str] = Field(max_length=10, description="The columns that name a group; empty for all rows as one.")
    measures: dict[str, Measure | list[Measure]] = Field(
        default={}, max_length=100, description="What to compute, by column: {revenue: [sum, share]}."
    )

    @field_validator("by", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given


class PivotForm(Form):
    """A table with one row for each value of some columns, and one column for each value of another."""

    rows: list[str] = Field(min_length=1, max_length=10)
    columns: str = Field(description="The column whose values become columns.")
    values: str = Field(description="The column that is measured.")
    measure: Measure = "sum"

    @field_validator("rows", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given


class SortForm(Form):
    """In which order, and how many rows."""

    by: list[str] = Field(min_length=1, max_length=10)
    descending: bool = False
    top: int | None = Field(default=None, ge=1, description="Keep only so many rows.")

    @field_validator("by", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given
