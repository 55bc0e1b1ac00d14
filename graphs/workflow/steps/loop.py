"""`loop`: its body again and again, one turn after another; each turn has its own place in the ledger."""

from typing import Any

from graphs.workflow.level import result_of
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.references import Scope
from graphs.workflow.running import Call
from graphs.workflow.steps.parallel import items_of
from state.workflow.steps import LoopStep


async def loop(step: LoopStep, call: Call) -> Any:
    """The last result, or all in order. Raises StepFailed when the bound is reached before the end."""
    items = items_of(step.for_each, call) if step.for_each is not None else None
    if items is not None and len(items) > step.loop_max_iterations:
        raise StepFailed(
            f"The list has {len(items)} items, more than loop_max_iterations ({step.loop_max_iterations}).", "limit"
        )
    results: list[Any] = []
    while not _is_over(step, call, items, results):
        index = len(results)
        if index >= step.loop_max_iterations:
            raise StepFailed(f"It did not end within {step.loop_max_iterations} turns.", "limit")
        around = {"index": index, "last": results[-1] if results else None}
        if items is not None:
            around["item"] = items[index]
        results.append(result_of(await call.level(f"[{index}]", step.steps, around)))
    return results if step.results == "all" else results[-1] if results else None


def _is_over(step: LoopStep, call: Call, items: list[Any] | None, results: list[Any]) -> bool:
    """Whether there is no further turn. `until` is asked after a turn, `while` before."""
    if items is not None:
        return len(results) >= len(items)
    around = {**call.scope.around, "index": len(results), "last": results[-1] if results else None}
    scope = Scope(call.scope.workflow, call.scope.outputs, around)
    conditions = call.run.conditions
    if step.while_ is not None:
        return not conditions.holds(step, step.while_, scope)
    return bool(results) and step.until is not None and conditions.holds(step, step.until, scope)
