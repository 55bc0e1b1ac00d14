"""`action`: one call of what does the work, a tool, a chain or an agent.

Each kind of doer is a body of its own, found by the field that names it.
"""

from collections.abc import Mapping
from typing import Any

from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Body, Call
from state.tools import ToolRegistry
from state.workflow.steps import ActionStep, Step

FIELDS = ("tool", "chain", "agent", "agent_capability")
"""The fields that name who does the step; the first that is given counts."""


def action(doers: Mapping[str, Body]) -> Body:
    """The body of action steps; `doers` has a body for each of FIELDS that can be used here."""

    async def body(step: ActionStep, call: Call) -> Any:
        kind = next(field for field in FIELDS if getattr(step, field))
        doer = doers.get(kind)
        if doer is None:
            said = f"Nothing here can do it: the step names the {kind} {getattr(step, kind)!r}."
            raise StepFailed(said, "internal", final=True)
        return await doer(step, call)

    return body


def tool_doer(tools: ToolRegistry) -> Body:
    """Calls the tool that a step names. It is given a key by which it can tell a repetition of the same call."""

    async def body(step: ActionStep, call: Call) -> Any:
        return await tools.call(str(step.tool), call.input, idempotency_key=key_of(step, call))

    return body


def key_of(step: Step, call: Call) -> str:
    """What is sent with each side effect of a step: its own key, or the run's id and the step's path."""
    return call.idempotency_key if step.idempotency_key is None else str(fill(step.idempotency_key, call.scope))
