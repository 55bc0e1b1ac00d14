"""A whole definition within a run: its own approval, its steps, its outputs; the outermost is one as well."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphs.workflow.figures import worked_out
from graphs.workflow.flow import flow_of
from graphs.workflow.level import Level, result_of
from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.pinned import Pinned, is_itself
from graphs.workflow.references import WORKFLOW, MissingValue, Scope
from graphs.workflow.run import Run
from graphs.workflow.running import Call, run_level
from graphs.workflow.slots import Slots
from state.runs import Json
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Approval
from state.workflow.steps import HumanApprovalStep, WorkflowStep
from tools.schemas import faults

START = "start"
"""The id of the approval that a definition asks for before it begins; its path is `workflow.start`."""
MOST_DEPTH = 20
"""How many workflows may stand in each other: one that starts itself must end some time."""


@dataclass(frozen=True)
class Whole:
    """What a definition gave."""

    outputs: Json
    metrics: Json
    """Its figures by name."""


async def run_whole(run: Run, prefix: str) -> Whole:
    """What it gives. Raises Waiting, and StepFailed with the first failure that nobody handled."""
    definition = run.definition
    scope = Scope(run.inputs, {})
    if definition.require_approval:
        await _begun(run, prefix, scope)
    goes_on = definition.on_failure == "continue"
    level = await run_level(run, definition.steps, prefix, scope, goes_on=goes_on)
    outputs = outputs_of(definition, level, run.inputs)
    seen = Scope(run.inputs, level.outputs, {"output": outputs if definition.outputs else result_of(level)})
    return Whole(outputs, worked_out(definition.metrics, run.conditions.figures, "", seen))


async def _begun(run: Run, prefix: str, scope: Scope) -> None:
    """The approval that the definition asks for before its steps. Raises Waiting, and StepFailed."""
    level = await run_level(run, [_approval(run)], f"{prefix}{WORKFLOW}.", scope, goes_on=False)
    try:
        result_of(level)
    except StepFailed as error:
        first = flow_of(run.definition.steps)
        error.at = error.at and next(iter(first.steps))  # the approval is no step that a copy can begin at
        raise


async def nested(step: WorkflowStep, call: Call) -> Json:
    """The outputs of another workflow; its steps stand below this one's path in the ledger of the run."""
    outer = call.run
    if outer.depth >= MOST_DEPTH:
        raise StepFailed(f"More than {MOST_DEPTH} workflows stand in each other.", "limit")
    inner = _used(outer, step.workflow)
    given = completed(inner.definition, call.input)
    run = replace(
        outer,
        definition=inner.definition,
        conditions=inner.conditions,
        uses=inner.uses,
        inputs={**inner.definition.variables, **given},
        slots=Slots(inner.definition.max_parallel_steps, outer.slots),
        depth=outer.depth + 1,
        after=call.after,
    )
    return (await run_whole(run, f"{call.path}.")).outputs


def completed(definition: WorkflowDefinition, given: Mapping[str, Any]) -> Json:
    """The inputs with the defaults of those that were left out. Raises StepFailed with all that is wrong."""
    defaults = {
        name: schema["default"]
        for name, schema in definition.inputs.get("properties", {}).items()
        if isinstance(schema, dict) and "default" in schema
    }
    inputs = {**defaults, **given}
    wrong = faults(definition.inputs, inputs)
    if wrong:
        raise StepFailed(
            f"The input is not as {definition.name} needs it: {'; '.join(wrong)}.",
            "bad_input",
            place="input",
            remedy="`show` with its file, or with its name where it can be run by name, lists the inputs.",
        )
    return inputs


def unknown_input(definition: WorkflowDefinition, given: Iterable[str]) -> str:
    """What to say of an input that a definition does not have; empty where there is none."""
    known = definition.inputs.get("properties", {})
    other = sorted({*given} - {*known})
    if not other or definition.inputs.get("additionalProperties", not known) is True:
        return ""
    there = f"There are: {', '.join(known)}." if known else "It has none."
    return f"{definition.name} has no input {other[0]!r}. {there}"


def outputs_of(definition: WorkflowDefinition, level: Level, inputs: Mapping[str, Any]) -> Json:
    """What the run gives back.

    Raises StepFailed with the first failure that nobody handled, or where an output refers to what is not there.
    """
    last = result_of(level)
    if definition.outputs:
        seen = Scope(inputs, level.outputs)
        return {name: _output(name, value, seen, level) for name, value in definition.outputs.items()}
    return last if len(level.flow.sinks) > 1 else {level.flow.sinks[0]: last}


def _output(name: str, value: Any, seen: Scope, level: Level) -> Any:
    try:
        return fill(value, seen)
    except MissingValue as error:
        steps = level.flow.steps
        at = error.root if error.root in steps else next(iter(steps))
        raise StepFailed(
            f"{error}.",
            "missing_value",
            at=at,
            place=f"outputs.{name}",
            remedy=f"Send or give what is missing, in a copy of the run that begins at {at} (`fork RUN --at {at}`).",
        ) from error


def _used(run: Run, name: str) -> Pinned:
    if name in run.uses:
        return run.uses[name]
    if not is_itself(run.definition, name):
        raise StepFailed(f"The workflow {name!r} was not there when the run began.", "bad_input")
    return Pinned("", run.definition, run.conditions, run.uses)


def _approval(run: Run) -> HumanApprovalStep:
    """The step that asks whether the definition may begin."""
    wanted, definition = run.definition.require_approval, run.definition
    return HumanApprovalStep(
        id=START,
        message=f"May {definition.name} {definition.version} begin?".replace("$", "$$"),
        show={name: WORKFLOW + "." + name for name in run.inputs if name not in definition.variables},
        decisions=("approve", "reject"),
        approval=wanted if isinstance(wanted, Approval) else Approval(),
    )
