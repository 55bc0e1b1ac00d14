"""One column of raw cells becomes one typed column: numbers, dates or text, and every change in words.

Nothing is changed silently: what is read as missing, as a percentage, as thousands or as a date is said, and
what cannot be told for certain is left as text, and that is said too.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import quantiles
from typing import Any, cast

import pandas as pd

from tools.documents.tables import MISSING
from tools.number_texts import MOSTLY, read_numbers
from tools.numerals import plain

_LEADING_ZERO = re.compile(r"0\d+")
_SENTINEL = re.compile(r"-(99|9\.99|99\.9|9{3,}|9{2,}\.9+)")
_DATES: tuple[tuple[str, str], ...] = (
    (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", "ISO8601"),
    (r"\d{4}-\d\d", "%Y-%m"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{1,2} [A-Za-z]{4,9} \d{4}", "%d %B %Y"),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", "%d %b %Y"),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", "%d-%b-%Y"),
    (r"[A-Za-z]{4,9} \d{4}", "%B %Y"),
    (r"[A-Za-z]{3} \d{4}", "%b %Y"),
    (r"[A-Za-z]{3}-\d{4}", "%b-%Y"),
    (r"[A-Za-z]{3,9} \d{1,2}, \d{4}", "%B %d, %Y"),
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")


@dataclass(frozen=True)
class Column:
    """A cleaned column: its values, what was changed, and `%` as its unit where it held percentages."""

    values: "pd.Series[Any]"
    changes: tuple[str, ...] = ()
    unit: str = ""


def clean(name: str, cells: Sequence[object], *, decimal_comma: bool = False) -> Column:
    """Find the type of a column and convert it.

    `cells` are texts, or what a spreadsheet gives: numbers, dates, truth values, None. `decimal_comma` says
    that the file separates its fields by something else than a comma, so that `1,234` is a bit more than one.
    """
    values, changes = _missing(name, cells)
    known = [value for value in values if value is not None]
    if not known or all(isinstance(value, bool) for value in known):
        return Column(pd.Series(values, dtype=object), changes)
    if all(isinstance(value, date) for value in known):
        return Column(pd.to_datetime(pd.Series(values, dtype=object)), changes)
    attempts: tuple[Callable[[], Column | None], ...] = (
        lambda: _numbers(name, values, decimal_comma),
        lambda: _dates(name, values),
    )
    for attempt in attempts:
        if column := attempt():
            return Column(column.values, (*changes, *column.changes), column.unit)
    texts = [None if value is None else str(value) for value in values]
    return Column(pd.Series(texts, dtype=object), (*changes, *_doubts(name, known)))


def _missing(name: str, cells: Sequence[object]) -> tuple[list[Any], tuple[str, ...]]:
    """The cells with None for missing markers; empty cells are not worth a word, other markers are."""
    markers: Counter[str] = Counter()
    values: list[Any] = []
    for cell in cells:
        text = cell.strip() if isinstance(cell, str) else cell
        if isinstance(text, str) and text.casefold() in MISSING:
            markers[text] += bool(text)
            text = None
        values.append(text)
    named = ", ".join(f"“{marker}”" for marker, count in markers.items() if count)
    total = sum(markers.values())
    return values, (f"{name}: {total} cells with {named} read as missing",) if total else ()


def _numbers(name: str, values: Sequence[Any], decimal_comma: bool) -> Column | None:
    """The column as numbers; None if it is not one of numbers."""
    texts = [str(value) for value in values if value is not None]
    if any(_LEADING_ZERO.fullmatch(text) for text in texts):
        return None
    found = read_numbers(texts, decimal_comma)
    if len(found.currencies) > 1 or 0 < found.percentages < MOSTLY * len(texts):
        return None
    read = iter(found.numerals)
    numbers = [_number(next(read)) if value is not None else None for value in values]
    unread = [value for value, number in zip(values, numbers, strict=True) if value is not None and number is None]
    if len(unread) > (1 - MOSTLY) * len(texts) or len(unread) == len(texts):
        return None
    changes = found.changes(name)
    if unread:
        named = ", ".join(f"“{_short(value)}”" for value in list(dict.fromkeys(unread))[:3])
        changes.append(f"{name}: {len(unread)} of {len(texts)} values are not numbers ({named}) and count as missing")
    numbers, said = _sentinels(name, numbers)
    return Column(_series_of_numbers(numbers), (*changes, *said), "%" if found.percentages else "")


def _number(numeral: str | None) -> float | int | None:
    if numeral is None:
        return None
    return int(numeral) if re.fullmatch(r"[+-]?\d{1,18}", numeral) else float(numeral)


def _sentinels(name: str, numbers: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Take -99.99 and its like as missing where they lie far outside the rest; say so, as where they stay."""
    known = [each for each in numbers if each is not None]
    suspects = Counter(each for each in known if each < 0 and _SENTINEL.fullmatch(plain(each)))
    rest = sorted(each for each in known if each not in suspects)
    changes, gone = [], set()
    for suspect, count in sorted(suspects.items()):
        times = f"{count} {'value' if count == 1 else 'values'} of {plain(suspect)}"
        if _far_outside(suspect, rest):
            gone.add(suspect)
            bounds = f"{plain(rest[0])} to {plain(rest[-1])}"
            changes.append(f"{name}: {times} read as missing, far outside the rest ({bounds})")
        else:
            changes.append(f"{name}: {times} kept, though it is often a missing marker")
    return [None if each in gone else each for each in numbers], changes


