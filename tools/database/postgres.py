"""PostgreSQL: read-only transactions of a user without power, one statement a message, and times set by the server.

- The driver begins each transaction READ ONLY. Our own first statement takes its snapshot, after which the server lets
  nobody switch it to READ WRITE (https://www.postgresql.org/docs/current/sql-set-transaction.html).
- Every statement goes by the extended protocol, which takes one statement a message.
- A user who is a superuser, or may read or write files of the server or start programs there, is refused.
- A query runs in brackets, through a cursor: few rows at a time come here, and the server itself refuses a longer row.
"""

from typing import TYPE_CHECKING, Any

from state.errors import ToolFailed
from tools.database.connections import NamedDatabase
from tools.database.results import MOST_ROW_BYTES
from tools.database.statements import Purpose

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

TOO_LARGE = "a row is too large"
IDLE_SECONDS = 600
"""How long a transaction may do nothing before the server rolls it back."""
_CONNECT_SECONDS = 10
_CONNECTIONS = 5
_READY = f"""
SELECT set_config('statement_timeout', %(ms)s, true), set_config('work_mem', '16MB', true),
       set_config('max_parallel_workers_per_gather', '0', true), set_config('lock_timeout', '10s', true),
       set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true),
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE (rolsuper OR rolname IN ('pg_read_server_files',
               'pg_write_server_files', 'pg_execute_server_program')) AND pg_has_role(session_user, oid, 'MEMBER'))
       AS is_powerful
"""  # noqa: S608 # only our own number stands in it
_WITHIN = """SELECT stretto_row.* FROM (
{sql}
) AS stretto_row
WHERE CASE WHEN octet_length(stretto_row::text) <= {most} THEN true
      ELSE ('{too_large}: ' || octet_length(stretto_row::text) || ' bytes')::boolean END
LIMIT {rows}"""


def engine(database: NamedDatabase, purpose: Purpose) -> "AsyncEngine":
    """Connects when it is first used."""
    from sqlalchemy import event, make_url
    from sqlalchemy.ext.asyncio import create_async_engine

    made = create_async_engine(
        make_url(database.url).set(drivername="postgresql+psycopg"),
        pool_size=_CONNECTIONS,
        pool_pre_ping=True,
        hide_parameters=True,
        execution_options={"postgresql_readonly": purpose == "read"},
        connect_args={
            "prepare_threshold": 0,  # every statement is prepared: the simple protocol would take several in one
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": "stretto",
        },
    )
    event.listen(made.sync_engine, "reset", _forget)
    return made


def ready(connection: "Connection", seconds: float) -> None:
    """Sets the times of the next statement. Raises ToolFailed (`refused`) for a user who may do too much."""
    told = connection.exec_driver_sql(_READY, {"ms": str(max(1, int(seconds * 1000)))}).one()
    if told.is_powerful:
        user = connection.exec_driver_sql("SELECT session_user").scalar_one()
        raise ToolFailed(
            f"The user {user} is a superuser, or may use files and programs of the server.",
            "refused",
            remedy="Name a user who may not: CREATE ROLE reader LOGIN PASSWORD '…'; GRANT pg_read_all_data TO reader;",
        )


def within(sql: str, rows: int) -> str:
    """A query that gives at most so many rows, none of them too long; `sql` may end in a comment."""
    return _WITHIN.format(sql=sql, most=MOST_ROW_BYTES, too_large=TOO_LARGE, rows=rows)


def _forget(dbapi_connection: Any, _record: Any, state: Any) -> None:
    """What a statement set for the session, or locked, does not outlive its transaction."""
    if state.terminate_only:
        return
    dbapi_connection.rollback()
    dbapi_connection.autocommit = True
    cursor = dbapi_connection.cursor()
    cursor.execute("DISCARD ALL")
    cursor.close()
    dbapi_connection.autocommit = False
