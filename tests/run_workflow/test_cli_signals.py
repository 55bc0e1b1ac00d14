"""Ctrl-C and SIGTERM: the first drains, the second ends at once, and the run can go on afterwards."""

import os
import signal
import threading
from pathlib import Path

import pytest

from run_workflow.cli import signals
from tests.run_workflow.cli_double import BRANCH, Line, Typed
from tests.run_workflow.engine_double import EngineDouble, Stretch


def interrupted(line: Line, *numbers: signal.Signals) -> Typed:
    """Goes on with the run, which gets these signals 0.1 s after one another once it is under way."""
    timers = [
        threading.Timer(0.1 * place, os.kill, (os.getpid(), number)) for place, number in enumerate(numbers, start=1)
    ]

    def began() -> None:
        for timer in timers:
            timer.start()

    line.engine.began = began
    typed = line.type("resume", "last")
    for timer in timers:
        timer.join()
    return typed


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A command line with one run."""
    monkeypatch.chdir(tmp_path)
    made = Line(EngineDouble(), tmp_path)
    made.engine.add("r1", {"question": "Why?"})
    return made


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_drains(line: Line, number: signal.Signals) -> None:
    """The step in progress is finished; the run is paused, code 130, and the command that goes on is told."""
    line.engine.stretches = [Stretch(BRANCH, until_drained=True)]
    typed = interrupted(line, number)
    assert (typed.code, typed.exception, line.engine.runs["r1"].status) == (130, None, "paused")
    assert "Finishing the step in progress; again to stop at once." in typed.err
    assert "Stopping" not in typed.err
    assert "python -m run_workflow resume r1" in typed.out


@pytest.mark.slow
def test_the_second_signal_ends_at_once(line: Line) -> None:
    """A run that comes to no safe point is ended by the second signal."""
    line.engine.stretches = [Stretch(BRANCH, forever=True)]
    typed = interrupted(line, signal.SIGINT, signal.SIGINT)
    assert (typed.code, line.engine.runs["r1"].status) == (130, "paused")
    assert "Stopping at once." in typed.err


@pytest.mark.slow
def test_no_safe_point_in_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """One signal is enough: when no safe point comes in time, the run is ended."""
    monkeypatch.setattr(signals, "DRAIN_SECONDS", 0.1)
    line.engine.stretches = [Stretch(BRANCH, forever=True)]
    typed = interrupted(line, signal.SIGTERM)
    assert (typed.code, line.engine.runs["r1"].status) == (130, "paused")
    assert "No safe point came" in typed.err


def test_handlers_are_put_back(line: Line) -> None:
    """After a stretch signals go to where they went before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    line.engine.stretches = [Stretch(BRANCH)]
    assert line.type("resume", "last").code == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
