"""References in mappings, messages, tasks, addresses and keys: each must lead to something that is there by then."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphs.workflow.checks.known import Known
from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.outputs import raw_shape
from graphs.workflow.checks.shapes import Gap, kind
from graphs.workflow.checks.tree import Level, all_placed
from graphs.workflow.checks.views import Shapes, View
from graphs.workflow.mapping import references_in
from graphs.workflow.problems import Path
from graphs.workflow.references import parse
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import (
    ConditionalStep,
    HumanApprovalStep,
    LoopStep,
    OrchestratorStep,
    ParallelStep,
    ReactStep,
    Step,
    WaitStep,
    WebhookStep,
    WorkerStep,
)
from tools.cel import ANY, LIST

_FIELDS: dict[type[Step], tuple[str, ...]] = {
    ParallelStep: ("grows_on",),
    ReactStep: ("task",),
    HumanApprovalStep: ("message", "show"),
    OrchestratorStep: ("goal",),
    WorkerStep: ("task",),
    WebhookStep: ("url", "headers"),
    WaitStep: ("duration", "until", "event"),
}
"""The fields of each type that are filled, beside those that every step has."""
_BARE = re.compile(r"(?<![\w$])\$([A-Za-z_]\w*)")


def check_templates(definition: WorkflowDefinition, top: Level, shapes: Shapes, known: Known, notes: Notes) -> None:
    """Looks at every text that is filled when a run comes to it."""
    for placed in all_placed(top):
        view = View(shapes, placed.level, placed.step.id)
        for path, value in _seen_before(placed.step):
            _look(value, placed.at(*path), view, notes)
        after = View(shapes, placed.level, placed.step.id, {"output": raw_shape(placed, shapes, known)})
        for path, value in _seen_after(placed.step):
            _look(value, placed.at(*path), after, notes)
        if isinstance(placed.step, ParallelStep | LoopStep) and placed.step.for_each is not None:
            _list(placed.step.for_each, placed.at("for_each"), view, notes)
    _look(definition.outputs, ("outputs",), View(shapes, top), notes)


def texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The texts of a value at any depth, each with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from texts_in(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from texts_in(each, (*path, place))


def _seen_before(step: Step) -> Iterator[tuple[Path, Any]]:
    """The values that are filled before a step works."""
    for name in ("input_mapping", "idempotency_key", *_FIELDS.get(type(step), ())):
        yield (name,), getattr(step, name)
    if step.cache is not None:
        yield ("cache", "key"), step.cache.key
    if isinstance(step, ConditionalStep) and step.classify is not None:
        yield ("classify", "input"), step.classify.input


def _seen_after(step: Step) -> Iterator[tuple[Path, Any]]:
    """The values that are filled with what the step gave back."""
    yield ("output_mapping",), step.output_mapping
    for number, call in enumerate(step.rollback_actions):
        yield ("rollback_actions", number, "input"), call.input
        yield ("rollback_actions", number, "idempotency_key"), call.idempotency_key


def _look(value: Any, path: Path, view: View, notes: Notes) -> None:
    for place, text in texts_in(value, path):
        for reference in references_in(text):
            if isinstance(reference, str):
                notes.error(place, f"{reference} names nothing.", "Write ${step.field} or ${workflow.input}.")
                continue
            fault = view.fault(reference)
            if fault is not None:
                message, remedy, is_sure = fault
                (notes.error if is_sure else notes.warning)(place, message, remedy)
        if parse(text) is None:
            _bare_names(text, place, view, notes)


def _bare_names(text: str, place: Path, view: View, notes: Notes) -> None:
    """Within a longer text a reference needs braces; without them it stays as it stands."""
    for name in dict.fromkeys(_BARE.findall(text)):
        if view.local(name) is not None or view.found(name) is not None:
            notes.warning(place, f"${name} stands in the text as it is written.", f"Write ${{{name}}} for its value.")


def _list(text: str, path: Path, view: View, notes: Notes) -> None:
    reference = parse(text)
    if reference is None:
        notes.error(path, f"for_each: {text!r} is no reference.", "Name a list: workflow.items or $step.items.")
        return
    _look(text, path, view, notes)
    shape = view.shape(reference)
    if shape is not None and not isinstance(shape, Gap) and kind(shape) not in (ANY, LIST):
        remedy = view.list_of(reference) or "Name a list."
        notes.error(path, f"for_each: {text} is of the type {kind(shape)}, and not a list.", remedy)
