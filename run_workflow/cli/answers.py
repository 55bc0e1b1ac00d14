"""Commands that answer a request, and those that take a run on."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from run_workflow.cli import options
from run_workflow.cli.session import DONE, FAILED, Desk
from state.errors import AnswerRefused, SourceError
from state.runs import ENDED, UNDOING, Answer, ApprovalRecord, Approve, Json, Reject, Respond

if TYPE_CHECKING:
    from run_workflow.cli.drive import Manner


async def resume(desk: Desk, wanted: options.Resume) -> int:
    """Goes on with a run, or with all that are due."""
    from run_workflow.cli.drive import drive, drive_due
    from run_workflow.cli.find import chosen_run

    if wanted.due == (wanted.run is not None):
        raise typer.BadParameter("Name a run, or give --due for all runs that can be gone on with.", param_hint="RUN")
    if wanted.run is None:
        async with desk.services() as services:
            return await drive_due(desk, services, wanted.out)
    async with desk.services() as services:
        run_id = await chosen_run(desk, services.engine, wanted.run)
        return await drive(desk, services, run_id, manner_of(wanted))


async def give(desk: Desk, wanted: options.Approve) -> int:
    """Answers a request, and goes on with the run unless that is not wanted."""
    from run_workflow.cli.asking import give_answer
    from run_workflow.cli.drive import drive, finish
    from run_workflow.cli.find import chosen_run, find_request

    async with desk.services() as services:
        run_id = await chosen_run(desk, services.engine, wanted.run)
        record = await find_request(services.engine, run_id, wanted.request)
        answer = await _answer(desk, wanted, record)
        if answer is not None:
            with _naming_the_file(wanted):
                await give_answer(desk.screen, services, record, answer)
            desk.screen.note(f"Answered: {answer.decision.type} at {record.point}, by {desk.settings.actor}.")
            if wanted.resume:
                return await drive(desk, services, run_id, manner_of(wanted))
        return await finish(desk, services, run_id, wanted.out, None if answer is None else DONE)


async def fork(desk: Desk, wanted: options.Fork) -> int:
    """Copies a run up to a step, with changes, and goes on with the copy."""
    from run_workflow.cli.drive import drive, finish
    from run_workflow.cli.find import chosen_run

    changes = _changes(wanted.changes or [])
    async with desk.services() as services:
        run_id = await chosen_run(desk, services.engine, wanted.run)
        copy = await services.engine.fork(run_id, at=wanted.at, changes=changes, actor=desk.settings.actor)
        desk.screen.note(f"Run {copy.id} is a copy of {run_id} from {wanted.at} on.")
        if wanted.resume:
            return await drive(desk, services, copy.id, manner_of(wanted))
        return await finish(desk, services, copy.id, wanted.out, DONE)


async def cancel(desk: Desk, wanted: options.OneRun) -> int:
    """Ends a run for good."""
    from run_workflow.cli.ending import run_document
    from run_workflow.cli.find import chosen_run
    from run_workflow.console.summary import summarise

    async with desk.services() as services:
        run_id = await chosen_run(desk, services.engine, wanted.run)
        run = await services.engine.cancel(run_id, desk.settings.actor)
        code = FAILED if run.status == "rollback_failed" else DONE
        document = run_document(await services.engine.show(run_id), None, code)
    if run.status not in ENDED | UNDOING:
        desk.screen.note("The process that works on it will stop at its next safe point.")
    summarise(desk.screen, document)
    desk.screen.document(document)
    return code


def manner_of(wanted: options.Going) -> "Manner":
    """How the run is taken on, from the options."""
    from run_workflow.cli.drive import Manner

    return Manner(out=wanted.out, if_unattended=wanted.if_unattended)


async def _answer(desk: Desk, wanted: options.Approve, record: ApprovalRecord) -> Answer | None:
    """The answer that the command means; None where an edit was given up."""
    from run_workflow.cli.asking import as_own_words

    actor = desk.settings.actor
    if isinstance(wanted, options.Reject):
        return Answer(decisions=(Reject(message=wanted.message),), by=actor)
    if isinstance(wanted, options.Respond):
        return Answer(decisions=(Respond(message=wanted.message),), by=actor)
    if not isinstance(wanted, options.Edit):
        return Answer(decisions=(Approve(),), by=actor)
    answer = await _edit(desk, wanted, record)
    return as_own_words(record, answer) if answer and wanted.as_own_words else answer


async def _edit(desk: Desk, wanted: options.Edit, record: ApprovalRecord) -> Answer | None:
    """The edit of the file, or the one made in the editor; None where that was given up."""
    from run_workflow.cli.asking import edited, read_args
    from run_workflow.cli.drive import edit_at_terminal

    if wanted.file is not None:
        text = await asyncio.to_thread(_read, wanted.file)
        with _naming_the_file(wanted):
            return edited(record, read_args(text), desk.settings.actor)
    if desk.screen.interactive:
        return edit_at_terminal(desk.screen, record, desk.settings.actor)
    raise AnswerRefused(
        "There is no terminal to edit at.",
        place=f"run {record.run_id}",
        remedy="Write the edit to a file and name it with --file; `show RUN --args` prints what to edit.",
    )


@contextmanager
def _naming_the_file(wanted: options.Approve) -> Iterator[None]:
    """What is wrong with an edit is wrong in the file that it came from."""
    try:
        yield
    except AnswerRefused as error:
        if not isinstance(wanted, options.Edit) or wanted.file is None:
            raise
        name = "standard input" if wanted.file == "-" else wanted.file
        where = f"{name}, {error.place}" if error.place else name
        raise type(error)(error.message, place=where, remedy=error.remedy) from error


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The edit cannot be read: {getattr(error, 'strerror', None) or error}.",
            place=name,
            remedy="Name a file of YAML or JSON, or - for standard input.",
        ) from error


def _changes(pairs: list[str]) -> Json:
    """`key=value` pairs; a value that is JSON is taken as such, any other as text."""
    changes: Json = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{pair!r} is not key=value.", param_hint="--set")
        try:
            changes[key.strip()] = json.loads(value)
        except json.JSONDecodeError:
            changes[key.strip()] = value
    return changes
