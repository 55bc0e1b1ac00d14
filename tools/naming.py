"""What two statements that cannot both hold are about, in words that can stand in a sentence: `the sources disagree on
the length of the Harrow Bridge`, `on when it was opened`, `on whether it is safe`."""

import re
from difflib import SequenceMatcher

from state.evidence import Quantity
from tools.attributes import measure_of
from tools.designators import split_words
from tools.quantities import BEGINNERS, STOP

_YEAR = re.compile(r"(?<![\d.,])(?:1[5-9]|20|21)\d\d(?![\d%]|[.,]\d)")
_FEWEST = 2
"""Words in a row that two statements share at least where they name what they are about."""


def of_figures(one: str, left: Quantity, other: str, right: Quantity) -> str:
    """What two figures are of: `length of the Harrow Bridge`, else the words that both subjects have in a row."""
    measures = measure_of(one, left.text), measure_of(other, right.text)
    names = [measure.name for measure in measures if measure.name]
    if names:
        name = min(names, key=lambda text: (len(text), text))
        years = set.intersection(*(set(_YEAR.findall(measure.stretch)) for measure in measures)) - set(name.split())
        return f"{name} in {years.pop()}" if len(years) == 1 else name
    return _shared(left.subject, right.subject) or min(
        (left.subject, right.subject), key=lambda text: (len(text), text)
    )


def of_event(subject: str, other: str) -> str:
    """`when the Harrow Bridge was opened`, by the shorter of two sentences without their dates."""
    return f"when {_in_sentence(min((subject, other), key=lambda text: (len(text), text)))}"


def of_opposites(affirmed: str) -> str:
    """`whether the Harrow Bridge is safe`."""
    return f"whether {_in_sentence(affirmed).rstrip(' .')}"


def disagreement(subject: str, value: str, other: str) -> str:
    """`the length of the Harrow Bridge: 412 metres or 438 metres`; of opposites the subject alone."""
    if subject.startswith("whether "):
        return subject
    article = "" if subject.startswith("when ") or not subject[:1].islower() else "the "
    return f"{article}{subject}: {value} or {other}"


def _shared(one: str, other: str) -> str:
    """The longest row of words, `week 5` being one, in both, without small words at its ends; empty if too short."""
    mine, theirs = split_words(one), split_words(other)
    a, b = ([word.lower() for word in words] for words in (mine, theirs))
    found = SequenceMatcher(None, a, b, autojunk=False).find_longest_match()
    words = mine[found.a : found.a + found.size]
    while words and words[-1].lower() in STOP:
        words.pop()
    while words and words[0].lower() in STOP:
        words.pop(0)
    row = " ".join(words)
    return row if len(row.split()) >= _FEWEST else ""


def _in_sentence(text: str) -> str:
    """With a small first letter, where the first word is none that a name may begin with."""
    first = text.partition(" ")[0]
    small = first.lower() in STOP | BEGINNERS
    return first.lower() + text[len(first) :] if small else text
