"""The live meter of an answer that is streamed: whoever watches sees its tokens while they come.

It also keeps what came as the arguments of each call: LangChain completes broken JSON when it joins the parts of a
stream, and half a form would pass for a whole one.
"""

import json
from typing import Any
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCall, invalid_tool_call
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from chains.scope import CallScope
from state.runs import Progress, Usage

_EVERY_SECONDS = 0.5
_CHARACTERS_A_TOKEN = 4


class AnswerMeter(AsyncCallbackHandler):
    """Counts one answer, and emits what its step has used with the answer as far as it has come."""

    def __init__(self, scope: CallScope) -> None:
        self._scope = scope
        self._characters = 0
        self._shown = scope.clock.elapsed()
        self._arguments: dict[str, str] = {}
        """By the id of a call, the latest last."""

    def close(self) -> None:
        """What was shown of the answer counts no more: it is recorded now, or there is none."""
        self._scope.emit(Progress(path=self._scope.path, usage=self._scope.used))

    def strict(self, message: AIMessage) -> AIMessage:
        """The answer, in which a call whose arguments are no JSON is an invalid call, as in one that came whole."""
        good = [call for call in message.tool_calls if _is_json(self._text(call))]
        bad = [
            invalid_tool_call(name=call["name"], args=self._text(call), id=call["id"], error="not JSON")
            for call in message.tool_calls
            if call not in good
        ]
        told = [*message.invalid_tool_calls, *bad]
        return message.model_copy(update={"tool_calls": good, "invalid_tool_calls": told}) if bad else message

    def _text(self, call: ToolCall) -> str:
        return self._arguments.get(call["id"] or "", "")

    async def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """A part of the answer has come: text, or a piece of the arguments of a call."""
        self._characters += len(token)
        if isinstance(chunk, ChatGenerationChunk) and isinstance(chunk.message, AIMessageChunk):
            for part in chunk.message.tool_call_chunks:
                key, text = part["id"] or next(reversed(self._arguments), ""), part["args"] or ""
                self._arguments[key] = self._arguments.get(key, "") + text
                self._characters += len(text)
        now = self._scope.clock.elapsed()
        if now - self._shown >= _EVERY_SECONDS:
            self._shown = now
            so_far = Usage(output_tokens=self._characters // _CHARACTERS_A_TOKEN)
            self._scope.emit(Progress(path=self._scope.path, usage=self._scope.used + so_far))


def _is_json(text: str) -> bool:
    try:
        json.loads(text or "{}")
    except json.JSONDecodeError:
        return False
    return True
