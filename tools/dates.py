"""Dates as texts write them: found, compared, and brought into ISO 8601."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?|"
    r"sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_DAY = r"(?P<day>\d{1,2})(?!,\d{3}(?!\d))(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})"
_PATTERNS = tuple(
    re.compile(rf"(?<![\w.,-]){pattern}(?![\w])", re.IGNORECASE)
    for pattern in (
        r"(?P<year>[12]\d{3})-(?P<number>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?",
        r"(?P<year>[12]\d{3})/(?P<number>0?[1-9]|1[0-2])/(?P<day>0?[1-9]|[12]\d|3[01])",
        r"(?P<number>0?[1-9]|1[0-2])/(?P<day>0?[1-9]|[12]\d|3[01])/(?P<year>[12]\d{3})",
        r"(?P<day>0?[1-9]|[12]\d|3[01])/(?P<number>0?[1-9]|1[0-2])/(?P<year>[12]\d{3})",
        r"(?P<day>0?[1-9]|[12]\d|3[01])\.\s?(?P<number>0?[1-9]|1[0-2])\.\s?(?P<year>[12]\d{3})",
        rf"{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_YEAR})?",
        rf"{_MONTH}\s+{_DAY}(?:,?\s+{_YEAR})?",
        rf"{_MONTH},?\s+(?:of\s+)?{_YEAR}",
    )
)


@dataclass(frozen=True)
class Date:
    """A date at `text[start:end]`; what the text does not say is None."""

    start: int
    end: int
    year: int | None
    month: int
    day: int | None

    def agrees(self, other: "Date") -> bool:
        """Whether both may be the same date: nothing that both state differs."""
        return self.month == other.month and all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in ((self.year, other.year), (self.day, other.day))
        )

    def iso(self) -> str | None:
        """The date as ISO 8601 (day or month); None if it has no year."""
        if self.year is None:
            return None
        day = f"-{self.day:02}" if self.day else ""
        return f"{self.year}-{self.month:02}{day}"


def find_dates(text: str) -> list[Date]:
    """The dates in `text` that state at least a month, in order; years that stand alone are left out.

    `3/4/2021` is read as the 4th of March, `3.4.2021` as the 3rd of April.
    """
    found: list[Date] = []
    for pattern in _PATTERNS:
        for date in _matches(pattern, text):
            if all(date.end <= known.start or date.start >= known.end for known in found):
                found.append(date)
    return sorted(found, key=lambda date: date.start)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[Date]:
    for match in pattern.finditer(text):
        parts = match.groupdict()
        day = int(parts["day"]) if parts.get("day") else None
        if day is not None and not 1 <= day <= 31:
            continue
        year = int(parts["year"]) if parts.get("year") else None
        month = int(parts["number"]) if parts.get("number") else _month(parts["month"])
        yield Date(match.start(), match.end(), year, month, day)


def _month(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


_STATED = re.compile(
    r"^\W*(?:(?:published|updated|modified|released|revised|issued|posted|created|date|report date|publication date|"
    r"last (?:updated|modified|revised)|as of)(?:\s+on)?)\s*:?\s*(?P<rest>.{4,60})$",
    re.IGNORECASE | re.MULTILINE,
)


def iso_date(text: str) -> str | None:
    """The first date of a metadata value as ISO 8601 (year, month or day), e.g. from
    `2022-03-01T10:00:00Z`.
    """
    dates = [date.iso() for date in find_dates(text[:100]) if date.year]
    if dates:
        return dates[0]
    year = re.fullmatch(r"\s*([12]\d{3})\s*", text)
    return year.group(1) if year else None


def stated_date(text: str) -> str | None:
    """The date that the head of a text states on a line of its own, e.g. `Published: 12 March 2022`."""
    for match in _STATED.finditer(text[:3000]):
        date = iso_date(match.group("rest"))
        if date:
            return date
    return None
