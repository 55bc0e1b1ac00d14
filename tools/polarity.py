"""Whether two sentences about the same thing say the opposite: by negation, or by a word and its opposite."""

import re
from collections.abc import Iterable, Set
from functools import lru_cache

from tools.designators import of_others

_NEGATIONS = re.compile(
    r"\b(?:not(?! only\b| just\b| merely\b)|no(?!\.? ?\d|\. )|never|none|neither|nor|without|cannot|nothing|nobody|"
    r"nowhere|hardly|unable|impossible|lacks?|lacked|fails? to|failed to)\b|n[’']t\b",
    re.IGNORECASE,
)
_DENYING = re.compile(
    r"\b(?:not(?!\s+only\b)|never|no(?!\s+(?:less|more|fewer|later|longer)\s+than\b)|none|neither|nor|nobody|nothing"
    r"|nowhere|cannot|without|\w+n[’']t)\b",
    re.IGNORECASE,
)
"""Each word that denies, to be counted: of two that are set against each other one has one more."""
_OPPOSITES: dict[str, tuple[int, int]] = {
    word: (pair, side)
    for pair, sides in enumerate(
        (
            ("increase increases increased increasing rise rises rose risen rising grew grow grows grown climbed",
             "decrease decreases decreased decreasing fall falls fell fallen falling shrank shrink shrinks dropped "
             "declined decline declines declining"),
            ("more higher greater larger above exceeded exceeds", "less fewer lower smaller below"),
            ("highest largest greatest most maximum", "lowest smallest least minimum"),
            ("faster quicker", "slower"),
            ("better improved improves", "worse worsened worsens"),
            ("allow allows allowed permits permitted", "forbids forbidden prohibits prohibited prevents prevented"),
            ("accepted approved accepts approves", "rejected rejects refused refuses denied"),
            ("won wins", "lost loses"),
            ("enabled enables", "disabled disables"),
            ("true correct", "false incorrect wrong"),
            ("safe", "unsafe dangerous"),
            ("effective", "ineffective"),
            ("always", "never"),
        )
    )
    for side, words in enumerate(sides)
    for word in words.split()
}  # fmt: skip
_CLAUSE = re.compile(r"[;:]\s|,\s+(?:and|but|while|whereas|although|though|which|who|where|so|yet)\b|\s[–—-]{1,2}\s")
_SAME_FORWARD = 0.7
_SAME_BACK = 0.5
"""Shares of the statement's and of the clause's words that the other has, when both speak of one thing."""
_AS_GOOD = 0.1


def opposing(statement: str, sentences: Iterable[tuple[str, Set[str]]], terms: Set[str]) -> str:
    """The clause among `sentences` (each with its terms' owner) that says the opposite of `statement`;
    empty if none.

    `sentences` are clauses with their terms, `terms` those of the statement. A clause counts only if it is
    about the same thing (not `Room 5` for `Room 9`) and no clause that agrees is about as close.
    """
    best_opposed, opposed, best_agreeing = 0.0, "", 0.0
    for clause, held in sentences:
        shared = len(terms & held)
        if not held or shared < _SAME_FORWARD * len(terms) or shared < _SAME_BACK * len(held):
            continue
        closeness = shared / len(terms) + shared / len(held)
        if of_others(statement, clause):
            continue
        if opposes(statement, clause):
            best_opposed, opposed = max((best_opposed, opposed), (closeness, clause))
        else:
            best_agreeing = max(best_agreeing, closeness)
    return opposed if best_opposed > best_agreeing + _AS_GOOD else ""


def opposes(statement: str, clause: str) -> bool:
    """Whether two statements about the same say the opposite: by a negation or by a word, but not by both."""
    return (_is_negated(statement) != _is_negated(clause)) != _has_opposite(statement, clause)


@lru_cache(maxsize=4096)
def negations(text: str) -> int:
    """How many words of the text negate: `not`, `never`, `without`; `not only` and `no less than` do not."""
    return len(_DENYING.findall(text))


def without_negation(text: str) -> str:
    """The text with its negating words taken out."""
    return _DENYING.sub(" ", text)


def clauses(sentence: str) -> list[str]:
    """The sentence itself and, where it has several, each of its clauses."""
    parts = [part.strip() for part in _CLAUSE.split(sentence)]
    return [sentence, *parts] if len(parts) > 1 else [sentence]


def _is_negated(text: str) -> bool:
    return _NEGATIONS.search(text) is not None


def opposite_words(one: str, other: str) -> bool:
    """Whether one has the opposite of a word of the other, and not the word itself."""
    return _has_opposite(one, other) or _has_opposite(other, one)


def without_opposites(text: str) -> str:
    """The text without the words that have an opposite."""
    return re.sub(r"[A-Za-z]+", lambda word: "" if word.group().lower() in _OPPOSITES else word.group(), text)


def _has_opposite(statement: str, clause: str) -> bool:
    mine, theirs = _sides(statement), _sides(clause)
    return any(
        (pair, 1 - side) in theirs and (pair, side) not in theirs and (pair, 1 - side) not in mine
        for pair, side in mine
    )


def _sides(text: str) -> set[tuple[int, int]]:
    return {_OPPOSITES[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _OPPOSITES}
