"""What a newcomer meets at a terminal: what a rejection does, no log lines within the display."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from graphs.workflow.entry import events_of
from graphs.workflow.pinned import pinned
from run_workflow.cli import session
from run_workflow.console.requests import decisions_of
from run_workflow.logs import configure_logs
from state.runs import ActionRequest, ApprovalRecord, ApprovalRequest, ReviewConfig


@pytest.mark.parametrize(("name", "means"), [("approve_plan", "do it again"), ("decision", "say no: the step fails")])
def test_what_a_rejection_means(name: str, means: str) -> None:
    """Research does its work again; in a workflow the step fails, and the prompt says so."""
    request = ApprovalRequest(
        action_requests=(ActionRequest(name=name, args={}, description="May it?"),),
        review_configs=(ReviewConfig(action_name=name, allowed_decisions=("approve", "reject")),),
    )
    record = ApprovalRecord(
        id="q", run_id="r", point=name, status="pending", request=request, created_at=datetime.now(UTC)
    )
    assert decisions_of(record)["reject"].startswith(means)


@pytest.mark.parametrize("steps", [True, False])
def test_steps_are_logged_where_that_is_wanted(capsys: pytest.CaptureFixture[str], steps: bool) -> None:
    """A command tells of steps itself: they are logged only where a level was set; other lines always."""
    configure_logs("warning", steps=steps)
    try:
        structlog.get_logger().error("step failed", run="r")
        structlog.get_logger().error("no answer")
    finally:
        structlog.reset_defaults()
    printed = capsys.readouterr().err
    assert ("step failed" in printed, "no answer" in printed) == (steps, True)


def test_the_events_that_a_workflow_waits_for() -> None:
    """By these an event that nobody waits for is told."""
    text = "name: w\nsteps:\n  - {id: a, type: wait, event: paid}\n  - {id: b, type: wait, duration: 1}\n"
    text += "  - {id: c, type: parallel, for_each: $a, grows_on: more, steps: [{id: d, type: wait, duration: 1}]}\n"
    assert events_of(pinned(text, "w.yaml", {})) == {"paid", "more"}


def test_next_steps_name_the_interpreter_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the folder by its path; the one that `python` means so; any other in full."""
    monkeypatch.chdir(tmp_path)
    used = tmp_path / ".venv" / "bin" / "python"
    used.parent.mkdir(parents=True)
    used.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(used))
    assert session.interpreter() == ".venv/bin/python"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    monkeypatch.setenv("PATH", "")
    assert session.interpreter() == str(used)
    monkeypatch.setenv("PATH", str(used.parent))
    assert session.interpreter() == "python"
