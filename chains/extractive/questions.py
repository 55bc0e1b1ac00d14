"""Splits a question into sub-questions, and makes search queries of them, by rule."""

import re

from chains.extractive.terms import terms, words

_SPLIT = re.compile(
    r"(?<=\?)\s+|;\s+|,?\s+(?:and|or|but)\s+(?=(?:which|what|who|when|where|why|how|whether|is|are|does|do|did)\b)",
    flags=re.IGNORECASE,
)
_POINTING = frozenset({"it", "its", "they", "them", "their", "these", "those", "this", "that", "each", "both", "one"})
_MOST = 6


def split_question(question: str) -> list[str]:
    """One to six sub-questions, each ending in a question mark, in the order in which they are asked."""
    parts = [part.strip(" ,.?\n\t") for part in _SPLIT.split(question.strip())]
    parts = [part for part in parts if terms(part)] or [question.strip(" ?")]
    return [part[:1].upper() + part[1:] + "?" for part in dict.fromkeys(parts)][:_MOST]


def query_for(sub_question: str, question: str) -> str:
    """The sub-question as a search query; one that points back (`each`) takes along what the question is about."""
    if sub_question.strip(" ?").lower() == question.strip(" ?").lower():
        return sub_question
    if len(terms(sub_question)) > 3 and not _POINTING & set(words(sub_question)):
        return sub_question
    known = set(terms(sub_question))
    rest = [word for word in words(question) if terms(word) and not known & set(terms(word))]
    return f"{sub_question} {' '.join(dict.fromkeys(rest))}".strip()
