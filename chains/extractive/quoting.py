"""Picks the sentences of shown passages that answer a question: quotes only, nothing is rephrased.

A sentence's score is the share of the question's terms that it holds, each weighted by its inverse document frequency
over the sentences shown (Spärck Jones 1972), with half a share for terms that only its heading or title holds, and a
small prior for the rank of its passage. Sentences that repeat an earlier choice are passed over (after Carbonell and
Goldstein 1998, maximal marginal relevance).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chains.extractive.terms import terms
from tools.evidence_text import ShownPassage
from tools.facts import split_sentences

MIN_COVER = 0.34
"""Share of the question's weighted terms below which a sentence is no answer."""
_RANK_PRIOR = 0.3
"""What the best passage of a search adds to its sentences; the n-th adds an n-th of it."""
_SAME = 0.75
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ROW = re.compile(r"[^:;]+: [^;]+(?:; [^:;]+: [^;]+)+")
"""A row of a table, as the readers write it: `header: value; header: value`."""
_ASKS_EACH = re.compile(r"\b(?:each|every|compared?|comparison|differ|respectively)\b", re.IGNORECASE)
_LEANS = re.compile(r"(?:(?:this|that|these|those|it|they|such|some other|however)\b|note:|important:)", re.IGNORECASE)
"""How a sentence begins that leans on the one before it, and says little alone."""
_POINTS_BACK = re.compile(r"(?:it|its|they|their|he|she|his|her|this|that|these|those|such)\b", re.IGNORECASE)
"""How a sentence begins whose subject stands in the one before it: quoted alone it would speak of something else."""
_LEANING = 0.4
"""What such a sentence loses."""
_ASKS_NUMBER = re.compile(r"\bhow (?:many|much|high|large|fast|long|far|big|old)\b|\brate\b|\bnumber\b", re.IGNORECASE)


@dataclass(frozen=True)
class Quote:
    """A sentence as it stands in a passage."""

    text: str
    passage_id: str
    source: str
    cover: float
    """Share of the question's weighted terms that it holds, 0 to 1."""
    score: float


def pick_quotes(question: str, passages: Sequence[ShownPassage], limit: int) -> list[Quote]:
    """The best `limit` sentences for the question, best first; none where nothing covers enough of it."""
    candidates = _candidates(question, passages)
    chosen: list[Quote] = []
    for quote in sorted(candidates, key=lambda quote: (-quote.score, quote.passage_id, quote.text)):
        if len(chosen) == limit:
            break
        if not any(_alike(quote.text, other.text) for other in chosen):
            chosen.append(quote)
    return chosen


def _candidates(question: str, passages: Sequence[ShownPassage]) -> list[Quote]:
    asked = set(terms(question))
    sentences = [(rank, passage, text) for rank, passage in enumerate(passages) for text in _sentences(passage)]
    weights = _weights(asked, [text for _, _, text in sentences])
    total = sum(weights.values()) or 1.0
    quotes = []
    for rank, passage, text in sentences:
        held = set(terms(text)) & asked
        around = (set(terms(f"{passage.source} {passage.where}")) & asked) - held
        cover = (sum(weights[t] for t in held) + 0.5 * sum(weights[t] for t in around)) / total
        if held and cover >= MIN_COVER:
            bonus = 0.1 if _ASKS_NUMBER.search(question) and _NUMBER.search(text) else 0.0
            bonus += 0.5 if _ASKS_EACH.search(question) and _ROW.fullmatch(text) else 0.0  # a table answers for each
            bonus -= _LEANING if _LEANS.match(text) else 0.0
            quotes.append(Quote(text, passage.id, passage.source, cover, cover + bonus + _RANK_PRIOR / (1 + rank)))
    return quotes


def _sentences(passage: ShownPassage) -> list[str]:
    """The sentences of a passage that can stand alone; one that says `it` comes with the sentence before it."""
    sentences = [" ".join(sentence.split()) for sentence in split_sentences(passage.text)]
    told = [
        f"{before} {text}" if before.endswith(".") and _POINTS_BACK.match(text) else text
        for before, text in zip(["", *sentences], sentences, strict=False)
    ]
    return [text for text in told if 5 <= len(text.split()) <= 60 and not text.endswith("?")]


def _weights(asked: set[str], sentences: Sequence[str]) -> dict[str, float]:
    counts = Counter(term for text in sentences for term in set(terms(text)) & asked)
    return {term: math.log(1 + len(sentences) / (1 + counts[term])) for term in asked}


def _alike(one: str, other: str) -> bool:
    """Whether one says again what the other says; with other numbers, or as another row, it does not."""
    if one in other or other in one:
        return True
    if set(_NUMBER.findall(one)) != set(_NUMBER.findall(other)) or _ROW.fullmatch(one):
        return one == other
    left, right = set(terms(one)), set(terms(other))
    return len(left & right) >= _SAME * max(1, min(len(left), len(right)))
