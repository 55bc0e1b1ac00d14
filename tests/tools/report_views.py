"""Report views for tests: a small one with one of everything, and the same with one text everywhere."""

from __future__ import annotations

import hashlib
from typing import Any

from state.evidence import (
    ArtifactRef,
    Chart,
    Claim,
    Collection,
    Contradiction,
    Estimate,
    Locator,
    Passage,
    Side,
    SkippedSource,
    Source,
)
from state.research import Draft, Feedback, GateReport, Merged, Missing, Section, Sentence
from tools.report.view import ReportView

PNG = b"\x89PNG picture"
CSV = b"year,mean\n1959,315.98\n"


def source(id_: str, **more: Any) -> Source:
    return Source(**{"id": id_, "uri": f"{id_}.md", "title": id_, "kind": "markdown", "sha256": id_, "size": 1} | more)


def file(data: bytes, media_type: str, name: str) -> ArtifactRef:
    return ArtifactRef(sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, name=name, size=len(data))


def view(draft: Draft, **more: Any) -> ReportView:
    known = {"run_id": "r1", "question": "Q?", "outcome": "published"}
    return ReportView(**known | {"draft": draft, "collection": Collection(id="c", sources=2, passages=3)} | more)


def golden() -> ReportView:
    """A small report with one of everything."""
    notes = source("s1", uri="notes/observatory.md", title="Notes", date="2021-05-04")
    page = source("s2", uri="https://example.org/co2?a=1", title="The record", kind="html")
    table = source("s3", uri="co2.csv", title="co2.csv", kind="csv")
    grew = Passage.make("s1", Locator(heading=("Record", "Growth"), lines=(3, 9)), "Growth was 2.4 ppm a year.")
    less = Passage.make("s2", Locator(page=3), "Growth averaged 1.9 ppm a year. " + "And so on. " * 20)
    trend = Passage.make("s3", Locator(computed="linear_trend(mean by year)", cells="A2:B66"), "It rises by 1.6 ppm.")
    drawn = Passage.make("s3", Locator(computed="line chart(mean by year)", cells="A2:B66"), "A line that rises.")
    image, data = file(PNG, "image/png", "co2.png"), file(CSV, "text/csv", "co2.csv")
    chart = Chart(image=image, data=data, title="CO2 rises", alt="A line that rises.", passage_id=drawn.id)
    sides = (
        Side(claim_id="c1", source_id="s1", passage_id=grew.id, statement="Growth was 2.4.", value="2.4 ppm"),
        Side(claim_id="c2", source_id="s2", passage_id=less.id, statement="It was 1.9.", value="1.9", date="2019"),
    )
    claims = tuple(
        Claim(id=id_, text="", passages=(passage.id,), weight=1, confidence=1)
        for id_, passage in (("c1", grew), ("c2", less))
    )
    merged = Merged(
        claims=claims,
        contradictions=(Contradiction(id="x", subject="growth", sides=sides, preferred="c1", why="It is newer."),),
        estimates=(Estimate(subject="growth", unit="ppm", n=2, mean=2.15, low=1.66, high=2.64, claims=("c1", "c2")),),
        charts=(chart,),
        missing=(Missing(branch_id="m", focus="market", status="timed_out", reason="300 s", questions=("Cost?",)),),
        notes=("Instructions in forum.md were not followed.",),
    )
    gate = GateReport(
        decision="approved",
        score=0.83,
        coverage=0.75,
        citation_validity=0.996,
        agreement=0.8,
        completeness=0.8,
        uncovered=("What does it cost?",),
        defects=("One question is open.",),
    )
    rises = Sentence(text="It rises by 1.6 ppm.", passages=(trend.id,), verdict="supported")
    both = Sentence(text="Sources differ.", passages=(less.id, grew.id), verdict="partly")
    draft = Draft(
        title="How fast does CO2 rise?",
        model_note="Written by extraction.",
        dropped=1,
        sections=(
            Section(heading="Executive summary", sentences=(rises, both, Sentence(text="More below."))),
            Section(heading="Key findings", sentences=(rises,)),
            Section(heading="Analysis", sentences=(rises,)),
            Section(heading="Contradictions", sentences=(both,)),
        ),
    )
    return view(
        draft,
        question="How fast?",
        merged=merged,
        gate=gate,
        passages=(grew, less, trend, drawn, Passage.make("s1", Locator(), "Never cited.")),
        sources=(notes, page, table),
        collection=Collection(
            id="c", sources=6, passages=9, skipped=(SkippedSource(uri="scan.pdf", reason="no text"),)
        ),
        feedback=(Feedback(point="gate", type="respond", message="Mind the units.", by="Ada"),),
        approvals=("plan: went on without approval, nobody was at the terminal",),
        models=("extractive",),
    )


def everywhere(text: str) -> ReportView:
    """A report with one text in every place that can hold text of others."""
    data = golden().model_dump(mode="json")

    def replaced(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: replaced(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [replaced(each, key) for each in value]
        kept = key in KEPT or key.endswith("_id") or value is None
        return value if kept or not isinstance(value, str) else text

    return ReportView.model_validate(replaced(data))


KEPT = {"id", "sha256", "media_type", "outcome", "status", "kind", "point", "type", "verdict", "decision"} | {
    "passages",
    "claims",
    "preferred",
    "heading",
}


