"""When two figures in two statements are of the same thing, and when they then differ.

Both answers are cautious: a false alarm costs a reader's trust, a miss only an entry in a list. Statements
about other times or other names, or with several figures that cannot be told apart, are not compared. What a
statement is of that does not name it is told by its context (`subjects`).
"""

import math
import re
from functools import lru_cache

from graphs.coordination.statements import negations, numbers, word_set
from graphs.coordination.subjects import Subjects
from state.evidence import Claim, Passage, Quantity
from tools.facts import check_statement, same_subject
from tools.measures import MEASURES
from tools.quantities import own_clause, rest_of_clause

_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]|20|21)\d\d(?![\d%]|[.,]\d)")
_NAME = re.compile(r"\b[A-Z][\w-]*")
_BOUND = re.compile(
    r"(?:(?:more|less|fewer|greater|higher|lower|later|earlier) than|at (?:least|most)|up to|over|under|above"
    r"|below|exceed\w*|beyond|within|[<>≤≥])\s*$",
    re.IGNORECASE,
)
_MORE = re.compile(r"\s*(?:more|fewer|less|other|others|additional|extra|further)\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:about|around|approx\w*\.?|roughly|some|circa|ca?\.|close to|nearly|almost|[~≈])\s*$", re.IGNORECASE
)
_WRITTEN = re.compile(r"\d[\d,]*(?:\.\d+)?")
_DIMENSION = re.compile(r"\s*(long|wide|high|tall|deep|thick|old|away|apart|across)\b", re.IGNORECASE)
_MEASURE_OF = re.compile(rf"\b({'|'.join(MEASURES)})\s+of\s+(?:\w+\s+)?$", re.IGNORECASE)
_ROUGH = 0.05
"""Relative difference that `about` and trailing zeros leave open."""
_GREATEST = 1e100
"""Values beyond are taken for misread."""


def comparable_figures(one: Claim, other: Claim, subjects: Subjects) -> list[tuple[int, int]]:
    """Places in the quantities of two claims whose figures are of the same thing, whatever their values.

    Several figures of a unit are told apart by what they measure (`long`, `wide`), else by their order, or not at all.
    """
    units = {quantity.unit for quantity in one.quantities} & {quantity.unit for quantity in other.quantities}
    if not units or not subjects.same(one, other):
        return []
    pairs = [pair for unit in sorted(units) for pair in _pairs(one, other, unit)]
    return [(left, right) for left, right in pairs if _same_thing(one, left, other, right)]


def differ(one: Claim, left: Quantity, other: Claim, right: Quantity) -> bool:
    """Whether two figures of the same thing exclude each other, beyond rounding and what `about` leaves open.

    A figure that is only a bound (`more than`, `up to`) or comes to another (`97 more`) excludes nothing here.
    """
    leads = [_lead(one.text, left), _lead(other.text, right)]
    if any(_BOUND.search(lead) for lead in leads) or any(_adds(*side) for side in ((one, left), (other, right))):
        return False
    scale = max(abs(left.value), abs(right.value))
    rough = _ROUGH * scale if any(_ABOUT.search(lead) for lead in leads) else 0.0
    slack = max(_rounding(left), _rounding(right), rough)
    return abs(left.value - right.value) > slack * (1 + 1e-9) + 1e-12 * scale


def stated_in(quantity: Quantity, passage: Passage) -> bool:
    """Whether the figure, or one that it is a rounding of, stands in the passage."""
    if numbers(quantity.text) <= numbers(passage.text):
        return True
    return not check_statement(quantity.text, [passage]).missing_numbers


