"""Splits a question into sub-questions, and makes search queries of them, by rule."""

import re

from chains.extractive.coordinated import coordinated, with_subjects
from chains.extractive.relations import is_known
from chains.extractive.terms import terms, words

_JOINT = re.compile(
    r"(?<=\?)\s+|;\s+|,?\s+(?:and|but)\s+(?=(?:which|what|who|when|where|why|how|whether)\b"
    r"|(?:is|are|was|were|does|do|did|can|has|have)\s+(?:it|they|there)\b)"
    r"|,\s+(?=(?:what|when|where|why|how)\s+(?:\w+\s+)?(?:is|are|was|were|does|do|did|can|has|have)\b)"
    r"|,\s+(?=who\s+\w+\s+it\b)",
    flags=re.IGNORECASE,
)
"""Where a new question may begin. An auxiliary begins one only before a subject: `and is also accused` goes on."""
_ASKS = re.compile(r"\b(?:which|what|who|whom|whose|when|where|why|how|whether)\b", flags=re.IGNORECASE)
_OPENS = re.compile(
    r"(?:and\s+|but\s+)?(?:is|are|was|were|does|do|did|can|could|has|have|had|will|would|should)\b",
    flags=re.IGNORECASE,
)
_DEFINES = re.compile(r"what\s+(?:is|are)\b", flags=re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|\([^)]*\)")
_ONE = frozenset("it its they them their he him his she her".split())
_POINTING = _ONE | frozenset({"these", "those", "this", "that", "each", "both", "one"})
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_MOST = 6


def split_question(question: str) -> list[str]:
    """One to six sub-questions, each ending in a question mark, in the order in which they are asked.

    A part that is no question by itself stays with the one before it: half a question finds the wrong passages. What
    is asked of one subject in one breath is asked one by one, and `it` of a later part is named where that is clear.
    """
    whole = " ".join(question.split())  # the rules read a line break as a space, and many spaces in cubic time
    inside = [match.span() for match in _QUOTED.finditer(whole)]
    parts: list[str] = []
    start = 0
    for match in _JOINT.finditer(whole):
        quoted = any(first < match.start() < last for first, last in inside)
        if not quoted and _is_question(whole[start : match.start()]) and _is_question(whole[match.end() :]):
            parts.append(whole[start : match.start()])
            start = match.end()
    parts = [part.strip(" ,.?\n\t") for part in [*parts, whole[start:]]]
    parts = [each for part in parts for each in ([part] if inside else coordinated(part))]
    parts = [part for part in with_subjects(parts) if terms(part)] or [whole.strip(" ?")]
    return [part[:1].upper() + part[1:] + "?" for part in dict.fromkeys(parts)][:_MOST]


def _is_question(part: str) -> bool:
    enough = len(terms(part)) > 1 or _ONE & set(words(part)) or (terms(part) and _DEFINES.match(part.strip()))
    return bool(enough) and bool(_ASKS.search(part) or _OPENS.match(part.strip()))


def query_for(sub_question: str, question: str) -> str:
    """The sub-question as a search query; one that points back (`each`) takes along what the question is about."""
    if sub_question.strip(" ?").lower() == question.strip(" ?").lower():
        return sub_question
    if len(terms(sub_question)) > 1 and not _POINTING & set(words(sub_question)):
        return sub_question
    known = set(terms(sub_question))
    rest = [word for word in _WORD.findall(question) if terms(word) and not known & set(terms(word))]
    if _ONE & set(words(sub_question)):  # what is asked of the same thing elsewhere is no part of it
        rest = [word for word in rest if not all(map(is_known, terms(word)))] or rest
    return f"{sub_question} {' '.join(dict.fromkeys(rest))}".strip()
