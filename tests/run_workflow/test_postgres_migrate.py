"""Migrations: order, record, several processes at once, and every refusal."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row

from run_workflow.postgres.migrate import load_migrations, migrate
from state.errors import DatabaseError
from tests.postgres_fixtures import PROJECT, ServerForTests

TWO = {
    "0001_first.sql": "CREATE TABLE first (n integer); INSERT INTO first VALUES (1);",
    "0002_second.sql": "INSERT INTO first VALUES (2); -- 100 %",
}
_OPEN = """
import asyncio, sys
from pathlib import Path
from run_workflow.postgres.database import DatabaseSettings, open_database
async def main():
    async with open_database(DatabaseSettings(sys.argv[1], Path(sys.argv[2]))) as database:
        async with database.pool.connection() as connection:
            await connection.execute("SELECT * FROM checkpoints")
sys.stdin.readline()
asyncio.run(main())
"""


@pytest.fixture
def dsn(postgres_server: ServerForTests) -> Iterator[str]:
    """An empty database."""
    with postgres_server.fresh_database() as name:
        yield name


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[AsyncConnection[DictRow]]:
    """A connection such as migrations need."""
    async with connected(dsn) as opened:
        yield opened


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[AsyncConnection[DictRow]]:
    opened = await AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=None, row_factory=dict_row)
    async with opened:
        yield opened


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


async def apply(connection: AsyncConnection[DictRow], folder: Path) -> list[int]:
    """Apply the files of `folder`; the versions that were new."""
    return [done.version for done in await migrate(connection, load_migrations(folder))]


async def rows(connection: AsyncConnection[DictRow], query: str) -> list[DictRow]:
    return await (await connection.execute(query.encode())).fetchall()


async def test_migrations_are_applied_once_in_order(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """The checkpointer's tables come first, then the files by number; a second time nothing is done."""
    folder = write(tmp_path, TWO)
    assert await apply(connection, folder) == [0, 1, 2]
    assert await apply(connection, folder) == []
    assert await rows(connection, "SELECT n FROM first ORDER BY n") == [{"n": 1}, {"n": 2}]
    assert await rows(connection, "SELECT count(*) AS n FROM checkpoints") == [{"n": 0}]
    recorded = await rows(connection, "SELECT version, name, length(sha256) AS bits FROM stretto_migrations")
    assert [(row["version"], row["name"], row["bits"]) for row in recorded][1:] == [
        (1, "first", 64),
        (2, "second", 64),
    ]


