"""`conditional`: the first way whose condition is true, the way that a model chooses, or else the last."""

from typing import Any

from graphs.workflow.level import result_of
from graphs.workflow.running import Call
from state.workflow.steps import ConditionalStep


async def conditional(step: ConditionalStep, call: Call) -> Any:
    """`{"route": …, "result": …}`: the way taken, and what its steps gave back (None where there are none)."""
    for place, case in enumerate(step.cases):
        if call.run.conditions.holds(step, case.when, call.scope):
            name = case.name or f"case {place + 1}"
            steps = case.steps
            break
    else:
        name, steps = "else", step.otherwise
    if not steps:
        return {"route": name, "result": None}
    return {"route": name, "result": result_of(await call.level("", steps))}
