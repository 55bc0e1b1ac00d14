"""What steps give back, as far as it is known: by their type, their mapping, their validation, their tool."""

from typing import Any

from graphs.workflow.checks.known import Known
from graphs.workflow.checks.shapes import Gap, closed
from graphs.workflow.checks.tree import Level, Placed
from graphs.workflow.checks.views import Shapes, View, shape_of_template
from graphs.workflow.references import parse
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import RetryPolicy, Schema
from state.workflow.steps import (
    ActionStep,
    ConditionalStep,
    HumanApprovalStep,
    LoopStep,
    OrchestratorStep,
    ParallelStep,
    ReactStep,
    WaitStep,
    WorkerStep,
    WorkflowStep,
)

_TEXT: Schema = {"type": "string"}
_LIST: Schema = {"type": "array"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}


def fill_shapes(level: Level, shapes: Shapes, definition: WorkflowDefinition, known: Known) -> None:
    """Notes the shapes of all outputs of a level and of those within, each after those it may refer to."""
    for id_ in level.order:
        placed = level.by_id[id_]
        view = View(shapes, level, id_)
        for inner in placed.inner:
            if "item" in inner.around:
                inner.around["item"] = _item(placed.step, view)
            fill_shapes(inner, shapes, definition, known)
        shapes.outputs[id(placed)] = _output(placed, view, definition.retry_policy, known)


def raw_shape(placed: Placed, shapes: Shapes, known: Known) -> Schema:
    """What a step gives back before its output_mapping: `$output`."""
    step = placed.step
    shape: Schema = {}
    match step:
        case HumanApprovalStep():
            shown = closed({name: {} for name in step.show})
            shape = closed({"decision": _TEXT, "message": _TEXT, "by": _LIST, "values": shown})
        case ConditionalStep():
            chosen = {"why": _TEXT, "confidence": _NUMBER} if step.classify else {}
            shape = closed({"route": _TEXT, **chosen, "result": {}})
        case WaitStep(event=None):
            shape = closed({"until": _TEXT})
        case LoopStep():
            shape = result_shape(placed.inner[0], shapes)
            shape = {"type": "array", "items": shape} if step.results == "all" else shape
        case ParallelStep():
            shape = _parallel(step, placed, shapes)
        case ReactStep() | WorkerStep():
            shape = _TEXT if step.output_schema is None else step.output_schema
        case OrchestratorStep():
            shape = closed({"answer": _TEXT, "tasks": _LIST, "rounds": _WHOLE, "dropped": _WHOLE})
        case ActionStep():
            shape = _of_action(step, known)
        case WorkflowStep() if known.workflows:
            other = known.workflows.get(step.workflow.partition("@")[0])
            shape = closed({name: {} for name in other.outputs}) if other and other.outputs else {}
    return shape


def _of_action(step: ActionStep, known: Known) -> Schema:
    if step.tool:
        tool = known.tool(step.tool)
        return tool.output if tool else {}
    chain = (known.chains or {}).get(step.chain or "")
    return chain.output if chain else {}


def result_shape(level: Level, shapes: Shapes) -> Schema:
    """What a level gives back: the output of its one last step, or those of its last steps by id."""
    if not level.is_whole:
        return {}
    ends = level.flow.sinks
    if len(ends) == 1:
        return shapes.of(level.by_id[ends[0]])
    return closed({id_: shapes.of(level.by_id[id_]) for id_ in ends})


def _parallel(step: ParallelStep, placed: Placed, shapes: Shapes) -> Schema:
    level = placed.inner[0]
    if step.first_wins or not level.is_whole:
        return {}
    # A branch that failed leaves an error record in its place, unless none may fail.
    may_fail = step.parallel_failure_threshold > 0
    if step.for_each is not None:
        return _LIST if may_fail else {"type": "array", "items": result_shape(level, shapes)}
    return closed({each.step.id: {} if may_fail else shapes.of(each) for each in level.steps})


def _output(placed: Placed, view: View, policy: RetryPolicy, known: Known) -> Schema:
    step = placed.step
    if not placed.is_whole or step.error_handlers or (step.retry_policy or policy).continue_on_failure:
        return {}  # it may be what the handler gave back, or an error record; or what it is made by was left out
    raw = raw_shape(placed, view.shapes, known)
    if step.output_mapping:
        within = View(view.shapes, view.level, view.step, {"output": raw})
        return shape_of_template(step.output_mapping, within)
    return step.output_validation or raw


def _item(step: Any, view: View) -> Schema:
    """The shape of one item of the list that a step goes through."""
    reference = parse(step.for_each)
    shape = view.shape(reference) if reference else None
    if shape is None or isinstance(shape, Gap):
        return {}
    items = shape.get("items")
    return items if isinstance(items, dict) else {}
