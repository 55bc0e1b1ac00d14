"""What a database says went wrong, as the classes of errors that retry policies and error handlers go by."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from state.errors import ToolFailed
from tools.database.postgres import TOO_LARGE
from tools.database.results import MOST_ROW_BYTES, too_slow

if TYPE_CHECKING:  # slow to import, and the process of a DuckDB file begins often
    from state.workflow.policies import ErrorClass

_SAID = 400
"""Characters of the database's own words that an error repeats."""
_STATES: "dict[str, ErrorClass]" = {
    "57014": "timeout",
    "25006": "refused",  # a read-only transaction
    "25001": "refused",  # read-only mode cannot be left once there is a snapshot
    "42501": "refused",  # no right
    "40001": "unavailable",  # another transaction was faster: worth another try
    "40P01": "unavailable",
    "55P03": "unavailable",
    "08": "unavailable",
    "57P": "unavailable",
    "25P03": "refused",  # the transaction was idle too long and is gone
    "53": "limit",
    "54": "limit",
}
"""By the beginning of PostgreSQL's SQLSTATE, the longest that fits; all others are `bad_input`."""
_WORDS: "tuple[tuple[ErrorClass, tuple[str, ...]], ...]" = (
    ("timeout", ("interrupted",)),
    ("limit", ("too big", "out of memory", "too large", "out of range for limit", "failed to allocate", "too many")),
    (
        "refused",
        (
            "readonly",
            "read-only",
            "not authorized",
            "authorization denied",
            "prohibited",
            "permission error",
            "cannot change config",
        ),
    ),
    ("refused", ("statement of type", "only execute one statement")),
    ("unavailable", ("locked", "busy", "unable to open", "connection refused", "closed the connection", "io error")),
    ("unavailable", ("cannot open", "could not set lock", "connection failed", "connection timeout")),
)
"""By what SQLite and DuckDB say, in small letters."""


@contextmanager
def told(place: str, secrets: Sequence[str], seconds: float) -> Iterator[None]:
    """Around work with a database: its errors become ToolFailed, without the cause, which may hold an address."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise _failed(error.orig or error, place, secrets, seconds) from None
    except (MemoryError, sqlite3.Error, sqlite3.Warning, SQLAlchemyError, OSError, ValueError, OverflowError) as error:
        raise _failed(error, place, secrets, seconds) from None
    except ToolFailed as error:
        raise ToolFailed(error.message, error.error, place=error.place or place, remedy=error.remedy) from None


def _failed(error: BaseException, place: str, secrets: Sequence[str], seconds: float) -> ToolFailed:
    from tools.http.answers import masked

    kind = _kind(error)
    if kind == "timeout":
        slow = too_slow(seconds)
        return ToolFailed(slow.message, "timeout", place=place, remedy=slow.remedy)
    said = masked(" ".join(str(error).split())[:_SAID] or type(error).__name__, secrets).rstrip(".")
    remedy = f"A row may have {MOST_ROW_BYTES:,} bytes: ask for less of it." if kind == "limit" else None
    return ToolFailed(f"The database says: {said}.", kind, place=place, remedy=remedy)


def _kind(error: BaseException) -> "ErrorClass":
    if isinstance(error, MemoryError) or TOO_LARGE in str(error):
        return "limit"
    if state := getattr(error, "sqlstate", None):
        fitting = [begin for begin in _STATES if state.startswith(begin)]
        return _STATES[max(fitting, key=len)] if fitting else "bad_input"
    said = str(error).lower()
    known = next((kind for kind, words in _WORDS if any(word in said for word in words)), None)
    if known is None and type(error).__name__ == "OperationalError" and type(error).__module__.startswith("psycopg"):
        return "unavailable"  # it has no state where there is no server
    return known or "bad_input"
