"""The scripted chat model, for tests, examples and Studio: it answers by script, and keeps what it was asked.

It takes tools and structured output as a real one does, streams word by word, and counts a token for every
4 characters of messages, tools and answers.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core import exceptions as core
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from chains.fake.script import ErrorKind, FakeCall, FakeError, FakeRaw, FakeScript, FakeStep
from state.errors import SetupError

_ERRORS: dict[ErrorKind, tuple[type[core.ModelError], int | None]] = {
    "rate_limit": (core.ModelRateLimitError, 429),
    "server_error": (core.ModelAPIError, 500),
    "timeout": (core.ModelTimeoutError, None),
    "auth": (core.ModelAuthenticationError, 401),
    "context_overflow": (core.ContextOverflowError, 400),
    "connection": (core.ModelConnectionError, None),
}


@dataclass(frozen=True)
class Asked:
    """One call that the model got."""

    messages: tuple[BaseMessage, ...]
    tools: tuple[str, ...]
    """Names of the tools and schemas that were bound."""
    step: int
    """The step that answers, counted from 0."""


class FakeChatModel(BaseChatModel):
    """Answers by script. Raises what a provider's client would raise, and SetupError if no step matches."""

    script: FakeScript
    _calls: list[Asked] = PrivateAttr(default_factory=list)

    @property
    def calls(self) -> list[Asked]:
        """The calls of this process, in order."""
        return self._calls

    @property
    def _llm_type(self) -> str:
        return "fake"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Binds tools in the OpenAI form."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("a fake model is async only: use ainvoke, not invoke")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=await self._answer(messages, kwargs))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = await self._answer(messages, kwargs)
        for word in re.findall(r"\s*\S+\s*$|\s*\S+", answer.text):
            yield await _reported(AIMessageChunk(content=word), run_manager)
        parts = [
            tool_call_chunk(name=call["name"], args=_arguments(call["args"]), id=call["id"], index=place)
            for place, call in enumerate([*answer.tool_calls, *answer.invalid_tool_calls])
        ]
        last = AIMessageChunk(
            content="",
            tool_call_chunks=parts,
            usage_metadata=answer.usage_metadata,
            response_metadata=answer.response_metadata,
            chunk_position="last",
        )
        yield await _reported(last, run_manager)

    async def _answer(self, messages: Sequence[BaseMessage], options: dict[str, Any]) -> AIMessage:
        tools = tuple(str(tool["function"]["name"]) for tool in options.get("tools") or ())
        number = self._choose(messages, tools)
        step = self.script.steps[number]
        self._calls.append(Asked(tuple(messages), tools, number))
        if self.script.log is not None:
            await asyncio.to_thread(self._write, self._calls[-1])
        await asyncio.sleep(step.delay or step.hang or 0)
        if step.hang is not None:
            raise core.ModelTimeoutError(f"no answer for {step.hang:g} s")
        if step.error is not None:
            raise _error(step.error)
        bound = len(json.dumps(options["tools"])) if tools else 0
        return _message(step, messages, tools, bound)

    def _choose(self, messages: Sequence[BaseMessage], tools: Sequence[str]) -> int:
        """The first step that matches the call and is not used up."""
        for number, step in enumerate(self.script.steps):
            used = sum(call.step == number for call in self._calls)
            if (step.repeat == "always" or used < step.repeat) and _matches(step, messages, tools):
                return number
        last = " ".join(messages[-1].text.split())[:80] if messages else ""
        raise SetupError(
            f"the script of the fake model has no step left for its call {len(self._calls) + 1}: "
            f"the last message is {last!r}, bound are {', '.join(tools) or 'no tools'}.",
            remedy='Add a step, or let one repeat: "repeat": "always".',
        )

    def _write(self, call: Asked) -> None:
        assert self.script.log is not None
        line = {
            "step": call.step,
            "tools": call.tools,
            "last": call.messages[-1].text[:200] if call.messages else "",
        }
        with self.script.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _matches(step: FakeStep, messages: Sequence[BaseMessage], tools: Sequence[str]) -> bool:
    last = messages[-1].text if messages else ""
    return (
        (step.when is None or step.when in last or step.when in tools)
        and (step.about is None or any(step.about in message.text for message in messages))
        and (step.turn is None or step.turn == sum(message.type == "ai" for message in messages))
        and (step.structured is None or any(name in step.structured for name in tools))
    )


def _message(step: FakeStep, messages: Sequence[BaseMessage], tools: Sequence[str], bound: int) -> AIMessage:
    """The answer of a step; the ids of its tool calls follow from their place in the conversation.

    `bound`: characters of what the tools are described with, which a provider counts too.
    """
    wanted: list[FakeCall | FakeRaw] = list(step.tool_calls or ())
    if step.structured is not None:
        name = next(name for name in tools if name in step.structured)
        wanted.append(FakeCall(name=name, args=step.structured[name]))
    if step.raw is not None:
        wanted.append(step.raw)
    answer = AIMessage(content=step.reply or "")
    for place, call in enumerate(wanted):
        _add(answer, call, f"call_{len(messages)}_{place}")
    shown = (bound + sum(len(message.text) for message in messages)) // 4
    said = len(answer.text) + sum(len(_arguments(c["args"])) for c in [*answer.tool_calls, *answer.invalid_tool_calls])
    answer.usage_metadata = UsageMetadata(input_tokens=shown, output_tokens=said // 4, total_tokens=shown + said // 4)
    reason = step.finish_reason or ("tool_calls" if wanted else "stop")
    answer.response_metadata = {"model_name": "fake", "finish_reason": reason}
    return answer


def _add(answer: AIMessage, call: FakeCall | FakeRaw, key: str) -> None:
    """Adds a call of a tool to an answer, as a client would read it from the provider."""
    args: Any = call.args if isinstance(call, FakeCall) else _read(call.arguments)
    if isinstance(args, dict):
        answer.tool_calls.append(tool_call(name=call.name, args=args, id=key))
    else:
        text = call.arguments if isinstance(call, FakeRaw) else ""
        answer.invalid_tool_calls.append(
            invalid_tool_call(name=call.name, args=text, id=key, error="not a JSON object")
        )


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except json.JSONDecodeError:
        return None


def _arguments(args: Any) -> str:
    return args if isinstance(args, str) else json.dumps(args)


def _error(wanted: FakeError) -> core.ModelError:
    """The error, with the response that a client would attach to it."""
    kind, status = _ERRORS[wanted.kind]
    error = kind(wanted.message or f"scripted {wanted.kind.replace('_', ' ')}")
    if status is not None:
        headers = {} if wanted.retry_after is None else {"retry-after": f"{wanted.retry_after:g}"}
        error.response = httpx.Response(status, headers=headers)  # type: ignore[attr-defined]
    return error


async def _reported(chunk: AIMessageChunk, run_manager: AsyncCallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    generation = ChatGenerationChunk(message=chunk)
    if run_manager is not None:
        await run_manager.on_llm_new_token(str(chunk.content), chunk=generation)
    return generation
