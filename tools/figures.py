"""When two figures in two statements are of the same thing, and when they then differ.

Both answers are cautious: a false alarm costs a reader's trust, a miss only an entry in a list. Statements
about other times or other names, or with several figures that cannot be told apart, are not compared. What a
statement is of that does not name it is told by its context (`subjects`).
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from state.evidence import Passage, Quantity
from tools.agreement import agree
from tools.attributes import Measure, measure_of
from tools.designators import of_others
from tools.measures import qualifiers, same_subject
from tools.numbers import missing_numbers
from tools.polarity import negations
from tools.quantities import own_clause, rest_of_clause
from tools.units import convertible
from tools.wording import terms

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
_GREATEST = 1e100
"""Values beyond are taken for misread."""


class Told(Protocol):
    """A statement and the quantities in it."""

    @property
    def text(self) -> str: ...
    @property
    def quantities(self) -> Sequence[Quantity]: ...


def comparable_figures(one: Told, other: Told) -> list[tuple[int, int]]:
    """Places in the quantities of two statements whose figures are of the same thing, whatever their values.

    Several figures of a kind are told apart by what they measure (`long`, `wide`), else by their order, or not at all.
    """
    units = {(mine.unit, their.unit) for mine in one.quantities for their in other.quantities}
    pairs = [
        pair for mine, their in sorted(units) if convertible(mine, their) for pair in _pairs(one, mine, other, their)
    ]
    return [(left, right) for left, right in pairs if _same_thing(one, left, other, right)]


def differ(one: Told, left: Quantity, other: Told, right: Quantity) -> bool:
    """Whether two figures of the same thing exclude each other, beyond rounding and what `about` leaves open.

    A figure that is only a bound (`more than`, `up to`) or comes to another (`97 more`) excludes nothing here.
    """
    leads = [_lead(one.text, left), _lead(other.text, right)]
    if any(_BOUND.search(lead) for lead in leads) or any(_adds(*side) for side in ((one, left), (other, right))):
        return False
    return agree(left, right, about=any(_ABOUT.search(lead) for lead in leads)) is False


def stated_in(quantity: Quantity, passage: Passage) -> bool:
    """Whether the figure, or one that it is a rounding of, stands in the passage."""
    return quantity.text in passage.text or not missing_numbers(quantity.text, passage.text)


def _pairs(one: Told, mine: str, other: Told, their: str) -> list[tuple[int, int]]:
    """Which figure of the one unit is compared with which of the other."""
    left, right = _places(one, mine), _places(other, their)
    if len(left) == len(right) == 1:
        return [(left[0], right[0])]
    measured = [
        {_measure(told, place).attribute: place for place in places} for told, places in ((one, left), (other, right))
    ]
    if len(measured[0]) == len(left) and len(measured[1]) == len(right):
        return [(measured[0][kind], measured[1][kind]) for kind in measured[0] if kind in measured[1]]
    return list(zip(left, right, strict=True)) if len(left) == len(right) else []


def _measure(told: Told, place: int) -> Measure:
    return measure_of(told.text, told.quantities[place].text)


def _places(claim: Told, unit: str) -> list[int]:
    """Where the statement's figures of the unit stand."""
    return [
        place
        for place, found in enumerate(claim.quantities)
        if found.unit == unit and math.isfinite(found.value) and abs(found.value) < _GREATEST
    ]


def same_frame(one: str, other: str) -> bool:
    """Whether neither statement denies what the other says, nor speaks of other names or numbered things."""
    beyond = _names_beyond(one, other) and _names_beyond(other, one)
    return negations(one) == negations(other) and not beyond and not of_others(one, other)


def _names_beyond(text: str, other: str) -> set[str]:
    """Words written like names, the first word too, that the other statement does not have in any form."""
    known = terms(other)
    return {name for name in _names(text) if terms(name) - known}


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text))


def _same_thing(one: Told, left: int, other: Told, right: int) -> bool:
    mine, theirs = one.quantities[left], other.quantities[right]
    here, there = _measure(one, left), _measure(other, right)
    if here.is_of_another(there):
        return False
    if here.same_as(there) and _same_stretch(here.stretch, there.stretch):
        return True
    frames = _frame(one.text, mine.text), _frame(other.text, theirs.text)
    if not same_frame(*frames):
        return False
    return _years(mine, frames[0]) == _years(theirs, frames[1]) and _alike(mine, theirs)


def _same_stretch(one: str, other: str) -> bool:
    """Whether neither speaks of another time or numbered thing, of another kind of figure, or denies the other."""
    return (
        negations(one) == negations(other)
        and _years_in(one) == _years_in(other)
        and qualifiers(one) == qualifiers(other)
        and not of_others(one, other)
    )


@lru_cache(maxsize=4096)
def _frame(text: str, figure: str) -> str:
    """What stands before a figure, and the rest of its clause: what is said after that does not qualify it.

    Of a clause that names its own subject only that clause: what others are does not bear on it.
    """
    before, _, after = text.partition(figure)
    return f"{own_clause(before)} {rest_of_clause(after)}"


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


def _adds(claim: Told, quantity: Quantity) -> bool:
    """Whether the figure is of what comes to something else (`97 more`)."""
    return _MORE.match(claim.text.partition(quantity.text)[2]) is not None
