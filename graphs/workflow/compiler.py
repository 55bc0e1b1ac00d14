"""A workflow definition as a LangGraph graph: validate → run → settle.

One node runs all steps, in the order of the data and from what the ledger holds; LangGraph keeps the run: its thread,
checkpoints, interrupts and stream. Each answer that a run waits for is an interrupt with an id of its own, made from
the run and the step's path, so that all of them show at once and are answered in any order. An answer is found by
that id among what the run was resumed with, or came while it worked, and is in the ledger, with what follows from it,
before it can be needed again.
"""

import asyncio
import operator
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from langgraph.config import get_config
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Interrupt

from agents.kit import context_of, emitter
from agents.staff import Staff
from graphs.workflow.arrivals import Arrivals
from graphs.workflow.order import Order
from graphs.workflow.outcomes import Request, Waiting
from graphs.workflow.pinned import Pinned
from graphs.workflow.results import Results
from graphs.workflow.run import Conditions, Run
from graphs.workflow.running import Body
from graphs.workflow.slots import Slots
from graphs.workflow.whole import Whole, completed, run_whole
from state.context import RunContext
from state.errors import TimedOut
from state.ports import Ports
from state.runs import ApprovalRequest, Json, Progress
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import Step

_ANSWERS = "__pregel_resume_map"
"""Where LangGraph keeps what a run was resumed with, by interrupt id; tests/graphs/test_workflow_graph.py holds it."""

_SAVER = "__pregel_checkpointer"
"""Where LangGraph keeps what stores the checkpoints of a run; tests/graphs/test_workflow_research.py holds it."""


class WorkflowInput(TypedDict):
    """What a run is given."""

    inputs: Json


class WorkflowOutput(TypedDict, total=False):
    """What a run gives back."""

    outputs: Json
    metrics: Json
    """The workflow's figures by name, where it has any."""


class WorkflowState(WorkflowInput, WorkflowOutput, total=False):
    """The state of a run; what its steps did stands in the ledger."""

    refusals: Annotated[Json, operator.or_]
    """By the id of a request: why the last answer to it was not taken."""
    times: Mapping[str, float]
    """How long steps took in earlier runs, as it was known when this one began: all its attempts keep one order."""


Graph = StateGraph[WorkflowState, RunContext, WorkflowInput, WorkflowOutput]


def build(
    ports: Ports,
    definition: WorkflowDefinition,
    bodies: Mapping[type[Step], Body],
    conditions: Conditions,
    uses: Mapping[str, Pinned] | None = None,
) -> Graph:
    """The graph of one run of a definition that was checked; `uses` has the workflows that its steps run."""
    slots = Slots(definition.max_parallel_steps)

    async def validate(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowState:
        given: WorkflowState = {"inputs": completed(definition, state["inputs"])}
        if ports.times is not None and _is_optimized(definition, uses or {}):
            given["times"] = dict(await ports.times.seconds())
        return given

    async def run(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowOutput:
        emit, config = emitter(runtime), get_config().get("configurable", {})
        shared = Run(
            id=ports.run_id,
            definition=definition,
            inputs={**definition.variables, **state["inputs"]},
            ledger=ports.ledger,
            clock=ports.clock,
            results=Results(ports.artifacts),
            bodies=bodies,
            conditions=conditions,
            uses=uses or {},
            slots=slots,
            arrivals=Arrivals(ports.inbox, dict(config.get(_ANSWERS) or {})),
            emit=emit,
            tools=ports.tools,
            staff=Staff(ports, context_of(runtime), emit),
            cache=ports.cache,
            saver=config.get(_SAVER),
            order=Order(state.get("times", {})),
            records={record.path: record for record in await ports.ledger.steps()},
        )
        whole = await _to_its_end(shared, definition.timeout - ports.worked, state.get("refusals", {}))
        figures: WorkflowOutput = {"metrics": whole.metrics} if definition.metrics else {}
        return {"outputs": whole.outputs, **figures}

    async def settle(state: WorkflowState, runtime: Runtime[RunContext]) -> WorkflowOutput:
        runtime.stream_writer(Progress(path=definition.name, status="completed").model_dump(mode="json"))
        return {}

    return _wired(validate, run, settle)


def _is_optimized(definition: WorkflowDefinition, uses: Mapping[str, Pinned]) -> bool:
    """Whether it matters how long steps took before, in the definition or in one that it runs."""
    return definition.optimization_enabled or any(_is_optimized(each.definition, each.uses) for each in uses.values())


def shape() -> Graph:
    """The graph of any definition, to read the state of a run with; what its nodes do is left out."""

    async def nothing(_state: WorkflowState) -> WorkflowOutput:
        return {}

    return _wired(nothing, nothing, nothing)


def refused(_state: Mapping[str, Any], request_id: str, _action: str, reason: str) -> Json:
    """The update after which the request is shown again, under the same id, and says why an answer was not taken."""
    return {"refusals": {request_id: reason}}


def _wired(validate: Any, run: Any, settle: Any) -> Graph:
    graph: Graph = StateGraph(WorkflowState, RunContext, input_schema=WorkflowInput, output_schema=WorkflowOutput)
    graph.add_node("validate", validate)
    graph.add_node("run", run)
    graph.add_node("settle", settle)
    graph.add_edge(START, "validate")
    graph.add_edge("validate", "run")
    graph.add_edge("run", "settle")
    graph.add_edge("settle", END)
    return graph


async def _to_its_end(run: Run, seconds: float, refusals: Json) -> Whole:
    """What it gives. Raises GraphInterrupt with everything that the run waits for, TimedOut after `seconds`."""
    timer = asyncio.timeout(seconds)
    try:
        async with run.arrivals, timer:
            return await run_whole(run, "")
    except TimeoutError:
        if not timer.expired():
            raise
        raise TimedOut(
            f"The time that {run.definition.name} may work, {run.definition.timeout:g} s, is over.",
            remedy="Give the workflow a longer timeout, and start it again.",
        ) from None
    except Waiting as waiting:
        raise GraphInterrupt(
            tuple(Interrupt(value=_shown(request, refusals), id=request.id) for request in waiting.requests)
        ) from None


def _shown(request: Request, refusals: Json) -> Any:
    """The value of the interrupt; after an answer that was not taken, with the reason."""
    if request.id not in refusals:
        return request.shown
    asked = ApprovalRequest.model_validate(request.shown)
    told = f"The last answer was not taken: {refusals[request.id]} {asked.action.description}"
    again = asked.model_copy(update={"action_requests": (asked.action.model_copy(update={"description": told}),)})
    return again.model_dump(mode="json")
