"""Whether two statements speak of the same thing, also where they leave it to their context what they are of.

A statement that names its subject says it itself. One that begins with `It` or `The bridge` is of what the titles
and headings of its source say, one of which must then hold all words of the other; or of what a question takes for
known (`How long is the bridge?`), as long as the titles do not name different things.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphs.coordination.statements import word_set
from state.evidence import Claim, Passage, Source
from tools.pronouns import subject_of
from tools.sentences import split_sentences

_PROPER = re.compile(r"(?<=[\w,;:)] )[A-Z][\w-]*|\b[A-Za-z]+\d[\w-]*")
_POINTS = re.compile(
    r"\W*(?:(?i:it|its|he|his|she|her|they|their|this|these|that|those|there)\b"
    r"|(?i:the)\s(?:[a-z-]+\s){1,3}?(?:is|was|are|were|has|had|have)\b)"
)
"""How a statement begins that does not name what it is of: `It`, `The film was`."""
_CALENDAR = frozenset(
    "January February March April May June July August September October November December Monday Tuesday"
    " Wednesday Thursday Friday Saturday Sunday".split()
)
_TITLE_NAME = re.compile(r"(?<=[\w,;:)’'] )[A-Z][\w-]*|^[A-Z][\w-]*(?=\s+[A-Z]|$|\s*\()")
"""A name in a title: a capitalised word, the first one only where it is not followed by a small word."""
_NARROWER = r"(?!\s+(?:of|in|at|on|from|that|which|who|whose|where|named|called|(?-i:[A-Z])))"
"""What may not follow `the bridge` in a question that means a bridge which the statement knows too."""


@dataclass(frozen=True)
class Subjects:
    """What the claims of one body of evidence are of, beyond their own words."""

    titles: Mapping[str, frozenset[str]]
    """By claim: the words of the titles of its sources and of the headings that its passages stand under."""
    names: Mapping[str, frozenset[str]]
    """By claim: those that are names."""
    questions: tuple[str, ...]
    """What the claims answer."""

    @classmethod
    def of(cls, claims: Sequence[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]) -> "Subjects":
        """The subjects of these claims; `passages` and `sources` hold what they rest on, by id."""
        titles = {claim.id: _titles(claim, passages, sources) for claim in claims}
        common = {word for claim in claims for word in re.findall(r"\b[a-z][\w-]+", claim.text)}
        return cls(
            {key: word_set(" ".join(re.findall(r"[^\W_]+", " ".join(lines)))) for key, lines in titles.items()},
            {key: _named(lines, common) for key, lines in titles.items()},
            tuple(sorted({claim.topic for claim in claims if claim.topic})),
        )

    def same(self, one: Claim, other: Claim) -> bool:
        """Whether two statements name the same, or their context does for those that leave it to them."""
        if _proper(one.text) & _proper(other.text) and not (_POINTS.match(one.text) or _POINTS.match(other.text)):
            return True
        mine, theirs = self.titles[one.id], self.titles[other.id]
        if mine and theirs and (mine <= theirs or theirs <= mine):
            return True
        here, there = self.names[one.id], self.names[other.id]
        if here - there and there - here:
            return False
        return any(self._is_known(subject) for subject in _definite(one.text) & _definite(other.text))

    def _is_known(self, subject: str) -> bool:
        """Whether the questions speak of `the bridge` as one that is known, and of no two."""
        head = re.escape(subject.rpartition(" ")[2])
        mention = re.compile(rf"\bthe\s+((?:[\w'’-]+\s+){{0,3}}?){head}\b{_NARROWER}", re.IGNORECASE)
        known = {found.casefold() for question in self.questions for found in mention.findall(question)}
        return len(known) == 1


def _titles(claim: Claim, passages: Mapping[str, Passage], sources: Mapping[str, Source]) -> list[str]:
    cited = [passages[key] for key in claim.passages]
    named = [sources[passage.source_id].title for passage in cited if passage.source_id in sources]
    return [*named, *(heading for passage in cited for heading in passage.locator.heading)]


def _named(titles: Iterable[str], common: Iterable[str]) -> frozenset[str]:
    """The names in titles; a word that the claims write small is none."""
    found = {name for title in titles for name in _TITLE_NAME.findall(title)}
    return frozenset(name for name in found if name.lower() not in common)


@lru_cache(maxsize=4096)
def _proper(text: str) -> frozenset[str]:
    """What is surely a name: a capitalised word within the sentence, or letters with digits like `CO2`."""
    return frozenset(found.group() for found in _PROPER.finditer(text)) - _CALENDAR


@lru_cache(maxsize=4096)
def _definite(text: str) -> frozenset[str]:
    """The subjects of its sentences that are spoken of as known and not named: `bridge` of `The bridge is`."""
    subjects = (subject_of(sentence).split(" ", 1) for sentence in split_sentences(text))
    return frozenset(
        rest[0] for article, *rest in subjects if article.lower() == "the" and rest and rest[0] == rest[0].lower()
    )
