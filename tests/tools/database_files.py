"""Small databases for tests: a table `stock` with two articles, in SQLite, DuckDB and PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.postgres_fixtures import ServerForTests
from tools.database.connections import NamedDatabase

_STOCK = "CREATE TABLE stock (article TEXT PRIMARY KEY, quantity INTEGER NOT NULL, price {price}, since DATE)"
_ROWS = "INSERT INTO stock VALUES ('lamp', 3, 19.90, '2024-02-29'), ('desk', 1, 250.00, NULL)"
PASSWORD = "hush-hush"


def sqlite_file(folder: Path, *, writable: bool = False) -> NamedDatabase:
    path = folder / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(_STOCK.format(price="NUMERIC"))
        connection.execute(_ROWS)
        connection.commit()
    return NamedDatabase("shop", f"sqlite:///{path}", writable)


def duckdb_file(folder: Path, *, writable: bool = False) -> NamedDatabase:
    import duckdb

    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(_STOCK.format(price="DECIMAL(20, 2)"))
        connection.execute(_ROWS)
    return NamedDatabase("shop", f"duckdb:///{path}", writable)


def url_of(dsn: str, **changes: str) -> str:
    """A DSN as a URL: what a person writes into the settings."""
    parts = {**conninfo_to_dict(dsn), **changes}
    host = quote(str(parts["host"]), safe="")
    user = f"{parts['user']}:{quote(str(parts.get('password') or ''))}"
    return f"postgresql://{user}@/{parts['dbname']}?host={host}&port={parts.get('port', 5432)}"


@contextmanager
def postgres_database(server: ServerForTests, *, writable: bool = False) -> Iterator[NamedDatabase]:
    """A user of its own who owns the table: only the transaction's mode keeps it from being changed."""
    with server.fresh_database() as dsn:
        role = conninfo_to_dict(dsn)["dbname"]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute(f"GRANT ALL ON SCHEMA public TO {role}; SET ROLE {role}".encode())
            connection.execute(_STOCK.format(price="NUMERIC(20, 2)").encode())
            connection.execute(_ROWS.encode())
            connection.execute(b"CREATE SEQUENCE counter")
        try:
            yield NamedDatabase("shop", url_of(dsn, user=str(role), password=PASSWORD), writable)
        finally:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def stock(database: NamedDatabase, server: ServerForTests | None = None) -> list[tuple[str, int]]:
    """What is in the table, seen from outside of the tools."""
    sql = "SELECT article, quantity FROM stock ORDER BY article"
    if database.kind == "sqlite":
        with closing(sqlite3.connect(database.path)) as connection:
            return connection.execute(sql).fetchall()
    assert server is not None
    with psycopg.connect(make_conninfo(database.url)) as other:
        return other.execute(sql.encode()).fetchall()
