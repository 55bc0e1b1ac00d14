"""The commands and their help texts; what they do stands in the modules beside this one, imported when called."""

from typing import Any

import typer
from typer.core import TyperGroup

from run_workflow.cli import options, options_here
from run_workflow.cli.mcp_options import Mcp
from run_workflow.cli.records import takes
from run_workflow.cli.session import EXIT_CODES, PROGRAM, perform

_EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."
_SETTINGS = {"help_option_names": ["-h", "--help"]}
_LOOK, _ANSWER, _GO, _HERE = "Look at runs", "Answer approvals", "Start and go on", "This installation"


class ByName(TyperGroup):
    """`run NAME` is short for `run workflow NAME`, where NAME is no command of its own."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_name = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().resolve_command(ctx, ["workflow", *args] if is_name else args)


class RunFirst(TyperGroup):
    """Shows `run`, the group that everything begins with, before the single commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: name != "run")


app = typer.Typer(
    cls=RunFirst,
    name="stretto",
    help="Teams of agents that answer a question from your sources, with a report in which every claim is cited; and "
    "processes of your own, written as YAML, that survive whatever stops them.\n\n"
    f'Try: {PROGRAM} run research "How fast does it grow?" --sources DIR',
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
run_app = typer.Typer(
    cls=ByName,
    no_args_is_help=True,
    help="Start a run: of research, or of a workflow by its NAME or FILE.",
    epilog=_EPILOG,
    context_settings=_SETTINGS,
)
app.add_typer(run_app, name="run", rich_help_panel=_GO)


@run_app.command(epilog=_EPILOG)
@takes(options.Research)
def research(context: typer.Context, wanted: options.Research) -> None:
    """Answer a question from your sources with a cited report.

    Needs no key: without a model the report quotes and computes from the sources only.

    Example: python -m run_workflow run research "Which isolation levels are there?" --sources docs --approve plan
    """
    from run_workflow.cli.research import research as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@run_app.command(epilog=_EPILOG)
@takes(options.RunWorkflow)
def workflow(context: typer.Context, wanted: options.RunWorkflow) -> None:
    """Run a workflow; `run NAME` is short for it.

    The run keeps the version that it began with, whatever becomes of the file.

    Example: python -m run_workflow run order.yaml --input customer=ann --input amount=250
    """
    from run_workflow.cli.workflows import run as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command("list", rich_help_panel=_LOOK, epilog=_EPILOG)
@takes(options.List)
def list_runs(context: typer.Context, wanted: options.List) -> None:
    """List the newest runs, or the workflows that can be run.

    Example: python -m run_workflow list --status waiting_approval
    """
    from run_workflow.cli.views import list_runs as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_LOOK, epilog=_EPILOG)
@takes(options.Show)
def show(context: typer.Context, wanted: options.Show) -> None:
    """Show a run: its steps, what it waits for, what it used; or a workflow: its inputs, steps and versions.

    Example: python -m run_workflow show last
    """
    from run_workflow.cli.views import show as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_LOOK, epilog=_EPILOG)
@takes(options.OneRun)
def timeline(context: typer.Context, wanted: options.OneRun) -> None:
    """Show what happened when: steps, answers, stops.

    Example: python -m run_workflow timeline last
    """
    from run_workflow.cli.views import timeline as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_LOOK, epilog=_EPILOG)
@takes(options.Verify)
def verify(context: typer.Context, wanted: options.Verify) -> None:
    """Check that nobody changed the record of a run, or the bundle of a report.

    Of a run the audit chain is checked. Of a bundle, without the database: files, passages, citations, charts, the
    report itself and the run's audit chain.

    Example: python -m run_workflow verify last, or: verify reports/RUN/bundle.zip
    """
    from run_workflow.cli.views import verify as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_LOOK, epilog=_EPILOG)
@takes(options.Report)
def report(context: typer.Context, wanted: options.Report) -> None:
    """Write the files of a run's report again.

    Example: python -m run_workflow report last --out reports
    """
    from run_workflow.cli.views import report as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_ANSWER, epilog=_EPILOG)
@takes(options.Approve)
def approve(context: typer.Context, wanted: options.Approve) -> None:
    """Approve what a run waits for, and go on with it.

    Example: python -m run_workflow approve last
    """
    _give(context, wanted)


@app.command(rich_help_panel=_ANSWER, epilog=_EPILOG)
@takes(options.Reject)
def reject(context: typer.Context, wanted: options.Reject) -> None:
    """Reject it: the work is done again with your message, and asked about again.

    Example: python -m run_workflow reject last --message "Leave out the marketing pages"
    """
    _give(context, wanted)


@app.command(rich_help_panel=_ANSWER, epilog=_EPILOG)
@takes(options.Edit)
def edit(context: typer.Context, wanted: options.Edit) -> None:
    """Change it, and go on with what you wrote.

    Example: python -m run_workflow show last --args > plan.yaml, change the file, then
    python -m run_workflow edit last --file plan.yaml
    """
    _give(context, wanted)


