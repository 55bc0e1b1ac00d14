"""A PostgreSQL data folder, and the server process on it.

Whether a server lives is not guessed from process numbers, which go stale and are used again: the server
inherits an open file with a lock (`server.lock`), and the kernel releases it when the last of its processes
has gone.
"""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from run_workflow.postgres import locks
from run_workflow.postgres.account import ELSEWHERE, GIVEN_SERVER, Account, folder_error
from run_workflow.postgres.binaries import Binaries, find_binaries
from run_workflow.postgres.socket_folder import PORT, claim_socket_folder, drop_socket_folder
from state.errors import DatabaseError

SUPERUSER = "stretto"
DATABASE = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30.0

# Written once, when the cluster is made, so that people may tune it afterwards.
_CONFIGURATION = f"""
# Set by Stretto
listen_addresses = ''
port = {PORT}
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
synchronous_commit = on
"""
_POLL_SECONDS = 0.01
_LOG_BYTES = 10_000_000
_LOG_LINES = 4


class Cluster:
    """The database below `root`. Its methods block; whoever calls them holds the start lock."""

    def __init__(self, root: Path, account: Account) -> None:
        self.root = root
        self.account = account
        self._data = root / "pgdata"
        self._log = root / "server.log"
        self._log_start = 0
        self._refusal = ""

    def ensure_running(self, start_lock: int) -> str:
        """Start the server unless it runs already, wait until it answers, and return its DSN.

        `start_lock` is handed to the program that makes the data folder: should the caller be killed, others
        wait until that program has ended.
        """
        deadline = time.monotonic() + START_SECONDS
        launched = False
        while time.monotonic() < deadline:
            server_lock = self._lock_of_no_server()
            if server_lock is None:
                dsn = self._answering()
            elif launched:
                os.close(server_lock)
                raise self._start_failed("The local PostgreSQL server ended while it was starting.")
            else:
                try:
                    dsn = self._launch(server_lock, start_lock)
                finally:
                    os.close(server_lock)
                launched = True
            if dsn is not None:
                return dsn
            time.sleep(_POLL_SECONDS)
        silence = f"The local PostgreSQL server has not answered for {START_SECONDS:.0f} s."
        raise self._start_failed(f"{silence} {self._refusal}".rstrip())

    def stop(self) -> None:
        """Stop the server, if it runs, and wait until its last process has gone."""
        deadline = time.monotonic() + STOP_SECONDS
        signalled = False
        while (server_lock := self._lock_of_no_server()) is None:
            process = self._process()
            if not signalled and process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGINT)  # PostgreSQL's "fast" shutdown
                signalled = True
            if not signalled or time.monotonic() > deadline:
                return  # the server is another container's, or slow to end; the next start waits for it
            time.sleep(_POLL_SECONDS)
        os.close(server_lock)
        drop_socket_folder(self.root, self.account)

    def _launch(self, server_lock: int, start_lock: int) -> str | None:
        """Start a server; its DSN when one answers already that holds no lock, as on file systems without."""
        if (dsn := self._answering()) is not None:
            return dsn
        try:
            binaries = self._binaries()
            if not self._data.exists():
                self._create(binaries, start_lock)
            # The numbers in a killed server's remains may meanwhile belong to other processes.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            sockets = claim_socket_folder(self.root, self.account)
            self._begin_log()
            # Relative paths: pg_ctl puts them into a shell command.
            places = ("-D", self._data.name, "-l", self._log.name, "-o", f"-k {sockets}")
            command = (binaries.folder / "pg_ctl", "start", "-W", "-s", *places)
            result = self.account.run(command, self.root, capture=False, pass_fds=[server_lock])
        except OSError as error:
            raise folder_error(error, self.root) from error
        if result.returncode != 0:
            raise self._start_failed("The local PostgreSQL server could not be started.")
        return None

    def _binaries(self) -> Binaries:
        """The programs for this data folder, or the newest when there is none yet."""
        major: int | None = None
        if self._data.exists():
            try:
                major = int((self._data / "PG_VERSION").read_text())
            except (FileNotFoundError, ValueError) as error:
                raise DatabaseError(
                    "This is not a PostgreSQL data folder, or a damaged one: it has no valid PG_VERSION.",
                    place=str(self._data),
                    remedy="Move it away to begin anew. Or set STRETTO_HOME to another folder.",
                ) from error
        return find_binaries(self.account, self.root / "programs", major)

    def _create(self, binaries: Binaries, start_lock: int) -> None:
        """Make the data folder under another name and rename it, so that it is there whole or not at all."""
        if not self.account.registered:
            raise DatabaseError(
                f"User number {self.account.uid} has no entry in the list of users, which PostgreSQL needs "
                "to make a local database.",
                place=str(self.root),
                remedy=f"{GIVEN_SERVER} Or add a passwd entry for this user.",
            )
        unfinished = self.root / "pgdata.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        form = ("-U", SUPERUSER, "-E", "UTF8", "--no-locale", "--auth-local=trust", "--auth-host=reject")
        command = (binaries.folder / "initdb", "-D", unfinished.name, *form)
        result = self.account.run(command, self.root, pass_fds=[start_lock])
        if result.returncode != 0:
            raise _explain("The local database could not be made.", result.stdout, self.root)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION)
        unfinished.rename(self._data)
        _flush_folder(self.root)

    def _begin_log(self) -> None:
        """Note where this start's part of the log begins, and put a long log aside."""
        with contextlib.suppress(FileNotFoundError):
            self._log_start = self._log.stat().st_size
            if self._log_start > _LOG_BYTES:
                self._log.replace(self._log.with_suffix(".log.1"))
                self._log_start = 0

    def _lock_of_no_server(self) -> int | None:
        """The server's lock, open and taken, when no process of a server is left; None while one lives."""
        descriptor = locks.open_lock(self.root / "server.lock", self.account)
        if locks.try_exclusive(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    def _pid_file(self) -> list[str]:
        """The lines of `postmaster.pid`: process, data folder, start, port, socket folder, …, state."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _answering(self) -> str | None:
        """The DSN of the server when it takes connections."""
        lines = self._pid_file()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        dsn = make_conninfo(host=lines[4], port=lines[3], user=SUPERUSER, dbname=DATABASE)
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            self._refusal = " ".join(str(error).split())
            return None
        return dsn

    def _process(self) -> int | None:
        """The number of the server process, unless in this container it is that of another program."""
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        process = int(lines[0])
        processes = Path("/proc")
        if not (processes / "self").exists():  # not Linux
            return process
        try:
            command = (processes / str(process) / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return process if b"postgres" in command else None

    def _start_failed(self, message: str) -> DatabaseError:
        try:
            with self._log.open("rb") as log:
                log.seek(self._log_start)
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            text = ""
        return _explain(message, text, self._log)


def _explain(message: str, output: str, place: Path) -> DatabaseError:
    """The error of a program that failed, with the last lines that it wrote."""
    remedy = f"{GIVEN_SERVER} Or set STRETTO_HOME to another folder."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if full := [line for line in lines if "No space left on device" in line]:
        lines = full[:1]
        if "shared memory" in full[0]:
            message, remedy = f"{message} Shared memory is full.", f"Give /dev/shm more room. {GIVEN_SERVER}"
        else:
            message, remedy = f"{message} No space is left on the disk.", ELSEWHERE
    quoted = f' It said: "{" | ".join(lines[-_LOG_LINES:])}".' if lines else ""
    return DatabaseError(message + quoted, place=str(place), remedy=remedy)


def _flush_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
