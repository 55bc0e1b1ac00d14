"""The arguments and options of the commands, each with its help: one record a command, shared parts inherited."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer


def _finite(value: float | None) -> float | None:
    """Refuses `inf`: a limit that is never reached is none, and cannot be stored."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no limit. Give a number, or leave the option out.")
    return value


_APPROVALS, _MODELS, _LIMITS, _END = "Approvals", "Models", "Limits", "Output"

Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, its first characters, or `last`.")]
Request = Annotated[
    str | None, typer.Argument(metavar="REQUEST", help="Id of the request; not needed where only one waits.")
]
DedupKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Start at most one run with this key; a second start goes on with it."),
]
Message = Annotated[str, typer.Option(help="What you say; the agents that work on are shown it.")]


@dataclass(frozen=True, kw_only=True)
class Common:
    """What every command takes."""

    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document; progress goes to standard error.", rich_help_panel=_END),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Going(Common):
    """What every command takes that goes on with a run."""

    out: Annotated[
        Path, typer.Option(help="Folder for reports; each goes to a folder of its run's id.", rich_help_panel=_END)
    ] = Path("output")
    if_unattended: Annotated[
        Literal["wait", "continue"],
        typer.Option(
            help="At an approval with nobody at the terminal: stop with exit code 3, or approve and say so.",
            rich_help_panel=_APPROVALS,
        ),
    ] = "wait"


@dataclass(frozen=True, kw_only=True)
class Research(Going):
    """`run research`."""

    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know, in quotes.")]
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="More sources, as a pattern like docs/*.md gives them."),
    ] = None
    sources: Annotated[
        list[str],
        typer.Option(metavar="PATH", help="File, folder or https:// page to read; may be given several times."),
    ]
    model: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER/MODEL", help="Model of all roles; without a key: extractive.", rich_help_panel=_MODELS
        ),
    ] = None
    model_for: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=PROVIDER/MODEL",
            help="Model of one role (planner, researcher, analyst, writer, critic); may be given several times.",
            rich_help_panel=_MODELS,
        ),
    ] = None
    specialise: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="YAML file that says how the agents are to work: depth, sources, charts, length, citation style; "
            "see docs/agents.md.",
        ),
    ] = None
    mode: Annotated[
        Literal["auto", "parallel", "sequential", "adaptive"],
        typer.Option(help="How the branches run; auto decides by the question.", rich_help_panel=_LIMITS),
    ] = "auto"
    approve: Annotated[
        str,
        typer.Option(
            metavar="POINTS",
            help="Stop for approval at: plan, merge, gate, report (with commas), or all.",
            rich_help_panel=_APPROVALS,
        ),
    ] = ""
    approvers: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Who may answer, anybody if not given: ann,bob for all points, or plan=ann,report=bob.",
            rich_help_panel=_APPROVALS,
        ),
    ] = ""
    approval_timeout: Annotated[
        str,
        typer.Option(
            metavar="SECONDS",
            help="How long a request waits: 600 for all points, or plan=600,report=86400.",
            rich_help_panel=_APPROVALS,
        ),
    ] = ""
    on_timeout: Annotated[
        str,
        typer.Option(
            metavar="DECISION",
            help="What happens then: approve or reject for all points, or plan=approve,report=reject.",
            rich_help_panel=_APPROVALS,
        ),
    ] = "approve"
    budget: Annotated[
        float | None,
        typer.Option(metavar="USD", min=0, callback=_finite, help="Most the run may cost.", rich_help_panel=_LIMITS),
    ] = None
    max_branches: Annotated[
        int, typer.Option(min=1, max=20, help="Most branches at a time.", rich_help_panel=_LIMITS)
    ] = 6
    branch_seconds: Annotated[
        float, typer.Option(min=0.001, callback=_finite, help="Time limit of one branch.", rich_help_panel=_LIMITS)
    ] = 300.0
    branch_tokens: Annotated[
        int, typer.Option(min=1, help="Most tokens of one branch, in and out.", rich_help_panel=_LIMITS)
    ] = 200_000
    branch_tool_calls: Annotated[
        int, typer.Option(min=1, help="Most tool calls of one branch.", rich_help_panel=_LIMITS)
    ] = 40
    branch_money: Annotated[
        float | None,
        typer.Option(
            metavar="USD", min=0, callback=_finite, help="Most that one branch may cost.", rich_help_panel=_LIMITS
        ),
    ] = None
    grace: Annotated[
        float,
        typer.Option(
            min=0,
            callback=_finite,
            help="Seconds the last quarter of the branches may go on alone.",
            rich_help_panel=_LIMITS,
        ),
    ] = 30.0
    time: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORK=SECONDS",
            help="Time limit of work outside the branches, each as it is if not given: reading=3600, planning=300, "
            "writing=600, reviewing=300; may be given several times.",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    show_orders: Annotated[
        bool,
        typer.Option(
            "--show-orders",
            help="Show models also passages that give orders to a model, for research on such orders.",
            rich_help_panel=_MODELS,
        ),
    ] = False
    max_revisions: Annotated[
        int, typer.Option(min=0, max=5, help="How often missing parts are sent again.", rich_help_panel=_LIMITS)
    ] = 1
    dedup_key: DedupKey = None
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether the estimated cost is right.")] = False


