"""`parallel`: child steps side by side, or one body for each item of a list; all with a tolerance, or the first."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import count
from typing import Any

from graphs.workflow.group import Group, Work
from graphs.workflow.level import result_of
from graphs.workflow.outcomes import StepFailed, Waiting, failure_of
from graphs.workflow.references import parse
from graphs.workflow.running import Call
from graphs.workflow.steps.growth import Growth
from state.workflow.steps import ParallelStep, Step

Branch = tuple[int | str, str, Sequence[Step], dict[str, Any]]
"""Its place in the list or the id of its step, what stands between the step's path and the ids of the steps, the steps,
and the values around them."""


async def parallel(step: ParallelStep, call: Call) -> Any:
    """A list of results in the order of the items, or results by the ids of the child steps.

    A branch that failed leaves `{"error": …}` in its place. Raises StepFailed when too many failed.
    """
    gate = asyncio.Semaphore(step.max_concurrent) if step.max_concurrent else nullcontext()

    async def one(branch: Branch) -> Any:
        async with gate:
            key, name, steps, around = branch
            result = result_of(await call.level(name, steps, around))
        call.branch_ended(key, result)
        return result

    works = {path: partial(one, branch) for path, branch in _branches(step, call).items()}
    growth = None
    if step.grows_on is not None:
        places = count(len(works))

        def further(item: Any) -> tuple[str, Work[Any]]:
            path, branch = _over_item(step, next(places), item)
            return path, partial(one, branch)

        growth = Growth(step.grows_on, call, further)
    if step.first_wins:
        return await _first(works, step, call)
    results = await side_by_side(works, step.id, step.parallel_failure_threshold, call, growth)
    if step.for_each is not None:
        return results
    return dict(zip((child.id for child in step.steps), results, strict=True))


def _branches(step: ParallelStep, call: Call) -> dict[str, Branch]:
    """By what stands after the step's path in those of the branch."""
    if step.for_each is None:
        return {f".{child.id}": (child.id, "", (child,), {}) for child in step.steps}
    return dict(_over_item(step, index, item) for index, item in enumerate(items_of(step.for_each, call)))


def _over_item(step: ParallelStep, index: int, item: Any) -> tuple[str, Branch]:
    name = f"[{index}]"
    return name, (index, name, step.steps, {"item": item, "index": index})


def items_of(reference: str, call: Call) -> list[Any]:
    """The list that a reference names. Raises MissingValue, and StepFailed if it is no list."""
    parsed = parse(reference)
    items = call.scope.resolve(parsed) if parsed is not None else None
    if not isinstance(items, list | tuple):
        raise StepFailed(f"for_each: {reference} is not a list.", "bad_input")
    return list(items)


async def side_by_side(
    listed: Mapping[str, Work[Any]], id_: str, threshold: float, call: Call, growth: Growth | None = None
) -> list[Any]:
    """The results of all branches of a step, an error record in the place of one that failed.

    They are those that are `listed`, by what stands after the step's path in theirs, and those of the `growth`. Raises
    StepFailed when the share of those that failed is over the threshold, and Waiting.
    """
    works, ended = dict(listed), dict[str, asyncio.Task[Any]]()
    async with Group[Any](call.run, call.path) as group:
        group.start_all(works)
        if growth is not None:
            await growth.begin(group)
        async for name, task in _ends(group, growth):
            if growth is not None and name == growth.name:
                works |= growth.come(group, task.result())
            else:
                ended[name] = task
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
    if growth is not None and group.waiting.keys() <= {growth.name}:
        await growth.end()
    elif group.waiting:
        raise Waiting(group.requests())
    return [
        {"error": failures[place].record(f"{id_}[{place}]")} if place in failures else ended[name].result()
        for place, name in enumerate(works)
    ]


async def _ends(group: Group[Any], growth: Growth | None) -> AsyncIterator[tuple[str, asyncio.Task[Any]]]:
    """The parts as they end, until nothing works and nothing more is added."""
    while True:
        while (one := await group.next()) is not None:
            yield one
        if growth is None or not await growth.goes_on(group):
            return


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
