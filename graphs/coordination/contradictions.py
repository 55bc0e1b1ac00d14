"""Finds claims of different sources that cannot both hold, and says which is to be preferred and why.

Two kinds are found: different figures for the same thing, and a statement beside its negation. Both sides are
kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graphs.coordination.figures import comparable_figures, differ, same_context, stated_in, titles_of
from graphs.coordination.statements import jaccard, negations, numbers, without_negation, word_set
from state.evidence import Claim, Contradiction, Passage, Quantity, Side, Source, content_id

_OPPOSITE = 0.85
"""Jaccard index of the other words from which on a statement and a negated one are opposites."""
_FEWEST_WORDS = 3
"""Shorter statements are not taken for opposites."""


@dataclass(frozen=True)
class _Evidence:
    """What claims rest on, by id; `titles` says what their sources are about."""

    passages: Mapping[str, Passage]
    sources: Mapping[str, Source]
    titles: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class _Stand:
    """One side before it is decided: the claim, the passage that says it, and what it says."""

    claim: Claim
    passage: Passage
    source: Source | None
    value: str

    @property
    def date(self) -> str | None:
        return self.source.date if self.source else None

    @property
    def computed(self) -> bool:
        return self.passage.locator.computed is not None

    def side(self) -> Side:
        return Side(
            claim_id=self.claim.id,
            source_id=self.passage.source_id,
            passage_id=self.passage.id,
            statement=self.claim.text,
            value=self.value,
            date=self.date,
        )


def find_contradictions(
    claims: Sequence[Claim], passages: Mapping[str, Passage], sources: Mapping[str, Source]
) -> tuple[Contradiction, ...]:
    """The contradictions between claims that their passages support, at least partly.

    Of several pairs of claims that show the same conflict between the same sources the weightiest is given.
    The order of the claims makes no difference.
    """
    sound = sorted((claim for claim in claims if claim.verdict in ("supported", "partly")), key=lambda c: c.id)
    evidence = _Evidence(passages, sources, titles_of(sound, passages, sources))
    found: dict[frozenset[tuple[str, str]], tuple[float, Contradiction]] = {}
    for one, other in combinations(sound, 2):
        for subject, left, right in _conflicts(one, other, evidence):
            sides = sorted((left, right), key=lambda stand: stand.claim.id)
            conflict = frozenset((stand.passage.source_id, stand.value) for stand in sides)
            weight = one.weight + other.weight
            made = _contradiction(subject, sides[0], sides[1])
            kept = found.get(conflict)
            if kept is None or (-weight, made.id) < (-kept[0], kept[1].id):
                found[conflict] = weight, made
    return tuple(sorted((made for _, made in found.values()), key=lambda made: made.id))


def _conflicts(one: Claim, other: Claim, evidence: _Evidence) -> Iterator[tuple[str, _Stand, _Stand]]:
    """Subject and sides of the first conflict between two claims, if there is one."""
    if _origins(one, evidence) & _origins(other, evidence):
        return
    for place, there in comparable_figures(one, other, evidence.titles):
        left, right = one.quantities[place], other.quantities[there]
        if not differ(one, left, other, right):
            continue
        sides = _figure_side(one, left, evidence), _figure_side(other, right, evidence)
        if sides[0] and sides[1]:
            yield min(left.subject, right.subject, key=lambda text: (len(text), text)), sides[0], sides[1]
            return
    if _opposite(one.text, other.text) and same_context(one, other, evidence.titles):
        denial, plain = (one, other) if negations(one.text) else (other, one)
        yield (
            plain.text,
            _stand(denial, denial.passages, "denied", evidence),
            _stand(plain, plain.passages, "stated", evidence),
        )


def _origins(claim: Claim, evidence: _Evidence) -> set[str]:
    """The contents that the claim rests on: copies of one file are one origin."""
    ids = {evidence.passages[key].source_id for key in claim.passages}
    return {evidence.sources[key].sha256 if key in evidence.sources else key for key in ids}


def _figure_side(claim: Claim, quantity: Quantity, evidence: _Evidence) -> _Stand | None:
    """The side whose passage states the figure; None where none of the claim's passages does."""
    keys = [key for key in claim.passages if stated_in(quantity, evidence.passages[key])]
    return _stand(claim, keys, quantity.text, evidence) if keys else None


def _stand(claim: Claim, keys: Sequence[str], value: str, evidence: _Evidence) -> _Stand:
    passage = evidence.passages[min(keys)]
    return _Stand(claim, passage, evidence.sources.get(passage.source_id), value)


def _opposite(one: str, other: str) -> bool:
    """Whether one of two statements denies, once, what the other says in the same words."""
    if {negations(one), negations(other)} != {0, 1} or numbers(one) != numbers(other):
        return False
    left, right = word_set(without_negation(one)), word_set(without_negation(other))
    return min(len(left), len(right)) >= _FEWEST_WORDS and jaccard(left, right) >= _OPPOSITE


def _contradiction(subject: str, first: _Stand, second: _Stand) -> Contradiction:
    preferred, why = prefer(first, second)
    return Contradiction(
        id=content_id("x", first.claim.id, second.claim.id),
        subject=subject,
        sides=(first.side(), second.side()),
        preferred=preferred.claim.id,
        why=why,
    )


def prefer(first: _Stand, second: _Stand) -> tuple[_Stand, str]:
    """The side to prefer and why: the more recent source, the weightier claim, computed before quoted.

    Dates are compared as far as both are known. Where nothing tells the sides apart the first id is taken.
    """
    dates = [first.date or "", second.date or ""]
    known = min(map(len, dates))
    if dates[0][:known] != dates[1][:known]:
        late, early = (first, second) if dates[0][:known] > dates[1][:known] else (second, first)
        return late, f"its source is more recent: {late.date} against {early.date}"
    weights = [round(first.claim.weight, 2), round(second.claim.weight, 2)]
    if weights[0] != weights[1]:
        high, low = (first, second) if weights[0] > weights[1] else (second, first)
        return high, f"it has more weight: {high.claim.weight:.2f} against {low.claim.weight:.2f}"
    if first.computed != second.computed:
        return (first if first.computed else second), "it was computed from data, the other is quoted"
    return min(first, second, key=lambda stand: stand.claim.id), "nothing tells them apart; the first by id is taken"
