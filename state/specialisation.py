"""How an agent is to work: what a run, a template or a branch of a plan asks of those who search, compute and write.

None means that nothing is said. What a run says counts more than what a template says of itself.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints

from state.evidence import Record

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Depth = Literal["quick", "standard", "thorough"]
Length = Literal["short", "standard", "long"]
CitationStyle = Literal["APA", "IEEE", "Chicago"]


class ResearchSpeciality(Record):
    """How a research agent looks for answers."""

    focus: Words | None = None
    """The side of the matter that counts, in words to the model."""
    depth: Depth | None = None
    """How much is searched and read: `quick` 8 passages a question, `standard` 20, `thorough` 20 for each of two
    searches."""
    sources: Annotated[tuple[Words, ...], Field(min_length=1)] | None = None
    """Patterns of the uris that may be used, such as `reports/*.pdf`; the web is then left out."""
    fact_checking: bool | None = None
    """Whether findings that the check without a model does not find supported are left out at once."""


class AnalysisSpeciality(Record):
    """How an analysis agent computes."""

    framework: Words | None = None
    """The way of looking at the figures, in words to the model: `year on year`, `before and after the change`."""
    methods: Annotated[tuple[Words, ...], Field(min_length=1)] | None = None
    """The statistics that it may compute, by the names of the tool `run_statistics`; all where nothing is said."""
    charts: bool | None = None
    """Whether it draws charts; it does where nothing is said."""
    confidence_level: float | None = Field(default=None, ge=0.5, lt=1)
    """Of the intervals that it computes; 0.95 where nothing is said."""


class SynthesisSpeciality(Record):
    """How a writer writes."""

    style: Words | None = None
    """In words to the model: `plain`, `as a memo`."""
    audience: Words | None = None
    """Who reads it, in words to the model."""
    length: Length | None = None
    """`short` is the summary and what follows from it, `long` tells more of what was found."""
    citation_style: CitationStyle | None = None
    """How citations and the list of sources are printed; by number where nothing is said."""


class Specialisation(Record):
    """How the agents of a run are to work, by what they do."""

    research: ResearchSpeciality = ResearchSpeciality()
    analysis: AnalysisSpeciality = AnalysisSpeciality()
    synthesis: SynthesisSpeciality = SynthesisSpeciality()

    def over(self, other: "Specialisation") -> "Specialisation":
        """This one, with what `other` says where this one says nothing."""
        return Specialisation(
            research=over(self.research, other.research),
            analysis=over(self.analysis, other.analysis),
            synthesis=over(self.synthesis, other.synthesis),
        )


R = TypeVar("R", ResearchSpeciality, AnalysisSpeciality, SynthesisSpeciality)


def over(first: R, second: R) -> R:
    """What `first` says, and what `second` says where `first` says nothing."""
    said = {name: value for name, value in first if value is not None}
    return second.model_copy(update=said)
