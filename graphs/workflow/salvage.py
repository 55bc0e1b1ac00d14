"""What can still be said of a workflow whose file breaks the grammar: the whole of it, without what is wrong.

Each value with an error is left out; a step that needs it becomes one that does nothing, with the same id, links and
inner steps. What was left out may be what another part refers to: it is noted, and nothing is said against that.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graphs.workflow.loading import errors_in, place_of, told
from graphs.workflow.problems import Path, Problem
from graphs.workflow.yaml_source import Source
from state.workflow.definition import WorkflowDefinition

_ROUNDS = 20
"""Mending one error may show the next; more rounds than a step is deep are not needed."""
UNNAMED = "unnamed-step-"
"""Begins the ids of steps that have none that is valid."""
_WORD = re.compile(r"[\w-]+")
"""What an id could be: where one cannot be read, any word of the file may be meant."""
_LINKS = ("depends_on", "next_steps", "error_handlers")


@dataclass
class Salvaged:
    """A definition without what is wrong in its file, and what became of that."""

    rest: dict[str, Any]
    broken: set[Path] = field(default_factory=set)
    """The steps of which something was left out."""
    is_whole: bool = True
    """Whether nothing was left out beside the steps."""
    lost: frozenset[str] = frozenset()
    """Names that steps may have whose ids could not be read, or that were left out."""
    hidden: list[Problem] = field(default_factory=list)
    """Errors of the grammar in steps of which nothing was left out, that an error within them hid."""

    @property
    def definition(self) -> WorkflowDefinition:
        """What is left. Raises ValidationError where there is more to mend."""
        return WorkflowDefinition.model_validate(self.rest)

    def mend(self, path: Path, *, is_missing: bool = False) -> bool:
        """Takes out what stands at the path; where that cannot be, the content of the step. Whether that was done."""
        at = _step_around(self.rest, path)
        if at is None:
            return self._mend_top(path)
        holder, number, inside = at
        self.broken.add(path[: len(path) - len(inside)])
        step = holder[number]
        first = inside[0] if inside else None
        if (
            isinstance(step, dict)
            and first in step
            and first not in ("id", "type")
            and not (is_missing and len(inside) < 2)
        ):
            del step[first]
        else:
            holder[number] = _nothing(step, f"{UNNAMED}{len(path) - len(inside)}-{number}", keeps_id=first != "id")
        return True

    def is_untouched(self, detail: ErrorDetails) -> bool:
        """Whether nothing was left out of the step that an error is in: it does not come of the mending."""
        path = place_of(detail, self.rest)
        at = _step_around(self.rest, path)
        return at is not None and path[: len(path) - len(at[2])] not in self.broken

    def _mend_top(self, path: Path) -> bool:
        name = path[0] if path else "steps"
        if name == "name":
            self.rest["name"] = "salvaged"
        elif name == "steps" or name not in self.rest:
            return False
        else:
            del self.rest[str(name)]
            self.is_whole = False
        return True


def salvaged(source: Source) -> Salvaged | None:
    """The definition without its errors; None where no step is left to speak of."""
    if not isinstance(source.value, dict):
        return None
    found = Salvaged(copy.deepcopy(source.value))
    if not all(found.mend(path) for path in source.doubtful):
        return None
    for number in range(_ROUNDS):
        try:
            kept = {each.id for each in found.definition.steps}
        except ValidationError as error:
            details = errors_in(error)
            if number:
                found.hidden += told([each for each in details if found.is_untouched(each)], found.rest, source)
            mended = [
                found.mend(place_of(detail, found.rest), is_missing=detail["type"] == "missing") for detail in details
            ]
            if not any(mended):
                return None
        else:
            found.lost = frozenset(_names(source.value, found.broken)) - kept
            return found
    return None


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


def _names(value: Any, broken: set[Path]) -> Iterator[str]:
    """Names that broken steps, and steps that were left out with them, may have had."""
    for path in broken:
        step = value
        for part in path:
            step = step[part]
        if isinstance(step, dict) and "id" not in step:
            yield from (each for each in step.values() if isinstance(each, str))
        elif isinstance(step, dict) and not isinstance(step["id"], str):
            yield from _WORD.findall(repr(value))
        yield from _ids(step)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield value["id"]
        for each in value.values():
            yield from _ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ids(each)


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
