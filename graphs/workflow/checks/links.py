"""Ids and the links among steps: names that are taken twice or lead nowhere, and cycles."""

from collections.abc import Iterator

from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.tree import Level, Placed, all_levels, outer_steps
from graphs.workflow.checks.views import Shapes, View
from graphs.workflow.problems import Path, suggestion
from graphs.workflow.references import LOCALS, WORKFLOW
from graphs.workflow.salvage import UNNAMED
from state.workflow.steps import RollbackStep


def check_links(top: Level, shapes: Shapes, notes: Notes) -> None:
    """Looks at the ids and the links of all levels."""
    for level in all_levels(top):
        _ids(level, notes)
        for placed in level.steps:
            _links(placed, shapes, notes)
            _rollback(placed, shapes, notes)
        if level.cycle:
            _cycle(level, notes)


def _ids(level: Level, notes: Notes) -> None:
    first: dict[str, Placed] = {}
    outer = {each.step.id: each for holder in outer_steps(level) for each in holder.level.steps}
    for placed in level.steps:
        id_, path = placed.step.id, placed.at("id")
        if id_ in LOCALS or id_ == WORKFLOW:
            notes.error(path, f"{id_!r} has a meaning of its own in references.", "Give the step another id.")
        elif id_ in first:
            line = notes.source.place(first[id_].path).line
            notes.error(path, f"The id {id_!r} is given twice; the first stands in line {line}.", "Rename one.")
        elif id_ in outer:
            line = notes.source.place(outer[id_].path).line
            notes.error(path, f"The id {id_!r} hides that of the step around it in line {line}.", "Rename one.")
        first.setdefault(id_, placed)


def named_by(placed: Placed) -> Iterator[tuple[Path, str]]:
    """The steps that a step names in its links, each with its place."""
    step = placed.step
    for number, id_ in enumerate(step.depends_on):
        yield placed.at("depends_on", number), id_
    for number, id_ in enumerate(step.next_steps):
        yield placed.at("next_steps", number), id_
    for number, handler in enumerate(step.error_handlers):
        yield placed.at("error_handlers", number, "step"), handler.step


def _links(placed: Placed, shapes: Shapes, notes: Notes) -> None:
    level = placed.level
    for path, id_ in named_by(placed):
        if id_ in shapes.lost:
            continue
        if level.are_branches:
            if level.outer and not level.outer.is_whole:
                continue
            remedy = "Take the link out, or put the steps one after another into a step around them."
            notes.error(path, "The branches of a parallel step do not wait for each other.", remedy)
        elif id_ in level.by_id:
            continue
        elif id_ in shapes.everywhere:
            remedy = "A step can only be linked with those beside it; link the step that holds it."
            notes.error(path, f"The step {id_!r} does not stand beside {placed.step.id!r}.", remedy)
        else:
            others = [each for each in level.by_id if each != placed.step.id and not each.startswith(UNNAMED)]
            notes.error(path, f"There is no step {id_!r}.", suggestion(id_, others, "Beside it are"))


def _rollback(placed: Placed, shapes: Shapes, notes: Notes) -> None:
    step = placed.step
    if not isinstance(step, RollbackStep) or step.to is None:
        return
    view, path = View(shapes, placed.level, step.id), placed.at("to")
    if step.to in shapes.lost:
        return
    if step.to not in shapes.everywhere:
        notes.error(path, f"There is no step {step.to!r}.", suggestion(step.to, view.steps(), "Steps before it are"))
    elif view.found(step.to) is None and step.to not in placed.level.flow.handles.get(step.id, ()):
        remedy = f"Add {step.to!r} to its depends_on, or go back to a step that comes before."
        notes.error(path, f"{step.to!r} does not come before this step.", remedy)


def _cycle(level: Level, notes: Notes) -> None:
    """Names the cycle, from the step of it that stands first in the file."""
    ids = level.cycle[:-1]
    start = min(range(len(ids)), key=lambda number: level.by_id[ids[number]].path)
    ids = (*ids[start:], *ids[:start])
    placed = level.by_id[ids[0]]
    links = [("depends_on", 0), ("next_steps", 0), ("error_handlers", 0)]
    path = next((placed.at(name) for name, _ in links if getattr(placed.step, name)), placed.path)
    said = " -> ".join((*ids, ids[0]))
    notes.error(
        path, f"These steps wait for each other: {said}.", "Take out one of the links; repeat with a loop step."
    )
