"""The folder of the server's Unix socket: private, and with a path that is short enough for one."""

import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path

from run_workflow.postgres.account import Account
from state.errors import DatabaseError

PORT = 5432  # of no consequence: the server listens on no network, and the number only names the socket

_SOCKET_NAME = f".s.PGSQL.{PORT}"
_PATH_BYTES = 103  # of macOS; Linux allows 107
# What needs no quoting in pg_ctl's shell command nor in PostgreSQL's comma-separated list of socket folders.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")
# Not the temporary folder of the environment: every process must find the same one.
_SHORT = Path("/tmp")


def socket_folder(root: Path, account: Account) -> Path:
    """`root` itself where its path can be a socket's; else a short path made from it."""
    socket = str(root / _SOCKET_NAME)
    if len(socket) <= _PATH_BYTES and _PLAIN_PATH.fullmatch(socket):
        return root
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return _SHORT / f"stretto-{account.uid}-{digest}"


def claim_socket_folder(root: Path, account: Account) -> Path:
    """Make the socket folder, without the sockets of a killed server.

    `DatabaseError` when somebody else owns it or may enter it.
    """
    folder = socket_folder(root, account)
    if folder != root:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, account.uid, account.gid)
        _check_private(folder, account)
    for end in ("", ".lock"):
        (folder / (_SOCKET_NAME + end)).unlink(missing_ok=True)
    return folder


def drop_socket_folder(root: Path, account: Account) -> None:
    """Remove the socket folder after the server has stopped, if it is not `root`."""
    folder = socket_folder(root, account)
    if folder != root:
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()


def _check_private(folder: Path, account: Account) -> None:
    facts = folder.lstat()
    private = stat.S_ISDIR(facts.st_mode) and facts.st_mode & 0o077 == 0
    if not private or facts.st_uid != account.uid:
        raise DatabaseError(
            "The folder for the database's socket belongs to somebody else or is open to others.",
            place=str(folder),
            remedy="Remove it, or set STRETTO_HOME to a folder with a short path of plain characters.",
        )
