"""Whether evidence holds what a question asks for, not only the thing that it asks about.

Of a direct question (`Who designed the Harrow Bridge?`) this is known: its subject (Harrow Bridge), what is asked of it
(design), and the type of the answer (a person). A passage about the subject must have a sentence that has both of the
latter. Questions that describe their subject by a clause, compare things or ask for many things at once are not judged:
what their evidence must say cannot be read off their words.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chains.extractive.asked import asked, held
from chains.extractive.attributed import attributed
from chains.extractive.kinds import Kind, answers, kind_of
from chains.extractive.relations import is_known, says, stems
from chains.extractive.shapes import is_choice
from chains.extractive.terms import terms
from chains.extractive.wording import points_back
from tools.evidence_text import ShownPassage
from tools.facts import split_sentences

_OPENS = re.compile(
    r"(?:(?:please )?(?:tell me|say|find out|explain|describe|list) )?"
    r"(?:(?:(?:in|on|at|by|for|from|to|of|with|under) )?(?P<asks>who|whom|whose|what|which|when|where|why|how)\b"
    r"|(?:is|are|was|were|does|do|did|can|could|has|have|had|will|would|should)\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\b(?:who|whom|whose|which|that|where|when|if|than)\b", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:both|or|compared?|differ\w*|same|between|each|every|respectively)\b", re.IGNORECASE)
_JOINS = re.compile(r"\b[A-Z]\S* (?:and|&) (?:the )?[A-Z]")
"""Two names that are asked about at once."""
_VERB_FIRST = re.compile(r"(?:please )?(?:does|do|did|can|could|will|would|should)\b", re.IGNORECASE)
"""Questions whose first term beside the subject is what it does: `Does X encrypt data by default?`"""
_COUNTED = re.compile(r"\b(?:how many|number of)\s+(?P<noun>[\w-]+(?:\s+[\w-]+)?)", re.IGNORECASE)
_COUNTING = re.compile(r"\bnumber of\b", re.IGNORECASE)
_CATEGORY = re.compile(r"\b(?:what|which) (?P<noun>[a-z]+)\b", re.IGNORECASE)
_THROUGH = frozenset(
    terms(
        "performer director author writer singer actor actress creator composer producer publisher founder leader "
        "ruler monarch owner inventor designer builder painter player receiver husband wife spouse father mother "
        "country city state company label birthplace citizen team predecessor successor"
    )
)
"""Nouns by which a question gets from the thing that it names to another, of which it asks."""
_DISTANT = re.compile(r"\b(?:grand|step)(?:father|mother|child|son|daughter|parent)s?\b|-in-law\b", re.IGNORECASE)
"""Kin that texts state by several steps."""
_GENERIC = frozenset(
    terms(
        "year date day month time person kind type sort thing amount number name called known current currently "
        "first last chief main new original present familiar notable famous also happen take place do please exactly "
        "total whole official"
    )
)
"""Words of a question that qualify or type what is asked, and that an answer need not repeat."""
_FIGURES = frozenset(terms("maximum minimum average mean median default"))
_MOST_ASKED = 4
"""Terms beside the subject's of a question that can be judged."""
_ABOUT = 0.5
"""Share of the weight of a subject's terms that a passage about it holds."""
_ENOUGH = 0.5
"""Share of the terms that are asked that the evidence must have, the first among them."""
_THING = re.compile(r"\b[Tt]he (?:[A-Z][\w'’-]*)(?: [A-Z][\w'’-]*)+")
"""A name with an article: of a thing, not of a person."""


