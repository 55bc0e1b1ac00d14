"""What a newcomer meets at a terminal: what a rejection does, no log lines within the display."""

from datetime import UTC, datetime

import pytest
import structlog

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
