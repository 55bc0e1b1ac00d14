"""From a workflow file to its definition: read, put into the form of the grammar, checked. All problems at once."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphs.workflow.chain_form import in_its_words, unfold
from graphs.workflow.problems import Path, Problem, suggestion
from graphs.workflow.yaml_source import Source, read
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import STEP_TYPES

_ECHOES = frozenset({"too_short"})
"""Errors that a list also gives when one of its items has an error of its own."""


def load(text: str, file: str) -> tuple[WorkflowDefinition | None, Source]:
    """The definition that stands in a text, and where its parts stand; None where it has not the form of a workflow."""
    source = read(text, file)
    if source.value is None:
        if not any(each.severity == "error" for each in source.problems):
            source.problems.append(Problem(source.place(()), "The file is empty.", "It needs a name and steps."))
        return None, source
    if not isinstance(source.value, dict):
        source.problems.append(Problem(source.place(()), "A workflow is a list of fields.", "Begin with `name: …`."))
        return None, source
    if not unfold(source):
        return None, source
    wrong = {each.place for each in source.problems if each.severity == "error"}
    try:
        definition = WorkflowDefinition.model_validate(source.value)
    except ValidationError as error:
        found = told(errors_in(error), source.value, source)
        source.problems += [in_its_words(source, each) for each in found if each.place not in wrong]
        return None, source
    return None if wrong else definition, source


def place_of(detail: ErrorDetails, value: Any) -> Path:
    """The place in the file of an error that pydantic found in `value`."""
    return _path(detail, value)[0]


def told(
    details: list[ErrorDetails],
    value: dict[str, Any],
    source: Source,
    grammar: type[BaseModel] = WorkflowDefinition,
) -> Iterator[Problem]:
    """The errors that pydantic found in `value`, in the words of the file, with their places in the source.

    Of a value that can be written in several ways those of the way meant.
    """
    placed = [(*_path(detail, value), detail) for detail in details]
    meant = [(path, detail) for path, is_meant, detail in placed if is_meant]
    for path, is_meant, detail in placed:
        if not is_meant and not any(other[: len(path)] == path for other, _ in meant):
            meant.append((path, {**detail, "type": "no_way"}))
    named: set[Path] = set()
    for path, detail in meant:
        if path not in named:
            named.add(path)
            message, remedy = _words(detail, path, value, grammar)
            yield Problem(source.place(path, key=detail["type"] == "extra_forbidden"), message, remedy)


def errors_in(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic found, without the echoes."""
    found = error.errors(include_url=False)
    return [
        detail
        for detail in found
        if detail["type"] not in _ECHOES or not any(_is_within(other["loc"], detail["loc"]) for other in found)
    ]


def _is_within(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _path(detail: ErrorDetails, value: Any) -> tuple[Path, bool]:
    """The place of an error in the file, and whether what stands there was meant so.

    pydantic puts names of its own between: of a step's type (`loop`), of each way in which a value may be written
    (`str`, `literal['all','any']`), and of the field that a short form stands for (`need`). An error of another way
    than the one that was written is none.
    """
    path: list[str | int] = []
    is_meant, loc = True, detail["loc"]
    for number, named in enumerate(loc):
        part = "count" if named == "need" and isinstance(value, dict) and "count" in value else named
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif detail["type"] == "missing" and number == len(loc) - 1:
            return (*path, part), is_meant
        else:
            way = next((kinds for name, kinds in _WAYS if str(part).startswith(name)), None)
            is_meant = is_meant and (way is None or isinstance(value, way))
            continue
        path.append(part)
    return tuple(path), is_meant


_WAYS: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("StructuredCondition", dict),
    ("Approval", dict),
    ("literal[", str),
    ("constrained-int", int),
    ("str", str),
    ("bool", bool),
    ("float", (int, float)),
)
"""The ways to write a value that can be written in several: how pydantic calls each, and what stands in the file."""


def _words(detail: ErrorDetails, path: Path, value: Any, grammar: type[BaseModel]) -> tuple[str, str]:
    """The error and its remedy in the words of a workflow file."""
    name = str(path[-1]) if path else "the workflow"
    remedy = ""
    match detail["type"]:
        case "extra_forbidden":
            said, remedy = (
                f"There is no field {name!r} here.",
                suggestion(name, _fields(path[:-1], value, grammar), "Known are"),
            )
        case "missing":
            said, remedy = f"The field {name!r} is missing.", "Add it."
        case "union_tag_invalid":
            given = str(_at(path, value).get("type"))
            said, remedy = f"There is no step type {given!r}.", suggestion(given, STEP_TYPES, "Known are")
        case "union_tag_not_found":
            said, remedy = "The step has no type.", f"Add `type:` with one of {', '.join(STEP_TYPES)}."
        case "value_error":
            told = detail["msg"].removeprefix("Value error, ")
            said = f"{told[:1].upper()}{told[1:]}."
        case "literal_error":
            said = f"{name}: {_short(detail['input'])} cannot stand here."
            remedy = _FORMS.get(name) or _choice(detail)
        case "no_way" | "model_type" | "model_attributes_type":
            said, remedy = f"{name}: {_short(_at_all(path, value))} cannot stand here.", _forms(path, value, grammar)
        case _:
            given = detail["input"]
            stood = "" if isinstance(given, dict | list | tuple) else f", not {_short(given)}"
            said = f"{name}: {_plainly(detail['msg'])}{stood}."
    return said, remedy


_QUOTED = re.compile(r"'([^']*)'")


def _choice(detail: ErrorDetails) -> str:
    """Which of a few words can stand here; nothing is guessed of signs, where `=>` is as near to `>` as to `>=`."""
    choices, given = _QUOTED.findall(str(detail.get("ctx", {}).get("expected"))), str(detail["input"])
    return suggestion(given if given.isidentifier() else "", choices, "Write one of")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _plainly(said: str) -> str:
    said = said.replace("Input should", "it should").removesuffix(".")
    for engine, words in _PLAINLY.items():
        said = said.replace(engine, words)
    return said


_PLAINLY = {
    "Tuple should have at least 1 item after validation, not 0": "it needs at least one entry",
    "Dictionary should have at least": "it should have at least",
    "String should match pattern": "it should have the form",
    "a valid dictionary": "fields with values",
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid string": "a text",
    "a valid boolean": "true or false",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    ", unable to parse string as an integer": "",
    ", unable to parse string as a number": "",
    ", unable to interpret input": "",
}
"""Words of pydantic, and those that are told."""
_FORMS = {
    "join": "Write all, any, or {count: 2}.",
    "condition": "Write an expression, `workflow.amount > 1000`, or field, operator and value.",
}


def _forms(path: Path, value: Any, grammar: type[BaseModel]) -> str:
    """What can be written at a place instead."""
    name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    if name in _FORMS:
        return _FORMS[name]
    if name in ("conditions", "when", "while", "until", "required_for"):
        return _FORMS["condition"]
    return f"It has fields: {', '.join(_fields(path, value, grammar))}."


def _at_all(path: Path, value: Any) -> Any:
    """What stands at a place."""
    for part in path:
        value = value[part]
    return value


def _at(path: Path, value: Any) -> dict[str, Any]:
    held = _at_all(path, value)
    return held if isinstance(held, dict) else {}


def _fields(path: Path, value: Any, grammar: type[BaseModel]) -> list[str]:
    """The fields that the grammar has at a place of the file."""
    model: Any = grammar
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
