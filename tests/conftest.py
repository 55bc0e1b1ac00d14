"""Fixtures for every room: a clean environment, and PostgreSQL."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from run_workflow.postgres.local import LocalServer
from tests.postgres_fixtures import ServerForTests, open_folder, session_server

# How long an example may take depends on what else the machine does: `benchmarks/` measures, tests do not.
settings.register_profile("without_deadline", settings(), deadline=None)
settings.load_profile("without_deadline")

_SERVERS = {"postgres_server", "postgres_root", "made_cluster"}
_FOREIGN = ("STRETTO_", "DATABASE_URL", "OPENAI_", "LANGSMITH_", "LANGCHAIN_", "PG")


# What a session of tests imports lives to its end: looking through it for garbage again and again takes an eighth of
# the time. What no test holds any more is still found, a little later.
gc.set_threshold(10_000, 20, 20)


def pytest_collection_finish() -> None:
    """Leave what was imported to the end of the process."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what starts a server, a process or a browser, wherever it stands."""
    for item in items:
        whole = item.path.parent.name == "end_to_end" or any(item.iter_markers("studio"))
        if whole or _SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what the caller's environment would tell the program."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def own_log_level() -> Iterator[None]:
    """What a command of the test sets for the logs of the process does not hold for the tests that come after it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[ServerForTests]:
    """One local server for the session (with pytest-xdist, for the worker)."""
    with session_server() as server:
        yield server


@pytest.fixture
async def database(postgres_server: ServerForTests, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database with all tables, open, and dropped after the test."""
    with postgres_server.migrated_database() as dsn:
        async with open_database(DatabaseSettings(dsn, tmp_path)) as opened:
            yield opened


@pytest.fixture
def postgres_root() -> Iterator[Path]:
    """A folder for a local server of the test's own; it does not exist yet."""
    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """The folder of a local server that was started once and stopped; to be copied."""
    with open_folder() as folder:
        server = LocalServer(folder / "postgres")
        server.start()
        server.stop()
        yield server.root
