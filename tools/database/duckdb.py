"""DuckDB files: opened read-only, without files, network and settings, in a process of their own with bounded memory.

DuckDB's own `memory_limit` does not count long texts, and one call of a function cannot be interrupted. So the file
is opened in a process whose memory the system bounds, and which is ended when a statement takes too long. One process
serves all who use a connection, because DuckDB lets only one write a file; what they ask is done one after another.
"""

import multiprocessing
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from state.errors import ToolFailed
from tools.database.connections import NamedDatabase
from tools.database.statements import Purpose
from tools.extras import install

if TYPE_CHECKING:  # slow to import
    from multiprocessing.connection import Connection as Pipe

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

MEMORY = 256_000_000
"""Bytes that DuckDB plans with."""
PROCESS_MEMORY = 1_200_000_000
"""Bytes of data that its process may have, where the system holds it to that (Linux does)."""
OPEN_SECONDS = 30.0
"""What starting the process and opening the file may take."""
_SAID = 400
_READS = ("SELECT", "EXPLAIN")
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE_INTO")


def is_installed() -> bool:
    """Whether the packages for it are there."""
    return all(find_spec(name) for name in ("duckdb", "duckdb_engine"))


def ready(connection: "Connection", sql: str, purpose: Purpose) -> None:
    """Raises ToolFailed unless DuckDB's own parser sees one statement of the right sort."""
    from duckdb import Error

    driver: Any = connection.connection.driver_connection
    try:
        kinds = [statement.type.name for statement in driver.extract_statements(sql)]
    except Error as error:
        said = " ".join(str(error).split())[:_SAID]
        raise ToolFailed(f"The database says: {said}", "bad_input") from None
    if len(kinds) != 1:
        raise ToolFailed(f"DuckDB finds {len(kinds)} statements there, and takes one.", "refused")
    if kinds[0] not in (_READS if purpose == "read" else _WRITES):
        raise ToolFailed(f"DuckDB takes this for {kinds[0]}, which is not to {purpose}.", "refused")


class Worker:
    """The process of one connection: started when it is first asked, and again after it was ended."""

    def __init__(self, database: NamedDatabase) -> None:
        if not is_installed():
            remedy = install("duckdb")
            raise ToolFailed("DuckDB is not installed.", "refused", place=database.name, remedy=remedy)
        self._database = database
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Pipe | None = None

    def ask(self, seconds: float, work: str, *given: Any) -> Any:
        """What a method of `_Served` gives back. Raises ToolFailed; after a timeout the process is another one."""
        with self._lock:
            pipe = self._pipe or self._start()
            try:
                pipe.send((work, given))
                if not pipe.poll(seconds):
                    self.end()
                    said = f"The statement took longer than {seconds:g} s; its process was ended."
                    raise ToolFailed(said, "timeout", remedy="Ask for less, or raise timeout.")
                outcome = pipe.recv()
            except (EOFError, OSError):
                self.end()
                said = "The process of the database broke off, as it does when a statement needs too much memory."
                raise ToolFailed(said, "limit", remedy="Ask for less.") from None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def end(self) -> None:
        """Ends the process, and with it every transaction in it."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None:
            process.kill()
            process.join()
            process.close()
        if pipe is not None:
            pipe.close()

    def _start(self) -> "Pipe":
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._database), daemon=True, name="duckdb")
        self._process.start()
        theirs.close()
        self._pipe = ours
        if not ours.poll(OPEN_SECONDS):
            self.end()
            raise ToolFailed("The process of the database does not start.", "unavailable", place=self._database.name)
        ours.recv()
        return ours


class _Served:
    """In the process: connections by number."""

    def __init__(self, database: NamedDatabase) -> None:
        self._database = database
        self._engine: Engine | None = None
        self._connections: dict[str, Connection] = {}

    def open(self, id_: str, purpose: Purpose) -> None:
        """Begins a transaction of the database's own kind for reading, or for writing."""
        connection = self._opened().connect()
        self._connections[id_] = connection
        connection.begin()
        if purpose == "read":  # SQLAlchemy knows no such transactions of DuckDB
            driver: Any = connection.connection.driver_connection
            driver.execute("ROLLBACK")
            driver.execute("BEGIN TRANSACTION READ ONLY")

    def run(self, id_: str, work: "Callable[..., T]", *given: Any) -> "T":
        """What the work gives back."""
        connection = self._connections.get(id_)
        if connection is None:
            raise ToolFailed("The transaction was rolled back: its process was ended.", "refused")
        return work(connection, *given)

    def close(self, id_: str) -> None:
        """Rolls back what was not committed."""
        if connection := self._connections.pop(id_, None):
            connection.close()

    def _opened(self) -> "Engine":
        if self._engine is None:
            from sqlalchemy import create_engine
            from sqlalchemy.pool import QueuePool

            config = {
                "enable_external_access": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": f"{MEMORY}B",
                "max_temp_directory_size": "0B",
                "threads": "1",
                "lock_configuration": "true",
            }
            given = {"read_only": not self._database.writable, "config": config}
            self._engine = create_engine(
                f"duckdb:///{self._database.path.absolute()}", connect_args=given, poolclass=QueuePool
            )
        return self._engine


def _serve(pipe: "Pipe", database: NamedDatabase) -> None:
    """Answers until nobody asks any more."""
    import duckdb  # noqa: F401 # what is loaded before the limit does not count against statements
    import duckdb_engine  # noqa: F401

    from tools.database.failures import told

    _limit_memory()
    served = _Served(database)
    pipe.send("ready")
    while True:
        try:
            work, given = pipe.recv()
        except EOFError:
            return
        try:
            with told(database.name, database.secrets(), 0):
                outcome: object = getattr(served, work)(*given)
        except ToolFailed as error:
            outcome = error
        pipe.send(outcome)


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (PROCESS_MEMORY, PROCESS_MEMORY))
    except (ImportError, ValueError, OSError):  # the system has no such limit: time is limited all the same
        return
