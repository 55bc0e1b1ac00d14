"""Compares statements by their words: whether two say the same, and which question one answers."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from chains.extractive.terms import terms
from tools.polarity import negations

ALIKE = 0.8
"""Jaccard index of the terms from which on two statements with the same numbers and passages are one."""
_SAME_QUESTION = 0.5
"""Jaccard index from which on a topic in other words is taken for one of the questions."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """The text without what makes no difference: case, spacing, forms of characters, marks at its ends."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" .,;:!?\"'“”‘’")


@lru_cache(maxsize=4096)
def word_set(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning, numbers left out."""
    return frozenset(term for term in terms(text) if not term[0].isdigit())


@lru_cache(maxsize=4096)
def numbers(text: str) -> frozenset[str]:
    """The numbers as they are written, thousands separators taken out."""
    return frozenset(re.sub(r",(?=\d{3})", "", found) for found in _NUMBER.findall(text))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def same_statement(one: str, other: str, *, share_passage: bool) -> bool:
    """Whether two statements are one: the same text, or nearly the same words on a common passage.

    Texts that differ in a number or in negation are never the same.
    """
    if normal(one) == normal(other):
        return True
    return (
        share_passage
        and numbers(one) == numbers(other)
        and negations(one) == negations(other)
        and jaccard(word_set(one), word_set(other)) >= ALIKE
    )


def matching_question(topic: str, questions: Sequence[str]) -> str | None:
    """The question that `topic` means: the same text, else the nearest in words; None if none is near."""
    wanted = normal(topic)
    for question in questions:
        if normal(question) == wanted:
            return question
    scored = [(jaccard(word_set(topic), word_set(question)), question) for question in questions]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] >= _SAME_QUESTION else None


def same_question(one: str, other: str) -> bool:
    """Whether two sub-questions ask the same."""
    return matching_question(one, [other]) is not None
