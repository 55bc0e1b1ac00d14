"""What is done with an open connection: the same for all databases, and for the process of a DuckDB file.

Every function here takes a plain connection of SQLAlchemy, and blocks; `conversations.py` calls it where that is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from tools.database import duckdb, postgres, sqlite
from tools.database.connections import Kind
from tools.database.results import BATCH, Changed, Limits, Rows, fetched
from tools.database.statements import Purpose, gives_rows

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Statement:
    """A statement as it is sent."""

    sql: str
    """In the form of the driver."""
    parameters: Mapping[str, Any]
    kind: Kind
    purpose: Purpose
    limits: Limits = field(default_factory=Limits)


def query(connection: "Connection", statement: Statement) -> Rows:
    """The rows of a statement that reads."""
    ends = monotonic() + statement.limits.seconds
    ready(connection, statement)
    sql, options = statement.sql, {}
    if gives_rows(sql):
        options = {"stream_results": True, "max_row_buffer": BATCH}
        if statement.kind == "postgresql":
            sql = postgres.within(sql, statement.limits.rows + 1)
    result = connection.exec_driver_sql(sql, dict(statement.parameters), options)
    return fetched(result, statement.limits, ends)


def execute(connection: "Connection", statement: Statement) -> Changed:
    """How many rows a statement changed, and those that it gives back by RETURNING."""
    ends = monotonic() + statement.limits.seconds
    ready(connection, statement)
    result = connection.exec_driver_sql(statement.sql, dict(statement.parameters))
    count = result.rowcount
    if not result.returns_rows:
        return Changed(changed=count)
    told = fetched(result, statement.limits, ends)
    if statement.kind == "duckdb":  # it tells the count as a row
        counted = told.rows[0].get("Count") if told.rows else None
        return Changed(changed=counted if isinstance(counted, int) else told.row_count)
    changed = count if count >= 0 else told.row_count
    return Changed(changed=changed, columns=told.columns, rows=told.rows, truncated=told.truncated)


def ready(connection: "Connection", statement: Statement) -> None:
    """Has the database itself keep to the time and the purpose of the next statement."""
    match statement.kind:
        case "sqlite":
            sqlite.ready(connection, statement.limits.seconds)
        case "postgresql":
            postgres.ready(connection, statement.limits.seconds)
        case "duckdb":
            duckdb.ready(connection, statement.sql, statement.purpose)


def commit(connection: "Connection") -> None:
    """Ends the transaction: what it changed stays."""
    connection.commit()


def rollback(connection: "Connection") -> None:
    """Ends the transaction: nothing that it changed stays."""
    connection.rollback()
