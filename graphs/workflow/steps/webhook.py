"""`webhook`: a signed request, and, if told so, the wait for a callback.

The callback comes as an event. Its name is made from the run and the step, the same at each try, and goes out with the
request: in the header `Stretto-Callback`, and where the body is an object as `callback` in it.
"""

from datetime import datetime, timedelta
from typing import Any

from graphs.workflow.mapping import fill
from graphs.workflow.outcomes import Request, StepFailed, Waiting
from graphs.workflow.running import Body, Call
from graphs.workflow.steps.action import key_of
from state.runs import Json
from state.tools import ToolRegistry
from state.workflow.steps import WebhookStep
from tools.http.messages import MOST_SECONDS

HEADER = "Stretto-Callback"


def webhook(tools: ToolRegistry) -> Body:
    """The body of webhook steps, which sends by the tool `webhook`.

    Gives back what came back: the answer, or the data of the callback. It raises Waiting while that is not there, and
    StepFailed (`timeout`) when it did not come in time.
    """

    async def body(step: WebhookStep, call: Call) -> Any:
        if "event" in call.note:  # it was sent before
            return _callback(call, call.note)
        answer = await tools.call("webhook", _request(step, call), idempotency_key=key_of(step, call))
        if not step.wait_for_callback:
            return answer
        until = call.run.clock.now() + timedelta(seconds=step.callback_timeout)
        return _callback(call, {"event": event_of(call), "until": until.isoformat()})

    return body


def event_of(call: Call) -> str:
    """The name of the event that is the callback of a step."""
    return f"callback.{call.request_id()}"


def _callback(call: Call, note: Any) -> Any:
    answer = call.run.answers.get(call.request_id())
    if answer is None:
        until = datetime.fromisoformat(note["until"])
        raise Waiting((Request(call.request_id(), call.path, wakes_at=until, event=note["event"]),), dict(note))
    if "data" not in answer:
        raise StepFailed("The callback did not come in time.", "timeout", final=True)
    return answer["data"]


def _request(step: WebhookStep, call: Call) -> Json:
    headers, body = fill(step.headers, call.scope), call.input
    if step.wait_for_callback:
        callback = event_of(call)
        headers, body = {**headers, HEADER: callback}, {**body, "callback": callback}
    given: Json = {
        "url": fill(step.url, call.scope),
        "method": step.method,
        "headers": headers,
        "timeout": min(step.timeout, MOST_SECONDS),
    }
    if step.method not in ("GET", "DELETE") or body:
        given["body"] = body
    return given if step.secret is None else {**given, "secret": step.secret}
