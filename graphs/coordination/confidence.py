"""How sure a claim is, computed, and explained in words. The formula is ours; no figure in it comes from a model.

confidence = verification · agreement · (1 - Π over independent sources (1 - quality · recency)), at most 0.99
- Verification is what the citation check says: 1 for supported, 0.6 for partly supported, 0.2 for unsupported, 0.1 for
  contradicted.
- Agreement is the share of the independent sources that state the claim among those that state or contradict it. A
  reason to prefer one side counts as one source more for it.
- Quality is that of graphs/coordination/quality.py.
- Recency is 0.8 + 0.2 · 2^(-a/5) for a source that is a years older than the most recent one that the claims rest on,
  and 0.9 for one without a date: age makes a source weaker, not wrong.
- The product is the noisy-or (Pearl 1988): each source alone may be enough. Copies of one file are one source.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphs.coordination.contradictions import Comparison
from graphs.coordination.quality import Quality, quality_of
from state.evidence import Claim, Grounds, Passage, Source, Verdict
from tools.dates import iso_date

_VERIFICATION: dict[Verdict, float] = {"supported": 1.0, "partly": 0.6, "unsupported": 0.2, "contradicted": 0.1}
_CHECKED: dict[Verdict, str] = {
    "supported": "its words, names and numbers stand in its passages",
    "partly": "its passages say it only in part",
    "unsupported": "its passages do not say it",
    "contradicted": "its passages say the opposite",
}
_OLDEST, _HALVED_IN, _UNDATED = 0.8, 5.0, 0.9
_MOST = 0.99
_DIGITS = 4


@dataclass(frozen=True)
class _Witness:
    """One independent source of a claim."""

    quality: Quality
    recency: float
    date: str | None

    @property
    def trust(self) -> float:
        return self.quality.value * self.recency


def with_confidence(
    claims: Sequence[Claim],
    comparison: Comparison,
    passages: Mapping[str, Passage],
    sources: Mapping[str, Source],
) -> list[Claim]:
    """The claims with their confidence and its grounds; `passages` and `sources` hold what they rest on, by id."""
    known = {passages[key].source_id for claim in claims for key in claim.passages}
    ages = [_years(sources[key].date) for key in known if key in sources]
    newest = max((years for years in ages if years is not None), default=0.0)
    witnesses = {claim.id: _witnesses(claim, passages, sources, newest) for claim in claims}
    return [_sure(claim, comparison, witnesses) for claim in claims]


def _sure(claim: Claim, comparison: Comparison, witnesses: Mapping[str, Mapping[str, _Witness]]) -> Claim:
    mine = witnesses[claim.id]
    disputes = [found for found in comparison.contradictions if claim.id in {side.claim_id for side in found.sides}]
    others = {side.claim_id for found in disputes for side in found.sides} - {claim.id}
    against = {origin for key in others for origin in witnesses.get(key, ())}
    beside = {origin for key in comparison.compared.get(claim.id, ()) for origin in witnesses.get(key, ())} - against
    chosen = [found.preferred == claim.id for found in disputes if found.preferred]
    share = (len(mine) + all(chosen) * bool(chosen)) / max(1, len(mine) + len(against) + bool(chosen))
    agreement = round(share, _DIGITS)
    best = max(mine.values(), key=lambda each: (each.trust, each.quality.what), default=None)
    doubt = math.prod(sorted(1 - each.trust for each in mine.values()))
    verification = _VERIFICATION[claim.verdict]
    grounds = Grounds(
        verification=verification,
        agreement=agreement,
        quality=best.quality.value if best else 0.0,
        recency=round(best.recency, _DIGITS) if best else 0.0,
        sources=len(mine),
        against=len(against),
        beside=len(beside),
        why=_why(claim.verdict, best, len(mine), _told(len(against), len(beside), _outcome(chosen))),
    )
    confidence = round(min(_MOST, verification * agreement * (1 - doubt)), _DIGITS)
    return claim.model_copy(update={"confidence": confidence, "grounds": grounds})


def _witnesses(
    claim: Claim, passages: Mapping[str, Passage], sources: Mapping[str, Source], newest: float
) -> dict[str, _Witness]:
    """By content of the source: copies of one file, and passages of one source, are one witness, the best of them."""
    found: dict[str, _Witness] = {}
    for key in claim.passages:
        passage = passages[key]
        source = sources.get(passage.source_id)
        date = source.date if source else None
        years = _years(date)
        recency = _UNDATED if years is None else _OLDEST + (1 - _OLDEST) * 2 ** -((newest - years) / _HALVED_IN)
        witness = _Witness(quality_of(passage, source), recency, date)
        origin = source.sha256 if source else passage.source_id
        if origin not in found or found[origin].trust < witness.trust:
            found[origin] = witness
    return found


def _years(date: str | None) -> float | None:
    """A date of a year, a month or a day, in years; None where it is none: sources state what they like."""
    iso = iso_date(date or "")
    if iso is None:
        return None
    year, month, day = (*map(int, iso.split("-")), 1, 1)[:3]
    return year + (month - 1) / 12 + (day - 1) / 366


def _outcome(chosen: Sequence[bool]) -> str:
    if not chosen:
        return "the evidence speaks for neither"
    return "the evidence speaks for this side" if all(chosen) else "the evidence speaks for the other side"


def _told(against: int, beside: int, outcome: str) -> str:
    """What other sources say of the same, as far as that could be compared."""
    if against:
        return f"{against} contradict{'s' if against == 1 else ''} it, and {outcome}"
    if beside:
        others = "another says something" if beside == 1 else f"{beside} others say something"
        return f"{others} of the same that does not contradict it"
    return "there was none to compare it with"


def _why(verdict: Verdict, best: _Witness | None, count: int, others: str) -> str:
    """The grounds in words."""
    if best is None:
        return "No passage that exists was named for it."
    stated = f"{count} independent sources state it" if count > 1 else "One source states it"
    which = "the best of them" if count > 1 else "the source"
    dated = f"of {best.date}" if best.date else "without a date"
    return f"{stated}, {others}; {which} is {best.quality.what}, {dated}; {_CHECKED[verdict]}."
