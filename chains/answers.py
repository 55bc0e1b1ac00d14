"""Chat messages as JSON: what names a request, what of an answer is recorded, whether it can be used."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from state.runs import Json

ESTIMATED = "usage_estimated"
"""In `response_metadata` of an answer whose provider does not say what it used."""

ENDINGS = frozenset({"finish_reason", "stop_reason", "status"})
"""In `response_metadata` of an answer that came to its end, by whichever protocol."""

_KEPT = ("model_name", "model_provider", "finish_reason", "stop_reason", ESTIMATED)
_CUT_OFF = frozenset({"length", "max_tokens", "MAX_TOKENS"})


def asked(message: BaseMessage) -> Json:
    """What of a message makes a request the same request: ids of messages and what they used do not count."""
    form: Json = {"type": message.type, "content": message.content}
    if message.name:
        form["name"] = message.name
    if isinstance(message, AIMessage):
        form["tool_calls"] = [[call["id"], call["name"], call["args"]] for call in message.tool_calls]
        form["invalid"] = [[call["id"], call["name"], call["args"]] for call in message.invalid_tool_calls]
    if isinstance(message, ToolMessage):
        form["tool_call_id"], form["status"] = message.tool_call_id, message.status
    return form


def stored(message: AIMessage) -> Json:
    """An answer as it is recorded, once it is turned into JSON."""
    metadata = {name: message.response_metadata[name] for name in _KEPT if name in message.response_metadata}
    extra = {name: value for name, value in message.additional_kwargs.items() if name != "parsed"}
    kept = message.model_copy(update={"response_metadata": metadata, "additional_kwargs": extra})
    return kept.model_dump()


def restored(response: Json) -> AIMessage:
    """The answer again, equal to what was recorded."""
    return AIMessage.model_validate(response)


def estimated(message: AIMessage, messages: Sequence[BaseMessage]) -> AIMessage:
    """The answer with what it used; if the provider is silent, estimated from its characters, and marked."""
    if message.usage_metadata is not None:
        return message
    given, said = count_tokens_approximately(messages), count_tokens_approximately([message])
    usage = {"input_tokens": given, "output_tokens": said, "total_tokens": given + said}
    metadata = {**message.response_metadata, ESTIMATED: True}
    return message.model_copy(update={"usage_metadata": usage, "response_metadata": metadata})


def fault(message: AIMessage) -> str:
    """Why an answer cannot be used, or empty text: an agent would take such an answer for its end."""
    reason = str(message.response_metadata.get("finish_reason") or message.response_metadata.get("stop_reason") or "")
    cut = reason in _CUT_OFF
    calls = [*message.invalid_tool_calls, *(message.tool_calls if cut else ())]
    if calls and (cut or not message.tool_calls):
        names = ", ".join(str(call["name"]) for call in calls)
        why = "they were cut off at the length limit" if cut else "they are not JSON"
        return f"the arguments of its call of {names} cannot be read: {why}"
    if message.tool_calls or message.text.strip():
        return ""
    refusal = message.additional_kwargs.get("refusal")
    return f"it refuses: {refusal}" if refusal else f"it is empty (finish reason: {reason or 'none'})"
