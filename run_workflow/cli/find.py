"""Which run and which request a person means by what was typed."""

from run_workflow.cli.ending import question_of
from run_workflow.cli.session import Desk
from run_workflow.console.words import one_line
from run_workflow.engine.approvals import why_not_pending
from run_workflow.services import RunEngine
from state.errors import AnswerRefused, UnknownRun
from state.runs import ApprovalRecord

LAST = "last"
_SEARCHED = 1000
"""How many of the newest runs a short id is looked for in."""


async def chosen_run(desk: Desk, engine: RunEngine, name: str) -> str:
    """The id of the run that is meant, for a command that changes it: the person sees which one before it happens."""
    run_id = await find_run(engine, name)
    run = (await engine.show(run_id)).run
    desk.screen.note(f"Run {run.id}: {one_line(question_of(run) or run.graph)}")
    return run_id


async def find_run(engine: RunEngine, name: str) -> str:
    """The id of the run with this id, or the only one that begins with it; `last` is the newest. UnknownRun."""
    if name == LAST:
        newest = await engine.list_runs(limit=1)
        if not newest:
            raise UnknownRun("There is no run yet.", remedy='Start one: run research "…" --sources DIR.')
        return newest[0].id
    found = [run.id for run in await engine.list_runs(limit=_SEARCHED) if run.id.startswith(name)]
    if name in found or not found:
        return (await engine.show(name)).run.id
    if len(found) > 1:
        raise UnknownRun(
            f"{name!r} fits {len(found)} runs: {', '.join(found[:5])}{', …' if len(found) > 5 else ''}.",
            remedy="Type more of the id.",
        )
    return found[0]


async def find_request(engine: RunEngine, run_id: str, name: str | None) -> ApprovalRecord:
    """The pending request that is meant: by id or its beginning, or the only one.

    AnswerRefused where there is none; where it was answered before, with the answer that counts.
    """
    view = await engine.show(run_id)
    pending = [record for record in view.approvals if record.status == "pending"]
    fitting = [record for record in pending if record.id.startswith(name or "")]
    if len(fitting) == 1:
        return fitting[0]
    meant = [each for each in view.approvals if each.id.startswith(name or "")] if name or not pending else []
    if not fitting and meant:
        says = f"`resume {run_id}` goes on with it." if view.run.answered else f"`show {run_id}` says how it stands."
        raise AnswerRefused(why_not_pending(meant[-1]), place=f"run {run_id}", remedy=says)
    if not pending:
        raise AnswerRefused(
            "No request waits for an answer.", place=f"run {run_id}", remedy=f"`show {run_id}` says how it stands."
        )
    listed = ", ".join(f"{record.id} ({record.point})" for record in pending)
    which = f"No pending request has the id {name!r}." if name and not fitting else "Several requests wait."
    raise AnswerRefused(which, place=f"run {run_id}", remedy=f"Name one of {listed}.")
