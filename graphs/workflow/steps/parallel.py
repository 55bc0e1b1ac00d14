"""`parallel`: child steps side by side, or one body for each item of a list; all with a tolerance, or the first."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from graphs.workflow.group import Group, Work
from graphs.workflow.level import result_of
from graphs.workflow.outcomes import StepFailed, Waiting, failure_of
from graphs.workflow.references import parse
from graphs.workflow.running import Call, cancel_within
from state.workflow.steps import ParallelStep, Step

Branch = tuple[str, Sequence[Step], dict[str, Any]]
"""What stands between the step's path and the ids of the steps, the steps, and the values around them."""


async def parallel(step: ParallelStep, call: Call) -> Any:
    """A list of results in the order of the items, or results by the ids of the child steps.

    A branch that failed leaves `{"error": …}` in its place. Raises StepFailed when too many failed.
    """
    gate = asyncio.Semaphore(step.max_concurrent) if step.max_concurrent else nullcontext()

    async def one(branch: Branch) -> Any:
        async with gate:
            name, steps, around = branch
            return result_of(await call.level(name, steps, around))

    works = {path: partial(one, branch) for path, branch in _branches(step, call).items()}
    if step.first_wins:
        result = await _first(works, step, call)
        await cancel_within(call.run, call.path)
        return result
    results = await side_by_side(works, step.id, step.parallel_failure_threshold, call)
    if step.for_each is not None:
        return results
    return dict(zip((child.id for child in step.steps), results, strict=True))


def _branches(step: ParallelStep, call: Call) -> dict[str, Branch]:
    """By what stands after the step's path in those of the branch."""
    if step.for_each is None:
        return {f".{child.id}": ("", (child,), {}) for child in step.steps}
    return {
        f"[{index}]": (f"[{index}]", step.steps, {"item": item, "index": index})
        for index, item in enumerate(items_of(step.for_each, call))
    }


def items_of(reference: str, call: Call) -> list[Any]:
    """The list that a reference names. Raises MissingValue, and StepFailed if it is no list."""
    parsed = parse(reference)
    items = call.scope.resolve(parsed) if parsed is not None else None
    if not isinstance(items, list | tuple):
        raise StepFailed(f"for_each: {reference} is not a list.", "bad_input")
    return list(items)


async def side_by_side(works: Mapping[str, Work[Any]], id_: str, threshold: float, call: Call) -> list[Any]:
    """The results of all branches of a step, an error record in the place of one that failed.

    `works` has them by what stands after the step's path in theirs. Raises StepFailed when the share of those that
    failed is over the threshold, and Waiting.
    """
    ended: dict[str, asyncio.Task[Any]] = {}
    async with Group[Any](call.run, call.path) as group:
        group.start_all(works)
        while (one := await group.next()) is not None:
            ended[one[0]] = one[1]
    failures = {
        place: failure_of(error)
        for place, name in enumerate(works)
        if name in ended and (error := ended[name].exception()) is not None
    }
    if works and len(failures) / len(works) > threshold:
        place, first = next(iter(failures.items()))
        raise StepFailed(
            f"{len(failures)} of {len(works)} branches failed, more than a share of "
            f"{threshold:g}; branch {place}: {first.message}",
            first.error,
        )
    if group.waiting:
        raise Waiting(group.requests())
    return [
        {"error": failures[place].record(f"{id_}[{place}]")} if place in failures else ended[name].result()
        for place, name in enumerate(works)
    ]


async def _first(works: Mapping[str, Work[Any]], step: ParallelStep, call: Call) -> Any:
    """The result of the first branch that ends well; the others are cancelled."""
    errors: dict[str, BaseException] = {}
    async with Group[Any](call.run, call.path) as group:
        group.start_all(works)
        while (ended := await group.next()) is not None:
            name, task = ended
            error = task.exception()
            if error is None:
                return task.result()
            errors[name] = error
    if group.waiting:
        raise Waiting(group.requests())
    told = "; ".join(failure_of(errors[name]).message for name in works)
    raise StepFailed(f"No branch of {step.id} ended well: {told}", "internal")
