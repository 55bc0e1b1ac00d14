"""A workflow definition as a LangGraph graph: validate → run → settle.

One node runs all steps, in the order of the data and from what the ledger holds; LangGraph keeps the run: its thread,
checkpoints, interrupts and stream. Each answer that a run waits for is an interrupt with an id of its own, made from
the run and the step's path, so that all of them show at once and are answered in any order. An answer is found by
that id among what the run was resumed with, and is in the ledger, with what follows from it, before it can be needed
again.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, TypedDict

from langgraph.config import get_config
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Interrupt

from graphs.workflow.level import Level, result_of
from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import StepFailed, Waiting
from graphs.workflow.references import Scope
from graphs.workflow.results import Results
from graphs.workflow.running import Body, Conditions, Run, run_level
from graphs.workflow.slots import Slots
from state.context import RunContext
from state.ports import Ports
from state.runs import Json, Progress
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import Step
from tools.schemas import faults

_ANSWERS = "__pregel_resume_map"
"""Where LangGraph keeps what a run was resumed with, by interrupt id; tests/graphs/test_workflow_graph.py holds it."""


class WorkflowInput(TypedDict):
    """What a run is given."""

    inputs: Json


class WorkflowOutput(TypedDict, total=False):
    """What a run gives back."""

    outputs: Json


class WorkflowState(WorkflowInput, WorkflowOutput, total=False):
    """The state of a run; what its steps did stands in the ledger."""


Graph = StateGraph[WorkflowState, RunContext, WorkflowInput, WorkflowOutput]


def build(
    ports: Ports, definition: WorkflowDefinition, bodies: Mapping[type[Step], Body], conditions: Conditions
) -> Graph:
    """The graph of one run of a definition that was checked."""
    slots = Slots(definition.max_parallel_steps)

    async def validate(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowInput:
        return {"inputs": completed(definition, state["inputs"])}

    async def run(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowOutput:
        inputs = {**definition.variables, **state["inputs"]}
        shared = Run(
            id=ports.run_id,
            definition=definition,
            inputs=inputs,
            ledger=ports.ledger,
            clock=ports.clock,
            results=Results(ports.artifacts),
            bodies=bodies,
            conditions=conditions,
            slots=slots,
            answers=get_config().get("configurable", {}).get(_ANSWERS) or {},
            emit=lambda progress: runtime.stream_writer(progress.model_dump(mode="json")),
            records={record.path: record for record in await ports.ledger.steps()},
        )
        level = await _to_its_end(shared, Scope(inputs, {}))
        return {"outputs": outputs_of(definition, level, inputs)}

    async def settle(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowOutput:
        runtime.stream_writer(Progress(path=definition.name, status="completed").model_dump(mode="json"))
        return {}

    graph: Graph = StateGraph(WorkflowState, RunContext, input_schema=WorkflowInput, output_schema=WorkflowOutput)
    graph.add_node("validate", validate)
    graph.add_node("run", run)
    graph.add_node("settle", settle)
    graph.add_edge(START, "validate")
    graph.add_edge("validate", "run")
    graph.add_edge("run", "settle")
    graph.add_edge("settle", END)
    return graph


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
            remedy=f"`show {definition.name}` lists the inputs.",
        )
    return inputs


def outputs_of(definition: WorkflowDefinition, level: Level, inputs: Mapping[str, Any]) -> Json:
    """What the run gives back. Raises StepFailed with the first failure that nobody handled."""
    last = result_of(level)
    if definition.outputs:
        filled: Json = fill(definition.outputs, Scope(inputs, level.outputs))
        return filled
    return last if len(level.flow.sinks) > 1 else {level.flow.sinks[0]: last}


async def _to_its_end(run: Run, scope: Scope) -> Level:
    """All steps, within the workflow's time. Raises GraphInterrupt with everything that the run waits for."""
    definition = run.definition
    timer = asyncio.timeout(definition.timeout)
    try:
        async with timer:
            return await run_level(run, definition.steps, "", scope, goes_on=definition.on_failure == "continue")
    except TimeoutError:
        if not timer.expired():
            raise
        raise StepFailed(f"The workflow's time of {definition.timeout:g} s is over.", "timeout") from None
    except Waiting as waiting:
        raise GraphInterrupt(
            tuple(Interrupt(value=request.shown, id=request.id) for request in waiting.requests)
        ) from None
