"""Logs of the process: to standard error, from the level that the settings name."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict

Level = Literal["debug", "info", "warning", "error"]


class _ToStandardError:
    """Writes where standard error leads now: while a live picture is drawn, lines go above it."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")

    debug = info = warning = error = critical = exception = fatal = warn = log = msg


class _Handler(logging.Handler):
    """The same for libraries that use the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


def _without_steps(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Leaves out lines on steps: the display and the summary of a command tell of those."""
    if str(event["event"]).startswith("step "):
        raise structlog.DropEvent
    return event


def configure_logs(level: Level, *, steps: bool = True) -> None:
    """Sets the level of our own logs; libraries are heard from one level higher, unless it is `debug`.

    Without `steps` nothing is logged of the steps of workflows.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            *(() if steps else (_without_steps,)),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_ToStandardError,
        cache_logger_on_first_use=False,
    )
    libraries = number if level == "debug" else min(number + 10, logging.ERROR)
    root = logging.getLogger()
    root.setLevel(libraries)
    handler = next((each for each in root.handlers if isinstance(each, _Handler)), None)
    if handler is None:
        handler = _Handler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
    handler.setLevel(libraries)  # some libraries set their own logger to DEBUG


def silence_requests() -> None:
    """The HTTP libraries say nothing below a warning: their lines hold addresses with parameters, and headers."""
    for name in ("httpx", "httpcore", "hishel", "ddgs", "primp"):
        logging.getLogger(name).setLevel(logging.WARNING)
