"""Answers that come in parts: what is shown of them, and which call a piece of arguments belongs to."""

from typing import Any
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from chains.meter import AnswerMeter
from tests.chains.model_doubles import scripted

Piece = tuple[int, str | None, str | None, str]
"""Index, id, name and arguments."""


async def read(*pieces: Piece) -> AIMessage:
    """The answer that LangChain joins from the pieces, as the meter reads it."""
    meter = AnswerMeter(scripted({"reply": "unused"}).scope())
    parts = [
        AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(index=index, id=key, name=name, args=text)])
        for index, key, name, text in pieces
    ]
    for part in parts:
        await meter.on_llm_new_token("", chunk=ChatGenerationChunk(message=part), run_id=uuid4())
    joined = add_ai_message_chunks(*parts)
    return meter.strict(
        AIMessage("", tool_calls=joined.tool_calls, invalid_tool_calls=joined.invalid_tool_calls, id="a")
    )


def calls(message: AIMessage) -> list[tuple[str, Any]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


@pytest.mark.parametrize("ids", [("a", "b"), (None, None)])
async def test_pieces_belong_to_the_call_of_their_index(ids: tuple[str | None, str | None]) -> None:
    """Calls that come side by side, or without ids, are read whole."""
    one, two = ids
    answer = await read(
        (0, one, "add", '{"a":'), (1, two, "sub", '{"b"'), (0, None, None, " 1}"), (1, None, None, ": 2}")
    )
    assert calls(answer) == [("add", {"a": 1}), ("sub", {"b": 2})]
    assert answer.invalid_tool_calls == []


async def test_half_a_form_is_no_call() -> None:
    """What LangChain would complete is an invalid call; the whole one beside it stays, as one without arguments."""
    answer = await read((0, None, "add", '{"a": 1, "b": '), (1, None, "sub", '{"b": 2}'), (2, None, "stop", ""))
    assert calls(answer) == [("sub", {"b": 2}), ("stop", {})]
    assert [(call["name"], call["args"], call["error"]) for call in answer.invalid_tool_calls] == [
        ("add", '{"a": 1, "b": ', "not JSON")
    ]


async def test_a_streamed_answer_is_counted_while_it_comes() -> None:
    """Who watches sees its tokens grow, twice a second, and only what is recorded once it is over."""
    run = scripted({"reply": "unused"})
    scope = run.scope("branches/a")
    meter = AnswerMeter(scope)
    for _ in range(10):
        await run.clock.sleep(0.2)
        await meter.on_llm_new_token("word" * 10, run_id=uuid4())
    meter.close()
    assert [event.usage.output_tokens for event in run.progress if event.usage] == [30, 60, 90, 0]
