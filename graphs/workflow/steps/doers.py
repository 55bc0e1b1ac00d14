"""Steps in which a model or an agent does the work: `react`, `worker`, and an `action` with `chain` or `agent`."""

from functools import partial
from typing import Any

from pydantic import ValidationError

from chains.registry import CHAINS
from graphs.workflow.mapping import references_in
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.problems import suggestion
from graphs.workflow.references import parse
from graphs.workflow.running import Call
from graphs.workflow.steps.agent_work import Job, done, limits_of, recorded, staff_of, told
from state.workflow.steps import ActionStep, ReactStep, WorkerStep

_TASK = "task"
_FAULTS = 5


async def chain(step: ActionStep, call: Call) -> Any:
    """What the chain gives back, as an object. Raises StepFailed (`bad_input`) where its input does not fit."""
    named = CHAINS.get(step.chain or "")
    if named is None:
        raise StepFailed(f"There is no chain {step.chain!r}. {suggestion(step.chain or '', CHAINS)}", "bad_input")
    try:
        given = named.given.model_validate(call.input)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:_FAULTS]]
        raise StepFailed(f"The input does not fit the chain {named.name}: {'; '.join(said)}.", "bad_input") from error
    async with recorded(call) as scope:
        result = await named.build(partial(staff_of(call).model, scope)).ainvoke(given)
    return result.model_dump(mode="json")


async def agent(step: ActionStep, call: Call) -> Any:
    """What the agent of a name, or the best one for a capability, gives back.

    Its task is the input `task`, or else the step's name; the other inputs are its material. Where the step has an
    `output_validation` and no `output_mapping`, the answer has that form; else it is text.
    """
    material = {name: value for name, value in call.input.items() if name != _TASK}
    limits = staff_of(call).context.limits.model_copy(update={"seconds": step.timeout})
    job = Job(
        task=str(call.input.get(_TASK) or step.label),
        material=material,
        limits=limits,
        schema=None if step.output_mapping else step.output_validation,
        is_outside=any(True for _ in references_in(step.input_mapping.get(_TASK))),
        agent=step.agent,
        capability=step.agent_capability,
    )
    return await done(job, call)


async def react(step: ReactStep, call: Call) -> Any:
    """What the agent gives back when its task is done: a value of the `output_schema`, or text."""
    return await done(_job(step, call, step.agent_capability), call)


async def worker(step: WorkerStep, call: Call) -> Any:
    """The same of a specialist, who is chosen by what the step needs."""
    if not step.task:
        raise StepFailed(f"The worker {step.id!r} has no task.", "bad_input")
    return await done(_job(step, call, step.capability), call)


def _job(step: ReactStep | WorkerStep, call: Call, capability: str | None) -> Job:
    task, values = told(step.task, call.scope)
    return Job(
        task=task,
        material={**call.input, **values},
        limits=limits_of(step.limits, step.timeout),
        schema=step.output_schema,
        tools=step.tools,
        allowed=step.without_approval,
        is_outside=parse(step.task) is not None,
        model=step.model,
        capability=capability,
    )
