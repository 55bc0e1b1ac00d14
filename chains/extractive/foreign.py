"""Quotes for a question in German, French or Spanish, from sources in its language. There are no tables of relations
for these: a sentence answers that has all words of the question, or of one of the questions that it is made of.
"""

import re
from collections.abc import Collection, Sequence

from chains.extractive.languages import UNKNOWN, says, terms_in
from chains.extractive.quotes import Quote
from tools.evidence_text import ShownPassage
from tools.facts import split_sentences

_JOINT = re.compile(
    r"\?\s+|;\s+|,?\s+(?:und|et|y|e)\s+(?=(?:w(?:er|en|em|ann|o|as|ie|arum|elche\w*)|qu[eioéí]\w*|quand|où|pourquoi"
    r"|comment|combien|à qui|cu[aá]\w*|cómo|dónde|por qué)\b)",
    re.IGNORECASE,
)
"""Where a question with a word of its own begins."""
_NUMBER = re.compile(r"\d")
_ASKS_NUMBER = re.compile(
    r"\b(?:wann|wie\s+(?:viele?|hoch|lang|breit|tief|weit|schwer|alt|groß|schnell|teuer)|quand|combien"
    r"|cuándo|cuánt[oa]s?)\b",
    re.IGNORECASE,
)
_MOST = 3
"""Sentences for each question."""
_SURE, _LESS = 0.9, 0.1
"""Confidence of the first sentence, and how much less each later one has."""


def quotes_in(language: str, question: str, passages: Sequence[ShownPassage]) -> list[Quote]:
    """The sentences that answer each part of the question, in the order of the passages; none where a part has no
    answer, or the language is not known.
    """
    if language == UNKNOWN:
        return []
    parts = [part for part in _JOINT.split(question) if terms_in(part, language)]
    found = [_answers(language, part, parts[0], passages) for part in parts]
    quotes = [quote for answers in found for quote in answers] if all(found) else []
    return list({quote.text: quote for quote in reversed(quotes)}.values())[::-1]


def _answers(language: str, part: str, first: str, passages: Sequence[ShownPassage]) -> list[Quote]:
    """The sentences with all words of the part; where it is not the first also of what that one is about, which are
    its words in the title of a passage.
    """
    own = terms_in(part, language)
    found: list[Quote] = []
    for passage in passages:
        around = frozenset(terms_in(f"{passage.title} {passage.where}", language))
        about = [term for term in terms_in(first, language) if says(term, around)]
        if part != first and not about:
            continue
        wanted, before = dict.fromkeys([*own, *about]), ""
        for sentence in split_sentences(passage.text):
            if len(found) < _MOST and _says_all(language, part, wanted, sentence, around):
                named = not about or any(says(term, frozenset(terms_in(sentence, language))) for term in about)
                text = sentence if named or not before else f"{before} {sentence}"
                found.append(Quote(text, passage.id, _SURE - _LESS * len(found)))
            before = sentence
    return found


def _says_all(language: str, part: str, wanted: Collection[str], text: str, around: frozenset[str]) -> bool:
    held = frozenset(terms_in(text, language)) | around
    told = not _ASKS_NUMBER.search(part) or _NUMBER.search(text)
    return bool(told) and not text.endswith("?") and all(says(term, held) for term in wanted)
