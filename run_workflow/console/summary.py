"""How a run stands, for a person: the report's place and accuracy first, then what is missing and what it used."""

from rich.text import Text

from run_workflow.console.requests import to_yaml
from run_workflow.console.screen import Screen
from run_workflow.console.words import FATES, STYLES, count, dollars, moment, one_line, plural
from run_workflow.documents import RequestBody, RunDocument, WaitBody
from state.context import EXTRACTIVE
from state.research import Missing
from state.runs import SERVED, VERSION_SIGN, Usage
from tools.numerals import percent

_OUTCOMES = {
    "published": "The report is published.",
    "not_established": "The sources do not establish an answer; the report says where was looked.",
    "rejected": "The work was rejected at an approval; there is no report on the question.",
}
_STATES = {
    "waiting_approval": "waits for an approval",
    "answered": "has its answer and can go on",
    "interrupted": "was interrupted; nothing is lost",
    "paused": "is paused; nothing is lost",
    "waits": "waits; no process is needed meanwhile",
    "timed_out": "was ended: the time that it may work is over",
    "running": "is going on",
    "initializing": "has not begun",
    "failed": "failed",
    "rolling_back": "is being undone",
    "rolled_back": "was undone",
    "rollback_failed": "could not be undone wholly; a resume undoes the rest",
    "cancelled": "was cancelled",
    "completed": "is completed",
}


def summarise(screen: Screen, document: RunDocument) -> None:
    """Prints the summary; nothing with `--json`."""
    if document.status == "completed" and document.outcome:
        screen.say(_OUTCOMES.get(document.outcome, document.outcome), "bold")
    else:
        word = "waits" if document.status == "paused" and document.waits else document.status
        state = _STATES.get(word, word.replace("_", " "))
        screen.say(f"Run {document.id} {state}.", f"bold {STYLES.get(document.status, '')}".strip())
    if document.error:
        screen.say(f"  {one_line(document.error)}")
    for label, text in _facts(document):
        screen.say(f"  {label:<18} {text}")
    _list(screen, "It waits for", [_awaited(wait) for wait in document.waits])
    _list(screen, "Missing", [missing_text(item) for item in document.missing])
    _list(screen, "Open defects", document.defects)
    if document.outputs is not None:
        screen.say("Outputs:")
        screen.text(to_yaml(document.outputs))
    if document.commands:
        served = document.graph.endswith(SERVED)
        screen.say("Only the LangGraph server can go on with it. To end it:" if served else "Go on with:")
        for line in document.commands:
            screen.say(f"  {line}")


def missing_text(item: Missing) -> str:
    """`costs (timed out): its time limit was over`; of a branch that found nothing its focus and that alone."""
    ended = "" if item.status == "completed" else f" ({item.status.replace('_', ' ')})"
    return f"{item.focus}{ended}: {item.reason}"


def usage_text(usage: Usage, free: bool = False) -> str:
    """`12 model calls, 30 tool calls, 48.2k tokens, $0.12`; no tokens where only our own, `free` model works."""
    if free:
        return f"no language model, {plural(usage.tool_calls, 'tool call')}, no cost"
    parts = [plural(usage.model_calls, "model call"), plural(usage.tool_calls, "tool call")]
    parts.append(f"{count(usage.tokens)} tokens")
    if usage.unpriced_calls:
        parts.append(f"{dollars(usage.money)} and {plural(usage.unpriced_calls, 'call')} without a known price")
    else:
        parts.append(dollars(usage.money))
    return ", ".join(parts)


def _facts(document: RunDocument) -> list[tuple[str, str]]:
    facts = []
    if document.files:
        facts += [("report", document.files.report), ("page", document.files.page)]
        facts += [("chart", path) for path in document.files.charts if path.endswith(".png")]
        facts.append(("bundle", document.files.bundle))
    if document.citation_accuracy is not None and document.outcome == "published":
        facts.append(("citation accuracy", percent(document.citation_accuracy)))
    facts += [("timeout", _timeout(request)) for request in document.waiting if request.expires_at]
    facts += [(name, one_line(str(value))) for name, value in (document.metrics or {}).items()]
    if document.outputs_file:
        facts.append(("outputs", document.outputs_file))
    if document.folder:
        facts.append(("files", document.folder))
    if VERSION_SIGN not in document.graph or document.usage != Usage():
        facts.append(("used", usage_text(document.usage, document.models == (EXTRACTIVE,))))
    return [*facts, ("run", document.id)]


def _awaited(wait: WaitBody) -> str:
    parts = [f"the event {wait.event}" if wait.event else "", f"until {moment(wait.wakes_at)}" if wait.wakes_at else ""]
    return f"{wait.step}: {' '.join(part for part in parts if part)}"


def _timeout(request: RequestBody) -> str:
    when = moment(request.expires_at) if request.expires_at else ""
    return f"from {when} on the {request.point} is {FATES[request.on_timeout]}, at the next `show` or `resume`"


def _list(screen: Screen, heading: str, items: tuple[str, ...] | list[str]) -> None:
    if items:
        screen.say(f"{heading}:")
        screen.show(*(Text(f"  - {one_line(item)}") for item in items))
