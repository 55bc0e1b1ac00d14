"""The inputs of a workflow, as they are typed: `key=value`, a file of YAML or JSON, or both."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
import yaml

from state.errors import SourceError
from state.runs import Json
from state.workflow.definition import WorkflowDefinition


def read_inputs(typed: list[str]) -> list[Json | tuple[str, str]]:
    """Each value of --input: what a file says, or a key with the text of its value."""
    return [_pair(each) if "=" in each and not Path(each).is_file() else file_of(each) for each in typed]


def joined_inputs(definition: WorkflowDefinition, given: list[Json | tuple[str, str]]) -> Json:
    """The inputs of a run; what comes later counts. typer.BadParameter where they are not as they must be."""
    from graphs.workflow.outcomes import StepFailed
    from graphs.workflow.whole import completed, unknown_input

    known = definition.inputs.get("properties", {})
    inputs: Json = {}
    for each in given:
        inputs |= {each[0]: _typed(known.get(each[0]), each[1])} if isinstance(each, tuple) else each
    if said := unknown_input(definition, inputs):
        raise typer.BadParameter(said, param_hint="--input")
    try:
        completed(definition, inputs)
    except StepFailed as error:
        raise typer.BadParameter(f"{error.message} {error.remedy}", param_hint="--input") from error
    return inputs


def parsed(text: str) -> Any:
    """The value that a text is as JSON; the text itself where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _typed(schema: object, text: str) -> Any:
    """The value; text stays text where the workflow wants one."""
    wanted = schema.get("type") if isinstance(schema, Mapping) else None
    return text if wanted == "string" else parsed(text)


def _pair(typed: str) -> tuple[str, str]:
    key, _, value = typed.partition("=")
    return key.strip(), value


def file_of(name: str) -> Json:
    """The object that a file holds; `-` is standard input. SourceError where it holds none."""
    place = "standard input" if name == "-" else name
    try:
        value = yaml.safe_load(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
        plain: Json = json.loads(json.dumps(value, default=str, allow_nan=False))  # YAML reads dates as objects
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The input cannot be read: {getattr(error, 'strerror', None) or error}.",
            place=place,
            remedy="Write key=value, or name a file of JSON or YAML.",
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())
        raise SourceError(f"The input is neither YAML nor JSON: {said}.", place=place) from error
    if not isinstance(plain, dict):
        raise SourceError("The input is no object with keys.", place=place, remedy='Write {"key": "value"}.')
    return plain
