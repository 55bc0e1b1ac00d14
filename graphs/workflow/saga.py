"""Undoing what completed steps did: their `rollback_actions`, last completed first.

What undoes a step is worked out when it completes, with its output and all that it saw, and stands in the ledger
beside the output: undoing needs neither the definition nor the run's state. Each action has a path of its own,
`undo/PATH/1`, and the same idempotency key at every try. After a crash the actions that ended are passed over, and the
one that was cut short is called again with its key. The first action that fails for good ends the undoing, because
what was done before may only be undone after it; what is left is named, and undoing again goes on there.

The pattern: H. Garcia-Molina and K. Salem, Sagas, ACM SIGMOD 1987.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphs.workflow.attempts import is_tried_again, pause_before, tries_so_far
from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Failure, StepFailed, failure_of
from graphs.workflow.references import MissingValue, Scope
from graphs.workflow.results import Results, shown
from state.ports import Clock, Ledger, Ports
from state.runs import Json, Progress, StepRecord, StepStatus, Undone
from state.workflow.policies import Call
from state.workflow.steps import SecurityLevel, Step

UNDO = "undo/"
"""Begins the paths of undoing; no path of a step has a slash."""


class Caller(Protocol):
    """Calls tools by name: the registry of a run."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        """What the tool gives back."""


def key_of(run_id: str, path: str) -> str:
    """The idempotency key of what stands at a path of a run, where none is given."""
    return f"{run_id}:{path}"


def path_of(step: str, number: int) -> str:
    """The path of the how many-th (from 1) action that undoes a step."""
    return f"{UNDO}{step}/{number}"


async def plan(step: Step, seen: Scope, results: Results) -> Json:
    """What the ledger keeps under `undo` of a step that completed; nothing where there is nothing to undo.

    `seen` is what the step saw, with `$output`. An action that cannot be worked out is kept with the reason: the work
    of the step is done, and undoing it will say why it cannot be.
    """
    if not step.rollback_actions:
        return {}
    try:
        calls = [_filled(call, seen).model_dump(mode="json") for call in step.rollback_actions]
    except MissingValue as error:
        return {"undo": {"fault": str(error)}}
    return {"undo": await results.stored(calls, step.security_level)}


def _filled(call: Call, seen: Scope) -> Call:
    key = None if call.idempotency_key is None else str(fill(call.idempotency_key, seen))
    return call.model_copy(update={"input": fill(call.input, seen), "idempotency_key": key})


@dataclass(frozen=True)
class Saga:
    """What undoing works with."""

    run_id: str
    ledger: Ledger
    clock: Clock
    results: Results
    tools: Caller | None
    emit: Callable[[Progress], None] = lambda _: None

    async def undo(self, belongs: Callable[[str], bool] = lambda _: True) -> Undone:
        """Undoes the completed steps whose path `belongs`, last completed first, as far as it goes."""
        records = {record.path: record for record in await self.ledger.steps()}
        steps = [record for record in last_first(records.values()) if belongs(record.path)]
        for place, record in enumerate(steps):
            fault = await self._undo_step(record, records)
            if fault is not None:
                return Undone(undone=_paths(steps[:place]), left=_paths(steps[place:]), fault=fault)
        return Undone(undone=_paths(steps))

    async def _undo_step(self, record: StepRecord, records: dict[str, StepRecord]) -> str | None:
        """All actions of one step; why it cannot be undone, if it cannot."""
        result = record.result or {}
        if "fault" in result["undo"]:
            return f"{record.path}: {result['undo']['fault']}"
        for number, each in enumerate(await self.results.read(result["undo"]), start=1):
            path = path_of(record.path, number)
            before = records.get(path)
            if before is not None and before.status == "completed":
                continue
            failure = await self._act(path, Call.model_validate(each), before, result["undo"].get("level", "internal"))
            if failure is not None:
                return f"{record.path}: {each['tool']}: {failure.message}"
        await self._end(record.path, "compensated", "", result)
        return None

    async def _act(self, path: str, call: Call, before: StepRecord | None, level: SecurityLevel) -> Failure | None:
        """One action, over all its tries; why it failed for good, if it did."""
        tries = tries_so_far(before)
        key = call.idempotency_key or key_of(self.run_id, path)
        told = {"tool": call.tool, "key": key}
        while True:
            failure = tries.failure
            if failure is None:
                await self.ledger.begin(path, result=tries.noted)
                self.emit(Progress(path=path, status="running", message=call.tool))
                failure = await self._tried(call, key)
            if failure is None:
                await self._end(path, "completed", "", told)
                return None
            tries = tries.and_a_failure()
            failure = replace(failure, message=shown(failure.message, level))
            is_last = not is_tried_again(call.retry_policy, failure, tries.failed)
            held = {**told, "class": failure.error, "tries": tries.failed}
            await self._end(path, "failed" if is_last else "retrying", failure.message, held)
            if is_last:
                return failure
            await self.clock.sleep(pause_before(call.retry_policy, tries.failed))

    async def _end(self, path: str, status: StepStatus, error: str, result: Json) -> None:
        await self.ledger.end(path, status, error=error or None, result=result)
        self.emit(Progress(path=path, status=status, message=error))

    async def _tried(self, call: Call, key: str) -> Failure | None:
        task = asyncio.ensure_future(self._called(call, key))
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise
        error = task.exception()
        return None if error is None else failure_of(error)

    async def _called(self, call: Call, key: str) -> Any:
        if self.tools is None:
            raise StepFailed("There are no tools here to undo it with.", "internal")
        async with asyncio.timeout(call.timeout):
            return await self.tools.call(call.tool, call.input, idempotency_key=key)


def _paths(records: Iterable[StepRecord]) -> tuple[str, ...]:
    return tuple(each.path for each in records)


async def undo_run(ports: Ports, watch: Callable[[Progress], None] | None = None) -> Undone:
    """Undoes all that the steps of a run did, as far as it goes; `watch` is told."""
    results = Results(ports.artifacts)
    emit = watch or (lambda _: None)
    return await Saga(ports.run_id, ports.ledger, ports.clock, results, ports.tools, emit).undo()


def last_first(records: Iterable[StepRecord]) -> list[StepRecord]:
    """The completed steps that can be undone, last completed first."""
    able = [each for each in records if each.status == "completed" and "undo" in (each.result or {})]
    return sorted(able, key=place_of, reverse=True)


def place_of(record: StepRecord) -> int:
    """The how many-th step of its run that completed; 0 for one that has not."""
    return int((record.result or {}).get("order", 0))
