"""One step from its start to its end: conditions, input, tries, output; each fact in the ledger before it is used.

What the ledger holds as ended is taken from there, so a run that is started again goes on where it stopped.
"""

import asyncio
import hashlib
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from graphs.workflow import saga
from graphs.workflow.attempts import Tries, has_begun_others, has_moved_on, is_tried_again, pause_before, tries_so_far
from graphs.workflow.caching import cached
from graphs.workflow.dropping import cancel_within, held_of, leaves_others, stop_within
from graphs.workflow.expressions import ExpressionError
from graphs.workflow.figures import figures_of
from graphs.workflow.flow import Flow
from graphs.workflow.group import Group
from graphs.workflow.level import Acts, Level
from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Ended, Failure, Outcome, StepFailed, Waiting, failure_of
from graphs.workflow.references import MissingValue, Scope
from graphs.workflow.research_form import RESEARCH
from graphs.workflow.results import shown
from graphs.workflow.run import Run
from graphs.workflow.slots import Ticket
from state.runs import Progress, StepRecord, StepStatus
from state.workflow.policies import RetryPolicy, Schema
from state.workflow.steps import Step, WorkflowStep, is_leaf
from tools.schemas import faults


class Body(Protocol):
    """What a type of step does: its output, an error, or Waiting."""

    async def __call__(self, step: Any, call: "Call") -> Any: ...


Around = tuple[tuple[str, Flow], ...]
"""The levels around a step, innermost first: what stands before the ids in their paths, and who waits for whom."""


@dataclass(frozen=True)
class _Within:
    """Where a level stands."""

    prefix: str
    """What stands before the ids of its steps in their paths."""
    after: float
    """The rank of what comes after it."""
    around: Around = ()


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
    rank: float = 0.0
    branch_ended: Callable[[int | str, Any], None] = lambda _key, _result: None
    """Tells what stands behind the step that a branch of it has ended well: its place or id, and what it gave."""
    timer: asyncio.Timeout | None = None
    """What ends the try."""

    @property
    def idempotency_key(self) -> str:
        """The same at every try and every resume of this step of this run."""
        return saga.key_of(self.run.id, self.path)

    @asynccontextmanager
    async def slot(self, step: Step) -> AsyncIterator[None]:
        """One of the run's places, for a step that does not fill one as long as it works. Its time stands still until

        it has the place.
        """
        clock, ends = asyncio.get_running_loop().time, self.timer.when() if self.timer else None
        begun = clock()
        self._end_at(None)
        async with self.run.slots.taken(step.priority, self.rank):
            self._end_at(None if ends is None else ends + clock() - begun)
            yield

    def _end_at(self, when: float | None) -> None:
        if self.timer is not None:
            self.timer.reschedule(when)

    @property
    def after(self) -> float:
        """The rank of what comes after this step."""
        return self.rank - self.run.order.own(self.path) if self.run.definition.optimization_enabled else self.rank

    async def level(self, name: str, steps: Sequence[Step], around: Mapping[str, Any] | None = None) -> Level:
        """The steps within this one, run to their end below its path. Raises Waiting."""
        inner = Scope(self.scope.workflow, self.scope.outputs, ChainMap(dict(around or {}), dict(self.scope.around)))
        return await _level(
            self.run, steps, inner, _Within(f"{self.path}{name}.", self.after, self.levels), goes_on=False
        )

    def request_id(self, of: str = "") -> str:
        """The id of what the step waits for; `of` tells several of one step apart."""
        return hashlib.sha256(f"{self.run.id}\x1f{self.path}\x1f{of}".encode()).hexdigest()[:32]


async def run_level(run: Run, steps: Sequence[Step], prefix: str, scope: Scope, *, goes_on: bool) -> Level:
    """Runs the outermost level to its end, all of it in the ledger; `prefix` stands before the ids of its steps in

    their paths. Raises Waiting.
    """
    async with run.writes:
        return await _level(run, steps, scope, _Within(prefix, run.after), goes_on=goes_on)


