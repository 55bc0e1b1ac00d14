"""Changes with a key: made once, whoever asks again, in each kind of database."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from state.errors import ToolFailed
from tests.postgres_fixtures import ServerForTests
from tests.tools.database_files import duckdb_file, postgres_database, sqlite_file, stock
from tools.database.connections import NamedDatabase
from tools.database.conversations import Databases
from tools.database.database_tools import DatabaseTools
from tools.database.once import COLUMNS
from tools.toolbox import Toolbox

TABLE = f"CREATE TABLE once ({COLUMNS})"
LESS = {
    "sql": "UPDATE stock SET quantity = quantity - 1 WHERE article = 'lamp' RETURNING article, quantity, price",
    "rows": 1,
}


@pytest.fixture
def shop(tmp_path: Path) -> NamedDatabase:
    made = sqlite_file(tmp_path, writable=True)
    with closing(sqlite3.connect(made.path)) as connection:
        connection.execute(TABLE)
    return replace(made, once="once")


@pytest.fixture
def postgres(postgres_server: ServerForTests) -> Iterator[NamedDatabase]:
    with postgres_database(postgres_server, writable=True) as made:
        with psycopg.connect(make_conninfo(made.url), autocommit=True) as connection:
            connection.execute(TABLE.encode())
        yield replace(made, once="once")


async def less(tools: DatabaseTools, key: str, *changes: dict[str, Any], **more: Any) -> Any:
    return await tools.execute(database="shop", statements=list(changes or (LESS,)), idempotency_key=key, **more)


async def test_a_key_changes_once(shop: NamedDatabase) -> None:
    """A call that comes again, as after a crash before it was recorded, changes nothing and is told the same."""
    async with Databases([shop]) as databases:
        first = await less(DatabaseTools(databases), "k1")
    async with Databases([shop]) as databases:
        again = await less(DatabaseTools(databases), "k1")
        assert (again, stock(shop)) == (first, [("desk", 1), ("lamp", 2)])
        await less(DatabaseTools(databases), "k2")
    assert (first["results"][0]["rows"][0]["quantity"], stock(shop)[1]) == (2, ("lamp", 1))


async def test_a_key_is_of_one_request(shop: NamedDatabase) -> None:
    """Other statements with a key that was used are refused, and nothing is changed."""
    async with Databases([shop]) as databases:
        tools = DatabaseTools(databases)
        await less(tools, "k1")
        with pytest.raises(ToolFailed, match="key k1 was used for other statements") as raised:
            await less(tools, "k1", {"sql": "DELETE FROM stock"})
    assert (raised.value.error, len(stock(shop))) == ("refused", 2)


async def test_what_fails_or_is_undone_uses_no_key(shop: NamedDatabase) -> None:
    """The key goes with its change: a refused change and a transaction that is rolled back leave the key free."""
    async with Databases([shop]) as databases:
        tools = DatabaseTools(databases)
        with pytest.raises(ToolFailed):
            await less(tools, "k1", {**LESS, "rows": 7})
        begun = await tools.begin(database="shop")
        await less(tools, "k1", **begun)
        await tools.rollback(**begun)
        await less(tools, "k1")
    assert stock(shop) == [("desk", 1), ("lamp", 2)]


async def test_a_missing_table_is_told(shop: NamedDatabase) -> None:
    """The error holds the statement that makes it."""
    async with Databases([replace(shop, once="keys")]) as databases:
        with pytest.raises(ToolFailed) as raised:
            await less(DatabaseTools(databases), "k1")
    assert raised.value.place == "databases.shop.once"
    assert f"CREATE TABLE keys ({COLUMNS});" in str(raised.value.remedy)


async def test_only_a_database_with_a_table_takes_keys(shop: NamedDatabase) -> None:
    """Without one the registry says that the tool heeds no key, so that `check` can warn of one."""
    async with Databases([shop]) as databases, Databases([replace(shop, once="")]) as plain:
        heeding = Toolbox(databases=databases).shown().find("database_execute")
        heedless = Toolbox(databases=plain).shown().find("database_execute")
    assert (heeding.takes_key, heedless.takes_key) == (True, False)
    assert "idempotency_key" not in heeding.parameters["properties"]


@pytest.mark.slow
async def test_of_calls_at_once_one_changes(postgres: NamedDatabase, postgres_server: ServerForTests) -> None:
    """Eight calls with one key at the same time change one row once, and all are told the same."""
    async with Databases([postgres]) as databases:
        told = await asyncio.gather(*(less(DatabaseTools(databases), "k1") for _ in range(8)))
    assert all(each == told[0] for each in told)
    assert stock(postgres, postgres_server) == [("desk", 1), ("lamp", 2)]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is an extra")
async def test_duckdb_keeps_keys(tmp_path: Path) -> None:
    """In its process too."""
    import duckdb

    made = replace(duckdb_file(tmp_path, writable=True), once="once")
    with duckdb.connect(str(made.path)) as connection:
        connection.execute(TABLE)
    async with Databases([made]) as databases:
        tools = DatabaseTools(databases)
        first, again = await less(tools, "k1"), await less(tools, "k1")
        rows = await tools.query(database="shop", sql="SELECT quantity FROM stock WHERE article = 'lamp'")
    assert (again, rows["rows"][0]["quantity"]) == (first, 2)
