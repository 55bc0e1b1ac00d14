"""The model that needs no key: a chat model that plans from the question's terms, and writes only sentences quoted
or computed from the evidence in its prompt. No weights, no network; the same prompt always gives the same answer.

It knows what is asked by the tools that are bound to it, and reads the blocks of the prompt (`tools/blocks.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from chains.extractive import acting, analysing, choosing, drafts, fields, orchestrating, planning, researching, writing
from chains.extractive.quoting import pick_quotes
from chains.extractive.reply import Call, message
from chains.routing import NO_ROUTE
from tools.blocks import read_block, text_of
from tools.evidence_text import parse_evidence

NOTE = (
    "Written without a language model: every sentence is quoted from a source or computed from its tables; "
    "nothing is concluded."
)
"""What its reports say of themselves."""

_QUOTED = 3
"""Quotes that a plain question is answered with."""

Handler = Callable[[dict[str, Any], Sequence[BaseMessage], Sequence[str]], list[Call]]


def _once(schema: str, fill: Callable[[dict[str, Any]], BaseModel | dict[str, Any]]) -> Handler:
    """A handler that fills `schema` in one answer."""

    def handler(brief: dict[str, Any], _messages: Sequence[BaseMessage], _tools: Sequence[str]) -> list[Call]:
        filled = fill(brief)
        return [Call(schema, filled if isinstance(filled, dict) else filled.model_dump())]

    return handler


def _findings(brief: dict[str, Any], messages: Sequence[BaseMessage], tools: Sequence[str]) -> list[Call]:
    """Findings come from tables where the agent can load them, else from texts."""
    if "load_data" in tools:
        return analysing.step(brief, messages, tools)
    return researching.step(brief, messages, tools)


HANDLERS: dict[str, Handler] = {
    "PlanDraft": _once("PlanDraft", planning.plan),
    "FindingsDraft": _findings,
    "ReportDraft": writing.step,
    "RepairDraft": _once("RepairDraft", writing.repair),
    "ReviewDraft": _once("ReviewDraft", writing.review),
    "RouteDraft": _once("RouteDraft", lambda brief: choosing.route(brief, NO_ROUTE)),
    "FieldsDraft": _once("FieldsDraft", lambda brief: fields.read(brief["text"], brief["fields"])),
    "SummaryDraft": _once("SummaryDraft", drafts.summarize),
    "TextDraft": _once("TextDraft", drafts.draft),
    "Answered": _once("Answered", drafts.answer),
    "Review": _once("Review", drafts.review),
    "TasksDraft": _once("TasksDraft", orchestrating.plan),
    "JoinDraft": _once("JoinDraft", orchestrating.join),
}
"""By the schema that the answer must have; the prompt's `brief` block says the rest."""


class ExtractiveChatModel(BaseChatModel):
    """Answers from the evidence it is shown, by rule."""

    @property
    def _llm_type(self) -> str:
        return "extractive"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools in the OpenAI form, as every chat model takes them."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        names = [str(tool["function"]["name"]) for tool in kwargs.get("tools") or []]
        handler = next((HANDLERS[name] for name in names if name in HANDLERS), None)
        brief = read_block(text_of([part for part in messages if part.type == "human"]), "brief")
        if handler is None and isinstance(brief, dict) and "task" in brief:
            said = acting.step(brief, messages, kwargs.get("tools") or [])
            answer = message([], said, messages) if isinstance(said, str) else message(said, "", messages)
        elif handler is None or not isinstance(brief, dict):
            answer = message([], _quote(messages), messages)
        else:
            answer = message(handler(brief, messages, names), "", messages)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)


def _quote(messages: Sequence[BaseMessage]) -> str:
    """The sentences of the evidence in the prompt that answer its last message, or a plain no."""
    passages = parse_evidence(text_of(messages))
    quotes = pick_quotes(messages[-1].text if messages else "", passages)
    return " ".join(quote.text for quote in quotes[:_QUOTED]) or "The evidence shown does not answer this."
