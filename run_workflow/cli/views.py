"""Commands that look at runs and change nothing: list, show, timeline, verify, report."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import typer

from run_workflow.cli import options
from run_workflow.cli.ending import question_of, run_document
from run_workflow.cli.files import write_report, written_report
from run_workflow.cli.find import find_run
from run_workflow.cli.session import DONE, FAILED, WORKFLOW_SUFFIXES, Desk
from run_workflow.documents import (
    EntryBody,
    ListDocument,
    RunLine,
    ShowDocument,
    TimelineDocument,
    VerifyDocument,
)
from state.context import EXTRACTIVE, Point
from state.errors import AnswerRefused, RunError, UnknownRun
from state.runs import VERSION_SIGN, ApprovalRecord, Json, RunRecord, Standing

if TYPE_CHECKING:
    from run_workflow.console.screen import Screen
    from run_workflow.services import RunView, Services


async def list_runs(desk: Desk, wanted: options.List) -> int:
    """The newest runs, or the workflows."""
    if wanted.workflows:
        from run_workflow.cli.workflows import list_workflows

        return await list_workflows(desk)
    from run_workflow.console.tables import run_table

    statuses: tuple[Standing, ...] = get_args(Standing)
    chosen = next((status for status in statuses if status == wanted.status), None)
    if wanted.status and chosen is None:
        raise typer.BadParameter(f"{wanted.status!r} is none of {', '.join(statuses)}.", param_hint="--status")
    async with desk.services() as services:
        runs = await services.engine.list_runs(wanted.limit, chosen)
    lines = tuple(
        RunLine(
            id=run.id,
            graph=run.graph,
            status=run.standing,
            question=question_of(run),
            holder=run.holder,
            answered=run.answered,
            created_at=run.created_at,
            updated_at=run.updated_at,
        )
        for run in runs
    )
    if lines:
        desk.screen.show(run_table(lines))
    else:
        desk.screen.say("There are no runs.")
    desk.screen.document(ListDocument(runs=lines))
    return DONE


async def show(desk: Desk, wanted: options.Show) -> int:
    """One run, its steps, and what it waits for; or one workflow."""
    async with desk.services() as services:
        view = await _run_of(services, desk, wanted.run)
        if view is None:
            from run_workflow.cli.workflows import show_workflow

            return await show_workflow(desk, services, wanted.run)
    output = view.run.output or {}
    files = await asyncio.to_thread(written_report, view.run.id, wanted.out) if "report" in output else None
    document = run_document(view, files, DONE, folders=services.files)
    if wanted.args:
        return _show_args(desk.screen, document.id, [dict(request.args) for request in document.waiting])
    shown = ShowDocument(
        run=document,
        created_at=view.run.created_at,
        updated_at=view.run.updated_at,
        steps=tuple(view.steps),
        children=tuple(view.children),
    )
    passed = _points_off(view.run)
    seen = shown.model_copy(update={"steps": tuple(step for step in view.steps if step.path not in passed)})
    _tell(desk.screen, seen, [record for record in view.approvals if record.status == "pending"])
    if "report" in output and files is None:
        desk.screen.say(f"The report is not in {wanted.out}; `report {view.run.id}` writes it there.")
    desk.screen.document(shown)
    return DONE


async def _run_of(services: "Services", desk: Desk, name: str) -> "RunView | None":
    """The run that is meant; None where a workflow is. UnknownRun where there is neither."""
    if VERSION_SIGN in name or name.endswith(WORKFLOW_SUFFIXES):
        return None
    try:
        return await services.engine.show(await find_run(services.engine, name))
    except UnknownRun:
        from run_workflow.cli.workflows import is_workflow

        if is_workflow(desk.settings, name) or await services.engine.workflows.versions(name):
            return None
        raise


async def timeline(desk: Desk, wanted: options.OneRun) -> int:
    """What happened when."""
    from run_workflow.console.tables import timeline_table

    async with desk.services() as services:
        run_id = await find_run(services.engine, wanted.run)
        entries = await services.engine.timeline(run_id)
        run = (await services.engine.show(run_id)).run
    passed = _points_off(run)
    bodies = tuple(EntryBody(at=entry.at, step=entry.step, event=entry.event) for entry in entries)
    seen = (body for body in bodies if not body.step or body.step.path not in passed)
    desk.screen.show(timeline_table(seen, is_workflow=run.is_workflow))
    desk.screen.document(TimelineDocument(run=run_id, entries=bodies))
    return DONE


async def verify(desk: Desk, wanted: options.Verify) -> int:
    """Whether the audit chain of a run, or the bundle of a report, is as it was written."""
    path = Path(wanted.run)
    if _means_a_file(wanted.run) or await asyncio.to_thread(path.is_file):
        from run_workflow.cli.bundles import verify_bundle

        return await verify_bundle(desk, path)
    async with desk.services() as services:
        run_id = await find_run(services.engine, wanted.run)
        first_bad = await services.engine.verify_audit(run_id)
    if first_bad is None:
        desk.screen.say(f"The audit chain of {run_id} is whole.", "green")
    else:
        desk.screen.say(f"The audit chain of {run_id} is broken at event {first_bad}.", "bold red")
    desk.screen.document(VerifyDocument(run=run_id, whole=first_bad is None, first_bad=first_bad))
    return DONE if first_bad is None else FAILED


def _means_a_file(name: str) -> bool:
    """Whether this is a path, there or not: no id of a run has a slash or an ending."""
    return Path(name).name != name or bool(Path(name).suffix)


async def report(desk: Desk, wanted: options.Report) -> int:
    """Writes the files of a report again."""
    from run_workflow.console.summary import summarise

    async with desk.services() as services:
        view = await services.engine.show(await find_run(services.engine, wanted.run))
        files = await write_report(services, view.run, wanted.out)
    if files is None:
        raise RunError(
            f"There is no report yet; the run is {view.run.standing}.",
            place=f"run {view.run.id}",
            remedy=f"`show {view.run.id}` says how to go on with it.",
        )
    document = run_document(view, files, DONE, folders=services.files)
    summarise(desk.screen, document)
    desk.screen.document(document)
    return DONE


def _points_off(run: RunRecord) -> set[str]:
    """The steps of approval points that are switched off: the run only passes them, and a person need not see that."""
    if run.is_workflow:
        return set()
    return {f"approve_{point}" for point in get_args(Point) if point not in run.context.approvals}


def _tell(screen: "Screen", shown: ShowDocument, pending: list[ApprovalRecord]) -> None:
    from run_workflow.console.requests import request_view
    from run_workflow.console.summary import summarise
    from run_workflow.console.tables import places_to_fork, step_table
    from run_workflow.console.words import moment

    is_workflow = VERSION_SIGN in shown.run.graph
    screen.say(shown.run.question or shown.run.graph, "bold")
    screen.say(f"Began {moment(shown.created_at)}, last change {moment(shown.updated_at)}.")
    if shown.run.holder:
        screen.say(f"The process {shown.run.holder} works on it.")
    elif shown.run.status == "interrupted":
        screen.say("No process works on it: the one that did has ended.")
    if shown.run.parent:
        screen.say(f"Copied from {shown.run.parent}.")
    if shown.children:
        screen.say(f"Copies: {', '.join(shown.children)}.")
    screen.show(
        step_table(shown.steps, shown.run.models == (EXTRACTIVE,), is_workflow=is_workflow),
        *(request_view(record) for record in pending),
    )
    if places := places_to_fork(shown.steps, is_workflow=is_workflow):
        screen.say(f"`fork {shown.run.id} --at` can begin at: {places}.")
    summarise(screen, shown.run)


def _show_args(screen: "Screen", run_id: str, waiting: list[Json]) -> int:
    """The text that an edit begins with, on standard output alone."""
    from run_workflow.console.requests import to_yaml

    if len(waiting) != 1:
        number = "No request waits" if not waiting else "Several requests wait"
        raise AnswerRefused(f"{number} for an answer.", place=f"run {run_id}", remedy=f"`show {run_id}` lists them.")
    screen.text(to_yaml(waiting[0]))
    return DONE
