"""From a workflow file to its definition: read, put into the form of the grammar, checked. All problems at once."""

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphs.workflow.problems import Path, Problem
from graphs.workflow.yaml_source import Source, read
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import STEP_TYPES

_ECHOES = frozenset({"too_short"})
"""Errors that a list also gives when one of its items has an error of its own."""


def load(text: str, file: str) -> tuple[WorkflowDefinition | None, Source]:
    """The definition that stands in a text, and where its parts stand; None if the source holds an error."""
    source = read(text, file)
    if source.value is None:
        return None, source
    if not isinstance(source.value, dict):
        source.problems.append(Problem(source.place(()), "A workflow is a list of fields.", "Begin with `name: …`."))
        return None, source
    try:
        return WorkflowDefinition.model_validate(source.value), source
    except ValidationError as error:
        source.problems += _told(error, source)
        return None, source


def _told(error: ValidationError, source: Source) -> Iterator[Problem]:
    found = error.errors(include_url=False)
    for detail in found:
        path, is_meant = _path(detail["loc"], source.value)
        is_echo = detail["type"] in _ECHOES and any(_is_within(other["loc"], detail["loc"]) for other in found)
        if is_meant and not is_echo:
            message, remedy = _words(detail, path, source.value)
            place = source.place(path, key=detail["type"] == "extra_forbidden")
            yield Problem(place, message, remedy)


def _is_within(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _path(loc: tuple[str | int, ...], value: Any) -> tuple[Path, bool]:
    """The place of an error in the file, and whether what stands there was meant so.

    pydantic puts the names of types between: of a step (`loop`), and of each way in which a value may be written
    (`str`, `StructuredCondition`). An error of another way than the one that was written is none.
    """
    path: list[str | int] = []
    for part in loc:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, dict) and part == value.get("type"):
            continue
        elif part in _WAYS:
            if isinstance(value, _WAYS[str(part)]):
                continue
            return tuple(path), False
        else:
            value = None
        path.append(part)
    return tuple(path), True


_WAYS: dict[str, type] = {"StructuredCondition": dict, "Approval": dict, "str": str, "bool": bool, "float": float}
"""The ways to write a value that can be written in several, as pydantic calls them."""


def _words(detail: ErrorDetails, path: Path, value: Any) -> tuple[str, str]:
    """The error and its remedy in the words of a workflow file."""
    name = str(path[-1]) if path else "the workflow"
    match detail["type"]:
        case "extra_forbidden":
            known = _fields(path[:-1], value)
            return f"There is no field {name!r} here.", _suggestion(name, known)
        case "missing":
            return f"The field {name!r} is missing.", "Add it."
        case "union_tag_invalid":
            given = str(_at(path, value).get("type"))
            return f"There is no step type {given!r}.", _suggestion(given, STEP_TYPES)
        case "union_tag_not_found":
            return "The step has no type.", f"Add `type:` with one of {', '.join(STEP_TYPES)}."
        case "value_error":
            said = detail["msg"].removeprefix("Value error, ")
            return f"{said[:1].upper()}{said[1:]}.", ""
        case _:
            return f"{name}: {detail['msg']}.", ""


def _at(path: Path, value: Any) -> dict[str, Any]:
    for part in path:
        value = value[part]
    return value if isinstance(value, dict) else {}


def _fields(path: Path, value: Any) -> list[str]:
    """The fields that the grammar has at a place of the file."""
    model: Any = WorkflowDefinition
    for place, part in enumerate(path):
        if isinstance(part, int):
            held = _at(path[: place + 1], value)
            model = STEP_TYPES.get(str(held.get("type")), model)
        else:
            model = _model_of(model, part) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_of(model: Any, field: str) -> type[BaseModel] | None:
    """The class that a field of a class holds, if it holds one."""
    for name, info in model.model_fields.items():
        if field in (name, info.alias):
            return next(iter(_classes(info.annotation)), None)
    return None


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _classes(inner)


def _suggestion(given: str, known: Any) -> str:
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(known)}."
