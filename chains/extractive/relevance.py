"""Which of the passages that a search found are evidence for a question, and whether they establish anything at all.

Passages are taken one after another, each time the one with the best odds to be evidence beside those taken before;
it ends when the odds of the best are too low. So a question about one thing gets one or two passages, and one that
leads over several documents gets as many as it takes. The odds are those of a logistic regression of six features
that say how the passage stands to the question and to the passages already taken. Its weights were fitted to one half
of the visible questions of two public collections (`benchmarks/reports.py`), and hold on the other.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chains.extractive.asked import ROW_BONUS, Asked, answers_each, asked, enumerations, held
from chains.extractive.attributed import share_heard
from chains.extractive.entries import told_sentences
from chains.extractive.shapes import fit, is_apparatus
from tools.evidence_text import ShownPassage

ESTABLISHES = 0.68
"""What evidence must reach (`_strength`) to be about the question at all."""
_NAMED, _UNHEARD = 0.4, 0.3
"""What the names of a question count in that, and what is taken off where no evidence is of the publications that the
question names as its sources."""
_LENGTH = 0.35
"""Exponent by which the share of a question that one passage speaks of falls with the question's length."""
MOST = 5
"""Passages that are taken for one question."""
CANDIDATES = 12
"""Passages that are looked at, of those that the search gave, in its order."""
LEAST_ODDS = 0.09
"""Probability from which a passage is taken."""
_RANK, _NEW, _WHOLE, _SENTENCE, _LINKED, _MENTIONS, _CONSTANT = 3.0, 4.6, 1.6, 0.9, 1.6, -1.3, -4.6
_FITS, _APPARATUS = 3.0, -2.0
"""What counts besides: a sentence that is built as an answer to such a question, or a table of what is asked for, and
that the passage only leads to others.
"""
_WORD = re.compile(r"[^\W_]+")
_SUBTITLE = re.compile(r"\s*[(,].*$")
"""What a title adds to tell namesakes apart, which no text repeats: `Ada (ship)`, `Paris, Texas`."""


@dataclass(frozen=True)
class Chosen:
    """A passage that is evidence for a question."""

    passage: ShownPassage
    probability: float
    """That it is evidence, beside those chosen before it; 0 to 1."""
    alone: float
    """The same, had no other been chosen."""


@dataclass(frozen=True)
class _Candidate:
    """What is known of a passage before any is taken."""

    passage: ShownPassage
    terms: frozenset[str]
    base: float
    """The features that do not change with what is taken, times their weights."""
    running: str
    """Its words, for finding titles in it."""
    title: str


def choose(question: str, passages: Sequence[ShownPassage]) -> list[Chosen]:
    """The evidence for the question, best first, of passages in the order of a search.

    Empty where even these speak of too little of what is asked.
    """
    texts = [held(f"{_headed(passage)} {passage.text}") for passage in passages]
    wanted = asked(question, texts)
    shown = list(zip(passages, texts, strict=True))
    tables = [each for each in shown if enumerations(question, each[0].text)]
    shown = [*tables, *(each for each in shown if each not in tables)]  # a table of what is asked for comes first
    candidates = _candidates(question, wanted, shown[:CANDIDATES])
    taken: list[_Candidate] = []
    chosen: list[Chosen] = []
    while candidates and len(taken) < MOST:
        odds = [_odds(each, taken, wanted) for each in candidates]
        best = max(range(len(odds)), key=odds.__getitem__)
        probability = _probability(odds[best])
        if taken and probability < LEAST_ODDS:
            break
        candidate = candidates.pop(best)
        taken.append(candidate)
        chosen.append(Chosen(candidate.passage, probability, _probability(_odds(candidate, (), wanted))))
    return chosen if _strength(taken, wanted) >= ESTABLISHES else []


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _strength(taken: Sequence[_Candidate], wanted: Asked) -> float:
    """How far the evidence speaks of the question: the share that the best passage alone speaks of, corrected for the
    question's length, and of what it names the share that all of them hold; less where none of them is of the
    publications that the question names as its sources.

    Passages that share a word each with the question reach neither, however many there are. Measured where a
    question has no answer: questions about sources and events that a collection does not hold, and questions put to
    a collection on something else.
    """
    best = max((wanted.spoken(each.terms) for each in taken), default=0.0)
    spoken: frozenset[str] = frozenset().union(*(each.terms for each in taken))
    unheard = 1 - share_heard(wanted.sources, [each.terms for each in taken])
    return best * math.pow(len(wanted.weights), _LENGTH) + _NAMED * wanted.named(spoken) - _UNHEARD * unheard


def _headed(passage: ShownPassage) -> str:
    return f"{passage.title} {passage.where}"


def _candidates(question: str, wanted: Asked, shown: Sequence[tuple[ShownPassage, frozenset[str]]]) -> list[_Candidate]:
    whole = [wanted.share(terms) for _, terms in shown]
    sentences = [
        max(
            (
                wanted.share(held(sentence.whole)) + ROW_BONUS * answers_each(question, sentence.text)
                for sentence in told_sentences(passage.text)
            ),
            default=0.0,
        )
        for passage, _ in shown
    ]
    fits = [
        max((fit(question, sentence.whole) for sentence in told_sentences(passage.text)), default=0.0)
        + bool(enumerations(question, passage.text))
        for passage, _ in shown
    ]
    usual = max(fits, default=0.0) / 2
    most, most_sentence = max(whole, default=0.0) or 1.0, max(sentences, default=0.0) or 1.0
    return [
        _Candidate(
            passage=passage,
            terms=terms,
            base=_CONSTANT
            + _RANK / (1 + rank)
            + _FITS * (fits[rank] - usual)
            + _APPARATUS * is_apparatus(passage.where)
            + _WHOLE * whole[rank] / most
            + _SENTENCE * sentences[rank] / most_sentence,
            running=_running(passage.text),
            title=_running(_SUBTITLE.sub("", passage.title)),
        )
        for rank, (passage, terms) in enumerate(shown)
    ]


def _odds(candidate: _Candidate, taken: Sequence[_Candidate], wanted: Asked) -> float:
    """The logarithm of the odds that the candidate is evidence beside those that are taken."""
    spoken: frozenset[str] = frozenset().union(*(each.terms for each in taken))
    is_new = all(each.passage.source != candidate.passage.source for each in taken)
    return (
        candidate.base
        + _NEW * (wanted.share(candidate.terms | spoken) - wanted.share(spoken))
        + _LINKED * (is_new and any(_names(each, candidate) for each in taken))
        + _MENTIONS * any(_names(candidate, each) for each in taken)
    )


def _names(one: _Candidate, other: _Candidate) -> bool:
    """Whether the text of `one` names the title of `other`, another source."""
    return one.passage.source != other.passage.source and len(other.title) > 5 and other.title in one.running


def _running(text: str) -> str:
    """The words with single spaces between and around them."""
    return f" {' '.join(_WORD.findall(text))} "
