"""`wait`: until a time has come, or an event. No process sleeps meanwhile: the run is put away and taken up again.

Whether an event came in time is not decided here: whoever keeps the run has one winner, and the step is told.
"""

from datetime import datetime, timedelta
from typing import Any

from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Request, StepFailed, Waiting
from graphs.workflow.running import Call
from state.workflow.steps import WaitStep


async def wait(step: WaitStep, call: Call) -> Any:
    """`{"until": …}` when the time has come, or the data of the event.

    Raises Waiting before; StepFailed where it names no time, and (`timeout`) where the event did not come in time.
    """
    if step.event is not None:
        return _event(step.event, step, call)
    until = datetime.fromisoformat(call.note["until"]) if "until" in call.note else _end(step, call)
    if call.request_id() not in call.run.answers and call.run.clock.now() < until:
        raise Waiting((Request(call.request_id(), call.path, wakes_at=until),), {"until": until.isoformat()})
    return {"until": until.isoformat()}


def _event(name: str, step: WaitStep, call: Call) -> Any:
    answer = call.run.answers.get(call.request_id())
    if answer is None:
        named = str(call.note.get("event") or fill(name, call.scope))
        until = call.note.get("until") or _timeout(step, call)
        wakes_at = datetime.fromisoformat(until) if until else None
        request = Request(call.request_id(), call.path, wakes_at=wakes_at, event=named, transient=step.transient)
        raise Waiting((request,), {"event": named, "until": until})
    if "data" not in answer:
        raise StepFailed(f"The event {call.note.get('event', name)!r} did not come in time.", "timeout", final=True)
    return answer["data"]


def _timeout(step: WaitStep, call: Call) -> str | None:
    if step.event_timeout is None:
        return None
    return (call.run.clock.now() + timedelta(seconds=step.event_timeout)).isoformat()


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
