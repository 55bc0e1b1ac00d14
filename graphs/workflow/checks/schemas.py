"""JSON Schemas in a definition, and the defaults and variables beside them."""

from collections.abc import Iterator
from typing import Any

from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.tree import Level, all_placed
from graphs.workflow.problems import Path
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Schema
from tools.schemas import faults, schema_fault


def check_schemas(definition: WorkflowDefinition, top: Level, notes: Notes) -> None:
    """Looks at every schema, and at what must fit one."""
    _inputs(definition, notes)
    for placed in all_placed(top):
        for name in ("input_validation", "output_validation", "output_schema"):
            schema = getattr(placed.step, name, None)
            if schema is not None:
                _schema(schema, placed.at(name), notes)


def _schema(schema: Schema, path: Path, notes: Notes) -> bool:
    """Whether a schema can be used; notes why not."""
    far = list(_far_references(schema, path))
    for place, uri in far:
        remedy = "Write the schema out, or put it under $defs and refer to it as #/$defs/NAME."
        notes.error(place, f"The reference {uri} leads to another document, and none is fetched.", remedy)
    fault = None if far else schema_fault(schema)
    if fault is not None:
        within, why = fault
        notes.error((*path, *within), f"This is not a JSON Schema: {why}.", "The types are string, number, integer, …")
    return not far and fault is None


def _far_references(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The references of a schema to other documents, each with its place."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(each, str) and not each.startswith("#"):
                yield (*path, key), each
            elif key not in ("default", "const", "enum", "examples"):
                yield from _far_references(each, (*path, str(key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _far_references(each, (*path, number))


def _inputs(definition: WorkflowDefinition, notes: Notes) -> None:
    inputs = definition.inputs
    is_usable = _schema(inputs, ("inputs",), notes)
    if inputs.get("type", "object") != "object":
        remedy = "Write `type: object`, and the inputs under `properties`."
        notes.error(("inputs", "type"), "The inputs are an object: a name and a value for each.", remedy)
        return
    declared = inputs.get("properties", {})
    properties = declared if isinstance(declared, dict) else {}
    if not properties and inputs.keys() - {"type", "properties", "required", "additionalProperties", *_COMMON}:
        remedy = "Put the inputs under `properties`, each with its type."
        notes.warning(("inputs",), "No input is declared: names beside `properties` are none.", remedy)
    for name in definition.variables:
        if name in properties:
            line = notes.source.place(("inputs", "properties", name), key=True).line
            said = f"The variable {name!r} hides the input of the same name in line {line}."
            notes.error(("variables", name), said, "Rename one of them.", key=True)
    for name in inputs.get("required", ()) if is_usable else ():
        if properties and name not in properties:
            notes.warning(("inputs", "required"), f"The input {name!r} is required and not declared.", "Declare it.")
    for name, schema in properties.items() if is_usable else ():
        if isinstance(schema, dict) and "default" in schema:
            wrong = faults(_with_definitions(schema, inputs), schema["default"])
            if wrong:
                path = ("inputs", "properties", name, "default")
                notes.error(
                    path, f"The default of {name!r} does not fit its schema: {wrong[0]}.", "Change one of them."
                )


_COMMON = ("$schema", "$id", "$defs", "title", "description", "examples", "default", "minProperties", "maxProperties")


def _with_definitions(schema: Schema, whole: Schema) -> Schema:
    """A part of a schema that can still refer to the definitions of the whole."""
    return {**schema, "$defs": whole["$defs"]} if "$defs" in whole else schema
