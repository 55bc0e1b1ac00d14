"""Runs the steps of one level in the order of the data: each starts the moment its own dependencies have ended."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from graphs.workflow.branches import Branches
from graphs.workflow.flow import Flow, flow_of
from graphs.workflow.group import Group
from graphs.workflow.outcomes import Failure, Outcome, StepFailed, Waiting
from state.workflow.steps import Step

Move = Literal["wait", "run"]


@dataclass(frozen=True)
class Acts:
    """What is done with the steps of a level."""

    run: Callable[[Step, "Level"], Coroutine[Any, Any, Outcome]]
    """Does one to its end, retries and all. It raises nothing that a workflow may cause."""
    skip: Callable[[Step, str], Awaitable[None]]
    """Notes that one was skipped, and why."""
    drop: Callable[[Step], Awaitable[None]]
    """Notes that one was cancelled for good, with all that runs within it."""


@dataclass
class _Before:
    """What has become of the steps that one waits for: counted as they end, since a join may have thousands."""

    left: int
    well: int = 0
    failed: str = ""
    """The first that failed and that nobody handled."""


class Level:
    """One pass over the steps of a level."""

    def __init__(self, steps: Sequence[Step], group: Group[Outcome], acts: Acts, *, goes_on: bool) -> None:
        """`group` works on the steps, by their ids.

        `goes_on`: whether the failure of a step leaves alone what does not depend on it.
        """
        self.flow: Flow = flow_of(steps)
        self.outcomes: dict[str, Outcome] = {}
        self.outputs: dict[str, Any] = {}
        """The outputs of the steps that ended well, by id."""
        self.failing: dict[str, Outcome] = {}
        """Steps that failed and whose error handler has not ended yet."""
        self.branches = Branches(self.flow)
        self.ranks: Mapping[str, float] = {}
        """Among steps of one priority the one with the higher rank goes first."""
        self._group, self._acts, self._goes_on = group, acts, goes_on
        self._before = {id_: _Before(len(needs)) for id_, needs in self.flow.needs.items()}
        self._has_failed = False
        self._dropped: set[str] = set()
        """Steps that a join cancelled."""

    async def run(self) -> dict[str, Outcome]:
        """The outcomes of all steps that were reached. Raises Waiting when nothing can go on without the outside.

        After a failure that nobody handles no step is started; those that run are waited for.
        """
        async with self._group:
            await self._consider(self.flow.steps)
            while (moved := await self._group.moved()) is not None:
                id_, task = moved
                await (self._consider(self.flow.followers[id_]) if task is None else self._settle(id_, task))
        waiting = self._group.waiting
        self.outcomes |= {id_: Outcome("waiting", requests=requests) for id_, requests in waiting.items()}
        if waiting and not self.is_stopped:
            raise Waiting(self._group.requests())
        return self.outcomes

    def branch_ended(self, id_: str, key: int | str, result: Any) -> None:
        """A branch of a step has ended well: a join behind the step may have enough."""
        if self.branches.add(id_, key, result):
            self._group.tell(id_)

    async def _consider(self, ids: Sequence[str] | dict[str, Step]) -> None:
        """Starts, skips or leaves each of the steps, as those before it have ended."""
        ready = []
        waiting = deque(ids)
        while waiting:
            id_ = waiting.popleft()
            if id_ in self.outcomes or id_ in self._group or id_ in self.failing:
                continue  # it has ended, or is on its way
            move = self._move(id_)
            if move == "run":
                ready.append(id_)
            elif move != "wait":
                await self._acts.skip(self.flow.steps[id_], move)
                self._note(id_, Outcome("skipped"))
                waiting.extend(self.flow.followers[id_])
        if self.is_stopped:
            self._group.hold()
            return
        for id_ in sorted(dict.fromkeys(ready), key=self._urgency):
            if id_ in self.outcomes or id_ in self._group:
                continue  # one before it in this round cancelled or began it
            self._group.start(id_, partial(self._acts.run, self.flow.steps[id_], self))
            if self.flow.steps[id_].join.on_rest == "cancel":
                dropped = await self._drop(self.flow.needs[id_])
                await self._consider([after for each in dropped for after in self.flow.followers[each]])

    def _urgency(self, id_: str) -> tuple[float, float]:
        return -self.flow.steps[id_].priority, -self.ranks.get(id_, 0.0)

    async def _drop(self, ids: Sequence[str]) -> list[str]:
        """Cancels those of the steps that have not ended; gives back those that did not run."""
        idle = []
        for id_ in ids:
            if id_ in self.outcomes:
                continue
            if self._group.stop(id_):
                self._dropped.add(id_)
            else:
                self.failing.pop(id_, None)
                self._note(id_, Outcome("cancelled"))
                idle.append(id_)
        await asyncio.gather(*(self._acts.drop(self.flow.steps[id_]) for id_ in idle))
        return idle

    async def _settle(self, id_: str, task: "asyncio.Task[Outcome]") -> None:
        """Takes note of how a step ended, and goes on from there."""
        if task.cancelled() and id_ not in self._dropped:
            raise asyncio.CancelledError
        outcome = Outcome("cancelled") if task.cancelled() else task.result()
        if id_ in self._dropped and outcome.status in ("cancelled", "waiting"):
            outcome = Outcome("cancelled")
            await self._acts.drop(self.flow.steps[id_])
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
        counts_branches = join.of == "branches"
        well = self._branches_before(id_) if counts_branches else before.well
        if well >= wanted:
            return "wait" if before.left and join.on_rest == "wait" else "run"
        is_open = before.left > 0 if counts_branches else well + before.left >= wanted
        return "wait" if is_open else f"only {well} of the {wanted} that it needs ended well"

    def _branches_before(self, id_: str) -> int:
        return sum(self.branches.number(each, self.outcomes.get(each)) for each in self.flow.needs[id_])

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
