"""What steps, agents and state carry of a table: its name, the hash that it is stored under, and how it was made."""

from typing import Literal

from pydantic import Field

from state.evidence import Record

ColumnType = Literal["whole", "number", "decimal", "text", "truth", "date"]
"""Whole numbers, floating-point numbers, exact decimals, texts, yes or no, dates with or without a time of day."""


class TableColumn(Record):
    """A column of a table."""

    name: str
    type: ColumnType
    unit: str = ""


class Origin(Record):
    """What a table was made from."""

    name: str
    hash: str = Field(description="SHA-256: of a stored table, or of a file's bytes.")


class Made(Record):
    """The operation that made a table."""

    operation: str = Field(description="In words: `grouped by region: sum of revenue`.")
    inputs: tuple[Origin, ...] = ()


class TableRef(Record):
    """A table that is stored, by name."""

    name: str
    hash: str = Field(description="SHA-256 of the table with all that made it: the same for the same work.")
    columns: tuple[TableColumn, ...]
    rows: int
    made_by: Made
