"""What can still be said of a workflow whose file breaks the grammar: its steps and links, without what is wrong.

Each value with an error is left out; a step that needs it becomes one that does nothing, with the same id, links and
inner steps. Nothing but the links can be checked on that: what was left out may be what another part refers to.
"""

import copy
from typing import Any

from pydantic import ValidationError

from graphs.workflow.loading import errors_in, place_of
from graphs.workflow.problems import Path
from state.workflow.definition import WorkflowDefinition

_ROUNDS = 20
"""Mending one error may show the next; more rounds than a step is deep are not needed."""
UNNAMED = "unnamed-step-"
"""Begins the ids of steps that have none that is valid."""
_LINKS = ("depends_on", "next_steps", "error_handlers")


def salvaged(value: dict[str, Any]) -> WorkflowDefinition | None:
    """The definition without its errors; None where no step is left to speak of."""
    rest: dict[str, Any] = {"name": "salvaged", "steps": copy.deepcopy(value.get("steps"))}
    for _ in range(_ROUNDS):
        try:
            return WorkflowDefinition.model_validate(rest)
        except ValidationError as error:
            for detail in errors_in(error):
                _mend(rest, place_of(detail, rest), is_missing=detail["type"] == "missing")
    return None


def _mend(rest: dict[str, Any], path: Path, *, is_missing: bool) -> None:
    """Takes out what stands at the path; where that cannot be, or something is missing there, the step's content."""
    at = _step_around(rest, path)
    if at is None:
        return
    holder, number, inside = at
    step = holder[number]
    field = inside[0] if inside else None
    if (
        isinstance(step, dict)
        and field in step
        and field not in ("id", "type")
        and not (is_missing and len(inside) < 2)
    ):
        del step[field]
    else:
        holder[number] = _nothing(step, f"{UNNAMED}{len(path) - len(inside)}-{number}", keeps_id=field != "id")


def _step_around(rest: dict[str, Any], path: Path) -> tuple[list[Any], int, Path] | None:
    """The list with the innermost step that a path leads into, the step's place in it, and the rest of the path."""
    found: tuple[list[Any], int, Path] | None = None
    value: Any = rest
    for depth, part in enumerate(path):
        if isinstance(value, list) and isinstance(part, int) and part < len(value) and _holds_steps(path[:depth]):
            found = value, part, path[depth + 1 :]
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
    return found


def _holds_steps(path: Path) -> bool:
    return bool(path) and (path[-1] in ("steps", "workers", "else") or (len(path) > 1 and path[-2] == "routes"))


def _nothing(step: Any, name: str, *, keeps_id: bool) -> dict[str, Any]:
    """A step that does nothing and has the id, the links and the inner steps of another; `name` where it has no id."""
    held = step if isinstance(step, dict) else {}
    kept = {key: held[key] for key in _LINKS if isinstance(held.get(key), list)}
    id_ = held.get("id")
    made = {"id": id_ if keeps_id and isinstance(id_, str) else name, "type": "action", "tool": "none", **kept}
    if isinstance(held.get("steps"), list) and held["steps"]:
        body = {} if held.get("type") == "parallel" and "for_each" not in held else {"for_each": "workflow.list"}
        made = {**made, "type": "parallel", "steps": held["steps"], **body}
        del made["tool"]
    return made
