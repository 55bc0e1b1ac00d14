"""Takes a run as far as it goes: watches it, asks or answers at approvals, stops on a signal, says how it ended."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import typer

from run_workflow.cli import session
from run_workflow.cli.asking import ask, draft_of, edit, give_answer, may_answer
from run_workflow.cli.ending import question_of, run_document
from run_workflow.cli.files import write_outputs, write_report
from run_workflow.cli.session import PROGRAM, Desk
from run_workflow.cli.signals import Interruption, TimeIsUp, interruptible, plain_interrupt, stopped_by_signal
from run_workflow.console.picture import RunPicture
from run_workflow.console.progress import watcher
from run_workflow.console.requests import fate, request_view, settled, to_yaml
from run_workflow.console.screen import Screen
from run_workflow.console.summary import summarise
from run_workflow.console.words import moment, one_line, plural
from run_workflow.documents import DueDocument, RunDocument
from run_workflow.services import Services
from state.errors import AnswerRefused, RunHeld, StrettoError
from state.runs import ENDED, UNATTENDED_ACTOR, Answer, ApprovalRecord, Approve, Edit, RunRecord

_LOOK_SECONDS = 0.5
"""How often a command that only waits looks whether there is an answer."""
_PATIENCE = 60.0
"""Seconds that a command waits for a time also where nobody is at the terminal."""


@dataclass(frozen=True)
class Manner:
    """How a run is taken on."""

    out: Path
    """The folder that the reports of all runs go to."""
    if_unattended: Literal["wait", "continue"] = "wait"


async def drive(desk: Desk, services: Services, run_id: str, manner: Manner) -> int:
    """Goes on with the run until it ends, waits or is interrupted; the exit code."""
    run = (await services.engine.show(run_id)).run
    if run.status in ENDED:
        desk.screen.note(f"It has ended before: it is {run.status}.")
        if await services.engine.deliver(run_id):
            desk.screen.note("Those who had not been told of it are told now.")
        return await finish(desk, services, run_id, manner.out)
    desk.screen.note("Loading the agents, which takes a few seconds.")
    while True:
        run = await advance(desk, services, run_id)
        if not run.is_put_away or not await _settled(desk, services, run, manner):
            return await finish(desk, services, run_id, manner.out)


async def drive_due(desk: Desk, services: Services, out: Path) -> int:
    """Goes on with each run that is due, as far as that goes without a person; FAILED where one of them failed."""
    ended: list[RunDocument] = []
    failed = False
    for due in await services.engine.due_runs():
        desk.screen.note(f"Run {due.id}: {one_line(question_of(due) or due.graph)}")
        try:
            run = await advance(desk, services, due.id)
        except StrettoError as error:  # the others are gone on with all the same
            failed = failed or not isinstance(error, RunHeld)
            desk.screen.note(f"Left alone: {error}")
            continue
        ended.append(await _written(services, due.id, out))
        desk.screen.note(f"It is {run.standing}.")
        if ended[-1].exit_code == session.INTERRUPTED:
            break
    await services.engine.deliver()
    desk.screen.say(f"Went on with {plural(len(ended), 'run')}." if ended else "No run is due.")
    desk.screen.document(DueDocument(runs=tuple(ended)))
    codes = {document.exit_code for document in ended} | ({session.FAILED} if failed else set())
    return next((code for code in (session.INTERRUPTED, session.FAILED) if code in codes), session.DONE)


async def finish(desk: Desk, services: Services, run_id: str, out: Path, code: int | None = None) -> int:
    """Writes the report's files where there is a report, and says how the run stands.

    The exit code is `code`, or what the state of the run means.
    """
    document = await _written(services, run_id, out, code)
    summarise(desk.screen, document)
    desk.screen.document(document)
    return document.exit_code


async def _written(services: Services, run_id: str, out: Path, code: int | None = None) -> RunDocument:
    """How the run stands, its files written."""
    view = await services.engine.show(run_id)
    files = await write_report(services, view.run, out)
    outputs = await write_outputs(view.run, out)
    return run_document(view, files, exit_code(view.run) if code is None else code, outputs, services.files)


def exit_code(run: RunRecord) -> int:
    """What the state of a run means for whoever called."""
    if run.status == "completed":
        published = (run.output or {}).get("outcome", "published") == "published"
        return session.DONE if published else session.NOT_ESTABLISHED
    if run.is_put_away:
        return session.WAITS
    if run.is_rejected:
        return session.NOT_ESTABLISHED
    return (
        session.INTERRUPTED if run.status in ("paused", "initializing", "running", "rolling_back") else session.FAILED
    )


async def pending_requests(services: Services, run_id: str) -> list[ApprovalRecord]:
    """The requests that wait for an answer, oldest first."""
    view = await services.engine.show(run_id)
    return [record for record in view.approvals if record.status == "pending"]


async def advance(desk: Desk, services: Services, run_id: str) -> RunRecord:
    """One stretch of the run, shown as it happens; after a signal, the run where it stopped."""
    view = await services.engine.show(run_id)
    now, free = datetime.now(UTC), view.run.context.is_free
    picture = RunPicture.of(view.steps, view.usage, now, time.monotonic(), free=free)
    picture = replace(picture, is_workflow=view.run.is_workflow)
    drain = asyncio.Event()
    with watcher(desk.screen, picture) as watching:
        going = services.engine.advance(run_id, watch=watching.event, drain=drain, actor=desk.settings.actor)
        task = asyncio.ensure_future(going)
        interruption = Interruption(task, drain, watching.note)
        with interruptible(interruption):
            await asyncio.wait([task])
    if task.cancelled() and interruption.asked:
        return (await services.engine.show(run_id)).run
    if (error := task.exception()) and not isinstance(error, StrettoError):
        desk.screen.note(f"What was done is kept. To go on: {PROGRAM} resume {run_id}")
    return task.result()


async def _settled(desk: Desk, services: Services, run: RunRecord, manner: Manner) -> bool:
    """Whether something that the run waits for has come: an answer is asked for here, times and events are awaited."""
    pending = await pending_requests(services, run.id)
    if pending:
        mine = [record for record in pending if may_answer(record, desk.settings.actor)]
        return await _settle(desk, services, (mine or pending)[0], manner)
    soon = run.wakes_at is not None and run.wakes_at <= datetime.now(UTC) + timedelta(seconds=_PATIENCE)
    return (desk.screen.interactive or soon) and await _awaited(desk.screen, services, run)


async def _awaited(screen: Screen, services: Services, run: RunRecord) -> bool:
    """Waits until a time is over or an event has come; False where a signal ends that."""
    with stopped_by_signal() as stopped:
        until = f"until {moment(run.wakes_at)}" if run.wakes_at else "for an event"
        screen.note(f"Waiting {until}. Ctrl-C leaves it; nothing is lost.")
        while not stopped.is_set():
            now = (await services.engine.show(run.id)).run
            if now.answered or not now.is_put_away:
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _LOOK_SECONDS)
    return False


async def _settle(desk: Desk, services: Services, record: ApprovalRecord, manner: Manner) -> bool:
    """Gets an answer to the request and gives it to the engine; False where nobody answers now."""
    screen, approvers = desk.screen, ", ".join(record.request.policy.approvers)
    if screen.interactive and may_answer(record, desk.settings.actor):
        return await _asked(screen, services, record, desk.settings.actor)
    screen.aside(request_view(record))
    if screen.interactive:
        screen.note(f"You are {desk.settings.actor}; only {approvers} may answer. STRETTO_USER says who you are.")
        return record.expires_at is not None and await _waited_out(screen, services, record)
    if manner.if_unattended == "wait":
        return False
    if approvers:
        screen.note(f"--if-unattended continue does not answer for {approvers}: the {record.point} waits.")
        return False
    screen.note(f"Nobody is at the terminal: the {record.point} is approved unseen (--if-unattended continue).")
    answer = Answer(decisions=(Approve(),), by=UNATTENDED_ACTOR)
    await services.engine.answer(record.run_id, record.id, answer, UNATTENDED_ACTOR)
    return True


async def _asked(screen: Screen, services: Services, record: ApprovalRecord, actor: str) -> bool:
    """Asks until the engine takes the answer or the time is up; a refused edit can be corrected. False: later."""
    draft = ""
    while True:
        try:
            answer = _ask_once(screen, record, draft, actor)
        except TimeIsUp:
            screen.note("")  # the cursor stands behind the question
            return await _waited_out(screen, services, record)
        if answer is None:
            return False
        try:
            await give_answer(screen, services, record, answer)
        except AnswerRefused as error:
            screen.error(error)
            if record.id not in [other.id for other in await pending_requests(services, record.run_id)]:
                return True  # somebody else, or the clock, has answered meanwhile
            said = answer.decision
            draft = to_yaml(said.edited_action.args) if isinstance(said, Edit) else ""
        else:
            return True


async def _waited_out(screen: Screen, services: Services, record: ApprovalRecord) -> bool:
    """Waits until the request is answered, by its timeout policy or somebody else; False where a signal ends that."""
    with stopped_by_signal() as stopped:
        if record.expires_at is not None and record.expires_at > datetime.now(UTC):
            screen.note(f"Waiting until {moment(record.expires_at)}; {fate(record)}. Ctrl-C leaves it.")
        while not stopped.is_set():
            view = await services.engine.show(record.run_id)  # the engine settles what is overdue when it is looked at
            now = next(each for each in view.approvals if each.id == record.id)
            if now.status != "pending":
                screen.note(f"{now.status.capitalize()}: {settled(now)}.")
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _LOOK_SECONDS)
    return False


def _ask_once(screen: Screen, record: ApprovalRecord, draft: str, actor: str) -> Answer | None:
    """One answer: the edit that `draft` begins, or whatever the person chooses. None to leave it for later.

    Raises TimeIsUp.

    It blocks the event loop, so that Ctrl-C ends the question and not the process; nothing else goes on meanwhile.
    """
    with plain_interrupt(), contextlib.suppress(typer.Abort, KeyboardInterrupt):
        if draft and (answer := edit(screen, record, draft, actor)):
            return answer
        return ask(screen, record, actor)
    screen.note("")  # the cursor stands behind the question
    return None


def edit_at_terminal(screen: Screen, record: ApprovalRecord, actor: str) -> Answer | None:
    """The edit that the person makes in the editor; None when it is given up."""
    with plain_interrupt(), contextlib.suppress(typer.Abort, KeyboardInterrupt):
        return edit(screen, record, draft_of(record), actor)
    return None
