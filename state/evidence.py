"""What is known and from where: sources, passages, findings, claims, verdicts, contradictions.

Passages are immutable and content-addressed: a passage's id is a hash of its source, its locator and its text,
so the same text read twice is stored once, and a citation can never come to mean something else.
"""

import hashlib
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["supported", "partly", "contradicted", "unsupported"]
Says = Literal["supports", "supports in part", "contradicts", "nothing"]
"""What one text says of a statement."""
SourceKind = Literal[
    "text",
    "markdown",
    "html",
    "pdf",
    "docx",
    "pptx",
    "csv",
    "xlsx",
    "xls",
    "parquet",
    "json",
    "epub",
    "email",
    "notebook",
    "picture",
]
SkipStatus = Literal["no_text", "encrypted", "copy", "error"]
"""Why a file is not among the sources: a scan or an empty document, one behind a password, one that another file
repeats byte by byte, one that is broken or of no known format."""


DOUBTFUL = 75
"""Percent below which an engine that reads pictures is said to be not sure."""


class Record(BaseModel):
    """An immutable value that may stand in state, in a table or on the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def content_id(prefix: str, *parts: str) -> str:
    """A short stable id: `prefix` and 16 hex digits of the SHA-256 of the parts."""
    digest = hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()
    return f"{prefix}{digest[:16]}"


def host_of(address: str) -> str:
    """The host that an address names, in small letters; empty where it names none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


class Locator(Record):
    """Where in its source a passage stands; only what the format knows is set."""

    page: int | None = None
    """Page number, counted from 1 (PDF)."""
    slide: int | None = None
    """Number of the slide, counted from 1 (PPTX)."""
    notebook_cell: int | None = None
    """Number of the cell, counted from 1 (Jupyter notebook)."""
    path: str | None = None
    """Where in a tree of data, as JSONPath writes it: `$.items[3].name`."""
    heading: tuple[str, ...] = ()
    """Headings from the outermost to the innermost that the passage stands under."""
    lines: tuple[int, int] | None = None
    """First and last line, counted from 1."""
    cells: str | None = None
    """Range of cells, e.g. `Sheet1!A2:D30` or `Table 2!A1:C4`; for CSV the sheet is left out."""
    chars: tuple[int, int] | None = None
    """Start and end offset in the text extracted from the source."""
    computed: str | None = None
    """The computation that made the passage, e.g. `linear_trend(co2 by year)`; None for text that was read."""
    table: str | None = None
    """Hash of the stored table that it was computed from, which names all operations that made it; None for a file."""
    ocr: int | None = None
    """How sure the engine is, in percent, that read the text in a picture (OCR); None for text that the file holds."""

    def label(self) -> str:
        """The locator in words, as a citation prints it: `p. 3`, `Results › Trend`, `rows A2:D30`."""
        parts = [
            f"p. {self.page}" if self.page is not None else "",
            f"slide {self.slide}" if self.slide is not None else "",
            f"notebook cell {self.notebook_cell}" if self.notebook_cell is not None else "",
            " › ".join(self.heading),
            f"at {self.path}" if self.path else "",
            f"cells {self.cells}" if self.cells else "",
            _lines(*self.lines) if self.lines else "",
            f"computed by {self.computed}" if self.computed else "",
            _seen(self.ocr) if self.ocr is not None else "",
        ]
        return ", ".join(part for part in parts if part)


def _seen(sure: int) -> str:
    return f"read by OCR, {'only ' if sure < DOUBTFUL else ''}{sure} % sure"


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first}–{last}"


class Source(Record):
    """One file that was read, known by the hash of its bytes."""

    id: str
    uri: str
    """The path as the user would write it, relative to the folder that was named; of a page its address."""
    title: str
    kind: SourceKind
    sha256: str
    size: int
    """Length in bytes."""
    date: str | None = None
    """Date of publication as ISO 8601 (year, month or day), when the source states one."""
    tables: int = 0
    """How many tables in it an analysis can load: sheets of a workbook, tables with figures of a document."""
    unread: tuple[str, ...] = ()
    """What in it could not be read, and why: pages that are pictures, where no engine for them is installed."""

    @property
    def host(self) -> str:
        """The host of a page; empty for a file."""
        return host_of(self.uri)


class SkippedSource(Record):
    """A file that was found but not read, and why."""

    uri: str
    reason: str
    status: SkipStatus = "error"


