"""The local server: first start, joining, leaving, and every way of dying in between."""

import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from run_workflow.postgres.local import LocalServer
from run_workflow.postgres.locks import try_exclusive
from tests.postgres_fixtures import User, copy_cluster, kill_server, server_process

pytestmark = pytest.mark.slow


@pytest.fixture
def new_server(postgres_root: Path) -> Iterator[LocalServer]:
    """A local server whose folder does not exist yet."""
    local = LocalServer(postgres_root)
    yield local
    local.stop()


@pytest.fixture
def server(new_server: LocalServer, made_cluster: Path) -> LocalServer:
    """A local server that has data, not started."""
    copy_cluster(made_cluster, new_server.root)
    return new_server


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def born(dsn: str) -> object:
    """When the server process began: tells one server from the next."""
    return ask(dsn, "SELECT pg_postmaster_start_time()")


def test_first_start_makes_a_private_durable_server(new_server: LocalServer) -> None:
    """A first start makes a cluster that commits to disk, listens on no network and is closed to others."""
    dsn = new_server.start()
    settings = {
        "synchronous_commit": "on",
        "fsync": "on",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "shared_buffers": "64MB",
        "max_wal_size": "256MB",
        "max_connections": "200",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    assert {name: ask(dsn, f"SHOW {name}") for name in settings} == settings
    for folder in (new_server.root, new_server.root / "pgdata"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_data_outlives_a_stop(server: LocalServer) -> None:
    """Rows written before a stop are there after the next start, which is another server process."""
    dsn = server.start()
    first = born(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    server.stop()
    dsn = server.start()
    assert born(dsn) != first
    assert ask(dsn, "SELECT n FROM kept") == 7


def test_last_of_two_processes_stops_the_server(server: LocalServer) -> None:
    """A second process joins the running server, which ends only when both have left."""
    dsn = server.start()
    user = User(server.root)
    assert user.dsn() == dsn
    first = born(dsn)
    server.stop()
    assert born(dsn) == first
    assert user.leave() == ""
    assert server_process(server.root) is None


def test_two_users_in_one_process_count_as_two(server: LocalServer) -> None:
    """Two users of one process have a share each."""
    other = LocalServer(server.root)
    dsn = server.start()
    assert other.start() == dsn
    other.stop()
    assert ask(dsn, "SELECT 1") == 1


def test_killed_user_does_not_keep_the_server_alive(server: LocalServer) -> None:
    """A user ended by SIGKILL leaves the server running, and the next one to leave stops it."""
    user = User(server.root)
    dsn = user.dsn()
    first = born(dsn)
    user.kill()
    assert born(dsn) == first
    assert server.start() == dsn
    assert born(dsn) == first
    server.stop()
    assert server_process(server.root) is None


def test_killed_server_loses_no_acknowledged_row(server: LocalServer) -> None:
    """After SIGKILL of the whole server amid inserts, a new start finds every row that was acknowledged."""
    dsn = server.start()
    acknowledged = 0
    many = threading.Event()

    def insert() -> None:
        nonlocal acknowledged
        with psycopg.connect(dsn, autocommit=True) as connection:
            while True:
                connection.execute("INSERT INTO log VALUES (%s)", (acknowledged,))
                acknowledged += 1
                if acknowledged == 200:
                    many.set()

    def insert_until_death() -> None:
        with pytest.raises(psycopg.OperationalError):
            insert()

    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE log (n integer)")
    thread = threading.Thread(target=insert_until_death)
    thread.start()
    assert many.wait(60)
    kill_server(server.root, dsn)
    thread.join(60)
    dsn = server.start()
    assert ask(dsn, "SELECT count(*) FROM log") in (acknowledged, acknowledged + 1)
    assert ask(dsn, "SELECT max(n) FROM log") in (acknowledged - 1, acknowledged)


def test_four_first_starts_at_once_make_one_server(new_server: LocalServer) -> None:
    """Four processes that start on an empty folder at once all use the same server."""
    users = [User(new_server.root) for _ in range(4)]
    assert len({born(user.dsn()) for user in users}) == 1
    assert [user.leave() for user in users] == [""] * 4
    assert server_process(new_server.root) is None


@pytest.mark.parametrize("name", ["with a space", 'it\'s $HOME, "quoted" `x` ü', "long" * 50])
def test_odd_and_long_paths_work(postgres_root: Path, made_cluster: Path, name: str) -> None:
    """Spaces, shell characters and paths too long for a socket do no harm, and leave no folder behind."""
    server = LocalServer(postgres_root / name / "postgres")
    copy_cluster(made_cluster, server.root)
    dsn = server.start()
    try:
        assert ask(dsn, "SHOW data_directory") == str(server.root / "pgdata")
        sockets = Path(str(ask(dsn, "SHOW unix_socket_directories")))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        server.stop()
    assert not sockets.exists()


def test_socket_folder_of_somebody_else_is_refused(postgres_root: Path, made_cluster: Path) -> None:
    """A socket folder that others may enter is not used."""
    server = LocalServer(postgres_root / ("long" * 50))
    copy_cluster(made_cluster, server.root)
    dsn = server.start()
    sockets = Path(str(ask(dsn, "SHOW unix_socket_directories")))
    server.stop()
    sockets.mkdir()
    try:
        sockets.chmod(0o777)
        with pytest.raises(Exception, match=f"{sockets}.*open to others"):
            server.start()
    finally:
        sockets.rmdir()


def test_stale_pid_of_another_program_is_ignored(server: LocalServer) -> None:
    """A stale process number that now belongs to another program hinders no start and harms no program."""
    dsn = server.start()
    kill_server(server.root, dsn)
    bystander = subprocess.Popen(["sleep", "60"], user=server.root.stat().st_uid if os.geteuid() == 0 else None)
    try:
        pid_file = server.root / "pgdata" / "postmaster.pid"
        lines = [str(bystander.pid), *pid_file.read_text().splitlines()[1:]]
        pid_file.write_text("\n".join(lines) + "\n")
        (server.root / ".s.PGSQL.5432.lock").write_text("\n".join(lines[:5]) + "\n")
        assert ask(server.start(), "SELECT 1") == 1
        server.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_stop_signals_no_other_program(server: LocalServer) -> None:
    """A process that is not PostgreSQL is spared, should the server's file name it, as in another container."""
    server.start()
    pid_file = server.root / "pgdata" / "postmaster.pid"
    text = pid_file.read_text()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text(text.replace(text.split()[0], str(bystander.pid), 1))
        server.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        pid_file.write_text(text)
        server.start()


def test_killed_first_start_is_repaired(new_server: LocalServer) -> None:
    """A first start ended by SIGKILL while it makes the data folder is begun anew by the next."""
    user = User(new_server.root)
    deadline = time.monotonic() + 30
    while not (new_server.root / "pgdata.new").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    user.kill()
    lock = os.open(new_server.root / "start.lock", os.O_RDWR)
    assert not try_exclusive(lock), "the program that makes the folder still works, and others must wait for it"
    os.close(lock)
    assert not (new_server.root / "pgdata").exists()
    assert ask(new_server.start(), "SELECT 1") == 1
    assert not (new_server.root / "pgdata.new").exists()


def test_remains_of_an_old_first_start_are_removed(new_server: LocalServer) -> None:
    """What is left of a first start long ago does not disturb."""
    (new_server.root / "pgdata.new" / "base").mkdir(parents=True)
    (new_server.root / "pgdata.new" / "PG_VERSION").write_text("18\n")
    assert ask(new_server.start(), "SELECT 1") == 1


def test_exit_without_stop_stops_the_server(server: LocalServer) -> None:
    """A process that ends without calling stop still leaves, by atexit."""
    user = User(server.root)
    user.dsn()
    assert user.leave() == ""
    assert server_process(server.root) is None


def test_deleted_folder_does_not_break_stop(server: LocalServer) -> None:
    """Stop is quiet when somebody has deleted the folder meanwhile, and does not make it again."""
    dsn = server.start()
    process = server_process(server.root)
    shutil.rmtree(server.root)
    server.stop()
    assert not server.root.exists()
    assert process is not None
    os.kill(process, 3)  # SIGQUIT, as nothing else ends it before PostgreSQL notices
    with pytest.raises(psycopg.OperationalError):
        born(dsn)


def test_long_log_is_put_aside(server: LocalServer) -> None:
    """A server log of more than 10 MB is renamed at the next start."""
    server.start()
    server.stop()
    os.truncate(server.root / "server.log", 10_000_001)
    server.start()
    assert (server.root / "server.log.1").stat().st_size == 10_000_001
    assert (server.root / "server.log").stat().st_size < 10_000
