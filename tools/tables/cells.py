"""The values of a table's cells: as they are in memory, as text that keeps them exactly, and read from text.

In memory a value is an `int`, `float`, `Decimal`, `str`, `bool`, `datetime` without a time zone (UTC), or None where
it is missing. Floating-point numbers are finite, and stand for the decimals that they are written as: 0.1 is a tenth.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from state.tables import ColumnType
from tools.number_texts import read_numbers
from tools.storable import storable

NUMBERS: frozenset[ColumnType] = frozenset(("whole", "number", "decimal"))
_TRUTHS: Mapping[str, bool] = dict.fromkeys(("true", "yes", "y", "1"), True) | dict.fromkeys(
    ("false", "no", "n", "0"), False
)
_WIDEST = 2**63


def exact(value: Any) -> Decimal:
    """A number as the decimal that it is written as."""
    return value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)


def alike(value: Any) -> Any:
    """The value in a form in which 1, 1.0 and Decimal("1.00") are one key, and True is no 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return (type(value).__name__, value)
    return exact(value)


def converted(value: Any, wanted: ColumnType, date_format: str | None = None) -> Any:
    """The value as one of a type; ValueError where it is none. `date_format` is strptime's; ISO 8601 without it."""
    if wanted == "date":
        return _date(value, date_format)
    return _CONVERT[wanted](value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, datetime):
        raise ValueError("a date is no number")
    if isinstance(value, str):
        read = read_numbers([value])
        if read.numerals[0] is None or read.percentages:
            raise ValueError("no number")
        return Decimal(read.numerals[0])
    number = exact(int(value) if isinstance(value, bool) else value)
    if not number.is_finite():
        raise ValueError("no finite number")
    return number


def _whole(value: Any) -> int:
    number = _decimal(value)
    if abs(number) >= _WIDEST or number != number.to_integral_value():
        raise ValueError("no whole number of 64 bits")
    return int(number)


def _number(value: Any) -> float:
    number = float(_decimal(value))
    if not math.isfinite(number):
        raise ValueError("too large")
    return number


def _text(value: Any) -> str:
    return storable(value if isinstance(value, str) else written(value))


def _truth(value: Any) -> bool:
    known = _TRUTHS.get(written(value).strip().casefold())
    if known is None:
        raise ValueError("neither yes nor no")
    return known


def _date(value: Any, form: str | None) -> datetime:
    if isinstance(value, date):
        return _naive(value)
    if not isinstance(value, str):
        raise ValueError("no date")
    text = value.strip()
    return _naive(datetime.strptime(text, form) if form else datetime.fromisoformat(text))  # noqa: DTZ007 - UTC


def _naive(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, datetime.min.time())
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


_CONVERT: Mapping[ColumnType, Callable[[Any], Any]] = {
    "whole": _whole,
    "number": _number,
    "decimal": _decimal,
    "text": _text,
    "truth": _truth,
}


def written(value: Any) -> str:
    """The value as text that reads back as it was; dates without a time of day as days."""
    if isinstance(value, datetime):
        return value.isoformat() if value.time() != datetime.min.time() else value.date().isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_json(value: Any) -> Any:
    """The value in JSON: decimals and dates as text."""
    return value if value is None or isinstance(value, str | int | float) else written(value)


def from_json(value: Any, type_: ColumnType) -> Any:
    """What `as_json` wrote."""
    if value is None:
        return None
    readers: Mapping[ColumnType, Callable[[Any], Any]] = {
        "number": float,
        "decimal": Decimal,
        "date": datetime.fromisoformat,
    }
    return readers[type_](value) if type_ in readers else value
