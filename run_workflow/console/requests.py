"""An approval request as a person reads it: plan, claims, figures of the gate, or draft."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import yaml
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from run_workflow.console.screen import table
from run_workflow.console.words import FATES, moment
from run_workflow.console.words import clean as without_controls
from state.evidence import Contradiction
from state.research import Branch, GateReport, Plan
from state.runs import ApprovalRecord, Json
from tools.plain_sight import cut, made_visible

_DECISIONS = {
    "approve": "go on with what is shown",
    "edit": "go on with what you write instead",
    "reject": "do it again, with your message",
    "respond": "go on, and mind your message",
}


def request_view(record: ApprovalRecord) -> RenderableType:
    """The whole request: what is asked, the thing itself where there is one, who may answer and until when."""
    action = record.request.action
    heading = Text(f"Approval at {record.point}: ", style="bold yellow")
    heading.append(clean(action.description), style="default")
    view = _VIEWS.get(action.name, _as_yaml)
    thing = [Padding(view(action.args), (1, 0, 1, 2))] if action.args else []
    return Group(heading, *thing, Text(_conditions(record), style="dim"))


def decisions_of(record: ApprovalRecord) -> Mapping[str, str]:
    """The decisions that this request allows, each with what it means."""
    allowed = record.request.review_configs[0].allowed_decisions
    meanings = _DECISIONS if is_of_research(record) else {**_DECISIONS, "reject": "say no: the step fails"}
    return {name: meaning for name, meaning in meanings.items() if name in allowed}


def is_of_research(record: ApprovalRecord) -> bool:
    """Whether it is one of research, where a rejected piece of work is done again; in a workflow its step fails."""
    return record.request.action.name in _VIEWS


def to_yaml(value: object) -> str:
    """The value as YAML that a person can edit: keys in their order, lines of a text below its name, and what nobody
    sees in quotes, as escapes that are read back as they were.
    """
    return made_visible(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


class _Dumper(yaml.SafeDumper):
    """Writes texts in the form in which none can pass for more than one value."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if made_visible(text) != text else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _conditions(record: ApprovalRecord) -> str:
    policy = record.request.policy
    parts = [f"request {record.id}"]
    if policy.approvers:
        parts.append(f"may be answered by {', '.join(policy.approvers)}")
    if record.expires_at:
        parts.append(f"waits until {moment(record.expires_at)}; {fate(record)}")
    return clean("; ".join(parts))


def fate(record: ApprovalRecord) -> str:
    """What becomes of the request when nobody answers in time."""
    return f"then it is {FATES[record.request.policy.on_timeout]} by itself"


def settled(record: ApprovalRecord) -> str:
    """How the request was answered, and by whom."""
    if record.answer is None:
        return "nobody needs to answer it any more"
    decision = record.answer.decision
    if record.status == "expired":
        return f"nobody answered in time, so it is {FATES[record.request.policy.on_timeout]}"
    return one_line(f"{decision.type} by {record.answered_by or record.answer.by}")


def _as_yaml(args: Json) -> RenderableType:
    return Text(clean(to_yaml(cut(args)).rstrip()))


def _plan(args: Json) -> RenderableType:
    plan = Plan.model_validate(args["plan"])
    rows = table("branch", "kind", "agent", "looks at", "priority", "limits", right=["priority"])
    for branch in plan.branches:
        limits = branch.limits
        bound = [f"{limits.seconds:g} s", f"{limits.tokens:,} tokens", f"{limits.tool_calls} tool calls"]
        if limits.money is not None:
            bound.append(f"${limits.money:g}")
        focus = "; ".join([branch.focus, *(f"table {uri}" for uri in branch.tables)])
        name = branch.id + (" (required)" if branch.required else "")
        cells = (name, branch.kind, _agent(branch), focus, str(branch.priority), ", ".join(bound))
        rows.add_row(*map(_cell, cells))
    questions = _lines([f"{number}. {text}" for number, text in enumerate(plan.sub_questions, start=1)])
    others = {"Coordinated": plan.coordinator, "Written": plan.writer}
    told = " ".join(f"{done} by {name}." for done, name in others.items() if name)
    why = Text(one_line(f"Mode: {plan.mode}. {plan.why} {told}"))
    return Group(why, Text(), Text("Questions", style="bold"), questions, Text(), rows)


def _agent(branch: Branch) -> str:
    """Who does a branch, and what it was told of how."""
    how = branch.agent.research or branch.agent.analysis
    told = [f"{name.replace('_', ' ')}: {value}" for name, value in how if value is not None] if how else []
    return "; ".join(filter(None, [branch.agent.name, *told]))


def _merge(args: Json) -> RenderableType:
    rows = table("claim", "verdict", "confidence", "text", right=["confidence"])
    for claim in args["claims"]:
        cells = (claim["id"], claim["verdict"], f"{claim['confidence']:.2f}", claim["text"])
        rows.add_row(*map(_cell, cells))
    found = [Contradiction.model_validate(item) for item in args.get("contradictions", ())]
    return Group(rows, *(_contradiction(item) for item in found))


def _contradiction(found: Contradiction) -> RenderableType:
    sides = [
        f"{'>' if side.claim_id == found.preferred else ' '} {side.claim_id}: {one_line(side.statement)}"
        for side in found.sides
    ]
    heading = Text(f"\nContradiction {found.id} on {one_line(found.subject)}", style="bold")
    return Group(
        heading,
        _lines(sides),
        Text(one_line(f"Preferred: {found.preferred or 'neither'}, because {found.why}"), style="dim"),
    )


def _gate(args: Json) -> RenderableType:
    gate = GateReport.model_validate(args)
    rows = table("measure", "share", right=["share"])
    for name in ("score", "coverage", "citation_validity", "agreement", "completeness"):
        rows.add_row(name.replace("_", " "), f"{getattr(gate, name):.2f}")
    notes = [
        *(f"Not covered: {text}" for text in gate.uncovered),
        *(f"Defect: {text}" for text in gate.defects),
    ]
    return Group(Text(f"Decision: {gate.decision}", style="bold"), rows, _lines(notes))


def _report(args: Json) -> RenderableType:
    parts: list[RenderableType] = [Text(one_line(str(args["title"])), style="bold")]
    for section in args["sections"]:
        parts.append(Text("\n" + one_line(str(section["heading"])), style="underline"))
        for sentence in section["sentences"]:
            line = Text(one_line(sentence["text"]))
            if cited := sentence.get("passages"):
                line.append(f" [{', '.join(cited)}]", style="dim")
            parts.append(line)
    return Group(*parts)


def clean(text: str) -> str:
    """A text as a person is to decide on it: without control characters, and with what nobody sees made visible."""
    return made_visible(without_controls(text))


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def _cell(value: str) -> Text:
    return Text(one_line(value))


def _lines(texts: Sequence[str] | Iterable[str]) -> Text:
    return Text("\n".join(clean(text) for text in texts))


_VIEWS: Mapping[str, Callable[[Json], RenderableType]] = {
    "approve_plan": _plan,
    "approve_merge": _merge,
    "approve_gate": _gate,
    "approve_report": _report,
}
"""By the action's name; any other is shown as YAML."""