def _far_outside(suspect: float, rest: Sequence[float]) -> bool:
    """Whether a value lies below all others by more than half their range and three interquartile ranges."""
    if len(rest) < 3:
        return False
    gap = rest[0] - suspect
    lower, _, upper = quantiles(rest, n=4)
    return gap > 0.5 * (rest[-1] - rest[0]) and gap > 3 * (upper - lower)


def _series_of_numbers(numbers: Sequence[Any]) -> "pd.Series[Any]":
    """Whole numbers without gaps stay whole; all else becomes float with NaN for missing."""
    whole = all(isinstance(each, int) for each in numbers)
    return pd.Series(list(numbers), dtype="int64" if whole else "float64")


def _dates(name: str, values: Sequence[Any]) -> Column | None:
    """The column as dates; None if it is not one of dates, or if day and month cannot be told apart."""
    texts = [
        None if value is None else value.isoformat() if isinstance(value, date) else str(value) for value in values
    ]
    known = [text for text in texts if text]
    form = next((form for pattern, form in _DATES if all(re.fullmatch(pattern, text) for text in known)), None)
    form = form or _slashed_form(known)
    if form is None:
        return None
    read = pd.to_datetime(pd.Series(texts, dtype=object), format=form, errors="coerce", utc=True)
    read = read.dt.tz_convert(None)
    unread = int(read.isna().sum()) - (len(texts) - len(known))
    if unread > (1 - MOSTLY) * len(known):
        return None
    changes = [f"{name}: read as dates of the form {form}"] if form != "ISO8601" else []
    if unread:
        changes.append(f"{name}: {unread} values are no dates of the calendar and count as missing")
    return Column(cast("pd.Series[Any]", read), tuple(changes))


def _slashed_form(texts: Sequence[str]) -> str | None:
    """`%d/%m/%Y` or `%m/%d/%Y` where a part above 12 tells which."""
    parts = [found.groups() for text in texts if (found := _SLASHED.fullmatch(text))]
    if len(parts) != len(texts):
        return None
    day_first, month_first = any(int(a) > 12 for a, _ in parts), any(int(b) > 12 for _, b in parts)
    if day_first == month_first:
        return None
    return "%d/%m/%Y" if day_first else "%m/%d/%Y"


def _doubts(name: str, known: Sequence[object]) -> tuple[str, ...]:
    """Why a column that looks like numbers or dates was left as text."""
    texts = [str(value) for value in known]
    if all(_SLASHED.fullmatch(text) for text in texts):
        return (f"{name}: left as text, as day and month cannot be told apart",)
    if any(_LEADING_ZERO.fullmatch(text) for text in texts) and all(text.isdigit() for text in texts):
        return (f"{name}: left as text, as leading zeros mean identifiers, not numbers",)
    found = read_numbers(texts)
    if found.known > len(texts) / 2:
        why = f"as it mixes {found.mixture}" if found.mixture else f"only {found.known} of {len(texts)} values can be"
        return (f"{name}: left as text, {why}{'' if found.mixture else ' read as numbers'}",)
    return ()


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 30 else f"{text[:29]}…"
