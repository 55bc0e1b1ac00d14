"""One step from its start to its end: conditions, input, tries, output; each fact in the ledger before it is used.

What the ledger holds as ended is taken from there, so a run that is started again goes on where it stopped.
"""

import asyncio
import hashlib
import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from graphs.workflow import saga
from graphs.workflow.attempts import Tries, has_begun_others, has_moved_on, is_tried_again, pause_before, tries_so_far
from graphs.workflow.caching import cached
from graphs.workflow.expressions import Expression, ExpressionError, is_true, text_of
from graphs.workflow.figures import figures_of
from graphs.workflow.flow import Flow
from graphs.workflow.level import Level
from graphs.workflow.logs import log_step
from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Failure, Outcome, StepFailed, Waiting, failure_of
from graphs.workflow.references import MissingValue, Scope
from graphs.workflow.research_form import RESEARCH
from graphs.workflow.results import Results, shown
from graphs.workflow.slots import Slots
from graphs.workflow.writes import Writes
from state.ports import Clock, Ledger, StepCache
from state.runs import Progress, StepRecord, StepStatus
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Condition, RetryPolicy, Schema
from state.workflow.steps import Step, WorkflowStep, children
from tools.schemas import faults

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from agents.staff import Staff  # models are slow to import
    from graphs.workflow.pinned import Pinned  # it holds conditions

_OPEN: frozenset[StepStatus] = frozenset({"pending", "waiting", "running", "retrying"})
"""Statuses of steps that have not ended."""


class Body(Protocol):
    """What a type of step does: its output, an error, or Waiting."""

    async def __call__(self, step: Any, call: "Call") -> Any: ...


@dataclass(frozen=True)
class Conditions:
    """The conditions and figures of a definition, compiled once when it is checked."""

    compiled: Mapping[tuple[str, str], Expression]
    """By the id of the step and the condition as it is written."""
    figures: Mapping[tuple[str, str], Expression] = field(default_factory=dict)
    """By the id of the step (empty for those of the workflow) and the name of the figure."""

    def holds(self, step: Step, condition: Condition, scope: Scope) -> bool:
        """Whether a condition of a step is true. Raises ExpressionError and MissingValue."""
        return is_true(self.compiled[step.id, text_of(condition)], scope)

    def first_false(self, step: Step, scope: Scope) -> str:
        """The first condition of a step itself that is false, as it is written; empty if all are true."""
        for condition in own_conditions(step):
            if not self.holds(step, condition, scope):
                return text_of(condition)
        return ""


def own_conditions(step: Step) -> tuple[Condition, ...]:
    """All conditions under which a step runs at all."""
    return (() if step.condition is None else (step.condition,)) + step.conditions


@dataclass
class Run:
    """What all levels of one definition share."""

    id: str
    definition: WorkflowDefinition
    inputs: Mapping[str, Any]
    """Inputs and variables."""
    ledger: Ledger
    clock: Clock
    results: Results
    bodies: Mapping[type[Step], Body]
    conditions: Conditions
    slots: Slots
    answers: Mapping[str, Any] = field(default_factory=dict)
    """What was answered to requests, by their ids."""
    uses: Mapping[str, "Pinned"] = field(default_factory=dict)
    """The workflows that steps run, by the names that they use."""
    depth: int = 0
    """How many workflows this one stands in."""
    emit: Callable[[Progress], None] = lambda _: None
    cache: StepCache | None = None
    """Outputs that runs of this workflow share."""
    records: dict[str, StepRecord] = field(default_factory=dict)
    """What the ledger held when this attempt at the run began, by path."""
    writes: Writes = field(default_factory=Writes)
    """What the ledger was given and nobody waits for yet."""
    staff: "Staff | None" = None
    """What chains and agents work with; None where there are none."""
    saver: "BaseCheckpointSaver[str] | None" = None
    """Where a graph that runs within a step keeps its checkpoints; None where nothing is kept."""
    tools: saga.Caller | None = None
    """The tools that undo steps."""
    undoing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one step that undoes others now."""
    places: "count[int] | None" = None
    """Numbers the steps of the run as they complete, over all its attempts."""

    def __post_init__(self) -> None:
        if self.places is None:
            self.places = count(1 + max(map(saga.place_of, self.records.values()), default=0))

    def next_place(self) -> int:
        """The number of the step that completes now."""
        assert self.places is not None
        return next(self.places)

    @property
    def saga(self) -> saga.Saga:
        """What undoes steps of this run."""
        return saga.Saga(self.id, self.ledger, self.clock, self.results, self.tools, self.tell)

    def tell(self, progress: Progress) -> None:
        """To whoever watches, and to the log."""
        self.emit(progress)
        log_step(self.definition, self.id, progress)


Around = tuple[tuple[str, Flow], ...]
"""The levels around a step, innermost first: what stands before the ids in their paths, and who waits for whom."""


@dataclass(frozen=True)
class Call:
    """One try of one step: what its body works with."""

    run: Run
    path: str
    scope: Scope
    input: dict[str, Any]
    tries: int
    note: Mapping[str, Any]
    """What the step noted when it began to wait; empty the first time."""
    levels: Around = ()

    @property
    def idempotency_key(self) -> str:
        """The same at every try and every resume of this step of this run."""
        return saga.key_of(self.run.id, self.path)

    def slot(self, step: Step) -> AbstractAsyncContextManager[None]:
        """One of the run's places for steps that work."""
        return self.run.slots.taken(step.priority)

    async def level(self, name: str, steps: Sequence[Step], around: Mapping[str, Any] | None = None) -> Level:
        """The steps within this one, run to their end below its path. Raises Waiting."""
        inner = Scope(self.scope.workflow, self.scope.outputs, ChainMap(dict(around or {}), dict(self.scope.around)))
        prefix = f"{self.path}{name}."
        return await _level(self.run, steps, prefix, inner, goes_on=False, around=self.levels)

    def request_id(self, of: str = "") -> str:
        """The id of what the step waits for; `of` tells several of one step apart."""
        return hashlib.sha256(f"{self.run.id}\x1f{self.path}\x1f{of}".encode()).hexdigest()[:32]


