"""The tool `write_report`: findings with their sources become a report that says how well each is borne out."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolFailed
from state.evidence import Collection, Locator, Passage, Source
from state.runs import Json
from tools.effects import effects
from tools.making import made, schema_of

if TYPE_CHECKING:  # slow to import
    from state.research import Draft
    from tools.report.view import ReportView


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CitedText(_Given):
    """A text that findings rest on."""

    title: str = Field(min_length=1)
    text: str = Field(min_length=1)
    uri: str = Field(default="", description="Its address or path.")
    date: str | None = Field(default=None, pattern=r"^\d{4}(-\d\d){0,2}$", description="Of publication: 2024-05-01.")


class CitedFinding(_Given):
    """One sentence of the report."""

    text: str = Field(min_length=1)
    sources: list[int] = Field(default=[], description="The places in `sources` of what it rests on, from 0.")


class ReportPart(_Given):
    """A headed part."""

    heading: str
    findings: list[CitedFinding]


class ReportInput(_Given):
    """What the report says, and what that rests on."""

    title: str = Field(min_length=1)
    question: str = Field(default="", description="What it answers; without it, the title.")
    parts: list[ReportPart] = Field(min_length=1, max_length=100)
    sources: list[CitedText] = Field(max_length=1000)
    name: str = Field(default="report", pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of its files, without ending.")


class Judged(BaseModel):
    """How a finding stands to its sources."""

    text: str
    verdict: str = Field(description="supported, partly, contradicted or unsupported, by a check without a model.")
    reason: str


class ReportFiles(BaseModel):
    """Where the report is, and how well it is borne out."""

    markdown: str = Field(description="Path within the folder of the run.")
    html: str
    citation_accuracy: float = Field(description="Share of the findings with sources that these support, 0 to 1.")
    findings: list[Judged]


@dataclass(frozen=True)
class Reports:
    """The reports of one run."""

    run_id: str
    write: Callable[[str, bytes], Json]
    """Writes a file into the run's folder."""

    def tool(self) -> tuple[BaseTool, Json]:
        """`write_report`, with the schema of what it gives back."""
        tool = made(
            coroutine=self._write_report,
            name="write_report",
            description="Writes findings with their sources as a report, Markdown and HTML, into files of the run.",
            args_schema=ReportInput,
            metadata=effects("write"),
        )
        return tool, schema_of(ReportFiles)

    async def _write_report(self, **given: Any) -> Json:
        return await asyncio.to_thread(self._written, ReportInput(**given))

    def _written(self, asked: ReportInput) -> Json:
        from tools.report.rendering import render_html, render_markdown
        from tools.report.view import citation_accuracy

        view, judged = _view(self.run_id, asked)
        markdown, html = f"{asked.name}.md", f"{asked.name}.html"
        self.write(markdown, render_markdown(view, {}).encode())
        self.write(html, render_html(view, {}).encode())
        accuracy = citation_accuracy(view.draft)
        told = ReportFiles(markdown=markdown, html=html, citation_accuracy=round(accuracy, 4), findings=judged)
        return told.model_dump()


def _view(run_id: str, asked: ReportInput) -> "tuple[ReportView, list[Judged]]":
    from tools.report.view import ReportView

    sources = [_source(place, each) for place, each in enumerate(asked.sources)]
    passages = [
        Passage.make(source.id, Locator(), each.text) for source, each in zip(sources, asked.sources, strict=True)
    ]
    draft, judged = _draft(asked, passages)
    view = ReportView(
        run_id=run_id,
        question=asked.question or asked.title,
        outcome="published",
        draft=draft,
        passages=tuple(passages),
        sources=tuple(sources),
        collection=Collection(id=run_id, sources=len(sources), passages=len(passages)),
    )
    return view, judged


def _source(place: int, given: CitedText) -> Source:
    digest = hashlib.sha256(given.text.encode(errors="replace")).hexdigest()
    return Source(
        id=f"source-{place}",
        uri=given.uri or given.title,
        title=given.title,
        kind="text",
        sha256=digest,
        size=len(given.text.encode(errors="replace")),
        date=given.date,
    )


def _draft(asked: ReportInput, passages: list[Passage]) -> "tuple[Draft, list[Judged]]":
    """The report's text, each sentence held to its sources. Raises ToolFailed for a source that there is not."""
    from state.research import Draft, Section, Sentence
    from tools.facts import check_statement

    judged: list[Judged] = []
    sections = []
    for part in asked.parts:
        sentences = []
        for finding in part.findings:
            cited = [_at(passages, place) for place in finding.sources]
            check = check_statement(finding.text, cited)
            judged.append(Judged(text=finding.text, verdict=check.verdict, reason=check.reason))
            ids = tuple(dict.fromkeys(passage.id for passage in cited))
            sentences.append(Sentence(text=finding.text, passages=ids, verdict=check.verdict if ids else None))
        sections.append(Section(heading=part.heading, sentences=tuple(sentences)))
    uncited = sum(not finding.sources for part in asked.parts for finding in part.findings)
    defects = (f"Sentences that name no source: {uncited}.",) if uncited else ()
    return Draft(title=asked.title, sections=tuple(sections), defects=defects), judged


def _at(passages: list[Passage], place: int) -> Passage:
    if not 0 <= place < len(passages):
        said = f"A finding names the source {place}, and there are {len(passages)}, from 0."
        raise ToolFailed(said, "bad_input", place="write_report")
    return passages[place]
