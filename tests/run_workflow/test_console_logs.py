"""Logs go to standard error from the level of the settings on; libraries are heard from one level higher."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from run_workflow.logs import Level, configure_logs, silence_requests


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging of the test process is as it was when a test ends."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["DEBUG", "INFO", "WARNING", "ERROR"]),
        ("info", ["info", "warning", "error"], ["WARNING", "ERROR"]),
        ("warning", ["warning", "error"], ["ERROR"]),
        ("error", ["error"], ["ERROR"]),
    ],
)
def test_levels(capsys: pytest.CaptureFixture[str], level: Level, ours: list[str], theirs: list[str]) -> None:
    """What is below the level is not written, also when a library asks for more; nothing is written twice."""
    configure_logs(level)
    configure_logs(level)
    library = logging.getLogger("some.library")
    library.setLevel(logging.DEBUG)
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("ours", run="r1")
        getattr(library, name)("theirs")
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert printed.out == ""
    assert [line.split("[")[1].split("]")[0].strip() for line in lines if "ours" in line] == ours
    assert [line.split()[0] for line in lines if "theirs" in line] == theirs
    assert all("run=r1" in line for line in lines if "ours" in line)


def test_requests_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """At no level: addresses and headers may hold secrets. Warnings still come."""
    configure_logs("debug")
    silence_requests()
    for name in ("httpx", "httpcore.http11"):
        logging.getLogger(name).info("GET /?key=hush")
        logging.getLogger(name).warning("odd")
    assert capsys.readouterr().err.splitlines() == ["WARNING httpx: odd", "WARNING httpcore.http11: odd"]
