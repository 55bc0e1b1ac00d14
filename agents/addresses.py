"""Which addresses an agent was shown: by its task or by what a tool found, and not by an echo of its own words."""

import html
from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agents.repairs import MISFIT


def was_shown(messages: Sequence[AnyMessage], address: str) -> bool:
    """Whether the task or the result of a tool showed the address before the model itself wrote it into a call.

    Tools repeat what they were asked, so that an address that a call names is the model's own from then on. Errors show
    nothing: they are made of the arguments that they complain of.
    """
    is_own = False
    for message in messages:
        if isinstance(message, AIMessage):
            is_own = is_own or _letters(address) in _told(message)
        elif _shows(message, address) and (isinstance(message, HumanMessage) or not is_own):
            return True
    return False


def was_opened(messages: Sequence[AnyMessage], tool: str, argument: str, address: str) -> bool:
    """Whether the tool has opened the address already: asking for more of it tells nobody anything new."""
    answered = {each.tool_call_id for each in messages if isinstance(each, ToolMessage) and _is_result(each)}
    calls = (call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls)
    return any(
        call["name"] == tool and call["args"].get(argument) == address and call["id"] in answered for call in calls
    )


def _shows(message: AnyMessage, address: str) -> bool:
    is_read = isinstance(message, HumanMessage) or (isinstance(message, ToolMessage) and _is_result(message))
    return is_read and any(address in form for form in _forms(message.text))


def _is_result(message: ToolMessage) -> bool:
    """Whether it is what a tool gave back; refusals and what LangChain says of calls do not have the mark."""
    return message.status == "success" and MISFIT in message.additional_kwargs


def _forms(text: str) -> tuple[str, ...]:
    """A text as it is, and as it was before blocks and evidence escaped it."""
    return text, html.unescape(text), text.replace("\\u0026", "&")


def _told(message: AIMessage) -> str:
    """All that the calls of a message say, as letters: an echo may quote, join and escape it in its own way."""
    calls = repr([message.tool_calls, message.invalid_tool_calls])
    return " ".join(map(_letters, _forms(calls)))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
