"""Hooks and fixtures for every room: what is collected, a clean environment, and PostgreSQL.

What starts the tests side by side reads this file as well, and runs none of them: fixtures import what they need.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from run_workflow.postgres.database import Database
    from tests.forks import Forked
    from tests.postgres_fixtures import ServerForTests

_SERVERS = {"postgres_server", "postgres_root", "made_cluster"}
_FOREIGN = ("STRETTO_", "DATABASE_URL", "OPENAI_", "LANGSMITH_", "LANGCHAIN_", "PG")
_ALL_SLOW = re.compile(r"^pytestmark = .*\bpytest\.mark\.slow\b", re.MULTILINE)


# What a session of tests imports lives to its end: looking through it for garbage again and again takes an eighth of
# the time. What no test holds any more is still found, a little later.
gc.set_threshold(10_000, 20, 20)


def pytest_sessionstart() -> None:
    """Remove what the caller's environment would tell the program; what a test sets is taken back after it."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[name]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick part does not even import what is slow as a whole."""
    if "not slow" not in config.option.markexpr or collection_path.suffix != ".py":
        return None
    whole = collection_path.parent.name == "end_to_end"
    return whole or bool(_ALL_SLOW.search(collection_path.read_text(encoding="utf-8"))) or None


def pytest_collection(session: pytest.Session) -> None:
    """Where tests are run, sets how examples are drawn: fewer for the quick part.

    How long one may take depends on what else the machine does: `benchmarks/` measures, tests do not.
    """
    if session.config.getoption("dist", "no") != "no":
        return  # the workers draw them
    from hypothesis import settings

    quick = "not slow" in session.config.option.markexpr
    settings.register_profile("tests", deadline=None, max_examples=20 if quick else 100)
    settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Leave what was imported to the end of the process."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what starts a server, a process or a browser, wherever it stands."""
    for item in items:
        whole = item.path.parent.name == "end_to_end" or any(item.iter_markers("studio"))
        if whole or _SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def pytest_runtest_teardown() -> None:
    """What a command of the test sets for the logs of the process does not hold for the tests that come after it."""
    import structlog

    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[ServerForTests]:
    """One local server for the session (with pytest-xdist, for the worker)."""
    from tests.postgres_fixtures import session_server

    with session_server() as server:
        yield server


@pytest.fixture
async def database(postgres_server: ServerForTests, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database with all tables, open, and dropped after the test."""
    from run_workflow.postgres.database import DatabaseSettings, open_database

    with postgres_server.migrated_database() as dsn:
        async with open_database(DatabaseSettings(dsn, tmp_path)) as opened:
            yield opened


@pytest.fixture
def postgres_root() -> Iterator[Path]:
    """A folder for a local server of the test's own; it does not exist yet."""
    from tests.postgres_fixtures import open_folder

    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """The folder of a local server that was started once and stopped; to be copied."""
    from run_workflow.postgres.local import LocalServer
    from tests.postgres_fixtures import open_folder

    with open_folder() as folder:
        server = LocalServer(folder / "postgres")
        server.start()
        server.stop()
        yield server.root


@pytest.fixture(scope="session")
def forked() -> Iterator[type[Forked]]:
    """Starts programs as forks of one process that has imported what they need."""
    from tests.forks import forking

    with forking() as popen:
        yield popen


@pytest.fixture
def forks(forked: type[Forked], monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m …` starts in a moment."""
    monkeypatch.setattr("subprocess.Popen", forked)
