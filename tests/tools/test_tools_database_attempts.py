"""Attempts to write, to read files, to run several statements and to exhaust memory through a read-only connection.

Each is made with the parser and without it: what refuses it is the database.
"""

import hashlib
from collections.abc import Iterator
from glob import glob
from importlib.util import find_spec
from pathlib import Path

import pytest

from state.errors import ToolFailed
from tests.postgres_fixtures import ServerForTests
from tests.tools.database_files import duckdb_file, postgres_database, sqlite_file, stock
from tools.database import database_tools, statements
from tools.database.connections import Kind, NamedDatabase
from tools.database.conversations import Databases
from tools.database.database_tools import DatabaseTools

_COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
_WRITES = (
    "INSERT INTO stock VALUES ('sofa', 1, 2, NULL)",
    "UPDATE stock SET quantity = 0",
    "DELETE FROM stock",
    "DROP TABLE stock",
    "CREATE TABLE other (a INTEGER)",
    "CREATE TEMP TABLE other (a INTEGER)",
    "ALTER TABLE stock ADD COLUMN a INTEGER",
    "SELECT 1; DELETE FROM stock",
    "EXPLAIN SELECT 1; DELETE FROM stock",
    "SELECT 1) AS x; COMMIT; DELETE FROM stock; SELECT (1",
)
ATTEMPTS: dict[Kind, tuple[str, ...]] = {
    "sqlite": (
        *_WRITES,
        "REPLACE INTO stock VALUES ('lamp', 9, 9, NULL)",
        "ATTACH DATABASE '{folder}/other.sqlite' AS other",
        "ATTACH DATABASE ':memory:' AS other",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA hard_heap_limit = 0",
        "PRAGMA journal_mode = WAL",
        "VACUUM",
        "VACUUM INTO '{folder}/copy.sqlite'",
        "REINDEX",
        "BEGIN IMMEDIATE",
        "SELECT load_extension('{folder}/x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' REGEXP '(a+)+$'",
        "SELECT randomblob(1000000000)",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT group_concat(x) FROM c",
        _COUNT,
    ),
    "postgresql": (
        *_WRITES,
        "TRUNCATE stock",
        "SELECT * INTO other FROM stock",
        "WITH gone AS (DELETE FROM stock RETURNING *) SELECT * FROM gone",
        "EXPLAIN ANALYZE DELETE FROM stock",
        "SELECT nextval('counter')",
        "SELECT * FROM stock FOR UPDATE",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "DO $$BEGIN DELETE FROM stock; END$$",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/etc')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_create(4711)",
        "COPY stock TO '{folder}/stock'",
        "COPY stock FROM PROGRAM 'id'",
        "COPY (SELECT 1) TO PROGRAM 'cat > {folder}/one'",
        "SHOW work_mem; DELETE FROM stock",
        "SELECT repeat('x', 2000000000)",
        "SELECT repeat('x', 2000000)",
        "SELECT array_agg(n) FROM generate_series(1, 10000000000) n",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
        _COUNT,
    ),
    "duckdb": (
        *_WRITES,
        "CREATE TEMP MACRO one() AS 1",
        "CHECKPOINT",
        "COPY stock TO '{folder}/stock.csv'",
        "EXPORT DATABASE '{folder}/all'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "ATTACH '{folder}/other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '10GB'",
        "SET enable_external_access = true",
        "SELECT getenv('HOME')",
        "CALL pragma_version()",
        "SELECT list(range) FROM range(100000000)",
        "SELECT repeat('x', 2000000000)",
        _COUNT,
    ),
}
_SECONDS = 0.5


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NamedDatabase]:
    (tmp_path / "data").mkdir()
    match request.param:
        case "sqlite":
            yield sqlite_file(tmp_path / "data")
        case "duckdb":
            if find_spec("duckdb_engine") is None:
                pytest.skip("the extra `duckdb` is not installed")
            yield duckdb_file(tmp_path / "data")
        case _:
            server: ServerForTests = request.getfixturevalue("postgres_server")
            with postgres_database(server) as made:
                yield made


def seen(database: NamedDatabase, request: pytest.FixtureRequest) -> object:
    if database.kind == "postgresql":
        return stock(database, request.getfixturevalue("postgres_server"))
    return hashlib.sha256(database.path.read_bytes()).hexdigest()


def test_there_are_sixty() -> None:
    """No attempt of a database is made twice."""
    assert sum(map(len, ATTEMPTS.values())) >= 60
    assert all(len(set(each)) == len(each) for each in ATTEMPTS.values())


@pytest.mark.slow
@pytest.mark.parametrize("database", ATTEMPTS, indirect=True)
async def test_the_database_itself_refuses(
    database: NamedDatabase, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the parser switched off each attempt fails in the database, which is as it was, and so is the folder."""
    before = seen(database, request)
    monkeypatch.setattr(database_tools, "check", lambda *_: None)
    passed, classes = [], set()
    async with Databases([database]) as databases:
        tools = DatabaseTools(databases)
        assert (await tools.query(database="shop", sql="SELECT count(*) AS n FROM stock"))["rows"] == [{"n": 2}]
        for attempt in ATTEMPTS[database.kind]:
            try:
                passed.append((attempt, await tools.query(**asked(attempt, tmp_path))))
            except ToolFailed as error:
                classes.add(error.error)
    assert not passed
    assert classes == {"refused", "bad_input", "limit", "timeout"}
    assert seen(database, request) == before
    assert {Path(path).name for path in glob(f"{tmp_path}/*") + glob(f"{tmp_path}/data/*")} <= {
        "data",
        database.path.name,
    }


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_the_parser_says_why(kind: Kind) -> None:
    """Each attempt that is no single query is refused before it is sent."""
    for attempt in ATTEMPTS[kind]:
        if attempt in _WRITES or not attempt.startswith(("SELECT", "WITH", "FROM", "EXPLAIN")):
            with pytest.raises(ToolFailed) as raised:
                statements.check(attempt, kind, "read")
            assert raised.value.error == "refused"
            assert raised.value.remedy


def asked(attempt: str, folder: Path) -> dict[str, object]:
    return {"database": "shop", "sql": attempt.replace("{folder}", str(folder)), "timeout": _SECONDS}
