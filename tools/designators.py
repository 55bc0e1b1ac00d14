"""Which of several like things a text speaks of, where a number after a noun tells them apart: `Station 9`, `week 5`.

Such a number belongs to its noun: `Station 9 in week 5` and `Station 5 in week 9` have the same words and numbers, and
are about other things. Dates, counts (`carries 4 lanes`) and values with a unit are none.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from tools.attributes import ATTRIBUTES
from tools.dates import MONTHS
from tools.quantities import BEGINNERS, SCALES, STOP, unit_at

_NUMBERED = re.compile(
    r"(?P<in>\b(?:of|in|at|on|by|for|from|to|during|after|before|since|until)\s+)?"
    r"(?<![\w'’-])(?P<noun>[^\W\d_]{2,})\s+(?P<number>\d{1,4})(?![\w%°/:–-]|[.,]\d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
_NEXT = re.compile(r"\s+([^\W\d_][\w-]*)")
_NO_NOUNS = STOP | BEGINNERS | frozenset(MONTHS) | frozenset(ATTRIBUTES)
"""Words that no number names: after `population` it is a value, after `March` a day."""


def of_others(one: str, other: str) -> bool:
    """Whether some noun has a number in each of two texts that it does not have in the other."""
    mine, theirs = _by_noun(one), _by_noun(other)
    return any(mine[noun] - theirs[noun] and theirs[noun] - mine[noun] for noun in mine.keys() & theirs.keys())


def split_words(text: str) -> list[str]:
    """The words of a text, a noun and the number that belongs to it as one."""
    words: list[str] = []
    end = 0
    for found in _designators(text):
        words += [*text[end : found.start("noun")].split(), text[found.start("noun") : found.end()]]
        end = found.end()
    return words + text[end:].split()


@lru_cache(maxsize=4096)
def _by_noun(text: str) -> Mapping[str, frozenset[int]]:
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for found in _designators(text):
        numbers[found["noun"].lower()].add(int(found["number"]))
    return {noun: frozenset(values) for noun, values in numbers.items()}


def _designators(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _NUMBERED.finditer(text) if _is_designator(text, found))


def _is_designator(text: str, found: re.Match[str]) -> bool:
    """A name, or a noun after a preposition, may have any word after its number; else that may be what is counted."""
    if found["noun"].lower() in _NO_NOUNS or _YEAR.fullmatch(found["number"]):
        return False
    following = _NEXT.match(text, found.end())
    word = following[1].lower() if following else ""
    if word not in STOP and (word in SCALES or word in MONTHS or unit_at(text, *found.span("number"))[0]):
        return False
    return not word or word in STOP or found["in"] is not None or found["noun"][0].isupper()
