"""Fills mappings: plain values stay, references are replaced by what they name, texts around references are joined."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from graphs.workflow.references import WITHIN, Reference, Scope, parse, within
from tools.plain_sight import in_a_line

_LONGEST_VALUE = 500
"""Characters of a value within a sentence."""


def fill(value: Any, scope: Scope) -> Any:
    """The value with its references resolved, at any depth. Raises MissingValue.

    A text that is one reference becomes the value with its type; within a longer text a value is written as text,
    a list or an object as JSON.
    """
    if isinstance(value, str):
        return _text(value, scope)
    if isinstance(value, dict):
        return {key: fill(each, scope) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fill(each, scope) for each in value]
    return value


def references_in(value: Any) -> Iterator[Reference | str]:
    """All references of a value, at any depth; as text what looks like one and names nothing."""
    if isinstance(value, str):
        whole = parse(value)
        if whole is not None:
            yield whole
            return
        for found, reference in within(value):
            yield found[0] if reference is None else reference
    elif isinstance(value, dict):
        for each in value.values():
            yield from references_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from references_in(each)


def written(text: str, write: Callable[[Reference], str]) -> str:
    """The text with each reference within it as `write` puts it; `$$` is one dollar sign."""
    parts, end = [], 0
    references = {found.start(): reference for found, reference in within(text)}
    for found in WITHIN.finditer(text):
        reference = references.get(found.start())
        plain = "$" if found[0] == "$$" else found[0]
        parts += [text[end : found.start()], plain if reference is None else write(reference)]
        end = found.end()
    return "".join([*parts, text[end:]])


def told_to_a_person(text: str, scope: Scope) -> str:
    """A sentence with its references resolved, each value visible and on the sentence's line, so that none can pass for
    more of what the person is told. Raises MissingValue.
    """
    whole = parse(text)
    if whole is not None:
        return in_a_line(_written(scope.resolve(whole)), _LONGEST_VALUE)
    return written(text, lambda reference: in_a_line(_written(scope.resolve(reference)), _LONGEST_VALUE))


def _text(text: str, scope: Scope) -> Any:
    whole = parse(text)
    if whole is not None:
        return scope.resolve(whole)
    return written(text, lambda reference: _written(scope.resolve(reference)))


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
