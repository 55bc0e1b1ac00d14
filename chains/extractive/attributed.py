"""Which publications a question names as its sources: an article by The Verge, according to the BBC."""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from chains.extractive.terms import terms

_NAME = r"(?:[Tt]he\s+)?['\"‘“]?[A-Z][\w’.&|-]*(?:\s+(?:(?:of|\||-|&)\s+)?[A-Z][\w’.&|-]*)*['\"’”]?"
_WRITING = (
    r"(?:articles?|reports?|piece|story|stories|website|coverage|newspaper|magazine|journal|editorial|blog|study|paper)"
)
_BEFORE = re.compile(rf"(?P<name>{_NAME})(?:['’]s)?['\"’”]?\s+(?:\w+\s+)?{_WRITING}\b")
"""`a BBC News report`, `The Verge's recent article`."""
_AFTER = re.compile(
    rf"\b(?:{_WRITING}|reported|published|information|according|described|mentioned|noted|stated|covered|discussed|as)"
    rf"\b(?:\s+\w+){{0,3}}?\s+(?:by|in|from|to|per)\s+(?P<name>{_NAME})"
)
"""`an article by The Verge`, `as reported by the BBC`, `according to Reuters`."""


def attributed(question: str) -> list[tuple[str, ...]]:
    """The terms of each publication that the question names as where something is said."""
    later = question.partition(" ")[2]  # a capital letter makes no name of the first word
    found = [match["name"] for pattern in (_BEFORE, _AFTER) for match in pattern.finditer(later)]
    return list(dict.fromkeys(name for name in (tuple(terms(each)) for each in found) if name))


def share_heard(named: Sequence[tuple[str, ...]], texts: Sequence[Collection[str]]) -> float:
    """The share of the publications that any of the texts, each given as its terms and pairs, names; 1 where the
    question names none.
    """
    heard = sum(any(_names(text, name) for text in texts) for name in named)
    return heard / len(named) if named else 1.0


def _names(text: Collection[str], name: tuple[str, ...]) -> bool:
    pairs = [f"{one} {other}" for one, other in pairwise(name)]
    return all(each in text for each in pairs or name)
