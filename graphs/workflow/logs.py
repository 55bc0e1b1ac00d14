"""What the log of a process says of the steps of a workflow: as much as the definition wants, at most what is set."""

import logging

from state.runs import Progress, StepStatus
from state.workflow.definition import WorkflowDefinition

_LEVELS: dict[StepStatus, int] = {
    "running": logging.DEBUG,
    "completed": logging.INFO,
    "skipped": logging.INFO,
    "waiting": logging.INFO,
    "cancelled": logging.INFO,
    "compensated": logging.INFO,
    "retrying": logging.WARNING,
    "failed": logging.ERROR,
}
_FROM = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def log_step(definition: WorkflowDefinition, run_id: str, progress: Progress) -> None:
    """One line for a step that began, ended or waits, from the definition's `log_level` on."""
    level = _LEVELS.get(progress.status) if progress.status else None
    if level is None or level < _FROM[definition.log_level]:
        return
    import structlog

    told = {"error": progress.message} if progress.message else {}
    structlog.get_logger().log(level, f"step {progress.status}", run=run_id, step=progress.path, **told)
