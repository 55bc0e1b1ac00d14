"""A PostgreSQL server for a test session, and a fresh, migrated database for each test."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from run_workflow.postgres.account import claim_folder
from run_workflow.postgres.database import DatabaseSettings, open_database
from run_workflow.postgres.local import LocalServer

PROJECT = Path(__file__).parents[1]
NOBODY = 65534
_TEMPLATE = "migrated"
_ROOM_BYTES = 4_000_000_000
_USER = """
import os, sys
from pathlib import Path
from run_workflow.postgres.local import LocalServer
if uid := int(sys.argv[2]):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
server = LocalServer(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class ServerForTests:
    """A running server; `dsn` names its maintenance database."""

    dsn: str

    def execute(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def fresh_database(self, template: str = "template0") -> Iterator[str]:
        """A copy of `template` for the time of the block, as a DSN."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield make_conninfo(self.dsn, dbname=name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def migrated_database(self) -> contextlib.AbstractContextManager[str]:
        """A fresh database with all tables."""
        return self.fresh_database(_TEMPLATE)


def _memory() -> str | None:
    """A file system in memory where there is a roomy one: on disk most of a test's time is waiting for syncs."""
    folder = "/dev/shm"
    if not os.access(folder, os.W_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return None
    return folder if shutil.disk_usage(folder).free > _ROOM_BYTES else None


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's user may pass through, also when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="stretto-test-", dir=_memory(), ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)
        yield Path(folder).resolve()


def copy_cluster(made: Path, root: Path) -> None:
    """Give `root` a copy of the data folder below `made`, in a fraction of the time that making one takes."""
    claim_folder(root)
    subprocess.run(["cp", "-a", made / "pgdata", root / "pgdata"], check=True)


@contextlib.contextmanager
def session_server() -> Iterator[ServerForTests]:
    """A server that forgets to sync its disk, for speed, with a migrated template database."""
    with open_folder() as folder:
        local = LocalServer(folder / "postgres")
        server = ServerForTests(local.start())
        try:
            server.execute("ALTER SYSTEM SET fsync = off")
            server.execute("SELECT pg_reload_conf()")
            server.execute(f"CREATE DATABASE {_TEMPLATE}")
            asyncio.run(_migrate(make_conninfo(server.dsn, dbname=_TEMPLATE), folder))
            yield server
        finally:
            local.stop()


async def _migrate(dsn: str, home: Path) -> None:
    async with open_database(DatabaseSettings(dsn, home)):
        pass


class User:
    """Another process that uses the local server below `root`, until `leave` or `kill`."""

    def __init__(self, root: Path, uid: int = 0) -> None:
        """`uid` is the user to become, after the imports; 0 for none."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(root), str(uid)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dsn(self) -> str:
        """Wait until the server runs for this user; its DSN."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> str:
        """End the process in an orderly way; what it wrote to stderr."""
        return self._process.communicate("", timeout=60)[1]

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=60)


def server_process(root: Path) -> int | None:
    """The number of the server process by its own file; None when it was stopped in an orderly way."""
    try:
        return int((root / "pgdata" / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return None


def kill_server(root: Path, dsn: str) -> None:
    """SIGKILL every process of the server."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
    process = server_process(root)
    assert process is not None
    for number in (process, *(row[0] for row in rows)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
