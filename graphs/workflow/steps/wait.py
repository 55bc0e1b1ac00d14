"""`wait`: until a time has come. No process sleeps meanwhile: the run is put away and taken up again."""

from datetime import datetime, timedelta
from typing import Any

from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Request, StepFailed, Waiting
from graphs.workflow.running import Call
from state.workflow.steps import WaitStep


async def wait(step: WaitStep, call: Call) -> Any:
    """`{"until": …}` when the time has come. Raises Waiting before, StepFailed where it names no time."""
    until = datetime.fromisoformat(call.note["until"]) if "until" in call.note else _end(step, call)
    if call.run.clock.now() < until:
        raise Waiting((Request(call.request_id(), call.path, wakes_at=until),), {"until": until.isoformat()})
    return {"until": until.isoformat()}


def _end(step: WaitStep, call: Call) -> datetime:
    """The time at which the waiting ends."""
    given = fill(step.duration if step.duration is not None else step.until, call.scope)
    try:
        if step.duration is not None:
            return call.run.clock.now() + timedelta(seconds=float(given))
        until = datetime.fromisoformat(str(given))
    except (ValueError, TypeError, OverflowError) as error:
        raise StepFailed(f"{given!r} is neither seconds nor a time.", "bad_input") from error
    if until.tzinfo is None:
        raise StepFailed(f"{given!r} has no time zone: add Z or +01:00.", "bad_input")
    return until
