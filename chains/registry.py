"""The chains that a workflow can name as `chain:`, each with the schemas of what it is given and gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chains.drafting import (
    Answered,
    AnswerInput,
    DraftInput,
    Improved,
    ImproveInput,
    Review,
    ReviewInput,
    TextDraft,
    answerer,
    drafter,
    improver,
    reviewer,
)
from chains.extraction import Extracted, ExtractInput, extractor
from chains.routing import Route, RouteInput, router
from chains.summary import Summary, SummaryInput, summarizer
from state.context import Role
from state.runs import Json

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable
    from pydantic import BaseModel

Cast = Callable[[Role], "BaseChatModel"]
"""The model that plays a role."""


@dataclass(frozen=True)
class NamedChain:
    """A chain by name."""

    name: str
    description: str
    given: "type[BaseModel]"
    gives: "type[BaseModel]"
    build: Callable[[Cast], "Runnable[Any, Any]"]

    @property
    def input_schema(self) -> Json:
        """The JSON Schema of what it is given."""
        return self.given.model_json_schema()

    @property
    def output_schema(self) -> Json:
        """The JSON Schema of what it gives back."""
        return {**self.gives.model_json_schema(mode="serialization"), "additionalProperties": False}


_ALL = (
    NamedChain(
        "answer",
        "Answers a question from the material, or says that it does not say.",
        AnswerInput,
        Answered,
        lambda cast: answerer(cast("writer")),
    ),
    NamedChain(
        "classify",
        "Puts a text to one of the named routes, or to none.",
        RouteInput,
        Route,
        lambda cast: router(cast("planner")),
    ),
    NamedChain(
        "draft",
        "Writes a text from the facts that are given.",
        DraftInput,
        TextDraft,
        lambda cast: drafter(cast("writer")),
    ),
    NamedChain(
        "extract",
        "Reads named values out of a text, and names those that it does not say.",
        ExtractInput,
        Extracted,
        lambda cast: extractor(cast("researcher")),
    ),
    NamedChain(
        "improve",
        "Writes, scores from 1 to 10 and improves a text until it is good enough; keeps the best.",
        ImproveInput,
        Improved,
        lambda cast: improver(cast("writer"), cast("critic")),
    ),
    NamedChain(
        "review",
        "Scores a text from 1 to 10, and names its defects.",
        ReviewInput,
        Review,
        lambda cast: reviewer(cast("critic")),
    ),
    NamedChain(
        "summarize",
        "Sums up a text of any length within a budget of tokens.",
        SummaryInput,
        Summary,
        lambda cast: summarizer(cast("writer")),
    ),
)
CHAINS: Mapping[str, NamedChain] = {chain.name: chain for chain in _ALL}
