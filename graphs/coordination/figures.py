"""When two figures in two statements are of the same thing, and when they then differ.

Both answers are cautious: a false alarm costs a reader's trust, a miss only an entry in a list. Statements
about other times or other names, or with several figures that cannot be told apart, are not compared. Where two
statements have no name in common, or do not begin with what they are of (`The population was 1,413.`), it is told
by the titles and headings of their sources, one of which must then hold all words of the other.
"""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from graphs.coordination.statements import negations, numbers, word_set
from state.evidence import Claim, Passage, Quantity, Source
from tools.facts import check_statement, same_subject

_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]|20|21)\d\d(?![\d%]|[.,]\d)")
_NAME = re.compile(r"\b[A-Z][\w-]*")
_PROPER = re.compile(r"(?<=[\w,;:)] )[A-Z][\w-]*|\b[A-Za-z]+\d[\w-]*")
_POINTS = re.compile(
    r"\W*(?:(?i:it|its|he|his|she|her|they|their|this|these|that|those|there)\b"
    r"|(?i:the)\s(?:[a-z-]+\s){1,3}?(?:is|was|are|were|has|had|have)\b)"
)
"""How a statement begins that does not name what it is of: `It`, `The film was`."""
_CALENDAR = frozenset(
    "January February March April May June July August September October November December Monday Tuesday"
    " Wednesday Thursday Friday Saturday Sunday".split()
)
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
_ROUGH = 0.05
"""Relative difference that `about` and trailing zeros leave open."""
_GREATEST = 1e100
"""Values beyond are taken for misread."""


def titles_of(
    claims: Iterable[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]
) -> dict[str, frozenset[str]]:
    """For each claim the words of the titles of its sources and of the headings that its passages stand under."""
    titles = {}
    for claim in claims:
        cited = [passages[key] for key in claim.passages]
        named = [sources[passage.source_id].title for passage in cited if passage.source_id in sources]
        headings = [heading for passage in cited for heading in passage.locator.heading]
        titles[claim.id] = word_set(" ".join(re.findall(r"[^\W_]+", " ".join([*named, *headings]))))
    return titles


def comparable_figures(one: Claim, other: Claim, titles: Mapping[str, frozenset[str]]) -> list[tuple[int, int]]:
    """Places in the quantities of two claims whose figures are of the same thing, whatever their values.

    `titles` are those of `titles_of`. Where both claims have several figures of a unit they are compared by their
    order, or not at all.
    """
    units = {quantity.unit for quantity in one.quantities} & {quantity.unit for quantity in other.quantities}
    if not units or not same_frame(one.text, other.text):
        return []
    if not same_context(one, other, titles):
        return []
    pairs = []
    for unit in sorted(units):
        mine, theirs = _places(one, unit), _places(other, unit)
        if len(mine) == len(theirs):
            pairs += list(zip(mine, theirs, strict=True))
    return [(left, right) for left, right in pairs if _same_thing(one, left, other, right)]


def same_context(one: Claim, other: Claim, titles: Mapping[str, frozenset[str]]) -> bool:
    """Whether two statements name the same, or their sources do for those that leave it to them."""
    names = _proper(one.text) & _proper(other.text)
    if names and not (_POINTS.match(one.text) or _POINTS.match(other.text)):
        return True
    mine, theirs = titles[one.id], titles[other.id]
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


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
def _proper(text: str) -> frozenset[str]:
    """What is surely a name: a capitalised word within the sentence, or letters with digits like `CO2`."""
    return frozenset(found.group() for found in _PROPER.finditer(text)) - _CALENDAR


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text))


def _same_thing(one: Claim, left: int, other: Claim, right: int) -> bool:
    mine, theirs = one.quantities[left], other.quantities[right]
    return _years(mine, one) == _years(theirs, other) and _alike(mine, theirs)


@lru_cache(maxsize=65_536)
def _alike(mine: Quantity, theirs: Quantity) -> bool:
    return same_subject(mine, theirs) and same_subject(theirs, mine)


def _years(quantity: Quantity, claim: Claim) -> frozenset[str]:
    """The years that the figure's own clause states, else those of its sentence."""
    return _years_in(quantity.subject) or _years_in(claim.text)


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