@dataclass(frozen=True, kw_only=True)
class RunWorkflow(Going):
    """`run workflow`."""

    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="A workflow as in `list --workflows`, NAME@VERSION, or a YAML file."),
    ]
    input: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE|FILE",
            help="An input, or a file of JSON or YAML with inputs (- reads standard input); may be given several "
            "times, what comes later counts.",
        ),
    ] = None
    dedup_key: DedupKey = None


@dataclass(frozen=True, kw_only=True)
class OneRun(Common):
    """Commands that look at a run."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class Verify(Common):
    """`verify`."""

    run: Annotated[str, typer.Argument(metavar="RUN|BUNDLE", help="A run as in `list`, or the bundle.zip of a report.")]


@dataclass(frozen=True, kw_only=True)
class Show(OneRun):
    """`show`."""

    run: Annotated[
        str, typer.Argument(metavar="RUN|NAME|FILE", help="A run as in `list`, or a workflow as in `list --workflows`.")
    ]
    out: Annotated[Path, typer.Option(help="Folder that the reports were written to.")] = Path("output")
    args: Annotated[
        bool, typer.Option("--args", help="Print only what the waiting request shows, as YAML: the text to edit.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Report(OneRun):
    """`report`."""

    out: Annotated[Path, typer.Option(help="Folder for reports.")] = Path("output")


@dataclass(frozen=True, kw_only=True)
class GoingOn(Going):
    """What every command takes that goes on with a run that there is."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class Resume(Going):
    """`resume`."""

    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Id of the run, its first characters, or `last`.")
    ] = None
    due: Annotated[
        bool, typer.Option("--due", help="Go on with all runs that were interrupted, or have what they waited for.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Approve(GoingOn):
    """`approve`."""

    request: Request = None
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Whether to go on with the run after the answer.")
    ] = True


@dataclass(frozen=True, kw_only=True)
class Reject(Approve):
    """`reject`."""

    message: Message


@dataclass(frozen=True, kw_only=True)
class Respond(Approve):
    """`respond`."""

    message: Message


@dataclass(frozen=True, kw_only=True)
class Edit(Approve):
    """`edit`."""

    file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="YAML or JSON of the edited request; - reads standard input. Without it your editor opens.",
        ),
    ] = None
    as_own_words: Annotated[
        bool,
        typer.Option(
            "--as-own-words",
            help="Of a report: publish what you wrote and no passage bears out, marked as your own words, not cited.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class Event(GoingOn):
    """`event`."""

    event: Annotated[str, typer.Argument(metavar="EVENT", help="The name of the event, as the step that waits has it.")]
    data: Annotated[
        str | None,
        typer.Option(metavar="JSON|FILE", help="What comes with it, the output of the step that waits: an object."),
    ] = None
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Whether to go on with a run that waited for it.")
    ] = True


@dataclass(frozen=True, kw_only=True)
class Fork(GoingOn):
    """`fork`."""

    at: Annotated[
        str, typer.Option(metavar="STEP", help="The step before which the copy begins; `show RUN` lists them.")
    ]
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Value of the state to change, of a workflow an input; JSON, or plain text.",
        ),
    ] = None
    resume: Annotated[bool, typer.Option("--resume/--no-resume", help="Whether to go on with the copy.")] = True


@dataclass(frozen=True, kw_only=True)
class List(Common):
    """`list`."""

    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20
    status: Annotated[str | None, typer.Option(help="Only runs that stand so, e.g. interrupted.")] = None
    workflows: Annotated[
        bool, typer.Option("--workflows", help="List the workflows that can be run by name instead.")
    ] = False
