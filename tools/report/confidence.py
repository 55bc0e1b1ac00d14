"""How sure each finding of a report is, and why: a row for all claims that the report cites for the same reasons."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from state.evidence import Claim
from state.research import Draft, Merged
from tools.report.citations import Citations
from tools.report.escaping import shorten
from tools.report.page import ConfidenceRow
from tools.report.view import citing_sentences
from tools.synthesis_tools import usable

_NAMED, _WORDS = 3, 12
"""Claims of a row that are quoted, and words of each: they stand whole in the report."""


def confidence_rows(merged: Merged, draft: Draft, citations: Citations) -> tuple[ConfidenceRow, ...]:
    """The claims that a sentence of the draft rests on, together where they are as sure for the same reasons; the
    surest first, then in the order of the evidence.
    """
    cited = {key for sentence in citing_sentences(draft) for key in sentence.passages}
    shown = [claim for claim in usable(merged.claims) if claim.grounds and cited & set(claim.passages)]
    ordered = sorted(shown, key=_reasons)
    names = {side.claim_id: f"{found.subject}: {side.value}" for found in merged.contradictions for side in found.sides}
    return tuple(_row(list(group), citations, cited, names) for _, group in groupby(ordered, _reasons))


def _reasons(claim: Claim) -> tuple[float, str, str]:
    return -claim.confidence, claim.grounds.why if claim.grounds else "", repr(claim.grounds)


def _row(claims: Sequence[Claim], citations: Citations, cited: set[str], names: Mapping[str, str]) -> ConfidenceRow:
    """The row of claims for the same reasons; `names` has what disputed ones are called, by id."""
    one = claims[0]
    grounds = one.grounds
    assert grounds is not None  # the caller leaves out what has none
    parts = {
        "verification": grounds.verification,
        "agreement": grounds.agreement,
        "source quality": grounds.quality,
        "recency": grounds.recency,
    }
    return ConfidenceRow(
        finding="; ".join(names.get(claim.id) or f"“{shorten(claim.text, _WORDS)}”" for claim in claims[:_NAMED])
        + (f" and {len(claims) - _NAMED} more" if len(claims) > _NAMED else ""),
        # Numbers after several beginnings would say that each passage holds all of them; they stand at the sentences.
        cites=citations.of((key for key in one.passages if key in cited), one.text) if len(claims) == 1 else (),
        confidence=f"{one.confidence:.2f}",
        parts=", ".join(f"{name} {value:.2f}" for name, value in parts.items()),
        why=grounds.why,
    )
