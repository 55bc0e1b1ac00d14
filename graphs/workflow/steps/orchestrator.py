"""`orchestrator`: an agent splits a goal into tasks, workers do them side by side, and the agent joins the results.

The plan is recorded as a call, so a run that is resumed has the same, whatever came after it; every task is a step of
its own in the ledger (`research[2].finder`), with its tries and limits, so what is done is not done again.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from chains.orchestration import Task, Workers, join_results, plan_tasks
from graphs.workflow.level import result_of
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Call
from graphs.workflow.steps.agent_work import recorded, staff_of, told
from graphs.workflow.steps.parallel import side_by_side
from state.runs import Json
from state.workflow.steps import OrchestratorStep, WorkerStep

_ALL_MAY_FAIL = 1.0
_OWN: Json = {
    "task": "$item.task",
    "depends_on": (),
    "next_steps": (),
    "condition": None,
    "conditions": (),
    "error_handlers": (),
}
"""What a worker has while it does a task: it waits for no other."""


async def orchestrator(step: OrchestratorStep, call: Call) -> Json:
    """`{"answer", "tasks", "rounds", "dropped"}`. A task that failed is a record among the others; `dropped` is how
    many the plan named beyond those that may be given out.

    Raises StepFailed when no task at all ended well, or no worker is there; Waiting while a worker waits.
    """
    goal, values = told(step.goal, call.scope)
    workers = _there(step, call)
    lead = _Lead(step, call, goal, {**call.input, **values}, workers)
    wanted, left = await lead.plan(), step.max_tasks
    answer, results, rounds, dropped = "", list[Json](), 0, 0
    while wanted:
        rounds, dropped, tasks = rounds + 1, dropped + max(0, len(wanted) - left), wanted[:left]
        results += await _round(tasks, len(results), workers, step, call)
        if not any("result" in each for each in results):
            first = results[0]["error"]
            raise StepFailed(f"No task ended well; the first: {first['message']}", first["class"])
        left = step.max_tasks - len(results) if rounds < step.max_rounds else 0
        answer, wanted = await lead.join(results, left)
    return {"answer": answer, "tasks": results, "rounds": rounds, "dropped": dropped}


class _Lead:
    """The agent that plans and joins; its calls are recorded under the step's path."""

    def __init__(
        self, step: OrchestratorStep, call: Call, goal: str, material: Json, workers: Sequence[WorkerStep]
    ) -> None:
        self._step, self._call, self._goal, self._material = step, call, goal, material
        self._offered: Workers = [{"capability": each.capability, "does": each.label} for each in workers]

    async def plan(self) -> list[Task]:
        """The first tasks."""
        async with self._call.slot(self._step), recorded(self._call, part=".plan") as scope:
            model = staff_of(self._call).model(scope, "planner", self._step.model)
            return await plan_tasks(model, self._goal, self._material, self._offered, self._step.max_tasks)

    async def join(self, results: Sequence[Json], left: int) -> tuple[str, list[Task]]:
        """The answer so far, and further tasks, if any may be given out."""
        async with self._call.slot(self._step), recorded(self._call, part=f".join[{len(results)}]") as scope:
            model = staff_of(self._call).model(scope, "planner", self._step.model)
            joined = await join_results(model, self._goal, results, self._offered, left)
            return joined.answer, joined.more


def _there(step: OrchestratorStep, call: Call) -> list[WorkerStep]:
    """The workers who can be given tasks: those whose conditions hold."""
    workers = [each for each in step.workers if not call.run.conditions.first_false(each, call.scope)]
    if not workers:
        raise StepFailed(f"No worker of {step.id!r} is there: the conditions of all are false.", "bad_input")
    return workers


async def _round(
    tasks: Sequence[Task], first: int, workers: Sequence[WorkerStep], step: OrchestratorStep, call: Call
) -> list[Json]:
    """The tasks of one round with what came of them, in order; `first` is the number of the first."""
    gate = asyncio.Semaphore(step.max_concurrent)

    async def one(number: int, task: Task) -> Any:
        async with gate:
            worker = _of(task, number, workers).model_copy(update=_OWN)
            return result_of(await call.level(f"[{number}]", (worker,), {"item": task.model_dump(), "index": number}))

    works = {f"[{number}]": partial(one, number, task) for number, task in enumerate(tasks, start=first)}
    results = await side_by_side(works, step.id, _ALL_MAY_FAIL, call)
    return [
        {**task.model_dump(), **(result if _is_error(result) else {"result": result})}
        for task, result in zip(tasks, results, strict=True)
    ]


def _of(task: Task, number: int, workers: Sequence[WorkerStep]) -> WorkerStep:
    """The worker for a task; those of one capability take turns."""
    able = [worker for worker in workers if worker.capability == task.capability]
    return able[number % len(able)]


def _is_error(result: Any) -> bool:
    return isinstance(result, dict) and set(result) == {"error"} and isinstance(result["error"], dict)
