"""What happened to a run, in words; `--json` has the events and results as they are stored."""

from collections.abc import Callable, Mapping

from run_workflow.console.words import count, one_line
from state.runs import AuditEvent, Json

_WHAT: Mapping[str, str] = {
    "run.created": "the run was made",
    "run.started": "work began",
    "run.resumed": "work went on",
    "run.waiting": "it waits for an answer",
    "run.paused": "work was paused",
    "run.timed_out": "the time that it may work was over",
    "event.sent": "an event came",
    "event.taken": "a step had its event",
    "event.freed": "the step was cancelled first: its event is free",
    "wait.over": "a time was over",
    "run.completed": "the run ended",
    "run.failed": "the run failed",
    "run.rolling_back": "undoing began",
    "run.rollback_paused": "undoing was paused",
    "run.rolled_back": "the run was undone",
    "run.rollback_failed": "undoing failed",
    "sla.missed": "a promise was missed",
    "run.cancelled": "the run was cancelled",
    "run.cancel_requested": "somebody asked to cancel it",
    "run.forked": "a copy was made",
    "run.lent": "a LangGraph server took it on",
    "lease.taken_over": "another process took it over",
    "approval.requested": "an approval was asked for",
    "approval.answered": "an approval was answered",
    "approval.expired": "nobody answered in time",
}
_DETAILS: Mapping[str, Callable[[Json], str]] = {
    "run.created": lambda data: _copied("copied from", data.get("parent"), data),
    "run.forked": lambda data: _copied("the copy is", data.get("child"), data),
    "run.failed": lambda data: str(data.get("error", "")),
    "run.timed_out": lambda data: str(data.get("error", "")),
    "run.paused": lambda data: "waits for " + ", ".join(data["waits_for"]) if data.get("waits_for") else "",
    "run.rolling_back": lambda data: str(data.get("cause", "")),
    "run.rolled_back": lambda data: ", ".join(data.get("undone", ())),
    "run.rollback_failed": lambda data: str(data.get("error", "")),
    "sla.missed": lambda data: f"{data['target']}: promised {data['promised']:g}, was {data['was']:g}",
    "lease.taken_over": lambda data: f"from {data.get('from', 'a process')}, which had ended or stalled",
    "approval.requested": lambda data: str(data.get("action", "")).removeprefix("approve_"),
    "approval.answered": lambda data: f"{data.get('point', '')}: {data.get('decision', '')}",
    "approval.expired": lambda data: f"the timeout policy said {data.get('decision', '')}",
}
_LEFT_OUT = ("fence", "definition", "request", "requests", "graph", "order", "key")
"""What only programs ask for: numbers of leases, hashes, ids of requests, the how many-th step one was."""


def event_words(event: AuditEvent) -> tuple[str, str]:
    """What happened, and the details that a person may want."""
    what = _WHAT.get(event.event, event.event.replace(".", " ").replace("_", " "))
    told = _DETAILS[event.event](event.data) if event.event in _DETAILS else facts(event.data)
    return what, one_line(told)


def facts(values: Json | None) -> str:
    """A step's result or an event's data: `3 findings, 2.1k tokens, mode parallel`; nested values are left out."""
    parts = []
    for key, value in (values or {}).items():
        name = key.replace("_", " ")
        if key in _LEFT_OUT or isinstance(value, dict | list):
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            parts.append(f"{count(value)} {name.removesuffix('s') if value == 1 else name}")
        else:
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def _copied(words: str, other: object, data: Json) -> str:
    """From where a copy begins, and what was changed in it."""
    if other is None:
        return ""
    changes = ", ".join(f"{name} = {value}" for name, value in (data.get("changes") or {}).items())
    return f"{words} {other}, before {data.get('at')}" + (f", with {changes}" if changes else "")
