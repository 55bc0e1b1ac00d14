"""The live meter of an answer that is streamed: whoever watches sees its tokens while they come.

It also reads the arguments of each call itself: LangChain completes broken JSON when it joins the parts of a
stream, and half a form would pass for a whole one. Which piece belongs to which call is LangChain's to say.
"""

import json
from typing import Any
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.tool import ToolCall, invalid_tool_call, tool_call
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
        self._pieces: list[AIMessageChunk] = []
        """What came of calls."""

    def close(self) -> None:
        """What was shown of the answer counts no more: it is recorded now, or there is none."""
        self._scope.emit(Progress(path=self._scope.path, usage=self._scope.used))

    def strict(self, message: AIMessage) -> AIMessage:
        """The answer, in which a call whose arguments are no JSON is an invalid call, as in one that came whole."""
        if not self._pieces:
            return message
        good: list[ToolCall] = []
        bad: list[InvalidToolCall] = []
        for call in add_ai_message_chunks(*self._pieces).tool_call_chunks:
            name, arguments = call["name"] or "", _object_in(call["args"] or "{}")
            if arguments is None:
                bad.append(invalid_tool_call(name=name, args=call["args"], id=call["id"], error="not JSON"))
            else:
                good.append(tool_call(name=name, args=arguments, id=call["id"]))
        return message.model_copy(update={"tool_calls": good, "invalid_tool_calls": bad})

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
            parts = chunk.message.tool_call_chunks
            self._characters += sum(len(part["args"] or "") for part in parts)
            if parts:
                self._pieces.append(AIMessageChunk(content="", tool_call_chunks=parts))
        now = self._scope.clock.elapsed()
        if now - self._shown >= _EVERY_SECONDS:
            self._shown = now
            so_far = Usage(output_tokens=self._characters // _CHARACTERS_A_TOKEN)
            self._scope.emit(Progress(path=self._scope.path, usage=self._scope.used + so_far))


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is, if it is one."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
