"""The tool `summarize`: a model of the run sums up texts of any length; without a key, by their own sentences."""

from typing import Annotated, Any

from langchain_core.tools import BaseTool, InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolFailed
from state.runs import Json
from state.tools import Chains
from tools.effects import effects
from tools.making import made, schema_of

NAME = "summarize"
"""Of the tool, and of the chain behind it."""


class SummaryInput(BaseModel):
    """What is to be summed up, and how."""

    model_config = ConfigDict(extra="forbid")

    text: str | list[str] = Field(description="one text, or several")
    focus: str = Field(default="", description="what the reader wants to know")
    words: int = Field(default=120, ge=10, le=2000, description="about how long the summary may be")
    token_budget: int = Field(default=40_000, ge=2000, description="tokens that all prompts and answers may use")


class Summary(BaseModel):
    """A summary and what it rests on."""

    summary: str
    parts: int = Field(description="parts of the text that were read")
    left_out: int = Field(description="parts for which the token budget left no room")


class _Called(SummaryInput):
    idempotency_key: Annotated[str, InjectedToolArg] = ""


def summarize_tool(chains: Chains | None) -> tuple[BaseTool, Json]:
    """`summarize`, with the schema of what it gives back. Without `chains` it says that no model is at hand."""

    async def summarize(idempotency_key: str = "", **given: Any) -> Json:
        if chains is None or chains.ask is None:
            raise ToolFailed("No model is at hand here.", "refused", place=NAME, remedy="Call it from a workflow.")
        return await chains.ask(NAME, given, idempotency_key)

    tool = made(
        coroutine=summarize,
        name=NAME,
        description="Sums up texts of any length within a budget of tokens, by a model of the run.",
        args_schema=_Called,
        metadata=effects("none"),
    )
    return tool, schema_of(Summary)
