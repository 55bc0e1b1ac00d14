"""An agent by rule: it calls each tool whose arguments its task gives by name, then answers from what it was shown.

It concludes nothing. A form that it cannot fill in from what it was shown it does not fill in at all.
"""

import html
import json
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, ToolMessage

from chains.extractive.fields import value_of
from chains.extractive.reply import Call
from chains.extractive.texts import sentences_in, telling
from state.runs import Json
from tools.schemas import faults

ANSWER = "Answer"
"""The form of an agent's answer, where it has one."""
_FREE = frozenset({"query", "question", "text", "task", "search", "topic"})
"""Names of arguments that take the task itself."""
_WORDY = ("text", "sentence")
"""Names of what tools say in words."""
_WORDS = 80
_FENCED = re.compile(r"<(?:[a-z_]+)>(.*)</[a-z_]+>", re.DOTALL)
"""What a tool gave back, as agents are shown it."""
_BLANK = re.compile(r"\{[^{}]*\}")


def step(brief: Json, messages: Sequence[BaseMessage], tools: Sequence[Json]) -> list[Call] | str:
    """The next calls, or the answer: a call of its form where there is one, else text."""
    results = [message for message in messages if isinstance(message, ToolMessage)]
    others = [tool["function"] for tool in tools if tool["function"]["name"] != ANSWER]
    if not results:
        calls = [call for tool in others if (call := _call(tool, brief)) is not None]
        if calls:
            return calls
    found = [_value(message) for message in results if message.status != "error"]
    shown = [brief.get("material"), *found]
    form = next((tool["function"] for tool in tools if tool["function"]["name"] == ANSWER), None)
    if form is None:
        # What a tool was given stands in the material: where tools have spoken, they are quoted.
        return _text(brief, [_in_words(each) for each in found] or shown) or "Nothing that was shown says more."
    filled, wrong = _filled(form.get("parameters", {}), brief, shown)
    return [Call(ANSWER, filled)] if not wrong else f"What was shown does not fill in the answer: {'; '.join(wrong)}."


def _call(tool: Json, brief: Json) -> Call | None:
    """A call of a tool, if all that it must be given is known."""
    schema = tool.get("parameters", {})
    properties, required = schema.get("properties", {}), schema.get("required", [])
    known = {name: value_of(name, each, _named(brief.get("material"))) for name, each in properties.items()}
    free = [name for name in required if name in _FREE and known.get(name) is None]
    if len(free) == 1:
        known[free[0]] = " ".join(_BLANK.sub("", str(brief["task"])).split())
    given = {name: value for name, value in known.items() if value is not None}
    return Call(tool["name"], given) if set(required) <= set(given) else None


def _named(material: Any) -> Any:
    """Only what has a name can be an argument: no text is searched for one."""
    if isinstance(material, dict):
        return {key: _named(each) if isinstance(each, dict) else each for key, each in material.items()}
    return {}


def _filled(schema: Json, brief: Json, shown: Sequence[Any]) -> tuple[Json, list[str]]:
    """The form as far as it can be filled in, and what is wrong with it then."""
    source = {"shown": [each for each in shown if each is not None]}
    filled: Json = {}
    for name, wanted in schema.get("properties", {}).items():
        value = value_of(name, wanted, source)
        if value is None and wanted.get("type") == "string" and not {"enum", "format", "const"} & wanted.keys():
            value = _text({**brief, "task": f"{name} {wanted.get('description', '')} {brief['task']}"}, shown) or None
        if value is not None:
            filled[name] = value
    return filled, faults(schema, filled)


def _text(brief: Json, shown: Sequence[Any]) -> str:
    """The sentences of what was shown that say most of what the task asks."""
    return " ".join(telling(sentences_in([each for each in shown if each is not None]), _WORDS, str(brief["task"])))


def _in_words(value: Any) -> Any:
    """What a tool says in words, where it gives back words among other things; else all of it."""
    if isinstance(value, list):
        return [_in_words(each) for each in value]
    if isinstance(value, dict):
        return next((value[name] for name in _WORDY if isinstance(value.get(name), str)), value)
    return value


def _value(message: ToolMessage) -> Any:
    fenced = _FENCED.fullmatch(message.text.strip())
    text = html.unescape(fenced[1]) if fenced else message.text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
