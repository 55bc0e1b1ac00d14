"""Bring a database's tables up to date: the checkpointer's, then run_workflow/sql/NNNN_name.sql in order.

What was applied stands in the table `stretto_migrations`. Version 0 is the checkpointer: its fingerprint is
that of the installed distribution, so that its set-up runs once for each of its releases.
"""

import asyncio
import hashlib
import importlib.metadata
import importlib.resources
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow

from state.errors import DatabaseError

_CHECKPOINTER = "langgraph-checkpoint-postgres"
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK = 0x5374726574746F  # any number that other programs on the database do not use: "Stretto"
_LOCK_SECONDS = 120.0
_POLL_SECONDS = 0.05
_TABLE = """
CREATE TABLE IF NOT EXISTS stretto_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_RECORD = """
INSERT INTO stretto_migrations (version, name, sha256) VALUES (%s, %s, %s)
ON CONFLICT (version) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, applied_at = now()"""
# A killed CREATE INDEX CONCURRENTLY leaves an index that is never used and that IF NOT EXISTS takes for good.
_BROKEN_INDEXES = """
SELECT index.relname AS name FROM pg_index
JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_class AS indexed ON indexed.oid = indrelid
WHERE NOT indisvalid AND pg_table_is_visible(indrelid) AND starts_with(indexed.relname, 'checkpoint')"""


@dataclass(frozen=True)
class Migration:
    """One step of the schema, and the SHA-256 of what it does."""

    version: int
    name: str
    sql: str
    sha256: str


def load_migrations(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Read the `NNNN_name.sql` files of `folder` (the program's own by default), in order of their numbers.

    `DatabaseError` when two have the same number, or a file is named otherwise.
    """
    folder = folder or importlib.resources.files("run_workflow") / "sql"
    found: dict[int, Migration] = {}
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(file.name)
        if match is None or int(match[1]) in found or int(match[1]) == 0:
            raise DatabaseError(
                "A migration must have a number of its own from 0001 on and a name like 0001_runs.sql.",
                place=str(file),
                remedy="Rename the file.",
            )
        text = file.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found[int(match[1])] = Migration(int(match[1]), match[2], text, digest)
    return tuple(found[version] for version in sorted(found))


async def migrate(connection: AsyncConnection[DictRow], migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing, each migration in a transaction of its own, and return it.

    `connection` is used by nobody else meanwhile, in autocommit and without prepared statements. Several
    processes may do this at once: one works, the others wait. `DatabaseError` when a migration fails, was
    changed after it was applied, or is unknown to this program.
    """
    wanted = [_checkpointer(), *migrations]
    try:
        if not await _missing(connection, wanted):
            return []
        async with _alone(connection):
            await connection.execute(_TABLE)
            missing = await _missing(connection, wanted)
            for migration in missing:
                await _apply(connection, migration)
            return missing
    except psycopg.Error as error:
        raise _refused(connection, error, "The database's tables cannot be brought up to date") from error


def _checkpointer() -> Migration:
    release = f"{_CHECKPOINTER} {importlib.metadata.version(_CHECKPOINTER)}"
    return Migration(0, release, "", hashlib.sha256(release.encode()).hexdigest())


async def _missing(connection: AsyncConnection[DictRow], wanted: Sequence[Migration]) -> list[Migration]:
    """Those of `wanted` that are not applied; refuses a database that is not this program's past."""
    table = await (await connection.execute("SELECT to_regclass('stretto_migrations') AS oid")).fetchone()
    if table is None or table["oid"] is None:
        return list(wanted)
    cursor = await connection.execute("SELECT version, name, sha256 FROM stretto_migrations ORDER BY version")
    applied = {row["version"]: row for row in await cursor.fetchall()}
    known = {migration.version for migration in wanted}
    if newer := [row for version, row in applied.items() if version not in known]:
        raise DatabaseError(
            f"The database was made by a newer program: it has migration {newer[-1]['version']:04} "
            f"({newer[-1]['name']}), and this program knows those up to {max(known):04}.",
            place=_place(connection),
            remedy="Upgrade Stretto, or use another database.",
        )
    missing = [migration for migration in wanted if migration.version not in applied]
    for migration in wanted:
        row = applied.get(migration.version)
        if row is None or row["sha256"] == migration.sha256:
            continue
        if migration.version != 0:
            raise DatabaseError(
                f"Migration {migration.version:04} ({migration.name}) was changed after it was applied.",
                place=_place(connection),
                remedy="Restore its file and put the change into a new migration, or use a new database.",
            )
        missing.insert(0, migration)
    return missing


async def _apply(connection: AsyncConnection[DictRow], migration: Migration) -> None:
    record = (migration.version, migration.name, migration.sha256)
    if migration.version == 0:
        await _set_up_checkpointer(connection)
        await connection.execute(_RECORD, record)
        return
    try:
        async with connection.transaction():
            await connection.execute(migration.sql.encode())
            await connection.execute(_RECORD, record)
    except psycopg.Error as error:
        what = f"Migration {migration.version:04} ({migration.name}) failed and was undone"
        raise _refused(connection, error, what) from error


async def _set_up_checkpointer(connection: AsyncConnection[DictRow]) -> None:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    broken = await (await connection.execute(_BROKEN_INDEXES)).fetchall()
    for row in broken:
        await connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(row["name"])))
    await AsyncPostgresSaver(connection).setup()


@asynccontextmanager
async def _alone(connection: AsyncConnection[DictRow]) -> AsyncIterator[None]:
    """Keep other processes from migrating.

    It polls, because waiting inside a statement would block the other's CREATE INDEX CONCURRENTLY for ever.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while not await _try_lock(connection):
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"Another process has been changing the database's tables for over {_LOCK_SECONDS:.0f} s.",
                place=_place(connection),
                remedy="Wait for it or end it, then try again.",
            )
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


async def _try_lock(connection: AsyncConnection[DictRow]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS taken", (_LOCK,))
    row = await cursor.fetchone()
    return row is not None and bool(row["taken"])


def _refused(connection: AsyncConnection[DictRow], error: psycopg.Error, what: str) -> DatabaseError:
    reason = error.diag.message_primary or " ".join(str(error).split())
    remedy = "If the database is meant for Stretto alone, an empty one may help; else report this."
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        remedy = "Give the user of DATABASE_URL the right to create tables: GRANT CREATE ON SCHEMA public TO …"
    elif isinstance(error, psycopg.errors.DiskFull):
        remedy = "Make room on the disk of the database server and try again."
    return DatabaseError(f"{what}: {reason}.", place=_place(connection), remedy=remedy)


def _place(connection: AsyncConnection[DictRow]) -> str:
    if connection.closed:
        return "database"
    return f"database {connection.info.dbname} of {connection.info.host}"
