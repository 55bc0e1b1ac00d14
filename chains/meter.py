"""The live meter of an answer that is streamed: whoever watches sees its tokens while they come."""

from typing import Any
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessageChunk
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
            self._characters += sum(len(part["args"] or "") for part in chunk.message.tool_call_chunks)
        now = self._scope.clock.elapsed()
        if now - self._shown >= _EVERY_SECONDS:
            self._shown = now
            so_far = Usage(output_tokens=self._characters // _CHARACTERS_A_TOKEN)
            self._scope.emit(Progress(path=self._scope.path, usage=self._scope.used + so_far))
