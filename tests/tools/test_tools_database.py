"""Databases by name: what is read and how it is written, what is changed and undone, and what errors say."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from state.errors import SetupError, ToolFailed
from tests.postgres_fixtures import PROJECT, ServerForTests
from tests.tools.database_files import PASSWORD, duckdb_file, postgres_database, sqlite_file, stock, url_of
from tools.database.connections import NamedDatabase
from tools.database.conversations import Databases
from tools.database.database_tools import DatabaseTools
from tools.database.results import json_value
from tools.database.statements import prepared
from tools.toolbox import Toolbox

_CRASH = """
import asyncio, sys
from tools.database.connections import NamedDatabase
from tools.database.conversations import Databases
from tools.database.database_tools import DatabaseTools
async def main():
    async with Databases([NamedDatabase("shop", sys.argv[1], True)]) as databases:
        tools = DatabaseTools(databases)
        begun = await tools.begin(database="shop")
        change = {"sql": "DELETE FROM stock", "rows": 2}
        await tools.execute(database="shop", transaction=begun["transaction"], statements=[change])
        print("deleted", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
LESS = "UPDATE stock SET quantity = quantity - :n WHERE article = :article AND quantity >= :n"


@pytest.fixture
def shop(tmp_path: Path) -> NamedDatabase:
    return sqlite_file(tmp_path, writable=True)


@pytest.fixture
def postgres(postgres_server: ServerForTests) -> Iterator[NamedDatabase]:
    with postgres_database(postgres_server, writable=True) as made:
        yield made


async def failed(work: Any) -> ToolFailed:
    with pytest.raises(ToolFailed) as raised:
        await work
    return raised.value


@pytest.mark.slow
async def test_rows_of_postgres_are_exact(postgres: NamedDatabase) -> None:
    """Decimals as text, dates in ISO form, bytes in base64; columns say their types; a second name is another one."""
    sql = """SELECT price, since, 12345678901234567890::numeric AS big, '\\x00ff'::bytea AS raw, ARRAY[1.5] AS few,
             '{"a:b": "100%"}'::jsonb AS record, 1 AS price, NULL::uuid AS id, 'NaN'::float8 AS odd,
             timestamptz '2024-01-02 03:04:05+02' AS at
             FROM stock WHERE since = :day AND article LIKE 'l%' AND article = ANY(:names) -- :no"""
    async with Databases([postgres]) as databases:
        given = {"day": "2024-02-29", "names": ["lamp", "desk"]}
        told = await DatabaseTools(databases).query(database="shop", sql=sql, parameters=given)
        plan = await DatabaseTools(databases).query(database="shop", sql="EXPLAIN SELECT 1;")
    (row,) = told["rows"]
    assert (row["price"], row["since"], row["big"], row["few"]) == (
        "19.90",
        "2024-02-29",
        "12345678901234567890",
        ["1.5"],
    )
    assert (row["raw"], row["record"], row["price_2"]) == ({"base64": "AP8="}, {"a:b": "100%"}, 1)
    assert (row["id"], row["odd"], row["at"][:4]) == (None, "nan", "2024")
    types = {each["name"]: each["type"] for each in told["columns"]}
    assert (types["price"], types["since"], types["id"]) == ("numeric(20,2)", "date", "uuid")
    assert "Result" in plan["rows"][0]["QUERY PLAN"]


@pytest.mark.slow
async def test_a_result_is_cut_and_never_whole_in_memory(shop: NamedDatabase) -> None:
    """Of rows without end the first are given, up to the number or the bytes that are wanted."""
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    async with Databases([shop]) as databases:
        tools = DatabaseTools(databases)
        few = await tools.query(database="shop", sql=endless, max_rows=3)
        small = await tools.query(database="shop", sql=endless, max_bytes=40)
        all_ = await tools.query(database="shop", sql="SELECT * FROM stock ORDER BY article")
    assert ([row["x"] for row in few["rows"]], few["truncated"]) == ([1, 2, 3], True)
    assert (small["row_count"], small["truncated"]) == (5, True)
    assert (all_["row_count"], all_["truncated"]) == (2, False)
    assert all_["columns"][1] == {"name": "quantity", "type": "integer"}


async def test_statements_of_a_call_take_effect_together(shop: NamedDatabase) -> None:
    """All or none: one that changes another number of rows than it must undoes those before it."""
    taken = {"sql": LESS, "parameters": {"n": 2, "article": "lamp"}, "rows": 1}
    too_many = {"sql": LESS, "parameters": {"n": 2, "article": "desk"}, "rows": 1}
    async with Databases([shop]) as databases:
        tools = DatabaseTools(databases)
        error = await failed(tools.execute(database="shop", statements=[taken, too_many]))
        assert (error.error, stock(shop)) == ("refused", [("desk", 1), ("lamp", 3)])
        assert "would change 0 rows" in str(error)
        done = await tools.execute(database="shop", statements=[taken])
    assert (done["results"][0]["changed"], stock(shop)) == (1, [("desk", 1), ("lamp", 1)])


async def test_a_transaction_lasts_over_calls(shop: NamedDatabase) -> None:
    """It sees what it did; others see it after the commit; a statement that fails ends it."""
    async with Databases([shop]) as databases:
        tools = DatabaseTools(databases)
        for keep in (False, True):
            id_ = (await tools.begin(database="shop"))["transaction"]
            change = {"sql": LESS, "parameters": {"n": 1, "article": "lamp"}}
            await tools.execute(database="shop", statements=[change], transaction=id_)
            asked = {"database": "shop", "sql": "SELECT sum(quantity) AS n FROM stock"}
            assert (await tools.query(**asked, transaction=id_))["rows"] == [{"n": 3}]
            assert (await tools.query(**asked))["rows"] == [{"n": 4}]
            await (tools.commit if keep else tools.rollback)(transaction=id_)
        assert stock(shop) == [("desk", 1), ("lamp", 2)]
        id_ = (await tools.begin(database="shop"))["transaction"]
        wrong = {"sql": "INSERT INTO stock (article) VALUES (:a)", "parameters": {"a": "lamp"}}
        assert (await failed(tools.execute(database="shop", statements=[wrong], transaction=id_))).error == "bad_input"
        error = await failed(tools.commit(transaction=id_))
    assert error.error == "refused"
    assert "database_begin" in str(error)


async def test_what_a_run_leaves_open_is_rolled_back(shop: NamedDatabase, tmp_path: Path) -> None:
    """When the tools of the run are closed; another set of tools, as after a resume, does not know the transaction."""
    async with Databases([shop]) as databases:
        box = Toolbox(files=tmp_path / "files", databases=databases)
        first, second = box.shown(), box.shown()
        id_ = (await first.call("database_begin", {"database": "shop"}))["transaction"]
        delete = {"database": "shop", "statements": [{"sql": "DELETE FROM stock"}], "transaction": id_}
        assert (await failed(second.call("database_execute", delete))).error == "refused"
        await first.call("database_execute", delete)
        await first.aclose()
        assert (await failed(first.call("database_commit", {"transaction": id_}))).error == "refused"
        assert len(stock(shop)) == 2
        begun = [await first.call("database_begin", {"database": "shop"}) for _ in range(5)]
        assert (await failed(first.call("database_begin", {"database": "shop"}))).error == "limit"
        assert len({each["transaction"] for each in begun}) == 5
        await first.aclose()


@pytest.mark.slow
def test_a_crash_rolls_back(shop: NamedDatabase) -> None:
    """A process that is killed in a transaction has changed nothing."""
    command = [sys.executable, "-c", _CRASH, shop.url]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deleted\n"
        process.send_signal(signal.SIGKILL)
    assert stock(shop) == [("desk", 1), ("lamp", 3)]


@pytest.mark.slow
async def test_a_lost_connection_rolls_back(postgres: NamedDatabase, postgres_server: ServerForTests) -> None:
    """The step that goes on with its transaction fails; a new one works at once."""
    async with Databases([postgres]) as databases:
        tools = DatabaseTools(databases)
        id_ = (await tools.begin(database="shop"))["transaction"]
        delete = {"database": "shop", "statements": [{"sql": "DELETE FROM stock", "rows": 2}], "transaction": id_}
        await tools.execute(**delete)
        with psycopg.connect(postgres_server.dsn, autocommit=True) as other:
            await asyncio.to_thread(
                other.execute,
                b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stretto'",
            )
        assert (await failed(tools.query(database="shop", sql="SELECT 1", transaction=id_))).error == "unavailable"
        assert (await failed(tools.commit(transaction=id_))).error == "refused"
        assert await asyncio.to_thread(stock, postgres, postgres_server) == [("desk", 1), ("lamp", 3)]
        left = {"sql": "DELETE FROM stock WHERE article = 'desk' RETURNING price"}
        done = await tools.execute(database="shop", statements=[left])
    assert done["results"][0]["rows"] == [{"price": "250.00"}]
    assert await asyncio.to_thread(stock, postgres, postgres_server) == [("lamp", 3)]


@pytest.mark.slow
async def test_a_session_keeps_nothing_of_a_statement(postgres: NamedDatabase) -> None:
    """What a query sets or locks for its session is gone for the next one."""
    async with Databases([postgres]) as databases:
        tools = DatabaseTools(databases)
        sql = "SELECT set_config('search_path', 'elsewhere', false), pg_advisory_lock(7)"
        await tools.query(database="shop", sql=sql)
        told = await tools.query(
            database="shop",
            sql="SELECT current_setting('search_path') AS path, count(*) AS n FROM pg_locks WHERE objid = 7",
        )
    assert told["rows"][0]["n"] == 0
    assert "public" in told["rows"][0]["path"]


@pytest.mark.slow
async def test_a_superuser_is_refused(postgres_server: ServerForTests) -> None:
    """Who may read files of the server is no user for this; the error says how to make another."""
    database = NamedDatabase("shop", url_of(postgres_server.dsn))
    async with Databases([database]) as databases:
        error = await failed(DatabaseTools(databases).query(database="shop", sql="SELECT 1"))
    assert error.error == "refused"
    assert "superuser" in str(error)
    assert "CREATE ROLE" in str(error)


@pytest.mark.slow
async def test_no_error_repeats_a_password(postgres: NamedDatabase) -> None:
    """Neither of a server that refuses it, nor where a statement or the record of the database is shown."""
    wrong = NamedDatabase("gone", "postgresql://ann:s3cr3t-pass@127.0.0.1:1/none")
    async with Databases([wrong, postgres]) as databases:
        tools = DatabaseTools(databases)
        error = await failed(tools.query(database="gone", sql="SELECT 1"))
        quoted = await failed(tools.query(database="shop", sql=f"SELECT '{PASSWORD}'::integer"))
        assert (error.error, quoted.error) == ("unavailable", "bad_input")
        said = f"{error!r}{error}{quoted}{wrong!r}{databases.named}{tools.tools()}"
    assert not [word for word in ("s3cr3t-pass", PASSWORD) if word in said]
    assert error.__cause__ is None


@pytest.mark.slow
@pytest.mark.skipif(find_spec("duckdb_engine") is None, reason="the extra `duckdb` is not installed")
async def test_duckdb_files_are_read_and_changed(tmp_path: Path) -> None:
    """In their own process, with exact decimals and types; the process that is ended takes a transaction with it."""
    async with Databases([duckdb_file(tmp_path, writable=True)]) as databases:
        tools = DatabaseTools(databases)
        id_ = (await tools.begin(database="shop"))["transaction"]
        change = {"sql": LESS, "parameters": {"n": 1, "article": "lamp"}, "rows": 1}
        await tools.execute(database="shop", statements=[change], transaction=id_)
        await tools.commit(transaction=id_)
        told = await tools.query(
            database="shop", sql="SELECT * FROM stock WHERE article = :a", parameters={"a": "lamp"}
        )
        described = await tools.schema(database="shop", samples=1)
        id_ = (await tools.begin(database="shop"))["transaction"]
        await tools.execute(database="shop", statements=[{"sql": "DELETE FROM stock"}], transaction=id_)
        databases._workers["shop"].end()
        assert (await failed(tools.commit(transaction=id_))).error == "refused"
    assert told["rows"] == [{"article": "lamp", "quantity": 2, "price": "19.90", "since": "2024-02-29"}]
    assert [each["type"] for each in told["columns"]] == ["varchar", "integer", "decimal(20,2)", "date"]
    assert (described["tables"][0]["primary_key"], len(described["tables"][0]["sample"])) == (["article"], 1)
    import duckdb

    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        assert connection.execute("SELECT count(*) FROM stock").fetchone() == (2,)


async def test_duckdb_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setattr("tools.database.duckdb.find_spec", lambda _: None)
    async with Databases([NamedDatabase("d", f"duckdb:///{tmp_path}/d.duckdb")]) as databases:
        error = await failed(DatabaseTools(databases).query(database="d", sql="SELECT 1"))
    assert (error.error, "[duckdb]" in str(error)) == ("refused", True)


@pytest.mark.slow
async def test_a_schema_is_described(postgres: NamedDatabase) -> None:
    """Tables with columns and keys, and a few rows if asked; an unknown table is named."""
    line = "CREATE TABLE line (id INTEGER PRIMARY KEY, article TEXT NOT NULL REFERENCES stock)"
    with psycopg.connect(postgres.url) as connection:
        await asyncio.to_thread(connection.execute, line.encode())
    async with Databases([postgres]) as databases:
        tools = DatabaseTools(databases)
        told = await tools.schema(database="shop", samples=1)
        one = await tools.schema(database="shop", tables=["stock"])
        error = await failed(tools.schema(database="shop", tables=["stok"]))
    assert (told["kind"], told["writable"], [each["name"] for each in told["tables"]]) == (
        "postgresql",
        True,
        ["line", "stock"],
    )
    lines, articles = told["tables"]
    assert lines["foreign_keys"] == [{"columns": ["article"], "table": "stock", "refers_to": ["article"]}]
    assert lines["columns"][1] == {"name": "article", "type": "TEXT", "nullable": False}
    assert articles["sample"][0]["price"] == "19.90"
    assert one["tables"][0]["sample"] == []
    assert "stok" in str(error)


async def test_what_cannot_be_asked_is_told(shop: NamedDatabase, tmp_path: Path) -> None:
    """Unknown names, parameters that do not fit, databases that may not be changed, files that are not there."""
    reading = NamedDatabase("reading", shop.url)
    gone = NamedDatabase("gone", f"sqlite:///{tmp_path}/gone.sqlite")
    one = {"database": "shop", "sql": "SELECT :a"}
    change: dict[str, Any] = {"statements": [{"sql": "DELETE FROM stock"}]}
    async with Databases([shop, reading, gone]) as databases:
        tools = DatabaseTools(databases)
        for work, kind, said in (
            (tools.query(database="shpo", sql="SELECT 1"), "bad_input", "gone, reading, shop"),
            (tools.query(**one), "bad_input", "No value is given for :a"),
            (tools.query(**one, parameters={"a": 1, "b": 2}), "bad_input", "no :b"),
            (tools.query(database="shop", sql="SELECT colour FROM stock"), "bad_input", "no such column"),
            (tools.query(database="shop", sql="SELECT '"), "bad_input", "no SQL"),
            (tools.query(database="gone", sql="SELECT 1"), "unavailable", "unable to open"),
            (tools.execute(database="reading", **change), "refused", "writable = true"),
            (tools.execute(database="shop", statements=[{"sql": "DROP TABLE stock"}]), "refused", "DROP"),
            (tools.query(database="shop", sql="DELETE FROM stock"), "refused", "database_execute"),
        ):
            error = await failed(work)
            assert (error.error, said in str(error)) == (kind, True), str(error)
        id_ = (await tools.begin(database="reading"))["transaction"]
        assert (await failed(tools.execute(database="reading", **change, transaction=id_))).error == "refused"
    for url in ("mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense"):
        with pytest.raises(SetupError, match="no address of a database"):
            NamedDatabase("a", url)


def test_parameters_are_found_outside_of_quotes_only() -> None:
    """Colons in texts, casts, slices, structs and comments are none; psycopg's own sign is doubled."""
    sql = "SELECT :a::int, ':x', arr[1:2], arr[a:b], '50%' /* :y */ FROM t WHERE d > :date;"
    known = {"a": 1, "date": 2}
    written = "SELECT %(a)s::int, ':x', arr[1:2], arr[a:b], '50%%' /* :y */ FROM t WHERE d > %(date)s"
    assert prepared(sql, known, "postgresql") == written
    assert prepared("SELECT {'a': :x, 'b':y} FROM t", {"x": 1}, "duckdb") == "SELECT {'a': $x, 'b':y} FROM t"


def test_values_that_json_has_not() -> None:
    """Intervals in ISO form, whole numbers beyond 64 bits as text."""
    from datetime import timedelta

    assert json_value(timedelta(days=1, seconds=1, microseconds=500_000)) == "PT86401.5S"
    assert json_value(-timedelta(seconds=20)) == "-PT20S"
    assert (json_value(2**63), json_value(2**63 - 1)) == ("9223372036854775808", 2**63 - 1)
