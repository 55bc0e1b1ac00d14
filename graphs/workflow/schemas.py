"""Values against JSON Schemas (2020-12). A schema cannot make the program fetch anything."""

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs
from pydantic_core import to_json

from state.workflow.policies import Schema


class RemoteReference(ValueError):
    """A schema refers to another document."""


def faults(schema: Schema, value: Any) -> list[str]:
    """What is wrong with a value, each with its place: `amount: "x" is not of type "number"`."""
    return [_told(error) for error in _validator(to_json(schema).decode()).iter_errors(value)]


def schema_fault(schema: Schema) -> str:
    """What is wrong with a schema itself; empty if it can be used."""
    try:
        _validator(to_json(schema).decode())
    except (ValueError, RemoteReference) as error:
        return str(error).strip().splitlines()[0]
    return ""


@lru_cache(maxsize=1000)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema), retriever=_refuse)


def _refuse(uri: str) -> Any:
    raise RemoteReference(f"the reference {uri} leads to another document, and none is fetched")


def _told(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path).lstrip(".")
    return f"{place}: {error.message}" if place else str(error.message)
