"""The numbers of a statement against the numbers of a text: the same value with its unit, a correct rounding, or the
same quantity in another unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tools.dates import MONTHS, Date, find_dates
from tools.quantities import SCALES, unit_at
from tools.units import conversions, convertible

_TOKEN = re.compile(
    r"(?<![A-Za-z\d])\d+(?:[.,:\u00a0\u2009\u202f]\d+)*"
    rf"(?:[\s-]?(?P<scale>{'|'.join(SCALES)})\b)?",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[,\u00a0\u2009\u202f]\d{2,3})*[,\u00a0\u2009\u202f]\d{3}(?:\.\d+)?")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d])")
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_COMMA = re.compile(r"\d+,\d+")
_ABOUT = re.compile(r"(?:about|around|roughly|approximately|approx\.?|nearly|almost|some|circa|~|≈)\s*$", re.IGNORECASE)
_CENTURY = re.compile(r"([12]\d)\d\d[-–/]$")
"""Before the second year of `2018–19`."""
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_WORDS = {
    **{word: float(value) for value, word in enumerate(_ONES.split())},
    **{word: 10.0 * value for value, word in enumerate(_TENS.split(), 2)},
}
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?:\s(?P<scale>{'|'.join(SCALES)})\b)?", re.IGNORECASE)
_SMALLEST_ROUNDED = 10
"""Whole numbers below this are no rounding of a decimal unless the statement says `about`: 4 is not 3.7."""
_AMBIGUOUS = ({"£", "lb"}, {"K", "kB"}, {"t", "lb"}, {"t", "ton"}, {"m", "min"})
"""Units that are written alike: pounds, K, ton, m."""
_CONVERTED = 0.05
"""Relative difference beyond which a value in another unit is another value, however few digits are printed."""
_YEARS = range(1000, 2200)
"""Whole numbers that may be a year where they are written without a separator."""
_NEXT = re.compile(r"[\s-]*([A-Za-z]+)")


@dataclass(frozen=True)
class _Number:
    text: str
    value: float | None
    """None for what is no single number: `9.2.1`, `10:30`."""
    step: float = 1.0
    """The value of one in the last digit that is written: 0.01 for 418.53, 1e5 for 5.4 million."""
    is_about: bool = False
    unit: str = ""
    """In its usual form; empty where none stands beside it."""
    per: str = ""
    """What the unit is per: `l` in `mg/l`."""
    end: int = 0
    """Where its unit ends in the text."""
    is_grouped: bool = False
    """Whether it is written with separators, as no year is."""
    next_word: str = ""


def missing_numbers(statement: str, text: str) -> tuple[str, ...]:
    """The numbers and dates of `statement` that `text` does not state, as the statement writes them.

    A number counts as stated when it is a correct rounding of one with more digits (418.5 for 418.53, 5.4
    million for 5,412,345) or stands there in another unit (`restated`), has no other unit there, and is no year there
    (`2,020` people are not the year 2020). A date counts as stated when a date of the text has the same day and month
    and no other year.
    """
    statement = restated(statement, text)
    dates = find_dates(statement)
    stated = [*_numbers(text), *_spelled(text)]
    missing = [(date.start, statement[date.start : date.end]) for date in dates if not _states_date(text, date, stated)]
    outside = list(statement)
    spaced = [match.span() for match in _SPACED.finditer(statement) if _is_stated(_spaced(match), stated)]
    for start, end in [*((date.start, date.end) for date in dates), *spaced]:
        outside[start:end] = " " * (end - start)
    wanted = _placed("".join(outside))
    missing += [(place, _named(number, stated)) for place, number in wanted if not _is_stated(number, stated)]
    return tuple(dict.fromkeys(written for _, written in sorted(missing)))


def restated(statement: str, text: str) -> str:
    """The statement with the quantities that `text` has in another unit or with another scale as the text writes them:
    `412 metres` for `0.412 km`, within what the printed digits leave open, `5,000,000` for `5 million`.
    """
    placed = _placed(text)
    for place, number in reversed(_placed(statement)):
        as_it_is = any(each.text == number.text and _states(each, number) for _, each in placed)
        found = None if as_it_is else next((each for each in placed if _restates(each[1], number)), None)
        if found:
            statement = statement[:place] + text[found[0] : found[1].end] + statement[number.end :]
    return statement


def stating(statement: str, text: str) -> list[tuple[int, int]]:
    """Start and end offset of each number of `text` that states one of `statement`."""
    wanted = [number for _, number in _placed(statement)]
    return [
        (place, place + len(number.text))
        for place, number in _placed(text)
        if any(_states(number, each) for each in wanted)
    ]


def _states_date(text: str, wanted: Date, stated: Sequence[_Number]) -> bool:
    """Whether `text` has the day and month together, and the year with them or elsewhere."""
    has_year = wanted.year is None or any(number.value == wanted.year for number in stated)
    alone = list(text)
    for date in find_dates(text):
        if date.year:
            alone[date.start : date.end] = " " * (date.end - date.start)
        if date.agrees(wanted) and (date.day or not wanted.day) and (date.year or has_year):
            return True
    month = MONTHS[wanted.month - 1]
    month_alone = re.search(rf"\b{month}\b", "".join(alone), re.IGNORECASE) is not None
    return wanted.day is None and has_year and month_alone


def _numbers(text: str) -> list[_Number]:
    return [*(number for _, number in _placed(text)), *map(_spaced, _SPACED.finditer(text))]


def _spaced(match: re.Match[str]) -> _Number:
    """`1 250 000` as one number; as a row of three it may be read too."""
    return _number(match.group().replace(" ", ","), None)


@lru_cache(maxsize=64)
def _placed(text: str) -> tuple[tuple[int, _Number], ...]:
    """The numbers of a text, each with its place; a passage is asked for many times."""
    placed = []
    for match in _TOKEN.finditer(text):
        written = match.group()
        about = _ABOUT.search(text, max(0, match.start() - 16), match.start()) is not None
        century = _CENTURY.search(text, max(0, match.start() - 5), match.start())
        if century and len(written) == 2:
            number = _Number(written, float(century.group(1) + written))
        else:
            number = _number(written, match["scale"], is_about=about)
        following = _NEXT.match(text, match.end())
        unit, per, end = unit_at(text, *match.span())
        word = following.group(1).lower() if following else ""
        placed.append((match.start(), replace(number, unit=unit, per=per, end=end, next_word=word)))
    return tuple(placed)


def _number(written: str, scale: str | None, *, is_about: bool = False) -> _Number:
    digits = written[: len(written) - len(scale)].rstrip(" -\n\t") if scale else written
    is_grouped = _THOUSANDS.fullmatch(digits) is not None
    if is_grouped:
        digits = re.sub(r"[,\u00a0\u2009\u202f]", "", digits)
    elif _COMMA.fullmatch(digits):
        digits = digits.replace(",", ".")
    elif not _PLAIN.fullmatch(digits):
        return _Number(written, None)
    factor = SCALES[scale.lower()] if scale else 1.0
    decimals = len(digits.partition(".")[2])
    return _Number(written, float(digits) * factor, factor * 10.0**-decimals, is_about, is_grouped=is_grouped)


def _spelled(text: str) -> list[_Number]:
    return [
        _Number(
            match.group(),
            _WORDS[match.group().split()[0].lower()] * SCALES.get((match["scale"] or "").lower(), 1),
        )
        for match in _WORD.finditer(text)
    ]


def _is_stated(wanted: _Number, stated: Sequence[_Number]) -> bool:
    return any(_states(other, wanted) for other in stated)


def _named(wanted: _Number, stated: Sequence[_Number]) -> str:
    """The number as it is written, with its unit where that alone is wrong."""
    only_unit = bool(wanted.unit) and _is_stated(replace(wanted, unit=""), stated)
    return f"{wanted.text} {wanted.unit}" if only_unit else wanted.text


def _states(stated: _Number, wanted: _Number) -> bool:
    if stated.value is None or wanted.value is None:
        return stated.text == wanted.text
    if not _same_unit(stated.unit, wanted.unit) or _one_is_a_year(stated, wanted):
        return False
    if abs(stated.value - wanted.value) <= 1e-9 * max(1.0, abs(wanted.value)):
        return True
    if wanted.step == 1 and wanted.value < _SMALLEST_ROUNDED and not wanted.is_about:
        return False
    return stated.step < wanted.step and abs(stated.value - wanted.value) <= wanted.step / 2 * (1 + 1e-9)


def _restates(stated: _Number, wanted: _Number) -> bool:
    if _converts(stated, wanted):
        return True
    is_scaled = stated.text[-1].isalpha() != wanted.text[-1].isalpha()
    return is_scaled and stated.value == wanted.value and _states(stated, wanted)


def _converts(stated: _Number, wanted: _Number) -> bool:
    """Whether one is the other in another unit, as far as the digits of both tell."""
    here, there = (f"{each.unit}/{each.per}" if each.per else each.unit for each in (stated, wanted))
    if stated.value is None or wanted.value is None or here == there or not convertible(here, there):
        return False
    for conversion in conversions(here, there):
        off = abs(conversion.of(stated.value) - wanted.value)
        open_digits = (stated.step * conversion.factor + wanted.step) / 2
        if off <= min(open_digits, _CONVERTED * abs(wanted.value)) * (1 + 1e-9):
            return True
    return False


def _same_unit(stated: str, wanted: str) -> bool:
    """Whether two units may be the same; one that is not written, as in a column of figures, may be any."""
    return not stated or not wanted or stated == wanted or any({stated, wanted} == pair for pair in _AMBIGUOUS)


def _one_is_a_year(stated: _Number, wanted: _Number) -> bool:
    """Whether one number is written as no year is, the other as a year, and not of the same thing."""
    if stated.is_grouped == wanted.is_grouped or stated.value not in _YEARS or stated.unit or wanted.unit:
        return False
    return not wanted.next_word or stated.next_word != wanted.next_word
