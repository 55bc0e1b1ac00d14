"""Advisory locks on files that the kernel releases when their last holder is gone, however it died.

`flock` belongs to the open file, not to the process: a program that inherits the descriptor keeps the lock.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from run_workflow.postgres.account import Account
from state.errors import DatabaseError

_POLL_SECONDS = 0.01


def open_lock(path: Path, owner: Account) -> int:
    """Open the lock file `path`, made if missing and given to `owner`; the caller closes the descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(descriptor).st_uid != owner.uid:
            os.fchown(descriptor, owner.uid, owner.gid)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def try_exclusive(descriptor: int) -> bool:
    """Take the lock for this holder alone; False when somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_shared(descriptor: int) -> None:
    """Take the lock together with others; waits for a holder that has it alone."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextlib.contextmanager
def exclusive(path: Path, owner: Account, timeout: float) -> Iterator[int]:
    """Hold the lock of `path` alone and yield its descriptor; `DatabaseError` after `timeout` seconds."""
    descriptor = open_lock(path, owner)
    try:
        deadline = time.monotonic() + timeout
        while not try_exclusive(descriptor):
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"Another process has been starting or stopping the database for over {timeout:.0f} s.",
                    place=str(path),
                    remedy="End that process (it may be suspended) and try again.",
                )
            time.sleep(_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)
