"""The local PostgreSQL server: started by the first process that needs it, stopped by the last that leaves.

Below its root folder: `pgdata` (the data), `server.log`, and three lock files. All users hold `users.lock`
together, who starts or stops holds `start.lock`, and the server itself `server.lock`. The kernel takes a
killed process's locks away, so no count can go stale.
"""

import atexit
import os
import threading
from pathlib import Path

from run_workflow.postgres import locks
from run_workflow.postgres.account import claim_folder, folder_error
from run_workflow.postgres.cluster import START_SECONDS, STOP_SECONDS, Cluster

_WAIT_SECONDS = START_SECONDS + STOP_SECONDS


class LocalServer:
    """One user's share in the PostgreSQL server below `root`.

    Its methods block (call them by `asyncio.to_thread`) and may be called from any thread. What was started
    is stopped at the interpreter's exit too.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._guard = threading.Lock()
        self._share: tuple[Cluster, int] | None = None  # and the descriptor of users.lock
        self._process = os.getpid()

    def start(self) -> str:
        """Start or join the server and return its DSN; a second call revives a server that was killed.

        `DatabaseError` when there can be no local server here, with the reason and the remedy.
        """
        with self._guard:
            account = claim_folder(self.root)
            try:
                with locks.exclusive(self.root / "start.lock", account, _WAIT_SECONDS) as start_lock:
                    return self._join(Cluster(self.root, account), start_lock)
            except OSError as error:
                raise folder_error(error, self.root) from error

    def stop(self) -> None:
        """Leave the server; the last user stops it. A second call does nothing."""
        with self._guard:
            if self._share is None or self._process != os.getpid():
                return
            (cluster, users_lock), self._share = self._share, None
            atexit.unregister(self.stop)
            try:
                with locks.exclusive(self.root / "start.lock", cluster.account, _WAIT_SECONDS):
                    if locks.try_exclusive(users_lock):
                        cluster.stop()
            except FileNotFoundError:
                pass  # the folder was deleted: PostgreSQL notices that within a minute, and ends
            finally:
                os.close(users_lock)

    def _join(self, cluster: Cluster, start_lock: int) -> str:
        """Become a user, then see that the server runs; no user when it cannot."""
        if self._share is not None:
            return cluster.ensure_running(start_lock)
        users_lock = locks.open_lock(self.root / "users.lock", cluster.account)
        try:
            locks.take_shared(users_lock)
            dsn = cluster.ensure_running(start_lock)
        except BaseException:
            os.close(users_lock)
            raise
        self._share = (cluster, users_lock)
        atexit.register(self.stop)
        return dsn
