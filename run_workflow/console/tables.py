"""Tables of `list`, `show`, `timeline`, `test`, `tools` and `doctor`."""

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from run_workflow.console.events import event_words, facts
from run_workflow.console.picture import BRANCHES
from run_workflow.console.screen import table
from run_workflow.console.words import STEP_NAMES, STYLES, duration, moment, one_line, step_name
from run_workflow.documents import BundleCheckBody, CheckBody, EntryBody, RunLine, SettingBody
from run_workflow.workflow_documents import CaseBody, OfferedBody, ToolBody
from state.agents import AGENT_SIGN
from state.runs import Json, StepRecord

_STATES = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def run_table(runs: Iterable[RunLine]) -> Table:
    """The runs of a list."""
    rows = table("run", "status", "began", "question")
    for run in runs:
        status = Text(run.status.replace("_", " "), style=STYLES.get(run.status, ""))
        rows.add_row(run.id, status, moment(run.created_at), one_line(run.question or run.graph))
    return rows


def step_table(steps: Sequence[StepRecord], free: bool = False, *, is_workflow: bool = False) -> Table:
    """The steps of a run as a tree: branches below the step that sent them; no tokens where no model is paid for."""
    rows = table("step", "status", "time", "tries", "result", right=["time", "tries"])
    seen: set[str] = set()
    for step in steps:
        indent = "  " if step.path.startswith(BRANCHES) else ""
        again = " again" if step.path in seen else ""
        seen.add(step.path)
        status = Text(step.status, style=STYLES.get(step.status, ""))
        time = duration((step.ended_at - step.started_at).total_seconds()) if step.ended_at else ""
        told = one_line(step.error or facts(_beside(step, free)))
        rows.add_row(f"{indent}{_name(step.path, is_workflow)}{again}", status, time, str(step.attempts), told)
    return rows


def places_to_fork(steps: Sequence[StepRecord], *, is_workflow: bool = False) -> str:
    """The steps that a copy can begin at, by the names that `fork --at` takes; nothing where there are none."""
    if is_workflow:
        return ", ".join(dict.fromkeys(step.path for step in steps if not {".", "[", "/"} & set(step.path)))
    own = (step.path for step in steps if AGENT_SIGN not in step.path and not step.path.startswith(BRANCHES))
    names = dict.fromkeys(own)
    return ", ".join(f"{name} ({STEP_NAMES[name]})" if name in STEP_NAMES else name for name in names)


def _beside(step: StepRecord, free: bool) -> Json:
    """The result with the step's own figures, without the status that stands in a column of its own, and without

    tokens that nobody pays for.
    """
    result, hidden = step.result or {}, ("tokens",) if free else ()
    told = {**result, **result.get("metrics", {})}
    return {key: value for key, value in told.items() if key not in hidden and value != step.status}


def timeline_table(entries: Iterable[EntryBody], *, is_workflow: bool = False) -> Table:
    """What happened when, and by whom."""
    rows = table("time", "what", "by", "details")
    for entry in entries:
        if entry.event is not None:
            what, details = event_words(entry.event)
            rows.add_row(moment(entry.at), what, one_line(entry.event.actor), details)
        elif entry.step is not None:
            step = entry.step
            took = f" after {duration((step.ended_at - step.started_at).total_seconds())}" if step.ended_at else ""
            rows.add_row(
                moment(entry.at), _name(step.path, is_workflow), "", one_line(f"{step.status}{took} {step.error or ''}")
            )
    return rows


def check_table(checks: Iterable[CheckBody]) -> Table:
    """What doctor found."""
    rows = table("", "what", "found")
    for check in checks:
        found = Text(one_line(check.found))
        if check.remedy:
            found.append(f"\n{one_line(check.remedy)}", style="bold")
        rows.add_row(Text(check.state, style=_STATES[check.state]), check.name, found)
    return rows


def bundle_table(findings: Iterable[BundleCheckBody]) -> Table:
    """What the checks of a bundle found."""
    rows = table("", "what", "found")
    for each in findings:
        state = Text("ok", style="green") if each.ok else Text("fault", style="bold red")
        rows.add_row(state, each.name, one_line(each.found))
    return rows


def case_table(cases: Iterable[CaseBody]) -> Table:
    """The test cases of a workflow."""
    rows = table("case", "verdict", "run")
    for case in cases:
        verdict = Text("ok", style="green") if case.ok else Text("wrong", style="bold red")
        status = Text(case.status.replace("_", " "), style=STYLES.get(case.status, ""))
        rows.add_row(case.name, verdict, status)
    return rows


def setting_table(settings: Iterable[SettingBody]) -> RenderableType:
    """All settings."""
    rows = table("variable", "key in the file", "now", "what it is")
    for setting in settings:
        what = one_line(setting.description + (f" Default: {setting.default}." if setting.default else ""))
        rows.add_row(setting.variable, setting.key, one_line(setting.value), what)
    return rows


def tool_table(tools: Iterable[ToolBody]) -> Table:
    """The tools of the registry."""
    rows = table("tool", "version", "category", "side effects", "what it does", right=["version"])
    for tool in tools:
        effects = Text(tool.side_effects, style="yellow" if tool.side_effects == "write" else "")
        rows.add_row(tool.name, tool.version, tool.category, effects, one_line(tool.description))
    return rows


def offer_table(tools: Iterable[OfferedBody]) -> Table:
    """What MCP clients are offered."""
    rows = table("tool", "writes", "what it does")
    for tool in tools:
        rows.add_row(tool.name, Text("yes", style="yellow") if tool.writes else "", one_line(tool.description))
    return rows


def _name(path: str, is_workflow: bool) -> str:
    """The step as a person knows it; the work of an agent at it says whose it is."""
    step, _, agent = path.partition(AGENT_SIGN)
    name = step.removeprefix(BRANCHES) if step.startswith(BRANCHES) else step_name(step, is_workflow)
    return f"{name}, by {agent}" if agent else name
