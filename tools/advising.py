"""What texts advise, in their own words: nothing is concluded, and no model is asked. The tool `recommend`."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from state.runs import Json
from tools.effects import effects
from tools.making import made, schema_of

ADVISES = re.compile(
    r"\b(?:(?:you|one|users?|it) should|we (?:recommend|advise)|(?:is|are) (?:recommended|advisable)|ought to"
    r"|it is best to)\b",
    re.I,
)
"""How a sentence gives advice."""


class AdviceInput(BaseModel):
    """Where to look for advice, and on what."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str] = Field(max_length=10_000)
    question: str = Field(default="", description="What the advice is to bear on, best first; without it, all.")
    limit: int = Field(default=5, ge=1, le=100)


class Quoted(BaseModel):
    """A sentence of a text."""

    text: str
    index: int = Field(description="The place of its text in the list, from 0.")


class Advice(BaseModel):
    """What the texts themselves recommend."""

    recommendations: list[Quoted] = Field(description="Sentences of the texts, as they stand there.")
    found: int = Field(description="How many there are, also those beyond the limit.")
    withheld: int = Field(description="Sentences left out because they give orders to a model.")


def recommend_tool() -> tuple[BaseTool, Json]:
    """`recommend`, with the schema of what it gives back."""
    tool = made(
        coroutine=_recommend,
        name="recommend",
        description="Quotes what texts themselves recommend; where they recommend nothing, it gives nothing.",
        args_schema=AdviceInput,
        metadata=effects("none"),
    )
    return tool, schema_of(Advice)


async def _recommend(**given: Any) -> Json:
    asked = AdviceInput(**given)
    return (await asyncio.to_thread(advice, asked.texts, asked.question, asked.limit)).model_dump()


def advice(texts: Sequence[str], question: str, limit: int) -> Advice:
    """The sentences that give advice: those that have words of the question, best first, or all as they come."""
    from tools.instructions import find_instructions
    from tools.sentences import split_sentences

    said = {sentence: index for index, text in reversed(list(enumerate(texts))) for sentence in split_sentences(text)}
    advising = [sentence for sentence in said if ADVISES.search(sentence)]
    safe = [sentence for sentence in advising if not find_instructions(sentence)]
    ordered = _by_relevance(safe, question) if question.strip() else sorted(safe, key=lambda each: said[each])
    return Advice(
        recommendations=[Quoted(text=each, index=said[each]) for each in ordered[:limit]],
        found=len(ordered),
        withheld=len(advising) - len(safe),
    )


def _by_relevance(sentences: Sequence[str], question: str) -> list[str]:
    from state.evidence import Locator, Passage
    from tools.search.index import build_index

    passages = {each.id: each for each in (Passage.make("", Locator(), sentence) for sentence in sentences)}
    hits = build_index(list(passages.values()), {}).search(question, len(passages))
    return [passages[hit.passage_id].text for hit in hits]
