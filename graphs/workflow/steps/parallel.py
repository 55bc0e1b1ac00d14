"""`parallel`: child steps side by side, or one body for each item of a list; all with a tolerance, or the first."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import nullcontext
from typing import Any

from graphs.workflow.level import result_of
from graphs.workflow.outcomes import Failure, StepFailed, Waiting, failure_of
from graphs.workflow.references import parse
from graphs.workflow.running import Call, cancel_within
from state.workflow.steps import ParallelStep, Step

Branch = tuple[str, Sequence[Step], dict[str, Any]]
"""What stands after the step's path, the steps, and the values around them."""


async def parallel(step: ParallelStep, call: Call) -> Any:
    """A list of results in the order of the items, or results by the ids of the child steps.

    A branch that failed leaves `{"error": …}` in its place. Raises StepFailed when too many failed.
    """
    branches = _branches(step, call)
    gate = asyncio.Semaphore(step.max_concurrent) if step.max_concurrent else nullcontext()

    async def one(branch: Branch) -> Any:
        async with gate:
            name, steps, around = branch
            return result_of(await call.level(name, steps, around))

    work = [one(branch) for branch in branches]
    if step.first_wins:
        result = await _first(work, step)
        await cancel_within(call.run, call.path)
        return result
    results = await side_by_side(work, step.id, step.parallel_failure_threshold)
    if step.for_each is not None:
        return results
    return dict(zip((child.id for child in step.steps), results, strict=True))


def _branches(step: ParallelStep, call: Call) -> list[Branch]:
    if step.for_each is None:
        return [("", (child,), {}) for child in step.steps]
    return [
        (f"[{index}]", step.steps, {"item": item, "index": index})
        for index, item in enumerate(items_of(step.for_each, call))
    ]


def items_of(reference: str, call: Call) -> list[Any]:
    """The list that a reference names. Raises MissingValue, and StepFailed if it is no list."""
    parsed = parse(reference)
    items = call.scope.resolve(parsed) if parsed is not None else None
    if not isinstance(items, list | tuple):
        raise StepFailed(f"for_each: {reference} is not a list.", "bad_input")
    return list(items)


async def side_by_side(work: Sequence[Coroutine[Any, Any, Any]], id_: str, threshold: float) -> list[Any]:
    """The results of all branches of a step, an error record in the place of one that failed.

    Raises StepFailed when the share of those that failed is over the threshold, and Waiting.
    """
    tasks = [asyncio.create_task(each) for each in work]
    await _until(tasks, asyncio.ALL_COMPLETED)
    errors = [task.exception() for task in tasks]
    failures: dict[int, Failure] = {}
    for place, error in enumerate(errors):
        if error is not None and not isinstance(error, Waiting):
            failures[place] = failure_of(error)
    if tasks and len(failures) / len(tasks) > threshold:
        place, first = next(iter(failures.items()))
        raise StepFailed(
            f"{len(failures)} of {len(tasks)} branches failed, more than a share of "
            f"{threshold:g}; branch {place}: {first.message}",
            first.error,
        )
    _wait_for(errors)
    return [
        {"error": failures[place].record(f"{id_}[{place}]")} if place in failures else task.result()
        for place, task in enumerate(tasks)
    ]


async def _first(work: Sequence[Coroutine[Any, Any, Any]], step: ParallelStep) -> Any:
    """The result of the first branch that ends well; the others are cancelled."""
    tasks = [asyncio.create_task(each) for each in work]
    pending = set(tasks)
    while pending:
        done, pending = await _until(pending, asyncio.FIRST_COMPLETED)
        won = [task for task in sorted(done, key=tasks.index) if task.exception() is None]
        if won:
            await _stop(pending)
            return won[0].result()
    errors = [task.exception() for task in tasks]
    _wait_for(errors)
    told = "; ".join(failure_of(error).message for error in errors if error is not None)
    raise StepFailed(f"No branch of {step.id} ended well: {told}", "internal")


def _wait_for(errors: Sequence[BaseException | None]) -> None:
    requests = [request for error in errors if isinstance(error, Waiting) for request in error.requests]
    if requests:
        raise Waiting(tuple(requests))


async def _until(tasks: Any, when: str) -> tuple[set[asyncio.Task[Any]], set[asyncio.Task[Any]]]:
    """Waits; a cancellation of the step ends its branches first."""
    if not tasks:
        return set(), set()
    try:
        return await asyncio.wait(tasks, return_when=when)
    except asyncio.CancelledError:
        await _stop(tasks)
        raise


async def _stop(tasks: Any) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