@app.command(rich_help_panel=_ANSWER, epilog=_EPILOG)
@takes(options.Respond)
def respond(context: typer.Context, wanted: options.Respond) -> None:
    """Go on with it, and give the agents a message to mind.

    Example: python -m run_workflow respond last --message "Prefer figures from after 2015"
    """
    _give(context, wanted)


@app.command(rich_help_panel=_GO, epilog=_EPILOG)
@takes(options.Resume)
def resume(context: typer.Context, wanted: options.Resume) -> None:
    """Go on with a run that was interrupted, killed, or failed; nothing that was done is done again.

    With --due, go on with all runs that nobody works on although they were interrupted, or an answer, an event or a
    time that they waited for has come: one command to call every minute, by cron or a timer.

    Example: python -m run_workflow resume last
    """
    from run_workflow.cli.answers import resume as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_ANSWER, epilog=_EPILOG)
@takes(options.Event)
def event(context: typer.Context, wanted: options.Event) -> None:
    """Send an event to a run of a workflow, and go on with it; one that comes early is kept.

    Example: python -m run_workflow event last paid --data '{"amount": 20}'
    """
    from run_workflow.cli.workflows import send_event as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_GO, epilog=_EPILOG)
@takes(options.Fork)
def fork(context: typer.Context, wanted: options.Fork) -> None:
    """Copy a run up to a step, change something, and go on with the copy.

    Example: python -m run_workflow fork last --at dispatch --set question="And in 2023?"
    """
    from run_workflow.cli.answers import fork as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_GO, epilog=_EPILOG)
@takes(options.OneRun)
def cancel(context: typer.Context, wanted: options.OneRun) -> None:
    """End a run for good.

    Example: python -m run_workflow cancel last
    """
    from run_workflow.cli.answers import cancel as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Check)
def check(context: typer.Context, wanted: options_here.Check) -> None:
    """Check workflow files, and say where what is wrong, and what to write instead.

    Nothing is run, and no database is needed. With warnings only, the exit code is 0; with an error it is 2.

    In a file, workflow.NAME names an input or a variable, $STEP.FIELD the output of a step, and ${STEP.FIELD} or
    ${workflow.NAME} either of them within a longer text; $item, $index, $last, $output and $error are values around a
    step. What each field takes, --schema tells.

    Example: python -m run_workflow check order.yaml
    """
    from run_workflow.cli.checking import check as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Test)
def test(context: typer.Context, wanted: options_here.Test) -> None:
    """Run the test cases of a workflow, and say which end as they must: for order.yaml those in order.tests.yaml.

    Nothing leaves this process: no database is needed, no key is used, nothing is sent. What comes back from tools
    that reach outside, what people answer and which events come, the cases say. The exit code is 0 where all end as
    they must, 1 where one does not, and 2 where the file of cases is wrong, empty or not there.

    Example: python -m run_workflow test order_processing
    """
    from run_workflow.cli.testing import test as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Tools)
def tools(context: typer.Context, wanted: options_here.Tools) -> None:
    """List the tools that workflows may call, or show what one of them takes and gives back.

    Example: python -m run_workflow tools http
    """
    from run_workflow.cli.inspection import tools as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Graph)
def graph(context: typer.Context, wanted: options_here.Graph) -> None:
    """Draw a graph or a workflow file, as Mermaid text or as a picture.

    Example: python -m run_workflow graph research --format png --out research.png
    """
    from run_workflow.cli.inspection import graph as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Doctor)
def doctor(context: typer.Context, wanted: options_here.Doctor) -> None:
    """Check Python, PostgreSQL, settings, models and disk, and say what to do.

    Example: python -m run_workflow doctor --settings
    """
    from run_workflow.cli.inspection import doctor as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(options_here.Studio)
def studio(context: typer.Context, wanted: options_here.Studio) -> None:
    """Serve research and all workflows, your own too, to LangGraph Studio and its SDK, until it is interrupted.

    Workflow files that are added or renamed are there when it is started again; what is changed in one, at once.

    Example: python -m run_workflow studio --port 2024
    """
    from run_workflow.cli.studio import studio as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


@app.command(rich_help_panel=_HERE, epilog=_EPILOG)
@takes(Mcp)
def mcp(context: typer.Context, wanted: Mcp) -> None:
    """Offer tools and workflows to a client of the Model Context Protocol, until it is gone or Ctrl-C.

    The client starts this command and speaks with it over standard input and output; with --port it asks over HTTP.

    Example: python -m run_workflow mcp --show
    """
    from run_workflow.cli.mcp import mcp as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))


def _give(context: typer.Context, wanted: options.Approve) -> None:
    from run_workflow.cli.answers import give as work

    perform(context, wanted.as_json, lambda desk: work(desk, wanted))
