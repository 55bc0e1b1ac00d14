"""The shapes of values as far as they are known before a run: JSON Schemas, and the way along a path through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from state.workflow.policies import Schema
from tools.cel import ANY, INTEGER, LIST, NUMBER, OBJECT, TEXT, TRUTH

_KINDS = frozenset({NUMBER, INTEGER, TEXT, TRUTH, LIST, OBJECT})
_CHOICES = frozenset({"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "if", "not", "patternProperties"})
"""Words of JSON Schema after which a value may have more than its `properties` say."""


@dataclass(frozen=True)
class Gap:
    """A path that leads on where nothing is declared."""

    part: str | int
    within: str
    """What stands before it, as it is written after the root: `.customer`."""
    known: tuple[str, ...]
    is_sure: bool
    """Whether nothing can be there; else it is only not declared."""


def inside(schema: Schema, path: Sequence[str | int]) -> Schema | Gap:
    """The shape of what a path leads to; empty where it is not known."""
    within = ""
    for part in path:
        if not schema or _CHOICES & schema.keys():
            return {}
        kind = schema.get("type")
        if kind == LIST:
            if not str(part).isdigit():
                return Gap(part, within, (), True)
            schema = _schema(schema.get("items"))
        elif "properties" in schema or kind == OBJECT:
            found = _property(schema, str(part))
            if found is None:
                known = tuple(_schema(schema.get("properties")))
                return Gap(part, within, known, schema.get("additionalProperties") is False)
            schema = found
        elif kind in _KINDS:
            return Gap(part, within, (), True)
        else:
            return {}
        within += f"[{part}]" if isinstance(part, int) else f".{part}"
    return schema


def _property(schema: Schema, name: str) -> Schema | None:
    """The shape of a property; None if it is not declared and others are."""
    declared = _schema(schema.get("properties"))
    if name in declared:
        return _schema(declared[name])
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        return more
    return None if declared or more is False else {}


def _schema(value: object) -> Schema:
    return value if isinstance(value, dict) else {}


def kind(schema: Schema) -> str:
    """The type of a shape: one of JSON Schema's, or ANY."""
    found = schema.get("type")
    return found if isinstance(found, str) and found in _KINDS else ANY


def closed(properties: Mapping[str, Schema]) -> Schema:
    """The shape of an object that has these properties and no others."""
    return {"type": OBJECT, "properties": dict(properties), "additionalProperties": False}


def shape_of_value(value: Any) -> Schema:
    """The shape of a constant."""
    if isinstance(value, Mapping):
        return closed({str(key): shape_of_value(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return {"type": LIST}
    for types, name in ((bool, TRUTH), (int, INTEGER), (float, NUMBER), (str, TEXT)):
        if isinstance(value, types):
            return {"type": name}
    return {}
