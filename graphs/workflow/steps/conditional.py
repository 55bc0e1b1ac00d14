"""`conditional`: the first way whose condition is true, the way that a model chooses, or else the last."""

from collections.abc import Sequence
from typing import Any

from chains.routing import RouteInput, router
from graphs.workflow.level import result_of
from graphs.workflow.mapping import fill
from graphs.workflow.running import Call
from graphs.workflow.steps.agent_work import recorded, staff_of
from state.runs import Json
from state.workflow.steps import Classify, ConditionalStep, Step

ELSE = "else"
"""The name of the way that is taken where no other is."""


async def conditional(step: ConditionalStep, call: Call) -> Any:
    """`{"route": …, "result": …}`: the way taken, and what its steps gave back (None where there are none).

    Where a model chose, also its `why` and `confidence` (from 0 to 1).
    """
    if step.classify is not None:
        name, chosen = await _classified(step, step.classify, call)
        steps = step.routes.get(name, ()) if name in step.classify.routes else step.otherwise
        return {"route": name, **chosen, "result": await _result(steps, call)}
    for place, case in enumerate(step.cases):
        if call.run.conditions.holds(step, case.when, call.scope):
            return {"route": case.name or f"case {place + 1}", "result": await _result(case.steps, call)}
    return {"route": ELSE, "result": await _result(step.otherwise, call)}


async def _result(steps: Sequence[Step], call: Call) -> Any:
    return result_of(await call.level("", steps)) if steps else None


async def _classified(step: ConditionalStep, wanted: Classify, call: Call) -> tuple[str, Json]:
    """The route that a model chose, and why; `else` where none fits."""
    given = RouteInput(text=fill(wanted.input, call.scope), routes=wanted.routes)
    async with call.slot(step), recorded(call) as scope:
        model = staff_of(call).model(scope, "planner", wanted.model)
        chosen = await router(model).ainvoke(given)
    return chosen.route or ELSE, {"why": chosen.why, "confidence": chosen.confidence}
