"""The forms that a model fills in. Looser than the records of `state/`, because a model is not a colleague:
what it says is checked and completed by code before it becomes state."""

from typing import Literal

from pydantic import BaseModel, Field

from state.research import Heading


class BranchDraft(BaseModel):
    """One branch of a plan."""

    kind: Literal["research", "analysis"] = Field(description="research reads texts; analysis computes from tables")
    focus: str = Field(description="what it looks at, in two to six words")
    questions: list[str] = Field(description="the sub-questions it answers, copied from sub_questions")
    tables: list[str] = Field(default_factory=list, description="for analysis: the tables it loads, copied from tables")
    priority: int = Field(default=3, ge=1, le=5, description="1 is the most important")
    required: bool = Field(default=False, description="true if no report makes sense without it")


class PlanDraft(BaseModel):
    """How the question is to be answered."""

    sub_questions: list[str] = Field(min_length=1, description="one to six questions that together answer the question")
    branches: list[BranchDraft] = Field(min_length=1, description="who looks for what; they work at the same time")


class FindingDraft(BaseModel):
    """One statement that the evidence supports."""

    text: str = Field(description="one sentence, with its numbers and units as the passage states them")
    passages: list[str] = Field(min_length=1, description="ids of the passages that say so")
    topic: str = Field(default="", description="the sub-question it answers, copied")
    confidence: float = Field(default=0.6, ge=0, le=1)


class FindingsDraft(BaseModel):
    """What a branch found; empty if the sources do not answer its questions."""

    findings: list[FindingDraft] = Field(default_factory=list)


class SentenceDraft(BaseModel):
    """One sentence of a report."""

    text: str
    passages: list[str] = Field(default_factory=list, description="ids of the passages it rests on")


class SectionDraft(BaseModel):
    """A part of a report."""

    heading: Heading
    sentences: list[SentenceDraft]


class ReportDraft(BaseModel):
    """A report, every sentence with the passages that it cites."""

    title: str
    sections: list[SectionDraft] = Field(min_length=1)


class RepairDraft(BaseModel):
    """Sentences written again so that their passages support them, in the order given; empty text gives one up."""

    sentences: list[SentenceDraft]


class JudgementDraft(BaseModel):
    """What one sentence is worth."""

    number: int = Field(description="the number of the sentence")
    verdict: Literal["supported", "partly", "unsupported"]
    why: str = Field(default="", description="the reason, in a few words")


class JudgementsDraft(BaseModel):
    """Whether the passages support the sentences, one judgement for each number."""

    judgements: list[JudgementDraft] = Field(default_factory=list)


class ReviewDraft(BaseModel):
    """What is wrong with a draft."""

    defects: list[str] = Field(default_factory=list, description="each in one sentence; empty if it can go out")
    revise: bool = Field(default=False, description="true if it should be written again before it goes out")
