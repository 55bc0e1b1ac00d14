"""Values against JSON Schemas (2020-12). A schema cannot make the program fetch anything."""

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs
from pydantic_core import to_json

from state.workflow.policies import Schema

CONSTANT = "x-constant"
"""In a tool's schema: a workflow gives the value as it stands in the file, and puts no other value into it."""


class RemoteReference(ValueError):
    """A schema refers to another document."""


def faults(schema: Schema, value: Any) -> list[str]:
    """What is wrong with a value, each with its place: `amount: "x" is not of type "number"`."""
    return [_told(error) for error in _validator(to_json(schema).decode()).iter_errors(value)]


def schema_fault(schema: Schema) -> tuple[tuple[str | int, ...], str] | None:
    """Where a schema is wrong itself, and why; None if it can be used."""
    try:
        _validator(to_json(schema).decode())
    except jsonschema_rs.ValidationError as error:
        return tuple(error.instance_path), _plainly(error)
    except (ValueError, RemoteReference) as error:
        return (), str(error).strip().splitlines()[0]
    return None


def _plainly(error: Any) -> str:
    said = str(error.message)
    if "RemoteReference: " in said:
        return said.partition("RemoteReference: ")[2]
    if error.instance_path and error.instance_path[-1] == "type":
        return f"there is no type {error.instance!r} in JSON Schema"
    return said


@lru_cache(maxsize=1000)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema), retriever=_refuse)


def _refuse(uri: str) -> Any:
    raise RemoteReference(f"the reference {uri} leads to another document, and none is fetched")


def _told(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path).lstrip(".")
    return f"{place}: {error.message}" if place else str(error.message)
