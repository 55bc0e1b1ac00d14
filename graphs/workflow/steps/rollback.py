"""`rollback`: undoes what was done after a step, or everything, and goes on."""

from collections.abc import Callable

from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Call
from state.runs import Json
from state.workflow.steps import RollbackStep


async def rollback(step: RollbackStep, call: Call) -> Json:
    """`{"undone": […]}`: the paths of the steps that were undone, last completed first.

    Those after `to` are the steps that depend on it, directly or by others, with all that ran within them; without
    `to` all of the run. Raises StepFailed when one cannot be undone.
    """
    async with call.run.undoing:
        await call.run.writes.settled()  # what is undone is read from the ledger
        done = await call.run.saga.undo(_after(step.to, call))
    if done.left:
        raise StepFailed(f"{done.fault.rstrip('.')}. Left as it is: {', '.join(done.left)}.", "internal")
    return {"undone": list(done.undone)}


def _after(to: str | None, call: Call) -> Callable[[str], bool]:
    """Whether a path is that of a step after `to`, or of one within such a step."""
    if to is None:
        return lambda _: True
    prefix, flow = next((prefix, flow) for prefix, flow in call.levels if to in flow.steps)
    after = flow.after(to)

    def belongs(path: str) -> bool:
        if not path.startswith(prefix):
            return False
        return path.removeprefix(prefix).partition(".")[0].partition("[")[0] in after

    return belongs
