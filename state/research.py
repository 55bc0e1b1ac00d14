"""What the research graph reads and writes: its input, plan, branches, results, report and output."""

from typing import Annotated, Final, Literal, TypedDict

from pydantic import Field

from state.context import BranchLimits, Point
from state.evidence import (
    ArtifactRef,
    Chart,
    Claim,
    Collection,
    Contradiction,
    Estimate,
    Finding,
    Record,
    Verdict,
)
from state.reducers import keep_all, latest_results
from state.specialisation import AnalysisSpeciality, CitationStyle, ResearchSpeciality

BranchKind = Literal["research", "analysis"]
BranchStatus = Literal["completed", "failed", "timed_out", "cut_off"]
Mode = Literal["parallel", "sequential", "adaptive"]
GateDecision = Literal["approved", "needs_revision", "critical_failure"]
Outcome = Literal["published", "not_established", "rejected"]


class AgentSpec(Record):
    """Who does a branch, and how."""

    name: str = ""
    """Of the agent's template; empty means that the best one is chosen when the branch begins."""
    research: ResearchSpeciality | None = None
    """How it looks for answers; None where nothing is said, or it computes."""
    analysis: AnalysisSpeciality | None = None
    """How it computes; None where nothing is said, or it looks for answers."""


class Branch(Record):
    """One task for one agent."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")
    kind: BranchKind
    focus: str
    """What the branch looks at, in a few words: `technical`, `figures in co2.csv`."""
    questions: tuple[str, ...]
    """The sub-questions that it answers."""
    tables: tuple[str, ...] = ()
    """Uris of the tables that an analysis branch loads."""
    priority: int = Field(default=3, ge=1, le=5)
    """1 is the most important; decides the order in the sequential and adaptive modes."""
    required: bool = False
    limits: BranchLimits = BranchLimits()
    agent: AgentSpec = AgentSpec()


class Plan(Record):
    """How a question is to be answered: sub-questions, branches, and the mode they run in."""

    sub_questions: tuple[str, ...] = Field(min_length=1)
    branches: tuple[Branch, ...] = Field(min_length=1)
    mode: Mode = "parallel"
    why: str = ""
    """The size of the task, whether its questions need each other, and the capacity: what led to the mode, in words."""
    coordinator: str = ""
    """The agent that divided the work, where more than two do it."""
    writer: str = ""
    """The agent that writes the report; empty means that the best one is chosen then."""


class Feedback(Record):
    """What a person said at an approval point, for those who work on."""

    point: Point
    type: Literal["approve", "edit", "reject", "respond", "timeout"]
    message: str = ""
    by: str = ""
    count: int = 0
    """How many answers the run had had at this point before this one."""


class Refusal(Record):
    """An answer at an approval point that was not taken; the person is told why when asked again."""

    point: Point
    reason: str
    number: int
    """How many answers were not taken before: the same answer twice makes two refusals."""
    count: int = 0
    """How many answers the run had had at this point before."""


class BranchTask(TypedDict):
    """What one branch is sent: ids and small records, never documents."""

    branch: Branch
    question: str
    collection: Collection
    round: int
    wave: tuple[str, ...]
    """Ids of the branches that run at the same time."""
    guidance: tuple[str, ...]
    """What people said at approval points."""
    prior: tuple[str, ...]
    """Statements that earlier branches found (sequential and adaptive modes)."""


class BranchResult(Record):
    """How a branch ended; failure is a result too."""

    branch_id: str
    kind: BranchKind
    focus: str
    round: int
    status: BranchStatus
    reason: str = ""
    """Why it did not complete, in words."""
    transient: bool = False
    """Whether sending it again may help."""
    findings: tuple[Finding, ...] = ()
    charts: tuple[Chart, ...] = ()
    searched: tuple[str, ...] = ()
    """The search trail: what was asked of the sources."""
    notes: tuple[str, ...] = ()
    """What a reader of the report must know: instructions found in a source, rows left out."""
    seconds: float = 0.0
    limit_seconds: float = 300.0
    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    money: float = 0.0


class Missing(Record):
    """A branch that did not deliver all it was asked for."""

    branch_id: str
    focus: str
    status: BranchStatus
    reason: str
    questions: tuple[str, ...]


class Merged(Record):
    """All that was found, as one body of evidence."""

    claims: tuple[Claim, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    charts: tuple[Chart, ...] = ()
    missing: tuple[Missing, ...] = ()
    weights: dict[str, float] = Field(default_factory=dict)
    """Weight of each branch: 0.7 quality + 0.3 speed."""
    searched: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class MergeEdits(Record):
    """What a person changed at the merge approval; kept, so that a later merge does not undo it."""

    dropped: tuple[str, ...] = ()
    """Ids of claims that were left out."""
    preferred: dict[str, str] = Field(default_factory=dict)
    """Preferred claim by contradiction id."""


class GateReport(Record):
    """What the quality gate measured and decided; every figure is a share from 0 to 1."""

    decision: GateDecision
    score: float
    coverage: float
    citation_validity: float
    agreement: float
    completeness: float
    uncovered: tuple[str, ...] = ()
    """Sub-questions without a supported claim."""
    resend: tuple[str, ...] = ()
    """Ids of the branches that are worth sending again."""
    defects: tuple[str, ...] = ()


Heading = Literal[
    "Executive summary", "Key findings", "Analysis", "Recommendations", "Action items", "Risks and limitations"
]
"""The sections that a writer makes; code adds others."""
SUMMARY: Final = "Executive summary"
FINDINGS: Final = "Key findings"
ANALYSIS: Final = "Analysis"
RECOMMENDATIONS: Final = "Recommendations"
ACTIONS: Final = "Action items"
RISKS: Final = "Risks and limitations"
NOT_ESTABLISHED: Final = "Could not establish"
"""What code adds: the parts of the question that the sources do not answer, or that they answer none."""

OWN_WORDS: Final = "as_own_words"
"""The field of an edited report by which a person confirms that what no passage bears out is in their own words."""


class Sentence(Record):
    """One sentence of a report and the passages that it cites; none only where it claims nothing."""

    text: str
    passages: tuple[str, ...] = ()
    verdict: Verdict | None = None
    by_model: bool = False
    """Whether a model gave the verdict, where the check by words left it open."""
    disputed: bool = False
    """Whether other sources contradict what it says."""
    own_words: bool = False
    """Whether a person wrote it at the report approval and confirmed it, although no passage bears it out."""


class Section(Record):
    """A headed part of a report."""

    heading: str
    sentences: tuple[Sentence, ...] = ()


class Draft(Record):
    """A report before it is rendered."""

    title: str
    sections: tuple[Section, ...]
    defects: tuple[str, ...] = ()
    """What is still wrong with it and could not be mended."""
    dropped: int = 0
    """Sentences taken out because no passage supports them."""
    judgement: str = ""
    """What was judged of sentences that are supported in part, and by whom; empty where there are none."""
    model_note: str = ""
    """What the writing model says of itself."""
    citation_style: CitationStyle | None = None
    """How citations and the list of sources are printed; by number where nothing is said."""


class Review(Record):
    """What the critic found in a draft."""

    defects: tuple[str, ...] = ()
    revise: bool = False


class ResearchInput(TypedDict):
    """What a run is asked."""

    question: str
    sources: list[str]
    """Paths of files and folders, addresses of pages."""


class ResearchOutput(TypedDict, total=False):
    """What a run gives back."""

    outcome: Outcome
    report: ArtifactRef
    """The report as Markdown."""
    page: ArtifactRef
    """The same report as one self-contained HTML file."""
    provenance: ArtifactRef
    """What it was rendered from: sentences, verdicts, claims, passages, sources; as JSON."""
    citation_accuracy: float
    """Share of the citing sentences that the check found supported, 0 to 1."""
    missing: tuple[Missing, ...]
    defects: tuple[str, ...]


class ResearchState(ResearchInput, ResearchOutput, total=False):
    """The whole state of a research run; documents stay outside, only their ids are here."""

    collection: Collection
    """Written once by read_sources."""
    plan: Plan
    """Written by analyze_task, edited at the plan approval, extended by rebalance."""
    able: dict[str, tuple[str, ...]]
    """Written by analyze_task: who is able to do research, analysis and synthesis, by name; for edits of the plan."""
    round: int
    """0 for the first dispatch; rebalance adds one."""
    waiting: tuple[str, ...]
    """Branches of this round that are not sent yet, in the order in which they will be."""
    wave: tuple[str, ...]
    """Branches that dispatch sends now."""
    results: Annotated[dict[str, BranchResult], latest_results]
    """By branch id; a later round's result replaces an earlier one."""
    merged: Merged
    """Computed by merge from all results and edits."""
    edits: MergeEdits
    """Written at the merge approval."""
    gate: GateReport
    """Written by quality_gate; its decision may be changed at the gate approval."""
    draft: Draft
    """Written by synthesize, checked by review, edited at the report approval."""
    review: Review
    revisions: int
    """How often synthesize has been sent back by review or by a person."""
    feedback: Annotated[tuple[Feedback, ...], keep_all]
    """What people said, in order; agents are shown it."""
    refusals: Annotated[tuple[Refusal, ...], keep_all]
    """Answers that were not taken, where the graph itself had to ask again: on a LangGraph server."""
