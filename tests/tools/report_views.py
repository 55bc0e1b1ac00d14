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
    Grounds,
    Locator,
    Passage,
    Side,
    SkippedSource,
    Source,
)
from state.research import Draft, Feedback, GateReport, Merged, Missing, Section, Sentence
from tools.report.view import ReportView

KEPT = frozenset(
    {"id", "sha256", "media_type", "outcome", "status", "kind", "point", "type", "verdict", "decision"}
    | {"passages", "claims", "preferred"}
)
"""Fields that hold ids and words of our own."""
PNG = b"\x89PNG picture"
CSV = b"year,mean\n1959,315.98\n"


def source(id_: str, **more: Any) -> Source:
    return Source(**{"id": id_, "uri": f"{id_}.md", "title": id_, "kind": "markdown", "sha256": id_, "size": 1} | more)


def file(data: bytes, media_type: str, name: str) -> ArtifactRef:
    return ArtifactRef(sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, name=name, size=len(data))


def view(draft: Draft, **more: Any) -> ReportView:
    known = {"run_id": "r1", "question": "Q?", "outcome": "published"}
    return ReportView(**known | {"draft": draft, "collection": Collection(id="c", sources=2, passages=3)} | more)


SOURCES = (
    source("s1", uri="notes/observatory.md", title="Notes", date="2021-05-04"),
    source("s2", uri="https://example.org/co2?a=1", title="The record", kind="html"),
    source("s3", uri="co2.csv", title="co2.csv", kind="csv"),
)
GREW = Passage.make("s1", Locator(heading=("Record", "Growth"), lines=(3, 9)), "Growth was 2.4 ppm a year.")
LESS = Passage.make("s2", Locator(page=3), "Growth averaged 1.9 ppm a year. " + "And so on. " * 20)
TREND = Passage.make("s3", Locator(computed="linear_trend(mean by year)", cells="A2:B66"), "It rises by 1.6 ppm.")
DRAWN = Passage.make("s3", Locator(computed="line chart(mean by year)", cells="A2:B66"), "A line that rises.")
UNUSED = Passage.make("s1", Locator(), "Never cited.")
CHART = Chart(
    image=file(PNG, "image/png", "co2.png"),
    data=file(CSV, "text/csv", "co2.csv"),
    title="CO2 rises",
    alt="A line that rises.",
    passage_id=DRAWN.id,
)
GROUNDS = Grounds(
    verification=1,
    agreement=0.6667,
    quality=0.9,
    recency=1,
    sources=1,
    against=1,
    why="One source states it, 1 contradicts it.",
)
GATE = GateReport(
    decision="approved",
    score=0.83,
    coverage=0.75,
    citation_validity=0.996,
    agreement=0.8,
    completeness=0.8,
    uncovered=("What does it cost?",),
    defects=("One question is open.",),
)


def merged() -> Merged:
    """Two claims that contradict each other, a chart, a branch that ran out of time, a note."""
    sides = (
        Side(claim_id="c1", source_id="s1", passage_id=GREW.id, statement="Growth was 2.4.", value="2.4 ppm"),
        Side(claim_id="c2", source_id="s2", passage_id=LESS.id, statement="It was 1.9.", value="1.9", date="2019"),
    )
    return Merged(
        claims=tuple(
            Claim(
                id=id_,
                text="Growth was 2.4." if id_ == "c1" else "",
                passages=(passage.id,),
                weight=1,
                confidence=1,
                grounds=GROUNDS if id_ == "c1" else None,
                verdict="supported",
            )
            for id_, passage in (("c1", GREW), ("c2", LESS))
        ),
        contradictions=(Contradiction(id="x", subject="growth", sides=sides, preferred="c1", why="It is newer."),),
        estimates=(Estimate(subject="growth", unit="ppm", n=2, mean=2.15, low=1.66, high=2.64, claims=("c1", "c2")),),
        charts=(CHART,),
        missing=(Missing(branch_id="m", focus="market", status="timed_out", reason="300 s", questions=("Cost?",)),),
        notes=("Instructions in forum.md were not followed.",),
    )


def draft() -> Draft:
    """Four sections; three of the five citing sentences are supported."""
    rises = Sentence(text="It rises by 1.6 ppm.", passages=(TREND.id,), verdict="supported")
    both = Sentence(text="Sources differ.", passages=(LESS.id, GREW.id), verdict="partly")
    return Draft(
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


def golden() -> ReportView:
    """A small report with one of everything."""
    skipped = (SkippedSource(uri="scan.pdf", reason="no text"),)
    return view(
        draft(),
        question="How fast?",
        merged=merged(),
        gate=GATE,
        passages=(GREW, LESS, TREND, DRAWN, UNUSED),
        sources=SOURCES,
        collection=Collection(id="c", sources=6, passages=9, skipped=skipped),
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
