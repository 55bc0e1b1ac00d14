"""Finds claims of different sources that cannot both hold, and says which is to be preferred and why.

Three kinds are found: different figures for the same thing, different dates of one event, and a statement beside its
opposite. Both sides are kept. A pronoun that begins a sentence is read as the subject of the sentence before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graphs.coordination.preference import Standing, prefer
from graphs.coordination.quality import quality_of
from graphs.coordination.statements import jaccard, numbers, word_set
from graphs.coordination.subjects import Subjects
from state.evidence import Claim, Contradiction, Passage, Quantity, Side, Source, content_id
from tools.attributes import attributes_in
from tools.designators import of_others
from tools.events import at_other_times, event_in, same_event
from tools.facts import find_quantities
from tools.figures import comparable_figures, differ, same_frame, stated_in
from tools.naming import of_event, of_figures, of_opposites
from tools.polarity import negations, opposite_words, without_negation, without_opposites
from tools.pronouns import with_subjects

_OPPOSITE = 0.85
"""Jaccard index of the other words from which on a statement and a negated one are opposites."""
_FEWEST_WORDS = 3
"""Shorter statements are not taken for opposites."""


_LEFT_OUT, _TAKEN_IN = re.compile(r"\bwithout\b", re.IGNORECASE), re.compile(r"\bwith\b", re.IGNORECASE)
"""`Without` denies only what another says to be `with`."""
_FEWEST_SHARED = 2
"""Words that two claims share at least when they are compared; `long` and `length` are one."""


@dataclass(frozen=True)
class _Evidence:
    """What claims rest on, by id, and what they are of."""

    passages: Mapping[str, Passage]
    sources: Mapping[str, Source]
    subjects: Subjects
    claims: Mapping[str, Claim]
    """As they were found; what is compared are copies with their pronouns read."""

    def origins(self, claim: Claim) -> set[str]:
        """The contents that the claim rests on: copies of one file are one origin."""
        ids = {self.passages[key].source_id for key in claim.passages}
        return {self.sources[key].sha256 if key in self.sources else key for key in ids}


@dataclass(frozen=True)
class _Stand:
    """One side before it is decided: the claim, the passage that says it, and what it says."""

    claim: Claim
    passage: Passage
    source: Source | None
    value: str

    def side(self) -> Side:
        return Side(
            claim_id=self.claim.id,
            source_id=self.passage.source_id,
            passage_id=self.passage.id,
            statement=self.claim.text,
            value=self.value,
            date=self.source.date if self.source else None,
        )


@dataclass(frozen=True)
class _Conflict:
    """Two claims that cannot both hold, the one with the lower id first."""

    subject: str
    first: _Stand
    second: _Stand

    @property
    def key(self) -> frozenset[tuple[str, str]]:
        """The same for all pairs of claims that show this conflict between the same sources."""
        return frozenset((stand.passage.source_id, stand.value) for stand in (self.first, self.second))

    @property
    def rank(self) -> tuple[float, str, str]:
        return -(self.first.claim.weight + self.second.claim.weight), self.first.claim.id, self.second.claim.id


@dataclass(frozen=True)
class Comparison:
    """What came of comparing the claims of different sources."""

    contradictions: tuple[Contradiction, ...]
    compared: Mapping[str, frozenset[str]]
    """By id of a claim, the ids of those of other sources that say something about the same thing: the same measure,
    the same event, or the same in nearly the same words. Of all others it is not known whether they agree."""


def find_contradictions(
    claims: Sequence[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]
) -> tuple[Contradiction, ...]:
    """The contradictions that `compare_claims` finds."""
    return compare_claims(claims, passages, sources).contradictions


def compare_claims(
    claims: Sequence[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]
) -> Comparison:
    """The claims that their passages support, at least partly, each set against those of other sources.

    Of several pairs of claims that show the same conflict between the same sources the weightiest is given.
    The order of the claims makes no difference.
    """
    sound = sorted((claim for claim in claims if claim.verdict in ("supported", "partly")), key=lambda c: c.id)
    evidence = _Evidence(passages, sources, Subjects.of(sound, passages, sources), {claim.id: claim for claim in sound})
    read = [_read(claim, passages) for claim in sound]
    compared: dict[str, set[str]] = {}
    found: list[_Conflict] = []
    for one, other in combinations(read, 2):
        comparable, conflict = _set_against(one, other, evidence)
        if comparable:
            compared.setdefault(one.id, set()).add(other.id)
            compared.setdefault(other.id, set()).add(one.id)
        found += [conflict] if conflict else []
    told: dict[frozenset[tuple[str, str]], _Conflict] = {}
    for conflict in sorted(found, key=lambda each: each.rank):
        told.setdefault(conflict.key, conflict)
    made = (_contradiction(conflict, found, evidence) for conflict in told.values())
    return Comparison(
        tuple(sorted(made, key=lambda each: each.id)), {key: frozenset(others) for key, others in compared.items()}
    )


def _read(claim: Claim, passages: Mapping[str, Passage]) -> Claim:
    """The claim with its pronouns read, for comparing only."""
    text = with_subjects(claim.text, [passages[key].text for key in claim.passages])
    if text == " ".join(claim.text.split()):
        return claim
    return claim.model_copy(update={"text": text, "quantities": tuple(find_quantities(text))})


def _set_against(one: Claim, other: Claim, evidence: _Evidence) -> tuple[bool, _Conflict | None]:
    """Whether two claims of different sources can be compared, and the first conflict between them."""
    shared = len(word_set(one.text) & word_set(other.text)) + bool(attributes_in(one.text) & attributes_in(other.text))
    if shared < _FEWEST_SHARED or evidence.origins(one) & evidence.origins(other):
        return False, None
    comparable = False
    for kind in (_of_figures, _of_events, _of_opposites):
        same, conflict = kind(one, other, evidence)
        if conflict is not None:
            return True, conflict
        comparable = comparable or same
    return comparable, None


def _of_figures(one: Claim, other: Claim, evidence: _Evidence) -> tuple[bool, _Conflict | None]:
    """Whether they have figures of one thing, and the first two that exclude each other."""
    pairs = comparable_figures(one, other) if evidence.subjects.same(one, other) else []
    for place, there in pairs:
        left, right = one.quantities[place], other.quantities[there]
        if not differ(one, left, other, right):
            continue
        sides = _figure_side(one, left, evidence), _figure_side(other, right, evidence)
        if sides[0] and sides[1]:
            return True, _Conflict(of_figures(one.text, left, other.text, right), sides[0], sides[1])
    return bool(pairs), None


def _of_events(one: Claim, other: Claim, evidence: _Evidence) -> tuple[bool, _Conflict | None]:
    """Whether they date one event, and the conflict where at other times."""
    left, right = event_in(one.text), event_in(other.text)
    if left is None or right is None or not same_event(left, right):
        return False, None
    if not same_frame(left.rest, right.rest) or not evidence.subjects.same(one, other):
        return False, None
    if not at_other_times(left, right):
        return True, None
    subject = of_event(left.subject, right.subject)
    sides = _stand(one, one.passages, left.written, evidence), _stand(other, other.passages, right.written, evidence)
    return True, _Conflict(subject, *sides)


def _of_opposites(one: Claim, other: Claim, evidence: _Evidence) -> tuple[bool, _Conflict | None]:
    """Whether they say something about the same in nearly the same words, and the conflict where the opposite."""
    if not _opposite(one.text, other.text):
        return _in_same_words(one.text, other.text) and evidence.subjects.same(one, other), None
    if not evidence.subjects.same(one, other):
        return False, None
    values = {one.id: "one way", other.id: "the other way"}
    if negations(one.text) != negations(other.text):
        values = {each.id: "denied" if negations(each.text) else "stated" for each in (one, other)}
    plain = min((one, other), key=lambda each: (negations(each.text), each.id))
    sides = [_stand(each, each.passages, values[each.id], evidence) for each in (one, other)]
    subject = of_opposites(evidence.claims[plain.id].text)
    return True, _Conflict(subject, sides[0], sides[1])


def _figure_side(claim: Claim, quantity: Quantity, evidence: _Evidence) -> _Stand | None:
    """The side whose passage states the figure; None where none of the claim's passages does."""
    keys = [key for key in claim.passages if stated_in(quantity, evidence.passages[key])]
    return _stand(claim, keys, quantity.text, evidence) if keys else None


