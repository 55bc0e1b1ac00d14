"""What steps of workflows do, in the log of the process: from the level on that the workflow names."""

import logging
from typing import Literal

import structlog

from run_workflow.engine.driving import Watch
from state.runs import Progress, RunRecord, StepStatus

Level = Literal["debug", "info", "warning"]
_LEVELS: dict[StepStatus, Level] = {"failed": "warning", "retrying": "info", "completed": "info", "compensated": "info"}
"""How much the end of a step matters; everything else is for finding faults."""


def logged(watch: Watch | None, run: RunRecord) -> Watch | None:
    """The same watch; the steps of a run of a workflow are logged as well."""
    if not run.terms:
        return watch
    least = _number(run.terms["log_level"])

    def both(event: Progress) -> None:
        if watch is not None:
            watch(event)
        level: Level = _LEVELS.get(event.status, "debug") if event.status else "debug"
        if event.status is not None and _number(level) >= least:
            log = structlog.get_logger()
            getattr(log, level)(f"step {event.status}", run=run.id, step=event.path, message=event.message)

    return both


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