async def test_new_migration_is_added_later(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """A database of an older program gets what is missing, and only that."""
    folder = write(tmp_path, {"0001_first.sql": TWO["0001_first.sql"]})
    await apply(connection, folder)
    assert await apply(connection, write(folder, TWO)) == [2]


async def test_applied_database_needs_no_lock(connection: AsyncConnection[DictRow], dsn: str, tmp_path: Path) -> None:
    """While another process holds the lock, an up-to-date database opens at once, and another one waits."""
    folder = write(tmp_path, {"0001_first.sql": TWO["0001_first.sql"]})
    await apply(connection, folder)
    async with connected(dsn) as other:
        await rows(other, f"SELECT pg_advisory_lock({0x5374726574746F})")
        assert await asyncio.wait_for(apply(connection, folder), 1) == []
        waiting = asyncio.create_task(apply(connection, write(folder, TWO)))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await rows(other, f"SELECT pg_advisory_unlock({0x5374726574746F})")
        assert await asyncio.wait_for(waiting, 5) == [2]


async def test_failed_migration_is_undone(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """A migration that fails half-way leaves nothing and is named; repaired, it runs."""
    folder = write(tmp_path, {**TWO, "0002_second.sql": "CREATE TABLE second (); SELECT no_such_column"})
    with pytest.raises(DatabaseError, match=r'0002 \(second\) failed and was undone: column "no_such_column"'):
        await apply(connection, folder)
    assert await rows(connection, "SELECT to_regclass('second') AS second") == [{"second": None}]
    assert await apply(connection, write(folder, TWO)) == [2]


async def test_migration_and_its_record_go_together(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """A migration that cannot be recorded is undone."""
    folder = write(tmp_path, {"0001_rash.sql": "CREATE TABLE rash (); ALTER TABLE stretto_migrations RENAME TO gone"})
    with pytest.raises(DatabaseError, match=r"0001 \(rash\) failed and was undone"):
        await apply(connection, folder)
    assert await rows(connection, "SELECT to_regclass('rash') AS rash") == [{"rash": None}]


async def test_changed_migration_is_refused(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """A file changed after it was applied is refused by name."""
    folder = write(tmp_path, TWO)
    await apply(connection, folder)
    write(folder, {"0001_first.sql": "CREATE TABLE first (n bigint)"})
    with pytest.raises(DatabaseError, match=r"Migration 0001 \(first\) was changed after it was applied"):
        await apply(connection, folder)


async def test_newer_database_is_refused(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """A database of a newer program is refused with both versions."""
    folder = write(tmp_path, TWO)
    await apply(connection, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(DatabaseError, match=r"has migration 0002 \(second\).* up to 0001\. Upgrade Stretto"):
        await apply(connection, folder)


async def test_new_release_of_the_checkpointer_sets_up_again(
    connection: AsyncConnection[DictRow], tmp_path: Path
) -> None:
    """When another release of the checkpointer made its tables, its set-up runs again."""
    await apply(connection, tmp_path)
    await connection.execute("UPDATE stretto_migrations SET name = 'old', sha256 = 'old' WHERE version = 0")
    await connection.execute("DELETE FROM checkpoint_migrations WHERE v = 9")
    assert await apply(connection, tmp_path) == [0]
    assert await rows(connection, "SELECT count(*) AS n FROM checkpoint_migrations WHERE v = 9") == [{"n": 1}]
    assert await apply(connection, tmp_path) == []


async def test_half_made_index_is_made_again(connection: AsyncConnection[DictRow], tmp_path: Path) -> None:
    """An index that a killed set-up left invalid is made anew."""
    await apply(connection, tmp_path)
    broken = "indexrelid = 'checkpoints_thread_id_idx'::regclass"
    await connection.execute(f"UPDATE pg_index SET indisvalid = false WHERE {broken}".encode())
    await connection.execute("DELETE FROM checkpoint_migrations WHERE v >= 6")
    await connection.execute("DELETE FROM stretto_migrations")
    assert await apply(connection, tmp_path) == [0]
    assert await rows(connection, f"SELECT indisvalid AS valid FROM pg_index WHERE {broken}") == [{"valid": True}]


async def test_user_without_rights_is_told(postgres_server: ServerForTests, dsn: str, tmp_path: Path) -> None:
    """A user that may not create tables learns which right is missing."""
    postgres_server.execute("DROP ROLE IF EXISTS guest")
    postgres_server.execute("CREATE ROLE guest LOGIN")
    async with connected(make_conninfo(dsn, user="guest")) as guest:
        with pytest.raises(DatabaseError, match=r"permission denied for schema public.*GRANT CREATE ON SCHEMA"):
            await apply(guest, tmp_path)


async def test_lost_connection_is_an_error_in_words(
    connection: AsyncConnection[DictRow], dsn: str, tmp_path: Path
) -> None:
    """A connection that breaks in a migration is told with the migration's name."""
    write(tmp_path, {"0001_fatal.sql": "SELECT pg_terminate_backend(pg_backend_pid())"})
    with pytest.raises(DatabaseError, match=r"Migration 0001 \(fatal\) failed and was undone: "):
        await apply(connection, tmp_path)


@pytest.mark.parametrize("name", ["1_first.sql", "0001-first.sql", "0000_zero.sql", "0001_First.sql", "0001_twin.sql"])
def test_badly_named_files_are_refused(tmp_path: Path, name: str) -> None:
    """A file that is not NNNN_name.sql, or whose number is taken, is refused by name."""
    write(tmp_path, {"0001_first.sql": "", name: ""})
    with pytest.raises(DatabaseError, match=r"0001_(first|twin)\.sql: |" + name):
        load_migrations(tmp_path)


def test_own_migrations_are_found_in_the_package() -> None:
    """The program's files are read from its package, in order of their numbers."""
    files = sorted(path.name for path in (PROJECT / "run_workflow" / "sql").glob("*.sql"))
    assert [f"{found.version:04}_{found.name}.sql" for found in load_migrations()] == files


@pytest.mark.slow
def test_four_processes_at_once(dsn: str, tmp_path: Path) -> None:
    """Four processes that open an empty database at once all succeed, and each step is applied once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN, dsn, str(tmp_path)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 4
    with psycopg.connect(dsn) as connection:
        applied = connection.execute("SELECT version FROM stretto_migrations ORDER BY 1").fetchall()
    assert applied == [(0,), *((found.version,) for found in load_migrations())]
