"""Rows as JSON values, fetched a few at a time and cut at the limits: no result fills the memory.

Exact decimals and whole numbers beyond 64 bits stay exact: the former are text. Dates and times are ISO 8601, bytes
`{"base64": …}`, infinities and NaN text.
"""

import base64
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from time import monotonic
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from state.errors import ToolFailed
from state.runs import Json

if TYPE_CHECKING:  # slow to import
    from sqlalchemy import CursorResult

MOST_ROWS = 100_000
MOST_BYTES = 50_000_000
MOST_ROW_BYTES = 1_000_000
"""Of one row, and of one text or blob: the databases refuse to make a longer one."""
BATCH = 20
"""Rows that are fetched at a time: so many of the longest fit into memory."""
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Limits:
    """How much of a result is wanted, and how long it may take."""

    rows: int = 1000
    bytes: int = 5_000_000
    seconds: float = 30.0


class Column(BaseModel):
    """A column of a result."""

    name: str
    type: str = Field(description="As the database calls it; SQLite by the first value; empty if not known.")


class Rows(BaseModel):
    """What a statement gave back."""

    columns: list[Column]
    rows: list[Json] = Field(description="By column name; a second column of a name has _2 behind it.")
    row_count: int = Field(description="How many rows are here.")
    truncated: bool = Field(description="Whether there were more than max_rows or max_bytes allow.")


class Changed(BaseModel):
    """What a statement changed."""

    changed: int = Field(description="How many rows; -1 if the database does not say.")
    columns: list[Column] = Field(default_factory=list, description="Of RETURNING.")
    rows: list[Json] = Field(default_factory=list)
    truncated: bool = False


def fetched(result: "CursorResult[Any]", limits: Limits, ends: float) -> Rows:
    """The rows as far as the limits go. Raises ToolFailed (`timeout`) when `monotonic()` has passed `ends`."""
    names = list(_distinct(result.keys()))
    said = [_said(each) for each in (result.cursor.description or ())] if result.cursor is not None else []
    rows: list[Json] = []
    size, cut = 0, False
    while not cut and (batch := result.fetchmany(BATCH)):
        if monotonic() > ends:
            raise too_slow(limits.seconds)
        for row in batch:
            values = dict(zip(names, map(json_value, row), strict=True))
            size += len(json.dumps(values))
            if len(rows) >= limits.rows or size > limits.bytes:
                cut = True
                break
            rows.append(values)
    result.close()
    columns = [
        Column(name=name, type=type_ or _seen(row[name] for row in rows))
        for name, type_ in zip_longest(names, said, fillvalue="")
    ]
    return Rows(columns=columns, rows=rows, row_count=len(rows), truncated=cut)


def json_value(value: object) -> Any:
    """A value of a database as one of JSON. UUIDs, network addresses and ranges are text, as SQL writes them."""
    write = next((write for types, write in _WRITERS if isinstance(value, types)), str)
    return write(value)


def too_slow(seconds: float) -> ToolFailed:
    """The error of a statement that took too long."""
    remedy = "Ask for less, or raise timeout."
    return ToolFailed(f"The statement took longer than {seconds:g} s and was ended.", "timeout", remedy=remedy)


def _duration(value: timedelta) -> str:
    """ISO 8601, in seconds: months and years of an interval were days before they came here."""
    seconds = Decimal(value.days * 86_400 + value.seconds) + Decimal(value.microseconds).scaleb(-6)
    return f"{'-' if seconds < 0 else ''}PT{format(abs(seconds).normalize(), 'f')}S"


def _exact(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else str(value)


_WRITERS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((type(None), bool, str), lambda value: value),
    ((int,), lambda value: value if _LOWEST <= value <= _HIGHEST else str(value)),
    ((float,), lambda value: value if math.isfinite(value) else str(value)),
    ((Decimal,), _exact),
    ((date, time), lambda value: value.isoformat()),  # a datetime is a date
    ((timedelta,), _duration),
    ((bytes, bytearray, memoryview), lambda value: {"base64": base64.b64encode(bytes(value)).decode()}),
    ((dict,), lambda value: {str(name): json_value(part) for name, part in value.items()}),
    ((list, tuple, set), lambda value: [json_value(part) for part in value]),
)
"""How values are written, by type; the first that fits."""


def _distinct(names: Iterable[str]) -> Iterable[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"


def _said(described: Any) -> str:
    """The type in a column's description: psycopg has its name, DuckDB an object that writes it, SQLite nothing."""
    if shown := getattr(described, "type_display", ""):
        return str(shown)
    return str(described[1]).lower() if len(described) > 1 and described[1] is not None else ""


def _seen(values: Iterable[Any]) -> str:
    first = next((value for value in values if value is not None), None)
    names: dict[type, str] = {int: "integer", bool: "boolean", float: "real", str: "text", dict: "blob"}
    return names.get(type(first), "")
