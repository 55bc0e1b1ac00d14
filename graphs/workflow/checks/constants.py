"""Values that must stand in the workflow file as they are: where a tool's schema says so, as it does of SQL.

What is put into such a text at run time could change what it does. Values have a place of their own beside it.
"""

from collections.abc import Mapping
from typing import Any

from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.views import is_constant
from graphs.workflow.problems import Path
from state.workflow.policies import Schema
from tools.schemas import CONSTANT


def check_constants(wanted: Schema, defs: Mapping[str, Schema], value: Any, path: Path, notes: Notes) -> None:
    """Notes each value that a reference is put into, and that may have none. `defs` are the schema's `$defs`."""
    if is_constant(value):
        return
    schema = _resolved(wanted, defs)
    properties, items = schema.get("properties", {}), schema.get("items")
    others = schema.get("additionalProperties")
    others = others if isinstance(others, dict) else {}
    if isinstance(value, dict) and (properties or others):
        for name, part in value.items():
            check_constants(properties.get(name, others), defs, part, (*path, name), notes)
    elif isinstance(value, list) and items:
        for number, part in enumerate(value):
            check_constants(items, defs, part, (*path, number), notes)
    elif isinstance(value, str) and _holds_constant(schema, defs):
        said = f"{path[-1]} must be a constant text, and a value is put into it."
        notes.error(path, said, "Write a name there, and give its value beside it (parameters, values).")


def _holds_constant(schema: Schema, defs: Mapping[str, Schema], levels: int = 5) -> bool:
    """Whether the value, or a part of it some levels down, is to be constant."""
    found = _resolved(schema, defs)
    parts = [*found.get("properties", {}).values(), found.get("additionalProperties"), found.get("items")]
    within = [part for part in parts if isinstance(part, dict)] if levels else []
    return bool(found.get(CONSTANT)) or any(_holds_constant(part, defs, levels - 1) for part in within)


def _resolved(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return defs.get(name, schema) if name else schema
