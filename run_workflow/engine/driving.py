"""One attempt at a run: its graph is streamed until it ends, waits for a person, drains or fails.

What a graph needs is imported when one is run: it takes seconds, and a run has its row before.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from pydantic import ValidationError

from run_workflow.engine import approvals, waits
from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.told import told
from run_workflow.fence import Fence
from state.errors import RunError, StrettoError, TimedOut
from state.ports import Ports
from state.runs import ApprovalRequest, Json, Progress, RunRecord, RunStatus, Undone, Wait

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import RunControl
    from langgraph.types import Command, StateSnapshot

RECURSION_LIMIT = 1000
"""Supersteps of one attempt; a bound on graphs that go in circles, far above what a sound one takes."""

App: TypeAlias = "CompiledStateGraph[Any, Any, Any, Any]"
Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended."""

    status: RunStatus
    output: Json | None = None
    error: str | None = None
    requests: Mapping[str, ApprovalRequest] = field(default_factory=dict)
    """Whom the run asks, by request id."""
    waits: Mapping[str, Wait] = field(default_factory=dict)
    """The times and events that it waits for, by id."""
    undone: Undone | None = None
    """What became of undoing the run's steps, where that was tried."""
    fault: Exception | None = None
    """An error that is not of the tree in state/errors.py: it is recorded, and raised to the caller as well."""

    @property
    def waiting_for(self) -> list[str]:
        """The ids of all that the run waits for."""
        return [*self.requests, *self.waits]


def compiled(entry: GraphEntry, ports: Ports, fence: Fence) -> App:
    """The graph of one run, bound to its checkpoints."""
    from run_workflow.checkpoints import FencedSaver

    app: App = entry.build(ports).compile(checkpointer=FencedSaver(fence))
    return app


def config_of(run_id: str) -> "RunnableConfig":
    """The thread of a run. An answer to a question that is not asked now is refused (strict resume)."""
    return {
        "configurable": {"thread_id": run_id, "__pregel_strict_resume": True},
        "recursion_limit": RECURSION_LIMIT,
    }


@dataclass(frozen=True)
class Job:
    """What an attempt needs."""

    run: RunRecord
    entry: GraphEntry
    ports: Ports
    fence: Fence
    watch: Watch | None = None
    drain: asyncio.Event | None = None
    """Set when the attempt is to stop at its next safe point."""


async def attempt(job: Job) -> Outcome:
    """Runs the graph from where it stands. Errors become outcomes, except a cancellation."""
    from langgraph.errors import GraphDrained

    try:
        app = compiled(job.entry, job.ports, job.fence)
        with _drained_by(job.drain) as control:
            await _stream(app, job, await _starting_point(app, job), control)
        return await _reached(app, job.run)
    except GraphDrained:
        return Outcome("paused")
    except TimedOut as error:
        return Outcome("timed_out", error=told(error))
    except StrettoError as error:
        return Outcome("failed", output=_failure(error), error=told(error))
    except Exception as error:
        return Outcome("failed", error=told(error), fault=error)


def _failure(error: StrettoError) -> Json | None:
    """What a failed run of a workflow keeps beside the words, where it can end in another way only as a copy."""
    from graphs.workflow.outcomes import StepFailed

    if not isinstance(error, StepFailed) or not error.at:
        return None
    return {"failure": {"class": error.error, "at": error.at}}


async def _starting_point(app: App, job: Job) -> "Json | Command[Any] | None":
    """The input the first time; answers where there are some; else None: go on."""
    from langgraph.types import Command

    snapshot = await app.aget_state(config_of(job.run.id))
    if snapshot.created_at is None:
        return job.run.input
    pending = [interrupt.id for interrupt in snapshot.interrupts]
    async with job.fence.pool.connection() as connection:
        answers = await approvals.answers_to(connection, job.run.id, pending)
        answers |= await waits.answers_to(connection, job.run.id, pending)
    return Command(resume=answers) if answers else None


@contextmanager
def _drained_by(drain: asyncio.Event | None) -> Iterator["RunControl"]:
    """What the graph asks between its steps; inside the block `drain` reaches it."""
    from langgraph.runtime import RunControl

    control = RunControl()
    if drain is None:
        yield control
        return

    def pass_on(asked: "asyncio.Task[Literal[True]]") -> None:
        if not asked.cancelled():
            control.request_drain()

    asked = asyncio.create_task(drain.wait())
    asked.add_done_callback(pass_on)
    try:
        yield control
    finally:
        asked.cancel()


async def _stream(app: App, job: Job, start: "Json | Command[Any] | None", control: "RunControl") -> None:
    stream = app.astream(
        start,
        config_of(job.run.id),
        context=job.run.context,
        stream_mode=["custom"],
        subgraphs=True,
        durability="sync",
        control=control,
        version="v2",
    )
    parts = cast("AsyncGenerator[dict[str, Any], None]", stream)
    async with aclosing(parts):
        async for part in parts:
            if job.watch is not None and (progress := _progress(part["data"])) is not None:
                job.watch(progress)


def _progress(data: object) -> Progress | None:
    """The event, if it is one of ours: libraries may write to the same stream."""
    try:
        return Progress.model_validate(data)
    except ValidationError:
        return None


async def _reached(app: App, run: RunRecord) -> Outcome:
    """Where the graph stands now that it has stopped."""
    snapshot = await app.aget_state(config_of(run.id))
    outcome = outcome_of(app, snapshot)
    if outcome.status == "paused" and not outcome.waits:
        raise RunError(
            f"The graph stopped before {', '.join(snapshot.next)} and asked nobody anything.",
            place=f"run {run.id}",
            remedy="Compile it without interrupt_before and interrupt_after.",
        )
    return outcome


def outcome_of(app: App, snapshot: "StateSnapshot") -> Outcome:
    """What the state of a graph that has stopped means: it waits, is completed, or is paused before a node."""
    if snapshot.interrupts:
        shown = {interrupt.id: interrupt.value for interrupt in snapshot.interrupts}
        awaited = {id_: wait for id_, value in shown.items() if (wait := read_wait(value))}
        requests = {id_: approvals.read_request(value) for id_, value in shown.items() if id_ not in awaited}
        return Outcome("waiting_approval" if requests else "paused", requests=requests, waits=awaited)
    if snapshot.next:
        return Outcome("paused")
    keys = [app.output_channels] if isinstance(app.output_channels, str) else app.output_channels
    return Outcome("completed", output={key: snapshot.values[key] for key in keys if key in snapshot.values})


def read_wait(value: object) -> Wait | None:
    """The value of an interrupt, if nobody is asked there."""
    try:
        return Wait.model_validate(value)
    except ValidationError:
        return None
