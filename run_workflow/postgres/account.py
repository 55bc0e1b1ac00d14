"""The operating-system user that PostgreSQL's programs run as, and the folder that user owns.

PostgreSQL refuses to run as root. A root process therefore hands its database folder, and nothing above it,
to another user and starts every program as that one.
"""

import errno
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from state.errors import DatabaseError

ELSEWHERE = "Set STRETTO_HOME to a folder on another disk or path, or DATABASE_URL to a running PostgreSQL server."
GIVEN_SERVER = "Set DATABASE_URL to a running PostgreSQL server."

# A clean environment: the caller's PG*, LC_* and TZ variables must shape neither the cluster nor the server.
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
_CANDIDATES_FOR_ROOT = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine; `name` is its number when it has no passwd entry."""

    uid: int
    gid: int
    name: str
    registered: bool

    @property
    def foreign(self) -> bool:
        """Whether this is another user than the one the process runs as."""
        return self.uid != os.geteuid()

    def run(
        self,
        command: Sequence[str | Path],
        folder: Path,
        *,
        capture: bool = True,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` in `folder` as this user, in a session of its own so that Ctrl-C does not reach it.

        `capture=False` is for programs that leave a server behind, which would keep the pipe open.
        `OSError` when the program cannot be run at all.
        """
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if capture else subprocess.DEVNULL,
            text=True,
            errors="replace",
            check=False,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            user=self.uid if self.foreign else None,
            group=self.gid if self.foreign else None,
            extra_groups=() if self.foreign else None,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether the kernel lets this user into `folder`, access lists and mounts included."""
        if not self.foreign:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], Path("/")).returncode == 0


def claim_folder(root: Path) -> Account:
    """Make `root` a folder that only the server's user may read (mode 0700), and return that user.

    The owner of a folder that exists is kept. `DatabaseError` when it cannot be written or reached.
    """
    try:
        account = _account_for(root)
        _make_parents(root, account)
        root.mkdir(mode=0o700, exist_ok=True)
        facts = root.stat()
        if facts.st_uid != account.uid:
            os.chown(root, account.uid, account.gid)
        if facts.st_mode & 0o777 != 0o700:
            root.chmod(0o700)
        if account.foreign:
            _check_path(root, account)
    except OSError as error:
        raise folder_error(error, root) from error
    return account


def folder_error(error: OSError, folder: Path) -> DatabaseError:
    """What went wrong with `folder`, in words, with the remedy."""
    reasons = {
        errno.ENOSPC: "No space is left on the disk of the database folder.",
        errno.EDQUOT: "The disk quota of the database folder is used up.",
        errno.EROFS: "The database folder lies on a read-only file system.",
        errno.EACCES: "The database folder may not be used by this user.",
        errno.EPERM: "The database folder may not be used by this user.",
        errno.EEXIST: "A file stands where the database folder should be.",
        errno.ENOTDIR: "A file stands where a folder should be on the way to the database folder.",
        errno.ENOLCK: "The file system of the database folder has no file locks.",
        errno.EOPNOTSUPP: "The file system of the database folder has no file locks.",
        errno.ENAMETOOLONG: "The path of the database folder is too long for the file system.",
    }
    detail = reasons.get(error.errno or 0, f"The database folder cannot be used: {error.strerror or error}.")
    return DatabaseError(detail, place=str(folder), remedy=ELSEWHERE)


def _account_for(root: Path) -> Account:
    uid = os.geteuid()
    if uid != 0:
        return _account(uid)
    owner = root.stat().st_uid if root.exists() else 0
    if owner != 0:
        return _account(owner)
    for name in _CANDIDATES_FOR_ROOT:
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise DatabaseError(
        "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`.",
        remedy=f"Run as another user. {GIVEN_SERVER}",
    )


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        gid = os.getegid() if uid == os.geteuid() else uid
        return Account(uid, gid, str(uid), registered=False)
    return Account(uid, entry.pw_gid, entry.pw_name, registered=True)


def _make_parents(root: Path, account: Account) -> None:
    """Make the missing folders above `root`; those made here, and only those, let the server's user pass."""
    missing = [parent for parent in root.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        if account.foreign:
            parent.chmod(parent.stat().st_mode | 0o011)


def _check_path(root: Path, account: Account) -> None:
    if account.can_enter(root):
        return
    path = [*reversed(root.parents), root]
    closed = next((folder for folder in path if not account.can_enter(folder)), root)
    raise DatabaseError(
        f"The database runs as user `{account.name}`, which may not enter the folder {closed}.",
        place=str(root),
        remedy=f"Set STRETTO_HOME to a folder it may enter, such as /var/lib/stretto. Or: {GIVEN_SERVER}",
    )
