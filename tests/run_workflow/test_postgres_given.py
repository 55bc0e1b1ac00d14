"""The door to a given server: what it says when it does not open, and what it never shows."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from run_workflow.postgres.database import DatabaseSettings, open_database
from run_workflow.postgres.given import check_server, describe, explain, read_url
from run_workflow.postgres.local import LocalServer
from state.errors import DatabaseError
from tests.postgres_fixtures import copy_cluster, open_folder

SECRET = "geheim!"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def address(made_cluster: Path) -> Iterator[str]:
    """`host:port` of a server on loopback that wants a password (SCRAM) and speaks no TLS."""
    port = free_port()
    with open_folder() as folder:
        server = LocalServer(folder / "postgres")
        copy_cluster(made_cluster, server.root)
        with psycopg.connect(server.start(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE ann LOGIN PASSWORD '{SECRET}'".encode())
            connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SECRET}'".encode())
            connection.execute("ALTER ROLE reader SET default_transaction_read_only = on")
            connection.execute("CREATE DATABASE ann OWNER ann")
            connection.execute("ALTER SYSTEM SET listen_addresses = '127.0.0.1'")
            connection.execute(f"ALTER SYSTEM SET port = {port}".encode())
        server.stop()
        access = "local all all trust\nhost all ann,reader,ghost 127.0.0.1/32 scram-sha-256\n"
        (server.root / "pgdata" / "pg_hba.conf").write_text(access)
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop()


async def refusal(url: str, home: Path) -> str:
    """What a person is told when `url` cannot be opened."""
    with pytest.raises(DatabaseError) as caught:
        async with open_database(DatabaseSettings(url, home)):
            pass
    return str(caught.value)


async def test_right_password_opens(address: str, tmp_path: Path) -> None:
    """With the right password the given server is used, and no local one is made."""
    settings = DatabaseSettings(f"postgresql://ann:{SECRET}@{address}/ann", tmp_path)
    async with open_database(settings) as database, database.pool.connection() as connection:
        row = await (await connection.execute("SELECT current_user AS name")).fetchone()
        assert row == {"name": "ann"}
    assert os.listdir(tmp_path) == []
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("login", "path", "words"),
    [
        ("ann:wrong-one@", "ann", r"refused the password of user ann\. Correct .* DATABASE_URL"),
        ("ghost:wrong-one@", "ann", r"refused the password of user ghost"),
        ("ann@", "ann", r"wants a password for user ann, and none is given"),
        (f"ann:{SECRET}@", "nowhere", r"no database nowhere\. Make it"),
        (
            f"eve:{SECRET}@",
            "ann",
            r"does not admit user eve from this machine without TLS\. .*sslmode=require",
        ),
        (f"ann:{SECRET}@", "ann?sslmode=require", r"No TLS connection could be made: .*SSL.*sslmode"),
        (f"reader:{SECRET}@", "ann", r"takes no writes"),
    ],
)
async def test_refusals_of_a_server(address: str, tmp_path: Path, login: str, path: str, words: str) -> None:
    """Each refusal is one line with server, user and database, a remedy, and no password."""
    told = await refusal(f"postgresql://{login}{address}/{path}", tmp_path)
    assert re.search(words, told)
    assert told.startswith(f"postgresql://{login.partition(':')[0].rstrip('@')}@{address}/")
    assert "\n" not in told
    assert SECRET not in told
    assert "wrong-one" not in told


async def test_unreachable_server(tmp_path: Path) -> None:
    """A port where nothing listens is named, with host and port."""
    port = free_port()
    told = await refusal(f"postgresql://ann:{SECRET}@127.0.0.1:{port}/ann", tmp_path)
    assert re.search(rf"ann@127.0.0.1:{port}/ann: No PostgreSQL server can be reached there: .*refused", told)
    assert SECRET not in told


async def test_missing_socket(tmp_path: Path) -> None:
    """A socket folder without a socket is a server that cannot be reached."""
    told = await refusal(f"host={tmp_path} user=ann", tmp_path)
    assert re.search(r"No PostgreSQL server can be reached there: .*No such file", told)


def test_unknown_host() -> None:
    """A host that has no address is named."""
    error = psycopg.OperationalError("failed to resolve host 'db.invalid': [Errno -2] Name or service not known")
    told = str(explain(error, read_url("postgresql://ann@db.invalid/ann")))
    assert told.startswith("postgresql://ann@db.invalid/ann: The host db.invalid is not known.")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://ann@host/db", "begins with mysql://"),
        (
            "postgresql+psycopg://ann:geheim@host/db",
            r"begins with postgresql\+psycopg://, not with postgresql://",
        ),
        ("postgresql://ann:ge%heim@host/db", "cannot be read"),
        ("postgresql://ann:geheim@host/db?colour=red", "cannot be read"),
        ("postgresql://ann:ge@heim@host/db", "cannot be told from its password"),
        ("postgresql://ann:ge/heim@host/db", "cannot be told from its password"),
        ("ann geheim", "cannot be read"),
    ],
)
def test_badly_written_urls(url: str, words: str) -> None:
    """A URL that cannot be one is refused without showing any of it, as a part may be the password."""
    with pytest.raises(DatabaseError, match=f"^DATABASE_URL: .*{words}.*%40") as caught:
        read_url(url)
    assert "heim" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_url_keeps_what_it_says() -> None:
    """Encoded characters, several hosts and options of the URL reach libpq; missing ones get defaults."""
    parts = conninfo_to_dict(read_url("postgres://ann:p%40ss@a:5433,b:5434/db?connect_timeout=3&sslmode=require"))
    assert parts == {
        "user": "ann",
        "password": "p@ss",
        "host": "a,b",
        "port": "5433,5434",
        "dbname": "db",
        "connect_timeout": "3",
        "sslmode": "require",
        "application_name": "stretto",
    }
    assert conninfo_to_dict(read_url("postgresql://h/db"))["connect_timeout"] == "10"


def test_password_in_a_message_is_masked() -> None:
    """Should libpq ever quote the password, it is masked."""
    dsn = read_url(f"postgresql://ann:{SECRET}@h/db")
    told = str(explain(psycopg.OperationalError(f"strange: {SECRET}"), dsn))
    assert "strange: ***" in told
    assert SECRET not in describe(dsn)


def test_old_server_is_refused() -> None:
    """A server older than PostgreSQL 14 is told apart."""
    info = SimpleNamespace(server_version=130022, parameter_status=lambda name: None)
    with pytest.raises(DatabaseError, match=r"h/db: The server is PostgreSQL 13, older than 14"):
        check_server(cast(psycopg.ConnectionInfo, info), "host=h dbname=db")