def _pairs(one: Claim, other: Claim, unit: str) -> list[tuple[int, int]]:
    """Which figure of the unit is compared with which."""
    mine, theirs = _places(one, unit), _places(other, unit)
    if len(mine) == len(theirs) == 1:
        return [(mine[0], theirs[0])]
    measured = [
        {_dimension(claim, place): place for place in places} for claim, places in ((one, mine), (other, theirs))
    ]
    if len(measured[0]) == len(mine) and len(measured[1]) == len(theirs):
        return [(measured[0][kind], measured[1][kind]) for kind in measured[0] if kind in measured[1]]
    return list(zip(mine, theirs, strict=True)) if len(mine) == len(theirs) else []


def _dimension(claim: Claim, place: int) -> str:
    """What a figure measures, by the word after it (`long`) or before it (`length of`); empty where none says it."""
    before, _, after = claim.text.partition(claim.quantities[place].text)
    found = _DIMENSION.match(after) or _MEASURE_OF.search(before)
    return MEASURES.get(found.group(1).lower(), found.group(1).lower()) if found else ""


def _places(claim: Claim, unit: str) -> list[int]:
    """Where the claim's figures of the unit stand."""
    return [
        place
        for place, found in enumerate(claim.quantities)
        if found.unit == unit and math.isfinite(found.value) and abs(found.value) < _GREATEST
    ]


def same_frame(one: str, other: str) -> bool:
    """Whether neither statement denies what the other says, nor speaks of other names."""
    beyond = _names_beyond(one, other) and _names_beyond(other, one)
    return negations(one) == negations(other) and not beyond


def _names_beyond(text: str, other: str) -> set[str]:
    """Words written like names, the first word too, that the other statement does not have in any form."""
    known = word_set(other)
    return {name for name in _names(text) if word_set(name) - known}


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text))


def _same_thing(one: Claim, left: int, other: Claim, right: int) -> bool:
    mine, theirs = one.quantities[left], other.quantities[right]
    here, there = _frame(one.text, mine.text), _frame(other.text, theirs.text)
    if not same_frame(here, there):
        return False
    return _years(mine, here) == _years(theirs, there) and _alike(mine, theirs)


@lru_cache(maxsize=4096)
def _frame(text: str, figure: str) -> str:
    """What stands before a figure, and the rest of its clause: what is said after that does not qualify it.

    Of a clause that names its own subject only that clause: what others are does not bear on it.
    """
    before, found, after = text.partition(figure)
    return own_clause(before) + found + rest_of_clause(after)


@lru_cache(maxsize=65_536)
def _alike(mine: Quantity, theirs: Quantity) -> bool:
    return same_subject(mine, theirs) and same_subject(theirs, mine)


def _years(quantity: Quantity, frame: str) -> frozenset[str]:
    """The years that the figure's own clause states, else those of what stands before it."""
    return _years_in(quantity.subject) or _years_in(frame)


@lru_cache(maxsize=4096)
def _years_in(text: str) -> frozenset[str]:
    return frozenset(_YEAR.findall(text))


def _lead(text: str, quantity: Quantity) -> str:
    """What stands before the figure."""
    return text.partition(quantity.text)[0] if quantity.text in text else ""


def _adds(claim: Claim, quantity: Quantity) -> bool:
    """Whether the figure is of what comes to something else (`97 more`)."""
    return _MORE.match(claim.text.partition(quantity.text)[2]) is not None


def _rounding(quantity: Quantity) -> float:
    """How far the true value may lie from the figure: half a unit of its last digit.

    Trailing zeros before the point may be digits or filling; they leave half a unit of the last other digit
    open, but no more than a twentieth of the value.
    """
    found = _WRITTEN.search(quantity.text)
    written = found.group().replace(",", "") if found else ""
    shown = float(written) if written else 0.0
    scale = abs(quantity.value) / shown if shown and quantity.value else 1.0
    decimals = len(written.partition(".")[2])
    if decimals:
        return 0.5 * scale * 10.0**-decimals
    zeros = len(written) - len(written.rstrip("0"))
    half = 0.5 * scale * 10.0**zeros
    return min(half, _ROUGH * abs(quantity.value)) if zeros else half
