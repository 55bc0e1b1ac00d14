"""What a database holds, told to whoever writes a statement: tables, columns, keys, and a few rows if asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from state.errors import ToolFailed
from state.runs import Json
from tools.database.connections import Kind
from tools.database.results import Limits
from tools.database.statements import prepared
from tools.database.work import Statement, query, ready

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import Connection

MOST_TABLES = 200
"""That are described at once."""
MOST_SAMPLES = 20
_SAMPLE_BYTES = 20_000
"""Of the sample of one table."""
# SQLAlchemy's way of describing asks DuckDB for tables of PostgreSQL's catalog that it does not have.
_DUCKDB_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'YES' AS nullable
FROM information_schema.columns WHERE table_schema = coalesce($schema, current_schema())
ORDER BY table_name, ordinal_position
"""
_DUCKDB_KEYS = """
SELECT table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names
FROM duckdb_constraints() WHERE schema_name = coalesce($schema, current_schema())
AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')
"""


class TableColumn(BaseModel):
    """A column of a table."""

    name: str
    type: str
    nullable: bool


class ForeignKey(BaseModel):
    """Columns that name a row of another table."""

    columns: list[str]
    table: str
    refers_to: list[str]


class Table(BaseModel):
    """A table or a view."""

    name: str
    columns: list[TableColumn]
    primary_key: list[str] = Field(default_factory=list)
    foreign_keys: list[ForeignKey] = Field(default_factory=list)
    sample: list[Json] = Field(default_factory=list, description="A few rows, if they were asked for.")


class Described(BaseModel):
    """What a database holds."""

    database: str
    kind: str = Field(description="sqlite, postgresql or duckdb: the dialect in which to write.")
    writable: bool
    tables: list[Table]
    left_out: int = Field(default=0, description="How many more tables there are: ask for them by name.")


def describe(
    connection: "Connection", kind: Kind, names: Sequence[str], schema: str | None, samples: int
) -> tuple[list[Table], int]:
    """The tables of these names, or all of them, and how many were left out. Raises ToolFailed for unknown names."""
    ready(connection, Statement("SELECT 1", {}, kind, "read"))
    found = _in_duckdb(connection, schema) if kind == "duckdb" else _inspected(connection, names, schema)
    if unknown := sorted(set(names) - set(found)):
        known = f"There are {', '.join(sorted(found)[:30])}." if not names or kind == "duckdb" else None
        raise ToolFailed(f"There is no table {', '.join(unknown)}.", "bad_input", remedy=known)
    chosen = [found[name] for name in (names or sorted(found))]
    shown = chosen[:MOST_TABLES]
    if samples:
        for table in shown:
            table.sample = _sample(connection, kind, table.name, schema, samples)
    return shown, len(chosen) - len(shown)


def _inspected(connection: "Connection", names: Sequence[str], schema: str | None) -> dict[str, Table]:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    wanted = [name for name in known if not names or name in names]
    tables = {}
    for name in wanted[: MOST_TABLES + 1]:
        tables[name] = Table(
            name=name,
            columns=[
                TableColumn(name=each["name"], type=_type(each["type"]), nullable=bool(each["nullable"]))
                for each in inspector.get_columns(name, schema)
            ],
            primary_key=list(inspector.get_pk_constraint(name, schema).get("constrained_columns", [])),
            foreign_keys=[
                ForeignKey(
                    columns=each["constrained_columns"],
                    table=each["referred_table"],
                    refers_to=each["referred_columns"],
                )
                for each in inspector.get_foreign_keys(name, schema)
            ],
        )
    return tables | {name: Table(name=name, columns=[]) for name in wanted[MOST_TABLES + 1 :]}


def _type(type_: Any) -> str:
    """As SQL writes it; SQLAlchemy's NullType is a column without a type, which SQLite has."""
    return "" if type(type_).__name__ == "NullType" else str(type_)


def _in_duckdb(connection: "Connection", schema: str | None) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    given = {"schema": schema}
    for name, column, type_, nullable in connection.exec_driver_sql(_DUCKDB_COLUMNS, given):
        table = tables.setdefault(name, Table(name=name, columns=[]))
        table.columns.append(TableColumn(name=column, type=type_, nullable=nullable))
    for name, kind, columns, other, others in connection.exec_driver_sql(_DUCKDB_KEYS, given):
        if name not in tables:
            continue
        if kind == "PRIMARY KEY":
            tables[name].primary_key = list(columns)
        else:
            tables[name].foreign_keys.append(ForeignKey(columns=list(columns), table=other, refers_to=list(others)))
    return tables


def _sample(connection: "Connection", kind: Kind, table: str, schema: str | None, rows: int) -> list[Json]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = ".".join(quote(part) for part in (schema, table) if part)
    text = f"SELECT * FROM {name} LIMIT {rows}"  # noqa: S608 # the name is one of the database's own, and quoted
    return query(connection, Statement(prepared(text, {}, kind), {}, kind, "read", Limits(rows, _SAMPLE_BYTES))).rows