class Passage(Record):
    """An immutable stretch of text of one source."""

    id: str
    source_id: str
    locator: Locator
    text: str

    @classmethod
    def make(cls, source_id: str, locator: Locator, text: str) -> "Passage":
        """The passage with the id that its content gives it."""
        return cls(
            id=content_id("p", source_id, locator.model_dump_json(exclude_defaults=True), text),
            source_id=source_id,
            locator=locator,
            text=text,
        )


class Around(Record):
    """What stands before and after a passage in its source: ids of passages, None at its ends."""

    before: str | None = None
    after: str | None = None


class Collection(Record):
    """The sources of one run: an id for search, and what could not be read."""

    id: str
    sources: int
    passages: int
    tables: tuple[str, ...] = ()
    """Uris of the sources that hold tables an analysis can load."""
    skipped: tuple[SkippedSource, ...] = ()


class Quantity(Record):
    """A number as a text states it: `418.5 ppm`."""

    value: float
    unit: str = ""
    text: str
    subject: str = ""
    """What the number is of, in words of the text: `mean concentration in 2022`."""


class Finding(Record):
    """What one branch found: a statement and the passages that it rests on."""

    text: str
    passages: tuple[str, ...]
    """Ids of the passages; never empty for a finding that is to be published."""
    confidence: float = Field(default=0.5, ge=0, le=1)
    topic: str = ""
    """The sub-question that it answers."""
    quantities: tuple[Quantity, ...] = ()


class Grounds(Record):
    """What the confidence of a claim was computed from: shares from 0 to 1, and counts."""

    verification: float
    """By the verdict of the citation check."""
    agreement: float
    """Share of the sources that state it, among those that state or contradict it."""
    quality: float
    """Of its best source."""
    recency: float
    """Of its best source, against the most recent one at hand."""
    sources: int
    """Independent sources that state it."""
    against: int
    """Independent sources that contradict it."""
    beside: int = 0
    """Independent sources that say something of the same which does not contradict it. Of others it is not known."""
    why: str
    """All of it in one sentence."""


class Claim(Record):
    """A finding after the merge: deduplicated, weighted, with its verdict."""

    id: str
    text: str
    passages: tuple[str, ...]
    topic: str = ""
    quantities: tuple[Quantity, ...] = ()
    attribution: dict[str, float] = Field(default_factory=dict)
    """Share of each branch in the claim; sums to 1."""
    weight: float = Field(ge=0, le=1)
    """0.7 quality + 0.3 speed of the branches that found it, the greatest of them."""
    relevance: float = Field(default=0.5, ge=0, le=1)
    """How well it answers its topic, as the branch that found it says."""
    confidence: float = Field(ge=0, le=1)
    """How sure it is; computed by graphs/coordination/confidence.py."""
    grounds: Grounds | None = None
    verdict: Verdict = "unsupported"
    reason: str = ""
    """Why the verdict is what it is, in words."""


class Side(Record):
    """One side of a contradiction."""

    claim_id: str
    source_id: str
    passage_id: str
    statement: str
    value: str
    date: str | None = None


class Contradiction(Record):
    """Two claims that cannot both hold; both are kept, one is preferred if there is a reason to."""

    id: str
    subject: str
    sides: tuple[Side, Side]
    preferred: str
    """The claim id of the preferred side; empty where nothing decides."""
    why: str


class Witness(Record):
    """What one text says of a statement."""

    index: int = Field(description="Its place in the list, from 0.")
    says: Says
    reason: str
    value: str = Field(default="", description="Where it contradicts: what the statement says.")
    against: str = Field(default="", description="Where it contradicts: what the text says.")


class Estimate(Record):
    """A number that was found more than once, with a 95 % confidence interval of its mean."""

    subject: str
    unit: str
    n: int
    mean: float
    low: float
    high: float
    claims: tuple[str, ...]


class ArtifactRef(Record):
    """A stored file, known by the hash of its bytes: a data file, a chart, a report."""

    sha256: str
    media_type: str
    name: str
    size: int


class Chart(Record):
    """A picture made from data, and what it shows in words."""

    image: ArtifactRef
    data: ArtifactRef
    """The plotted figures as CSV."""
    title: str
    alt: str
    passage_id: str
    """The computed passage that states what the chart shows."""