async def run_level(
    run: Run, steps: Sequence[Step], prefix: str, scope: Scope, *, goes_on: bool, around: Around = ()
) -> Level:
    """Runs the outermost level to its end, all of it in the ledger; `prefix` as below. Raises Waiting."""
    async with run.writes:
        return await _level(run, steps, prefix, scope, goes_on=goes_on, around=around)


async def _level(
    run: Run, steps: Sequence[Step], prefix: str, scope: Scope, *, goes_on: bool, around: Around = ()
) -> Level:
    """Runs a level to its end; `prefix` stands before the ids of its steps in their paths. Raises Waiting."""

    async def one(step: Step, level: Level) -> Outcome:
        seen = Scope(scope.workflow, ChainMap(level.outputs, dict(scope.outputs)), scope.around)
        handled = level.failure_for(step.id)
        if handled is not None:
            owner, failure = handled
            seen = Scope(seen.workflow, seen.outputs, {**seen.around, "error": failure.record(owner)})
        levels = ((prefix, level.flow), *around)
        return await _Execution(run, step, f"{prefix}{step.id}", seen, levels).outcome()

    async def skip(step: Step, why: str) -> None:
        await _skipped(run, f"{prefix}{step.id}", why)

    async def drop(step: Step) -> None:
        if not await cancel_within(run, f"{prefix}{step.id}", itself=True):
            await run.ledger.end(f"{prefix}{step.id}", "cancelled")

    level = Level(steps, one, skip, drop, goes_on=goes_on)
    await level.run()
    return level


async def cancel_within(run: Run, path: str, *, itself: bool = False) -> bool:
    """Notes as cancelled for good all steps within one that have not ended; whether there were any."""
    await run.writes.settled()
    within = re.compile(re.escape(path) + (r"($|[.\[])" if itself else r"[.\[]"))
    found = [step for step in await run.ledger.steps(path) if step.status in _OPEN and within.match(step.path)]
    for step in found:
        await run.ledger.end(step.path, "cancelled")
        run.emit(Progress(path=step.path, status="cancelled"))
    return bool(found)


async def _skipped(run: Run, path: str, why: str) -> None:
    record = run.records.get(path)
    if record is None or record.status != "skipped":
        await run.ledger.end(path, "skipped", result={"why": why})
        run.tell(Progress(path=path, status="skipped", message=why))


