"""A report before it gets its form: sections, citations by number, tables, charts, the list of sources."""

from dataclasses import dataclass

from state.evidence import Chart
from state.research import Missing
from tools.report.marking import Piece


@dataclass(frozen=True)
class Cite:
    """One citation at its place in the text."""

    number: int
    use: int
    """Counts the places that cite the same number, from 1."""
    where: str
    """Source and locator in words."""
    label: str = ""
    """What stands in the text in a style of citation that does not go by numbers: on the page for the number, in
    Markdown before it."""


@dataclass(frozen=True)
class Entry:
    """A numbered entry of the list of sources."""

    number: int
    uses: int
    title: str
    uri: str
    address: str
    """The web address to link to; empty where there is none."""
    where: str
    date: str
    pieces: tuple[Piece, ...]
    """The passage, with what its citations rest on."""
    reference: str = ""
    """The entry as the style of citation that was asked for prints it, up to its uri; empty where none was."""
    before: str = ""
    """The last words of what stands before it in its source; empty at the beginning, and of what was computed."""
    after: str = ""

    @property
    def text(self) -> str:
        """The passage."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True)
class Line:
    """A sentence with its citations, and a mark where the check did not find it supported."""

    text: str
    cites: tuple[Cite, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Figure:
    """A chart with its citations."""

    number: int
    chart: Chart
    cites: tuple[Cite, ...]


@dataclass(frozen=True)
class SideLine:
    """One side of a contradiction."""

    line: Line
    """Its statement, empty where that stands elsewhere in the report, and its citation."""
    value: str
    date: str
    preferred: bool


@dataclass(frozen=True)
class ContradictionRow:
    """Two statements that cannot both hold."""

    subject: str
    sides: tuple[SideLine, ...]
    why: str


@dataclass(frozen=True)
class EstimateRow:
    """A number found more than once, with a 95 % confidence interval."""

    subject: str
    mean: str
    interval: str
    n: int
    cites: tuple[Cite, ...]


@dataclass(frozen=True)
class ConfidenceRow:
    """Findings that are as sure for the same reasons, how sure, and why."""

    finding: str
    cites: tuple[Cite, ...]
    confidence: str
    parts: str
    """What it was computed from: `verification 1.00, agreement 0.67, …`."""
    why: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences that stand together; of a list, one item."""

    lines: tuple[Line, ...]
    label: str = ""
    """The title of the source that all of them are from, where that has to be said."""


@dataclass(frozen=True)
class NotRead:
    """Files that could not be read for one and the same reason."""

    reason: str
    uris: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A headed part of the report: sentences, and what is shown with them."""

    heading: str
    paragraphs: tuple[Paragraph, ...] = ()
    listed: bool = False
    figures: tuple[Figure, ...] = ()
    contradictions: tuple[ContradictionRow, ...] = ()
    estimates: tuple[EstimateRow, ...] = ()
    confidences: tuple[ConfidenceRow, ...] = ()
    branches: tuple[Missing, ...] = ()
    skipped: tuple[NotRead, ...] = ()
    points: tuple[str, ...] = ()
    """Statements about the report itself, without citations."""

    def is_empty(self) -> bool:
        """Whether there is nothing to show under the heading."""
        shown = (self.paragraphs, self.figures, self.contradictions, self.estimates, self.confidences)
        return not any((*shown, self.branches, self.skipped, self.points))


@dataclass(frozen=True)
class Page:
    """The whole report, ready for a template."""

    title: str
    question: str
    run_id: str
    outcome: str
    established: bool
    facts: tuple[tuple[str, str], ...]
    """What is said at the top: name and value."""
    model_note: str
    notes: tuple[str, ...]
    blocks: tuple[Block, ...]
    entries: tuple[Entry, ...]