def _stand(claim: Claim, keys: Sequence[str], value: str, evidence: _Evidence) -> _Stand:
    passage = evidence.passages[min(keys)]
    return _Stand(evidence.claims[claim.id], passage, evidence.sources.get(passage.source_id), value)


def _opposite(one: str, other: str) -> bool:
    """Whether one of two statements denies, once, what the other says in the same words, or says it the other way."""
    if numbers(one) != numbers(other) or of_others(one, other):
        return False
    if {negations(one), negations(other)} == {0, 1} and not opposite_words(one, other):
        if _LEFT_OUT.search(f"{one} {other}") and not _TAKEN_IN.search(f"{one} {other}"):
            return False
        left, right = word_set(without_negation(one)), word_set(without_negation(other))
    elif negations(one) == negations(other) == 0 and opposite_words(one, other):
        left, right = word_set(without_opposites(one)), word_set(without_opposites(other))
    else:
        return False
    return min(len(left), len(right)) >= _FEWEST_WORDS and jaccard(left, right) >= _OPPOSITE


def _in_same_words(one: str, other: str) -> bool:
    left, right = word_set(one), word_set(other)
    is_near = min(len(left), len(right)) >= _FEWEST_WORDS and jaccard(left, right) >= _OPPOSITE
    return is_near and numbers(one) == numbers(other) and not of_others(one, other)


def _contradiction(conflict: _Conflict, found: Sequence[_Conflict], evidence: _Evidence) -> Contradiction:
    stands = (conflict.first, conflict.second)
    agreeing = [_agreeing(mine, other, found, evidence) for mine, other in (stands, stands[::-1])]
    standings = [
        Standing(
            stand.source.date if stand.source else None,
            quality_of(stand.passage, stand.source),
            len(origins),
            stand.claim.verdict == "supported",
        )
        for stand, origins in zip(stands, agreeing, strict=True)
    ]
    preferred, why = prefer(standings[0], standings[1])
    return Contradiction(
        id=content_id("x", stands[0].claim.id, stands[1].claim.id),
        subject=conflict.subject,
        sides=(stands[0].side(), stands[1].side()),
        preferred="" if preferred is None else stands[preferred].claim.id,
        why=why,
    )


def _agreeing(mine: _Stand, other: _Stand, found: Sequence[_Conflict], evidence: _Evidence) -> set[str]:
    """The origins of all claims that conflict with the other side and not with this one."""
    against = [_opponents(stand.claim.id, found) for stand in (other, mine)]
    keys = {mine.claim.id, *(against[0] - against[1] - {other.claim.id})}
    return {origin for key in keys for origin in evidence.origins(evidence.claims[key])}


def _opponents(claim_id: str, found: Sequence[_Conflict]) -> set[str]:
    pairs = [(each.first.claim.id, each.second.claim.id) for each in found]
    return {left if right == claim_id else right for left, right in pairs if claim_id in (left, right)}
