"""What a report is rendered from: one frozen value, so that the same view always makes the same page."""

from pydantic import Field

from state.evidence import Around, Collection, Passage, Record, Source
from state.research import Draft, Feedback, GateReport, Merged, Outcome, Sentence


class ReportView(Record):
    """All that a reader of a run's report is shown."""

    run_id: str
    question: str
    outcome: Outcome
    draft: Draft
    merged: Merged | None = None
    gate: GateReport | None = None
    passages: tuple[Passage, ...] = ()
    """Those that the draft, the contradictions, the estimates or the charts cite; others do no harm."""
    around: dict[str, Around] = Field(default_factory=dict)
    """What stands beside the cited passages in their sources; those are among `passages` too."""
    sources: tuple[Source, ...] = ()
    collection: Collection
    feedback: tuple[Feedback, ...] = ()
    """What people said at approval points."""
    approvals: tuple[str, ...] = ()
    """What happened at approval points without a person: `plan: went on, nobody was there`."""
    models: tuple[str, ...] = ()
    """Names of the models that worked on it."""
    agents: dict[str, str] = Field(default_factory=dict)
    """Who did it: the name of the agent of `branches/{id}`, `coordination` and `synthesis`."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside the notes of the branches, which `merged` carries."""

    @property
    def citation_accuracy(self) -> float:
        """As the function of the same name, of this view's draft."""
        return citation_accuracy(self.draft)


def citation_accuracy(draft: Draft) -> float:
    """Share of the citing sentences that were found supported, 0 to 1; 1 where no sentence cites."""
    citing = citing_sentences(draft)
    return sum(sentence.verdict == "supported" for sentence in citing) / len(citing) if citing else 1.0


def citing_sentences(draft: Draft) -> list[Sentence]:
    """The sentences that name at least one passage."""
    return [sentence for section in draft.sections for sentence in section.sentences if sentence.passages]
