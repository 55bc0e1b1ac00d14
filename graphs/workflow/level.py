"""Runs the steps of one level in the order of the data: each starts the moment its own dependencies have ended."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from graphs.workflow.flow import Flow, flow_of
from graphs.workflow.outcomes import Failure, Outcome, StepFailed, Waiting
from state.workflow.steps import Step

RunStep = Callable[[Step, "Level"], Awaitable[Outcome]]
"""Does one step to its end, retries and all. It raises nothing that a workflow may cause."""
SkipStep = Callable[[Step, str], Awaitable[None]]
"""Notes that a step was skipped, and why."""
DropStep = Callable[[Step], Awaitable[None]]
"""Notes that a step was cancelled for good, with all that runs within it."""
Move = Literal["wait", "run"]


@dataclass
class _Before:
    """What has become of the steps that one waits for: counted as they end, since a join may have thousands."""

    left: int
    well: int = 0
    failed: str = ""
    """The first that failed and that nobody handled."""


class Level:
    """One pass over the steps of a level."""

    def __init__(
        self, steps: Sequence[Step], run_step: RunStep, skip: SkipStep, drop: DropStep, *, goes_on: bool
    ) -> None:
        """`goes_on`: whether the failure of a step leaves alone what does not depend on it."""
        self.flow: Flow = flow_of(steps)
        self.outcomes: dict[str, Outcome] = {}
        self.outputs: dict[str, Any] = {}
        """The outputs of the steps that ended well, by id."""
        self.failing: dict[str, Outcome] = {}
        """Steps that failed and whose error handler has not ended yet."""
        self.ranks: Mapping[str, float] = {}
        """Among steps of one priority the one with the higher rank goes first."""
        self._run_step, self._skip, self._drop_step, self._goes_on = run_step, skip, drop, goes_on
        self._before = {id_: _Before(len(needs)) for id_, needs in self.flow.needs.items()}
        self._has_failed = False
        self._tasks: dict[str, asyncio.Task[Outcome]] = {}
        self._dropped: set[str] = set()
        """Steps that a join cancelled."""
        self._ended: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> dict[str, Outcome]:
        """The outcomes of all steps that were reached. Raises Waiting when nothing can go on without the outside.

        After a failure that nobody handles no step is started; those that run are waited for.
        """
        try:
            await self._consider(self.flow.steps)
            while self._tasks:
                await self._settle(await self._ended.get())
        finally:
            await _cancelled(self._tasks.values())
        if self.is_stopped:
            return self.outcomes
        waiting = [outcome for outcome in self.outcomes.values() if outcome.status == "waiting"]
        if waiting:
            raise Waiting(tuple(request for outcome in waiting for request in outcome.requests))
        return self.outcomes

    async def _consider(self, ids: Sequence[str] | dict[str, Step]) -> None:
        """Starts, skips or leaves each of the steps, as those before it have ended."""
        ready = []
        waiting = deque(ids)
        while waiting:
            id_ = waiting.popleft()
            if id_ in self.outcomes or id_ in self._tasks or id_ in self.failing:
                continue  # it has ended, or is on its way
            move = self._move(id_)
            if move == "run":
                ready.append(id_)
            elif move != "wait":
                await self._skip(self.flow.steps[id_], move)
                self._note(id_, Outcome("skipped"))
                waiting.extend(self.flow.followers[id_])
        if self.is_stopped:
            return
        for id_ in sorted(dict.fromkeys(ready), key=self._urgency):
            self._start(id_)
            if self.flow.steps[id_].join.on_rest == "cancel":
                dropped = await self._drop(self.flow.needs[id_])
                await self._consider([after for each in dropped for after in self.flow.followers[each]])

    def _urgency(self, id_: str) -> tuple[float, float]:
        return -self.flow.steps[id_].priority, -self.ranks.get(id_, 0.0)

    def _start(self, id_: str) -> None:
        task = asyncio.create_task(self._run_one(self.flow.steps[id_]), name=id_)
        self._tasks[id_] = task
        task.add_done_callback(lambda _: self._ended.put_nowait(id_))

    async def _run_one(self, step: Step) -> Outcome:
        return await self._run_step(step, self)

    async def _drop(self, ids: Sequence[str]) -> list[str]:
        """Cancels those of the steps that have not ended; gives back those that did not run."""
        idle = []
        for id_ in ids:
            if id_ in self._tasks:
                self._dropped.add(id_)
                self._tasks[id_].cancel()
            elif not self._has_ended(id_):
                self.failing.pop(id_, None)
                self._note(id_, Outcome("cancelled"))
                idle.append(id_)
        await asyncio.gather(*(self._drop_step(self.flow.steps[id_]) for id_ in idle))
        return idle

    async def _settle(self, id_: str) -> None:
        """Takes note of how a step ended, and goes on from there."""
        task = self._tasks.pop(id_)
        if task.cancelled():
            if id_ not in self._dropped:
                raise asyncio.CancelledError
            outcome = Outcome("cancelled")
            await self._drop_step(self.flow.steps[id_])
        else:
            outcome = task.result()
        if outcome.is_fatal and self._handler(id_, outcome.failure):
            self.failing[id_] = outcome
        else:
            self._note(id_, outcome)
        changed = [id_, *self._handled_by(id_, outcome)]
        await self._consider([after for each in changed for after in self.flow.followers[each]])

    def _note(self, id_: str, outcome: Outcome) -> None:
        self.outcomes[id_] = outcome
        if outcome.is_well:
            self.outputs[id_] = outcome.output
        self._has_failed = self._has_failed or outcome.is_fatal
        if outcome.status == "waiting":
            return
        for after in self.flow.dependents[id_]:
            before = self._before[after]
            before.left -= 1
            before.well += outcome.is_well
            if outcome.is_fatal:
                before.failed = before.failed or id_

    def _handled_by(self, id_: str, outcome: Outcome) -> list[str]:
        """The failed steps that a handler has just taken over, or could not."""
        settled = []
        for owner in self.flow.handles.get(id_, ()):
            if owner in self.failing and outcome.status != "waiting":
                failed = self.failing.pop(owner)
                well = outcome.is_well
                self._note(owner, replace(failed, is_handled=well, output=outcome.output if well else None))
                settled.append(owner)
        return settled

    def _handler(self, id_: str, failure: Failure | None) -> str | None:
        """The step that handles a failure of a step, if one does."""
        for handler in self.flow.steps[id_].error_handlers:
            fits = failure is not None and (failure.error in handler.on or "any" in handler.on)
            if fits and handler.step in self.flow.steps and handler.step not in self.outcomes:
                return handler.step
        return None

    def failure_for(self, id_: str) -> tuple[str, Failure] | None:
        """The step and the failure that an error handler is there for now."""
        for owner in self.flow.handles.get(id_, ()):
            failed = self.failing.get(owner)
            if failed is not None and failed.failure is not None and self._handler(owner, failed.failure) == id_:
                return owner, failed.failure
        return None

    def _move(self, id_: str) -> Move | str:
        """`run`, `wait`, or the reason to skip the step."""
        if id_ in self.flow.handles:
            if self.failure_for(id_):
                return "run"
            is_over = all(self._has_ended(owner) for owner in self.flow.handles[id_])
            return "nothing failed that it handles" if is_over else "wait"
        return self._joined(id_)

    def _joined(self, id_: str) -> Move | str:
        before, join = self._before[id_], self.flow.steps[id_].join
        if join.need == "all" or not self.flow.needs[id_]:
            if before.failed:
                return f"{before.failed} failed"
            return "wait" if before.left else "run"
        wanted = 1 if join.need == "any" else join.need
        if before.well >= wanted:
            return "wait" if before.left and join.on_rest == "wait" else "run"
        is_open = before.well + before.left >= wanted
        return "wait" if is_open else f"only {before.well} of the {wanted} that it needs ended well"

    def _has_ended(self, id_: str) -> bool:
        return id_ in self.outcomes and self.outcomes[id_].status != "waiting"

    @property
    def is_stopped(self) -> bool:
        """Whether no further step starts, because one failed."""
        return not self._goes_on and self._has_failed


def result_of(level: Level) -> Any:
    """What a level gives back: the output of its one last step, or those of its last steps by id.

    Raises StepFailed with the first failure that nobody handled.
    """
    for id_, outcome in level.outcomes.items():
        if outcome.is_fatal and outcome.failure is not None:
            failure = outcome.failure
            raise StepFailed(f"{id_}: {failure.message}", failure.error, at=_again(level, id_, failure))
    outputs = {id_: level.outputs.get(id_) for id_ in level.flow.sinks}
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _again(level: Level, id_: str, failure: Failure) -> str:
    """The step that a copy must begin at to end in another way; empty where a resume may do.

    What a person said and what a step gave back are kept: a resume would meet the same again.
    """
    if failure.error == "missing_value":
        return failure.lacks if failure.lacks in level.flow.steps else id_
    return id_ if failure.error == "rejected" else ""


async def _cancelled(tasks: Sequence[asyncio.Task[Outcome]] | Any) -> None:
    """Cancels what still runs, and waits until it has ended. One error of the level is told; others end with it."""
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    for task in tasks:
        if not task.cancelled():
            task.exception()