async def _level(run: Run, steps: Sequence[Step], scope: Scope, where: _Within, *, goes_on: bool) -> Level:
    """Runs a level to its end. Raises Waiting."""
    prefix = where.prefix

    async def one(step: Step, level: Level) -> Outcome:
        so_far = level.branches.seen(level.outcomes) if step.join.of == "branches" else {}
        seen = Scope(scope.workflow, ChainMap(level.outputs, so_far, outer), scope.around)
        handled = level.failure_for(step.id)
        if handled is not None:
            owner, failure = handled
            seen = Scope(seen.workflow, seen.outputs, {**seen.around, "error": failure.record(owner)})
        rank = level.ranks.get(step.id, where.after)
        return await _Execution(run, step, f"{prefix}{step.id}", seen, levels, rank, level).outcome()

    async def skip(step: Step, why: str) -> None:
        await _skipped(run, f"{prefix}{step.id}", why)

    async def drop(step: Step) -> None:
        held = await held_of(run, step, level)
        if not await cancel_within(run, f"{prefix}{step.id}", itself=True, held=held):
            await run.ledger.end(f"{prefix}{step.id}", "cancelled")

    group = Group[Outcome](run, prefix)
    level, outer = Level(steps, group, Acts(one, skip, drop), goes_on=goes_on), dict(scope.outputs)
    levels = ((prefix, level.flow), *where.around)
    if run.definition.optimization_enabled:
        level.ranks = run.order.ranks(level.flow, prefix, where.after)
    await level.run()
    return level


async def _skipped(run: Run, path: str, why: str) -> None:
    record = run.records.get(path)
    if record is None or record.status != "skipped":
        await run.ledger.end(path, "skipped", result={"why": why})
        run.tell(Progress(path=path, status="skipped", message=why))


