"""Conditions and figures: compiled against what is known of the names in them, once, for the runs that follow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphs.workflow.checks.known import Known
from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.outputs import raw_shape, result_shape
from graphs.workflow.checks.tree import Level, Placed, all_placed
from graphs.workflow.checks.views import Shapes, Types, View, shape_of_template
from graphs.workflow.expressions import (
    Expression,
    ExpressionError,
    Names,
    compile_condition,
    compile_expression,
    names_in,
    text_of,
)
from graphs.workflow.problems import Path
from graphs.workflow.references import MissingValue, Scope
from graphs.workflow.run import Conditions
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Condition, Schema
from state.workflow.steps import ConditionalStep, HumanApprovalStep, LoopStep, Step
from tools.cel import ANY, INTEGER, NUMBER, TRUTH


@dataclass
class Compiled:
    """The expressions of a definition."""

    conditions: dict[tuple[str, str], Expression] = field(default_factory=dict)
    """By the id of the step and the text."""
    figures: dict[tuple[str, str], Expression] = field(default_factory=dict)
    """By the id of the step, empty for the workflow, and the name."""
    constants: dict[Path, bool] = field(default_factory=dict)
    """By place: the value of each condition that is always the same."""

    def usable(self) -> Conditions:
        """What a run works with."""
        return Conditions(self.conditions, self.figures)


def compile_all(definition: WorkflowDefinition, top: Level, shapes: Shapes, known: Known, notes: Notes) -> Compiled:
    """Compiles every expression; what cannot be used is noted with its place."""
    made = Compiled()
    for placed in all_placed(top):
        view, step = View(shapes, placed.level, placed.step.id), placed.step
        needs = placed.level.flow.needs.get(step.id, ())
        before = needs[0] if len(needs) == 1 else _lost_before(placed, needs)
        for path, condition, around in _conditions(placed, shapes):
            seen = View(shapes, placed.level, step.id, around) if around else view
            _condition(made, placed.at(*path), condition, seen, "last" if path == ("until",) else before, notes)
        output = View(shapes, placed.level, step.id, {"output": raw_shape(placed, shapes, known)})
        for name, text in step.custom_metrics.items():
            _figure(made, placed.at("custom_metrics", name), (step.id, name), text, output, notes)
    result = View(shapes, top, None, {"output": _whole(definition, top, shapes)})
    for name, text in definition.metrics.items():
        _figure(made, ("metrics", name), ("", name), text, result, notes)
    return made


def _whole(definition: WorkflowDefinition, top: Level, shapes: Shapes) -> Schema:
    """The shape of what the workflow gives back."""
    if not shapes.is_whole:
        return {}  # its outputs may have been left out
    return shape_of_template(definition.outputs, View(shapes, top)) if definition.outputs else result_shape(top, shapes)


def _lost_before(placed: Placed, needs: tuple[str, ...]) -> str | None:
    """A step that may be the only one before, if the link to it was left out."""
    broken = [each.step.id for each in placed.level.steps if not each.is_whole]
    return broken[0] if broken and not needs else None


def own_places(step: Step) -> Iterator[tuple[Path, Condition]]:
    """The conditions under which a step runs at all, with their places within it."""
    if step.condition is not None:
        yield ("condition",), step.condition
    for number, condition in enumerate(step.conditions):
        yield ("conditions", number), condition


def _conditions(placed: Placed, shapes: Shapes) -> Iterator[tuple[Path, Condition, Mapping[str, Schema]]]:
    """All conditions of a step, and the values around each beside those that the step sees."""
    step = placed.step
    for path, condition in own_places(step):
        yield path, condition, {}
    match step:
        case ConditionalStep():
            for number, case in enumerate(step.cases):
                yield ("cases", number, "when"), case.when, {}
        case LoopStep():
            around = {"index": {"type": "integer"}, "last": result_shape(placed.inner[0], shapes)}
            if step.while_ is not None:
                yield ("while",), step.while_, {**around, "last": {}}
            if step.until is not None:
                yield ("until",), step.until, around
        case HumanApprovalStep() if step.required_for is not None:
            yield ("required_for",), step.required_for, {}


def _condition(
    made: Compiled, path: Path, condition: Condition, view: View, fields_of: str | None, notes: Notes
) -> None:
    try:
        compiled = compile_condition(condition, Names(Types(view), fields_of))
    except ExpressionError as error:
        notes.error(path, str(error), error.remedy)
        return
    _references(compiled, path, view, notes)
    key = view.step or "", text_of(condition)
    other = made.conditions.setdefault(key, compiled)
    if (other.references, other.asked) != (compiled.references, compiled.asked):
        remedy = "Give the steps different ids, or write the references out."
        notes.error(path, f"{key[1]!r} means something else in another step called {key[0]!r}.", remedy)
    if not compiled.references and not compiled.asked:
        _constant(made, path, compiled, notes)


def _constant(made: Compiled, path: Path, compiled: Expression, notes: Notes) -> None:
    try:
        made.constants[path] = bool(compiled.value(Scope({}, {})))
    except (ExpressionError, MissingValue) as error:
        notes.error(path, str(error), "Mend the expression.")


def _figure(made: Compiled, path: Path, key: tuple[str, str], text: str, view: View, notes: Notes) -> None:
    try:
        compiled = compile_expression(text, Names(Types(view), "output"))
    except ExpressionError as error:
        notes.error(path, str(error), error.remedy)
        return
    _references(compiled, path, view, notes)
    if compiled.kind not in (NUMBER, INTEGER, TRUTH, ANY):
        notes.error(
            path, f"{text!r} is of the type {compiled.kind}, and a figure is a number.", "Use size(…) or count."
        )
    made.figures[key] = compiled


def _references(compiled: Expression, path: Path, view: View, notes: Notes) -> None:
    """What an expression needs must lead somewhere; what it only asks for, must begin somewhere."""
    asked = [reference for _, reference in compiled.asked.values()]
    for reference in (*names_in(compiled), *asked):
        fault = view.fault(reference)
        if fault is not None and (reference not in asked or view.shape(reference) is None):
            message, remedy, is_sure = fault
            (notes.error if is_sure else notes.warning)(path, message, remedy)
