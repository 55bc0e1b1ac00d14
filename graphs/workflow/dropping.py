"""Steps that are cancelled for good while the run goes on, with all that runs within them."""

import asyncio
import re

from graphs.workflow.arrivals import within
from graphs.workflow.level import Level
from graphs.workflow.run import Run
from state.runs import Json, Progress, StepRecord, StepStatus
from state.workflow.steps import ParallelStep, Step

_OPEN: frozenset[StepStatus] = frozenset({"pending", "waiting", "running", "retrying"})
"""Statuses of steps that have not ended."""
_PARTS = re.compile(r"[.\[]")
"""Where the path of a step within another goes on."""


def leaves_others(step: Step) -> bool:
    """Whether branches of a step may not have ended when it has."""
    return isinstance(step, ParallelStep) and step.first_wins


async def held_of(run: Run, step: Step, level: Level) -> Json | None:
    """What the ledger keeps of a step whose branches a join counts; None where there is nothing."""
    number = level.branches.number(step.id, None)
    if not number:
        return None
    return {**await run.results.stored(level.branches.given(step.id), step.security_level), "branches": number}


async def _cancel(run: Run, path: str, held: Json | None) -> None:
    await run.ledger.end(path, "cancelled", result=held)
    run.emit(Progress(path=path, status="cancelled"))


async def cancel_within(run: Run, path: str, *, itself: bool = False, held: Json | None = None) -> bool:
    """Notes as cancelled for good all steps within one that have not ended, with what is `held` of that itself;

    whether there were any.
    """
    found, asked = await _open_within(run, path, itself=itself)
    # First, so that a kill in between loses no event: a step that goes on takes it again.
    await run.arrivals.withdraw(path, asked, itself=itself)
    # The outer ones first: after a kill in between, one that goes on would take those within it for ended.
    paths = sorted((step.path for step in found), key=len)
    await asyncio.gather(*(_cancel(run, each, held if each == path else None) for each in paths))
    return bool(found)


async def stop_within(run: Run, path: str) -> None:
    """Notes as pending all steps within one that failed, and takes back what they wait for.

    They are not cancelled for good: a resumed run tries the failed step again, and then they wait anew.
    """
    found, asked = await _open_within(run, path, itself=False)
    await run.arrivals.withdraw(path, asked, itself=False)
    await asyncio.gather(*(_stop(run, step) for step in found if step.status != "pending"))


async def _stop(run: Run, step: StepRecord) -> None:
    held = step.result if step.status != "waiting" else None  # the tries count, the note was of what it waited for
    await run.ledger.end(step.path, "pending", result=held)
    run.emit(Progress(path=step.path, status="pending"))


async def _open_within(run: Run, path: str, *, itself: bool) -> tuple[list[StepRecord], list[str]]:
    """The steps within one that have not ended, and the ids of what they wait for."""
    await run.writes.settled()
    inside = within(path, itself=itself)
    records = await run.ledger.steps(path)
    found = [step for step in records if step.status in _OPEN and inside.match(step.path)]
    # What stands at a step that holds others is theirs; of that some may have been taken since.
    outer = {step.path[: part.start()] for step in records for part in _PARTS.finditer(step.path)}
    leaves = (step for step in found if step.status == "waiting" and step.path not in outer)
    return found, [id_ for step in leaves for id_ in (step.result or {}).get("requests", ())]