@dataclass
class _Execution:
    """A step of this run, over all its tries."""

    run: Run
    step: Step
    path: str
    scope: Scope
    levels: Around
    rank: float
    level: Level
    seconds: float = 0.0
    """What the last try worked, without the time in which it waited for a place."""

    @property
    def _policy(self) -> RetryPolicy:
        return self.step.retry_policy or self.run.definition.retry_policy

    async def outcome(self) -> Outcome:
        """How it ended, from the ledger if it had ended before."""
        record = self.run.records.get(self.path)
        if record is not None and record.status in ("completed", "compensated"):
            return await self._noted("completed", record)
        if record is not None and record.status in ("skipped", "cancelled"):
            return await self._noted(record.status, record)
        try:
            false = self.run.conditions.first_false(self.step, self.scope)
        except (ExpressionError, MissingValue) as error:
            return await self._failed(self._hidden(replace(failure_of(error), error="missing_value")))
        if false:
            await _skipped(self.run, self.path, f"{false} is false")
            return Outcome("skipped")
        return await self._tried(self._tries(record))

    async def _noted(self, status: Ended, record: StepRecord) -> Outcome:
        """As the ledger has it. A process may have been killed while it cancelled what is within a step."""
        if (status == "cancelled" and not is_leaf(self.step)) or leaves_others(self.step):
            await cancel_within(self.run, self.path)
        output = await self.run.results.read(record.result)
        return Outcome(status, output, branches=(record.result or {}).get("branches"))

    def _tries(self, record: StepRecord | None) -> Tries:
        """Those so far. Of a step that holds others they are interrupted, and research goes on where it stood."""
        step, tries = self.step, tries_so_far(record)
        if not tries.interrupted or is_leaf(step):
            return tries
        is_research = isinstance(step, WorkflowStep) and step.workflow == RESEARCH
        has_gone_on = has_moved_on if is_research else has_begun_others
        return replace(tries, interrupted=0) if has_gone_on(record, self.run.records.values()) else tries

    async def _tried(self, tries: Tries) -> Outcome:
        is_first = True
        while True:
            ended = tries.failure or await self._one_try(tries, is_first=is_first)
            if isinstance(ended, Outcome):
                return ended
            tries = tries.and_a_failure()
            if not is_tried_again(self._policy, ended, tries.failed):
                return await self._failed(ended, tries.failed)
            await self._end("retrying", ended.message, {"tries": tries.failed})
            await self.run.clock.sleep(pause_before(self._policy, tries.failed, ended.retry_after))
            is_first = False

    async def _one_try(self, tries: Tries, *, is_first: bool) -> Outcome | Failure:
        with self._queued() as ticket:
            if ticket is not None:
                await ticket.near()
            if is_first and self.level.is_stopped:
                return Outcome("cancelled")  # for now: a resumed run starts it
            if not self._is_taken_up():
                await self.run.ledger.begin(self.path, result=tries.noted)
            task = await _ended(asyncio.create_task(self._once(tries.failed + 1, ticket), name=self.path))
        error = task.exception()
        if error is None:
            return await self._completed(*task.result())
        return await self._waits(error) if isinstance(error, Waiting) else self._hidden(failure_of(error))

    def _queued(self) -> AbstractContextManager[Ticket | None]:
        """Its turn to work, where it fills a place."""
        return self.run.slots.queued(self.step.priority, self.rank) if self.step.fills_place else nullcontext()

    def _is_taken_up(self) -> bool:
        """Whether the step goes on waiting: its note stays in the ledger until it has ended, or waits anew."""
        record = self.run.records.get(self.path)
        return record is not None and record.status == "waiting"

    async def _once(self, tries: int, ticket: Ticket | None) -> tuple[Any, Any]:
        """One try: what the body gave back, and the step's output as others see it."""
        step = self.step
        async with ticket.place() if ticket is not None else nullcontext():
            begun = self.run.clock.elapsed()
            self._emit("running")
            call = await self._call(tries)
            _check("input", step.input_validation, call.input)
            body = self.run.bodies[type(step)]
            async with asyncio.timeout(step.timeout) as timer:
                given = await cached(step, replace(call, timer=timer), body)
            self.seconds = self.run.clock.elapsed() - begun
        output = fill(step.output_mapping, self._with_output(given)) if step.output_mapping else given
        _check("output", step.output_validation, output)
        return given, output

    async def _call(self, tries: int) -> Call:
        record = self.run.records.get(self.path)
        kept = (record.result or {}).get("note") if record is not None and record.status == "waiting" else None
        held = await self.run.results.read(kept) or {}
        filled = fill(self.step.input_mapping, self.scope)
        return Call(
            self.run,
            self.path,
            self.scope,
            filled,
            tries,
            held,
            self.levels,
            self.rank,
            partial(self.level.branch_ended, self.step.id),
        )

    def _with_output(self, given: Any) -> Scope:
        return Scope(self.scope.workflow, self.scope.outputs, {**self.scope.around, "output": given})

    async def _completed(self, given: Any, output: Any) -> Outcome:
        results, seen = self.run.results, self._with_output(given)
        stored = await results.stored(output, self.step.security_level)
        stored |= await saga.plan(self.step, seen, results)
        stored |= figures_of(self.step, self.run.conditions.figures, seen)
        if number := self.level.branches.number(self.step.id, None):
            stored["branches"] = number
        if self.run.definition.optimization_enabled:
            stored["seconds"] = round(self.seconds, 3)  # not from its row: it may have waited for its place since
        # Not waited for: a step that depends on this one begins in the ledger after it, and works only then.
        self.run.writes.add(self._end("completed", None, {**stored, "order": self.run.next_place()}))
        if leaves_others(self.step):
            await cancel_within(self.run, self.path)  # not before: another branch would win if a kill came between
        return Outcome("completed", await self.run.results.read(stored))

    async def _waits(self, waiting: Waiting) -> Outcome:
        note = await self.run.results.stored(waiting.note, self.step.security_level)
        held = {"requests": [request.id for request in waiting.requests], "note": note}
        await self._end("waiting", None, held)
        return Outcome("waiting", requests=waiting.requests)

    def _hidden(self, failure: Failure) -> Failure:
        return replace(failure, message=shown(failure.message, self.step.security_level))

    async def _failed(self, failure: Failure, tries: int = 0) -> Outcome:
        if not is_leaf(self.step):
            await stop_within(self.run, self.path)
        await self._end("failed", failure.message, {"class": failure.error, "tries": tries})
        goes_on = self._policy.continue_on_failure
        output = {"error": failure.record(self.step.id)} if goes_on else None
        return Outcome("failed", output, failure, is_handled=goes_on)

    async def _end(self, status: StepStatus, error: str | None, result: dict[str, Any]) -> None:
        await self.run.ledger.end(self.path, status, error=error, result=result)
        self._emit(status, error or "")

    def _emit(self, status: StepStatus, message: str = "") -> None:
        self.run.tell(Progress(path=self.path, status=status, message=message))


async def _ended(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """The task when it has ended in any way; a cancellation of who waits ends it first."""
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise
    return task


def _check(what: str, schema: Schema | None, value: Any) -> None:
    found = faults(schema, value) if schema is not None else []
    if found:
        raise StepFailed(f"Its {what} is not as it must be: {'; '.join(found[:5])}.", f"bad_{what}")  # type: ignore[arg-type]
