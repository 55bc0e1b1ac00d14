"""References: how a workflow file names an input, the output of a step, or a value of the surrounding loop.

- `workflow.customer.id`: an input or a variable;
- `$check.ok`: the output of the step `check`; `$item`, `$index`, `$last`, `$output`, `$error` are the values around it;
- `${check.ok}`, `${workflow.customer.id}`: either, also within a longer text;
- `[0]` or `.0` after a list takes one of its items.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

WORKFLOW = "workflow"
LOCALS: dict[str, str] = {
    "item": "$item stands within a loop or parallel step that has for_each.",
    "index": "$index stands within a loop, or within a parallel step that has for_each.",
    "last": "$last stands within a loop: what the turn before gave back.",
    "output": "$output stands in output_mapping, rollback_actions and custom_metrics.",
    "error": "$error stands in a step that is named in error_handlers, and within it.",
    "input": "A step's input is what its input_mapping says: refer to that.",
}
"""Names of the values around a step, and where each may stand; no step may be called so."""

_PATH = r"(?:\.[A-Za-z_0-9][\w-]*|\[\d+\])*"
_NAME = r"[A-Za-z_][\w-]*"
WHOLE = re.compile(
    rf"\s*(?:\$\{{\s*\$?(?P<braced>{_NAME}{_PATH})\s*\}}|\$(?P<step>{_NAME}{_PATH})|(?P<input>{WORKFLOW}(?:\.{_NAME}{_PATH})))\s*"
)
"""A text that is one reference."""
WITHIN = re.compile(rf"\$\$|\$\{{\s*\$?(?P<braced>{_NAME}{_PATH})\s*\}}|(?P<broken>\$\{{[^}}]*\}}?)")
"""A reference within a text; `$$` stands for one dollar sign."""
_PART = re.compile(r"[A-Za-z_0-9][\w-]*|\[\d+\]")


@dataclass(frozen=True)
class Reference:
    """`root` is `workflow`, the id of a step or one of LOCALS; `path` leads on from there."""

    root: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return f"{self.root}{dotted}" if self.root == WORKFLOW else f"${self.root}{dotted}"


class MissingValue(LookupError):
    """A reference leads to nothing; the message says how far it leads."""

    def __init__(self, message: str, root: str) -> None:
        super().__init__(message)
        self.root = root
        """What the reference begins with: `workflow`, a step, or one of LOCALS."""


@dataclass(frozen=True)
class Scope:
    """What references can name at one place of a run."""

    workflow: Mapping[str, Any]
    """Inputs and variables by name."""
    outputs: Mapping[str, Any]
    """Outputs of the steps that have ended, by id."""
    around: Mapping[str, Any] = field(default_factory=dict)
    """By name of LOCALS."""

    def resolve(self, reference: Reference) -> Any:
        """The value. Raises MissingValue."""
        root = reference.root
        if root == WORKFLOW:
            return follow(self.workflow, reference, WORKFLOW)
        for held in (self.around, self.outputs):
            if root in held:
                return follow(held[root], reference, f"${root}")
        raise MissingValue(f"{reference} leads to nothing: {f'${root}'} has no value here", root)


def parse(text: str) -> Reference | None:
    """The reference that the whole text is; None if it is none."""
    found = WHOLE.fullmatch(text)
    return _reference(next(filter(None, found.groups()))) if found else None


def within(text: str) -> Iterator[tuple[re.Match[str], Reference | None]]:
    """The references that stand in a text, each with its place; None for a `${` that names nothing."""
    for found in WITHIN.finditer(text):
        if found["braced"]:
            yield found, _reference(found["braced"])
        elif found["broken"]:
            yield found, None


def follow(value: Any, reference: Reference, name: str) -> Any:
    """Goes from `value`, called `name`, along the path. Raises MissingValue with the part that is not there."""
    for part in reference.path:
        if isinstance(value, Mapping) and str(part) in value:
            value = value[str(part)]
        elif isinstance(value, list | tuple) and (place := _place(part)) is not None and place < len(value):
            value = value[place]
        else:
            raise MissingValue(f"{reference} leads to nothing: {name} has no {part!r}{_known(value)}", reference.root)
        name = f"{name}.{part}"
    return value


def path_of(dotted: str) -> tuple[str | int, ...]:
    """The parts of a path: `.a[0].b`."""
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in _PART.findall(dotted))


def _reference(dotted: str) -> Reference:
    root, *path = path_of(dotted)
    return Reference(str(root), tuple(path))


def _place(part: str | int) -> int | None:
    return part if isinstance(part, int) else int(part) if part.isdigit() else None


def _known(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"; it has {', '.join(map(str, list(value)[:10]))}" if value else "; it is empty"
    if isinstance(value, list | tuple):
        return f"; it is a list of {len(value)}"
    if value is None:
        return "; it is empty"
    return (
        f"; it is {'a text' if isinstance(value, str) else 'true or false' if isinstance(value, bool) else 'a number'}"
    )
