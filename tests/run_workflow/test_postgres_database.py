"""The opened database: its pool, its local server, and what is left after a failure."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from run_workflow.postgres import database as database_module
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from run_workflow.postgres.migrate import Migration
from state.errors import DatabaseError
from tests.postgres_fixtures import copy_cluster, kill_server, open_folder, server_process

pytestmark = pytest.mark.slow


@pytest.fixture
def home(made_cluster: Path) -> Iterator[Path]:
    """A data folder whose cluster exists, without tables."""
    with open_folder() as folder:
        copy_cluster(made_cluster, folder / "postgres")
        yield folder


async def value(database: Database, query: str) -> object:
    async with database.pool.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
        return None if row is None else row["value"]


async def test_pool_is_as_the_checkpointer_needs_it(database: Database) -> None:
    """Connections are in autocommit, give dicts, prepare statements at once and wait for the disk."""
    async with database.pool.connection() as connection:
        assert connection.autocommit
        assert connection.prepare_threshold == 0
    assert await value(database, "SELECT current_setting('synchronous_commit') AS value") == "on"
    assert (database.pool.min_size, database.pool.max_size) == (1, 16)


async def test_tables_are_there(database: Database) -> None:
    """The checkpointer's tables and the list of migrations exist."""
    for table in ("checkpoints", "checkpoint_writes", "stretto_migrations"):
        assert await value(database, f"SELECT to_regclass('{table}')::text AS value") == table


async def test_tests_have_databases_of_their_own(database: Database) -> None:
    """What one test writes no other sees, though they share a server."""
    assert await value(database, "SELECT to_regclass('trace')::text AS value") is None
    async with database.pool.connection() as connection:
        await connection.execute("CREATE TABLE trace ()")


async def test_tests_have_databases_of_their_own_again(database: Database) -> None:
    """The same, whichever of the two runs first."""
    await test_tests_have_databases_of_their_own(database)


async def test_local_server_lives_as_long_as_the_database(home: Path) -> None:
    """Without a URL a local server runs below the data folder while the database is open."""
    async with open_database(DatabaseSettings(None, home)) as database:
        assert await value(database, "SELECT count(*)::int AS value FROM checkpoints") == 0
        assert server_process(home / "postgres") is not None
    assert server_process(home / "postgres") is None
    await database.close()


async def test_killed_local_server_is_revived(home: Path) -> None:
    """When the local server is killed under an open database, the pool starts it again."""
    async with open_database(DatabaseSettings(None, home)) as database:
        before = await value(database, "SELECT pg_postmaster_start_time() AS value")
        await asyncio.to_thread(kill_server, home / "postgres", database.dsn)
        assert await value(database, "SELECT pg_postmaster_start_time() AS value") != before


async def test_failure_at_opening_leaves_no_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a migration fails, the error is raised and the local server stopped."""
    broken = Migration(1, "broken", "SELECT no_such_column", "0")
    monkeypatch.setattr(database_module, "load_migrations", lambda: (broken,))
    with pytest.raises(DatabaseError, match="0001"):
        await open_database(DatabaseSettings(None, home)).open()
    assert server_process(home / "postgres") is None


async def test_opening_that_is_cancelled_leaves_no_server(home: Path) -> None:
    """When opening is cancelled while the server starts, the server is stopped before the task ends."""
    task = asyncio.create_task(open_database(DatabaseSettings(None, home)).open())
    await asyncio.sleep(0.02)  # the thread that starts the server is at work
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server_process(home / "postgres") is None


async def test_closed_pool_gives_no_connection(home: Path) -> None:
    """After the block nothing is left open."""
    async with open_database(DatabaseSettings(None, home)) as database:
        pass
    assert database.pool.closed
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database.dsn)
