"""Definitions of workflows in Postgres, as they were when runs of them began: the table `definitions`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import AsyncConnection
from psycopg.rows import DictRow, class_row

from run_workflow.stores.columns import as_json
from state.errors import BuildError
from state.evidence import Record
from state.runs import VERSION_SIGN

if TYPE_CHECKING:  # slow to import
    from graphs.workflow.pinned import Pinned

Connection = AsyncConnection[DictRow]

_SAVE = """
INSERT INTO definitions (hash, name, version, source, uses) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_LOAD = "SELECT name, version, source, uses FROM definitions WHERE hash = %s"
_FIND = "SELECT hash FROM definitions WHERE name = %s AND version = %s ORDER BY stored_at DESC, hash LIMIT 1"
_VERSIONS = """
SELECT hash, name, version, stored_at, (SELECT count(*) FROM runs WHERE definition = hash) AS runs
FROM definitions WHERE %(name)s::text IS NULL OR name = %(name)s ORDER BY stored_at DESC, hash
"""


class StoredVersion(Record):
    """A definition that runs were begun with, or that such a one runs as a step."""

    hash: str
    name: str
    version: str
    stored_at: datetime
    runs: int
    """How many were begun with it."""


async def save(connection: Connection, wanted: "Pinned") -> None:
    """Stores a definition and all that it uses, in the caller's transaction; what is there stays as it is."""
    for used in wanted.uses.values():
        await save(connection, used)
    uses = {name: used.hash for name, used in wanted.uses.items()}
    row = (wanted.hash, wanted.definition.name, wanted.definition.version, wanted.text, as_json(uses))
    await connection.execute(_SAVE, row)


async def load(connection: Connection, hash_: str) -> "Pinned":
    """The definition with this hash. Raises BuildError when it is not there, or cannot be read any more."""
    from graphs.workflow.pinned import pinned

    row = await (await connection.execute(_LOAD, (hash_,))).fetchone()
    if row is None:
        raise BuildError(f"The definition {hash_} is not in this database.", remedy="Use the database of its run.")
    uses = {name: await load(connection, used) for name, used in row["uses"].items()}
    return pinned(row["source"], f"{row['name']}{VERSION_SIGN}{row['version']}", uses)


async def find(connection: Connection, name: str, version: str) -> "Pinned | None":
    """The definition of this name and version that was stored last; None where there is none."""
    row = await (await connection.execute(_FIND, (name, version))).fetchone()
    return None if row is None else await load(connection, row["hash"])


async def versions(connection: Connection, name: str | None = None) -> Sequence[StoredVersion]:
    """All that are stored, of one name or of all, newest first."""
    async with connection.cursor(row_factory=class_row(StoredVersion)) as cursor:
        await cursor.execute(_VERSIONS, {"name": name})
        return await cursor.fetchall()
