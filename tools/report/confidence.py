"""How sure each finding of a report is, and why: a row for each claim that the report cites."""

from state.evidence import Claim
from state.research import Draft, Merged
from tools.report.citations import Citations
from tools.report.page import ConfidenceRow
from tools.report.view import citing_sentences
from tools.synthesis_tools import usable


def confidence_rows(merged: Merged, draft: Draft, citations: Citations) -> tuple[ConfidenceRow, ...]:
    """The claims that a sentence of the draft rests on, in the order of the evidence."""
    cited = {key for sentence in citing_sentences(draft) for key in sentence.passages}
    shown = [claim for claim in usable(merged.claims) if claim.grounds and cited & set(claim.passages)]
    return tuple(_row(claim, citations, cited) for claim in shown)


def _row(claim: Claim, citations: Citations, cited: set[str]) -> ConfidenceRow:
    grounds = claim.grounds
    assert grounds is not None  # the caller leaves out what has none
    parts = {
        "verification": grounds.verification,
        "agreement": grounds.agreement,
        "source quality": grounds.quality,
        "recency": grounds.recency,
    }
    return ConfidenceRow(
        finding=claim.text,
        cites=citations.of((key for key in claim.passages if key in cited), claim.text),
        confidence=f"{claim.confidence:.2f}",
        parts=", ".join(f"{name} {value:.2f}" for name, value in parts.items()),
        why=grounds.why,
    )