class _Execution:
    """A step of this run, over all its tries."""

    def __init__(self, run: Run, step: Step, path: str, scope: Scope, levels: Around) -> None:
        self._run, self._step, self._path, self._scope, self._levels = run, step, path, scope, levels
        self._policy: RetryPolicy = step.retry_policy or run.definition.retry_policy

    async def outcome(self) -> Outcome:
        """How it ended, from the ledger if it had ended before."""
        record = self._run.records.get(self._path)
        if record is not None and record.status in ("completed", "compensated"):
            return Outcome("completed", await self._run.results.read(record.result))
        if record is not None and record.status in ("skipped", "cancelled"):
            return Outcome(record.status)
        try:
            false = self._run.conditions.first_false(self._step, self._scope)
        except (ExpressionError, MissingValue) as error:
            return await self._failed(self._hidden(replace(failure_of(error), error="missing_value")))
        if false:
            await _skipped(self._run, self._path, f"{false} is false")
            return Outcome("skipped")
        return await self._tried(self._tries(record))

    def _tries(self, record: StepRecord | None) -> Tries:
        """Those so far. Of a step that holds others they are interrupted, and research goes on where it stood."""
        step, tries = self._step, tries_so_far(record)
        if not tries.interrupted or not (isinstance(step, WorkflowStep) or children(step)):
            return tries
        is_research = isinstance(step, WorkflowStep) and step.workflow == RESEARCH
        has_gone_on = has_moved_on if is_research else has_begun_others
        return replace(tries, interrupted=0) if has_gone_on(record, self._run.records.values()) else tries

    async def _tried(self, tries: Tries) -> Outcome:
        while True:
            ended = tries.failure or await self._one_try(tries)
            if isinstance(ended, Outcome):
                return ended
            tries = tries.and_a_failure()
            if not is_tried_again(self._policy, ended, tries.failed):
                return await self._failed(ended, tries.failed)
            await self._end("retrying", ended.message, {"tries": tries.failed})
            await self._run.clock.sleep(pause_before(self._policy, tries.failed, ended.retry_after))

    async def _one_try(self, tries: Tries) -> Outcome | Failure:
        if not self._is_taken_up():
            await self._run.ledger.begin(self._path, result=tries.noted)
        self._emit("running")
        task = asyncio.create_task(self._once(tries.failed + 1), name=self._path)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise
        error = task.exception()
        if error is None:
            return await self._completed(*task.result())
        return await self._waits(error) if isinstance(error, Waiting) else self._hidden(failure_of(error))

    def _is_taken_up(self) -> bool:
        """Whether the step goes on waiting: its note stays in the ledger until it has ended, or waits anew."""
        record = self._run.records.get(self._path)
        return record is not None and record.status == "waiting"

    async def _once(self, tries: int) -> tuple[Any, Any]:
        """One try: what the body gave back, and the step's output as others see it."""
        step, call = self._step, await self._call(tries)
        _check("input", step.input_validation, call.input)
        body = self._run.bodies[type(step)]
        async with asyncio.timeout(step.timeout):
            given = await cached(step, call, body)
        output = fill(step.output_mapping, self._with_output(given)) if step.output_mapping else given
        _check("output", step.output_validation, output)
        return given, output

    async def _call(self, tries: int) -> Call:
        record = self._run.records.get(self._path)
        kept = (record.result or {}).get("note") if record is not None and record.status == "waiting" else None
        held = await self._run.results.read(kept) or {}
        filled = fill(self._step.input_mapping, self._scope)
        return Call(self._run, self._path, self._scope, filled, tries, held, self._levels)

    def _with_output(self, given: Any) -> Scope:
        return Scope(self._scope.workflow, self._scope.outputs, {**self._scope.around, "output": given})

    async def _completed(self, given: Any, output: Any) -> Outcome:
        results, seen = self._run.results, self._with_output(given)
        stored = await results.stored(output, self._step.security_level)
        stored |= await saga.plan(self._step, seen, results)
        stored |= figures_of(self._step, self._run.conditions.figures, seen)
        # Not waited for: a step that depends on this one begins in the ledger after it, and works only then.
        self._run.writes.add(self._end("completed", None, {**stored, "order": self._run.next_place()}))
        return Outcome("completed", await self._run.results.read(stored))

    async def _waits(self, waiting: Waiting) -> Outcome:
        note = await self._run.results.stored(waiting.note, self._step.security_level)
        held = {"requests": [request.id for request in waiting.requests], "note": note}
        await self._end("waiting", None, held)
        return Outcome("waiting", requests=waiting.requests)

    def _hidden(self, failure: Failure) -> Failure:
        return replace(failure, message=shown(failure.message, self._step.security_level))

    async def _failed(self, failure: Failure, tries: int = 0) -> Outcome:
        await self._end("failed", failure.message, {"class": failure.error, "tries": tries})
        goes_on = self._policy.continue_on_failure
        output = {"error": failure.record(self._step.id)} if goes_on else None
        return Outcome("failed", output, failure, is_handled=goes_on)

    async def _end(self, status: StepStatus, error: str | None, result: dict[str, Any]) -> None:
        await self._run.ledger.end(self._path, status, error=error, result=result)
        self._emit(status, error or "")

    def _emit(self, status: StepStatus, message: str = "") -> None:
        self._run.tell(Progress(path=self._path, status=status, message=message))


def _check(what: str, schema: Schema | None, value: Any) -> None:
    found = faults(schema, value) if schema is not None else []
    if found:
        raise StepFailed(f"Its {what} is not as it must be: {'; '.join(found[:5])}.", f"bad_{what}")  # type: ignore[arg-type]
