"""What the tools for tables are asked for, and what they give back."""

from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from state.runs import Json
from state.tables import TableRef
from tools.charts.spec import ChartForm
from tools.database.database_tools import QueryInput
from tools.run_files import Written
from tools.tables.forms import Form
from tools.tables.operations import Operation
from tools.tables.profiling import Profile

TableArg = Annotated[
    dict[str, Any] | str, Field(description="A table, as the call that made it gave it back in `table`; or its hash.")
]


class LoadForm(Form):
    """One of path, rows, columns and answer."""

    path: str | None = Field(default=None, description="A file: CSV, Excel, Parquet, JSON, or a document with tables.")
    sheet: str | None = Field(default=None, description="A sheet of a workbook, or a table of a document.")
    rows: list[dict[str, Any]] | None = Field(default=None, max_length=100_000, description="Rows by column name.")
    columns: dict[str, list[Any]] | None = Field(default=None, description="Lists of values by column name.")
    answer: dict[str, Any] | None = Field(default=None, description="What database_query gave back.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        """Exactly one thing is loaded."""
        if sum(each is not None for each in (self.path, self.rows, self.columns, self.answer)) != 1:
            raise ValueError("give one of path, rows, columns and answer")
        return self


class QueryForm(QueryInput):
    """What to ask a database."""

    name: str = Field(default="answer", min_length=1, max_length=100, description="What to call the table.")


class OneTable(BaseModel):
    """A table to look at."""

    model_config = ConfigDict(extra="forbid")

    table: TableArg


class ValuesForm(OneTable):
    """Which values to give."""

    columns: list[str] = Field(default=[], description="Only these columns; all without it.")
    form: Literal["columns", "rows"] = Field(default="columns", description="Lists by column name, or rows.")


class SaveForm(OneTable):
    """Where to write a table."""

    path: str = Field(pattern=r"\.csv$", description="Within the folder of the run: sales.csv.")


class ChartFile(ChartForm):
    """What to draw, and where to write it."""

    table: TableArg
    path: str = Field(pattern=r"\.(png|svg)$", description="Within the folder of the run: sales.png or sales.svg.")


class MadeTable(BaseModel):
    """A table that was made."""

    table: TableRef
    changes: list[str] = Field(description="What was changed, each with its count and examples.")
    first_rows: list[Json]


class Profiled(Profile):
    """What a table holds, and how it was made."""

    made: list[str] = Field(description="The operations that made it, from the files on.")


class Values(BaseModel):
    """The values of a table."""

    row_count: int
    columns: dict[str, list[Any]] = Field(description="By name; empty where rows were asked for.")
    rows: list[Json] = Field(description="Empty where columns were asked for.")
    made: list[str] = Field(description="The operations that made the table, from the files on.")


class Saved(BaseModel):
    """A table that was written."""

    data: Written
    history: Written = Field(description="The operations that made it, with their changes, as JSON.")


class DrawnChart(BaseModel):
    """A chart that was written."""

    image: Written
    data: Written = Field(description="The figures that it shows, as CSV.")
    alt: str = Field(description="What it shows, in words.")
    made: list[str] = Field(description="The operations that made its table, from the files on.")


def operation_form(operation: Operation, table: Any) -> type[BaseModel]:
    """What an operation takes, with the table or tables that it is done to."""
    others = {"other": (table, Field(description="The table whose rows are brought in."))}
    fields: dict[str, Any] = {"table": (table, ...)} | (others if operation.takes_other else {})
    return create_model(f"Table{operation.form.__name__}", __base__=operation.form, **fields)


@cache
def stored_form(operation: Operation) -> type[BaseModel]:
    """The same over stored tables; made once, as that takes a while."""
    return operation_form(operation, TableArg)