@dataclass(frozen=True)
class Wanted:
    """What a direct question asks for."""

    kind: Kind
    subject: Mapping[str, float]
    """The terms of what it asks about, with what each counts."""
    terms: tuple[str, ...]
    """The terms of what it asks of it, the relation that tells most first."""
    figures: tuple[str, ...] = ()
    """The terms that tell which of several figures is asked for."""
    is_open: bool = True
    """Whether the first of these may be said by another of them."""
    question: str = ""
    """The question itself, for sentences that answer it by how they are built."""

    def about(self, passages: Sequence[ShownPassage]) -> list[ShownPassage]:
        """The passages that speak of the subject, and those whose titles they name."""
        direct = [each for each in passages if self._share(each) >= _ABOUT]
        named = " ".join(each.text for each in direct)
        return [each for each in passages if each in direct or (each.title and each.title in named)]

    def is_answered(self, passages: Sequence[ShownPassage]) -> bool:
        """Whether these passages hold what is asked: one sentence the first of it, with an answer of the type, and all
        of them enough of the rest.
        """
        about = self.about(passages)
        everything = frozenset[str]().union(*(stems(_headed(each)) | self._stems_in(each) for each in about))
        rest = self.terms[1:]
        if sum(says(term, everything) for term in rest) < math.floor(_ENOUGH * len(rest)):
            return False
        return any(map(self.is_said_in, about))

    def is_said_in(self, passage: ShownPassage) -> bool:
        """Whether one sentence of the passage has what is asked first, with an answer of the type."""
        return any(self.is_met_by(sentence, passage) for sentence in self._sentences_in(passage))

    def is_met_by(self, text: str, passage: ShownPassage) -> bool:
        """Whether a text of the passage has what is asked first, with an answer of the type, and the word that tells
        which of several figures: the maximum is not the average. Or it says several of what there is of a kind.
        """
        if is_choice(self.question, text):
            return True
        heading = stems(_headed(passage))
        own = heading | stems(text)
        return all(says(term, own) for term in self.figures) and any(
            answers(self.kind, text, relation, self.subject, headed=bool(relation) and says(relation, heading))
            for relation in self._firsts()
        )

    def _firsts(self) -> tuple[str, ...]:
        """The term that must be said: of an open question whose terms nothing else is known to stand for, any."""
        if self.is_open and self.kind is Kind.ANY and self.terms and not is_known(self.terms[0]):
            return self.terms
        return self.terms[:1] or ("",)

    def _share(self, passage: ShownPassage) -> float:
        found = held(f"{_headed(passage)} {passage.text}")
        total = math.fsum(self.subject.values()) or 1.0
        return math.fsum(weight for term, weight in self.subject.items() if term in found) / total

    def _sentences_in(self, passage: ShownPassage) -> list[str]:
        """The sentences of a passage, without those about another thing that has a name; each that points back
        together with the one before it.
        """
        found = split_sentences(passage.text)
        pairs = zip(["", *found], found, strict=False)
        return [
            f"{before} {sentence}" if points_back(sentence) else sentence
            for before, sentence in pairs
            if not self._is_of_another(sentence)
        ]

    def _stems_in(self, passage: ShownPassage) -> frozenset[str]:
        return frozenset[str]().union(*map(stems, self._sentences_in(passage)))

    def _is_of_another(self, sentence: str) -> bool:
        """Whether it names a thing, and not the word of the subject that tells it from others."""
        own = max(self.subject.values(), default=0.0)
        marks = {term for term, weight in self.subject.items() if weight == own}
        named = _THING.search(sentence) is not None
        return named and not points_back(sentence) and not marks & set(terms(sentence))


def wanted_by(question: str, query: str, passages: Sequence[ShownPassage]) -> Wanted | None:
    """What the question asks for; None where it is not direct. What it is about are its names; where it has none those
    of `query`, what was searched for, and then what titles and headings say of it.
    """
    if not _is_direct(question.strip()):
        return None
    every = tuple(dict.fromkeys(terms(question)))
    counted = _counted(question, every)
    subject = asked(question, ()).names or asked(query, ()).names
    if not subject:
        heads = {term for each in passages for term in terms(_headed(each))}
        subject = (frozenset(terms(query)) - frozenset(every) or frozenset(every)) & heads - counted
    if not subject and counted:
        subject = frozenset(every) - counted - _GENERIC - _FIGURES
    left = tuple(term for term in every if term not in subject and term not in _GENERIC)
    left = tuple(sorted(_without_category(question, left), key=lambda term: term not in counted))
    if not subject or len(left) > _MOST_ASKED or (len(left) > 1 and _THROUGH.intersection(left)):
        return None
    weights = asked(query, [held(f"{_headed(each)} {each.text}") for each in passages]).weights
    weighed = {term: weights.get(term, 1.0) for term in sorted(subject)}
    figures = tuple(term for term in every if term in _FIGURES)
    is_open = _VERB_FIRST.match(question.strip()) is None
    return Wanted(kind_of(question), weighed, left, figures, is_open, question)


def _counted(question: str, every: Sequence[str]) -> frozenset[str]:
    """The term of what is counted, where a number is asked for: it must stand beside the number."""
    found = _COUNTED.search(question) if kind_of(question) is Kind.NUMBER else None
    return frozenset([term for term in terms(found["noun"]) if term in every][:1] if found else ())


def _is_direct(question: str) -> bool:
    """Whether it asks one thing of a subject that it names, and not of one that it describes."""
    opening = _OPENS.match(question)
    if opening is None or attributed(question):
        return False
    rest = question[opening.end() :]
    joins = _COMPARES.search(question) or _JOINS.search(question) or _DISTANT.search(question)
    return not (joins or _CLAUSE.search(rest) or _COUNTING.sub("", rest).lower().count(" of ") > 1)


def _without_category(question: str, asked_for: tuple[str, ...]) -> tuple[str, ...]:
    """The terms without the noun after `which`, unless it is known by what words texts speak of it: that an answer is
    a country or a company no text need say. A relation that is known comes first, but what is counted before it.
    """
    found = _CATEGORY.search(question)
    category = terms(found["noun"]) if found else []
    left = [term for term in asked_for if term not in category or is_known(term)]
    counted = kind_of(question) is Kind.NUMBER
    return tuple(left if counted else sorted(left, key=lambda term: not is_known(term)))


def _headed(passage: ShownPassage) -> str:
    return f"{passage.title} {passage.where}"
