"""What the extractive model answers with: calls of the tools that it was given, or text."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage


@dataclass(frozen=True)
class Call:
    """One tool call: of a tool, or of the schema that the answer must have."""

    name: str
    args: dict[str, Any]


def message(calls: Sequence[Call], text: str, asked: Sequence[BaseMessage]) -> AIMessage:
    """The answer as a message; ids follow from content, so that the same prompt gives the same answer."""
    shown = sum(len(part.text) for part in asked)
    said = len(text) + sum(len(json.dumps(call.args)) for call in calls)
    usage = {"input_tokens": shown // 4, "output_tokens": said // 4, "total_tokens": shown // 4 + said // 4}
    return AIMessage(
        content=text,
        tool_calls=[
            {
                "name": call.name,
                "args": call.args,
                "id": _call_id(len(asked), place, call),
                "type": "tool_call",
            }
            for place, call in enumerate(calls)
        ],
        usage_metadata=usage,
        response_metadata={"model_name": "extractive", "finish_reason": "tool_calls" if calls else "stop"},
    )


def _call_id(turn: int, place: int, call: Call) -> str:
    content = json.dumps([turn, place, call.name, call.args], sort_keys=True)
    return f"call_{hashlib.sha256(content.encode()).hexdigest()[:16]}"
