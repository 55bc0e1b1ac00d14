"""Chains that write and judge a text: a draft from what is given, an answer, a score from 1 to 10, and a text that is
improved while its score is too low.
"""

from collections.abc import AsyncIterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel, ConfigDict, Field

from chains.ask import ask, brief

TARGET = 7
"""A text with this score is good enough."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DraftInput(_Given):
    """What is to be written, and from what."""

    task: str = Field(description="what is to be written, and for whom")
    material: Any = Field(default=None, description="the facts that it may use: a text, or any value")
    criteria: list[str] = Field(default_factory=list, description="what it must do, each in a few words")
    words: int = Field(default=200, ge=10, le=5000, description="about how long it may be")


class TextDraft(BaseModel):
    """A text."""

    text: str = Field(min_length=1, description="the whole text, and nothing around it")


class AnswerInput(_Given):
    """A question, and what it is to be answered from."""

    question: str
    material: Any = Field(description="what the answer must rest on: a text, several, or any value")


class Answered(BaseModel):
    """An answer."""

    answer: str = Field(description="the answer; empty where the material does not say")
    found: bool = Field(description="whether the material answers the question")


class ReviewInput(_Given):
    """A text, and what it is judged by."""

    text: str
    task: str = Field(default="", description="what the text was written for")
    material: Any = Field(default=None, description="the facts that it may use")
    criteria: list[str] = Field(default_factory=list, description="what it must do, each in a few words")


class Review(BaseModel):
    """What a text is worth."""

    score: int = Field(ge=1, le=10, description="1 cannot be used, 7 can go out, 10 could not be better")
    defects: list[str] = Field(default_factory=list, description="what is wrong, each in one sentence")


class ImproveInput(DraftInput):
    """What is to be written, and how good it must be."""

    text: str = Field(default="", description="a first draft; without it one is written")
    target: int = Field(default=TARGET, ge=1, le=10, description="the score that is good enough")
    rounds: int = Field(default=3, ge=0, le=20, description="how often it may be improved")


class Improved(BaseModel):
    """The best of the texts that were written."""

    text: str
    score: int = Field(ge=1, le=10)
    defects: list[str] = Field(description="what was found wrong with it")
    scores: list[int] = Field(description="the score of each text, in the order in which they were written")
    accepted: bool = Field(description="whether it is as good as was asked for")


def drafter(writer: BaseChatModel) -> Runnable[DraftInput, TextDraft]:
    """Writes a text."""

    async def draft(given: DraftInput) -> TextDraft:
        return await ask(writer, "draft", TextDraft, brief(**_brief_of(given)))

    return RunnableLambda(draft, name="draft").with_types(input_type=DraftInput, output_type=TextDraft)


def answerer(writer: BaseChatModel) -> Runnable[AnswerInput, Answered]:
    """Answers a question from what is given, or says that it cannot."""

    async def answer(given: AnswerInput) -> Answered:
        return await ask(writer, "answer", Answered, brief(question=given.question, material=given.material))

    return RunnableLambda(answer, name="answer").with_types(input_type=AnswerInput, output_type=Answered)


def reviewer(critic: BaseChatModel) -> Runnable[ReviewInput, Review]:
    """Scores a text from 1 to 10, and names its defects."""

    async def review(given: ReviewInput) -> Review:
        return await ask(critic, "score", Review, brief(**given.model_dump()))

    return RunnableLambda(review, name="review").with_types(input_type=ReviewInput, output_type=Review)


def improver(writer: BaseChatModel, critic: BaseChatModel) -> Runnable[ImproveInput, Improved]:
    """Writes, has it scored, and improves it while the score is under the target and rounds remain; the best is kept.

    An improvement that changes nothing ends it. A stream gives the best text after each score.
    """
    score = reviewer(critic)

    async def improve(given: ImproveInput) -> AsyncIterator[Improved]:
        text = given.text or (await ask(writer, "draft", TextDraft, brief(**_brief_of(given)))).text
        best: tuple[str, Review] | None = None
        scores: list[int] = []
        for left in range(given.rounds, -1, -1):
            review = await score.ainvoke(_judged(given, text))
            scores.append(review.score)
            if best is None or review.score > best[1].score:
                best = text, review
            kept, verdict = best
            accepted = verdict.score >= given.target
            yield Improved(
                text=kept, score=verdict.score, defects=verdict.defects, scores=list(scores), accepted=accepted
            )
            if accepted or not left:
                return
            message = brief(**_brief_of(given), text=kept, score=verdict.score, defects=verdict.defects)
            text = (await ask(writer, "improve", TextDraft, message)).text
            if text == kept:
                return

    return RunnableLambda(improve, name="improve").with_types(input_type=ImproveInput, output_type=Improved)


def _brief_of(given: DraftInput) -> dict[str, Any]:
    return {name: getattr(given, name) for name in DraftInput.model_fields}


def _judged(given: DraftInput, text: str) -> ReviewInput:
    return ReviewInput(text=text, task=given.task, material=given.material, criteria=given.criteria)
