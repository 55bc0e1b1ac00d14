"""Steps that are cancelled for good while the run goes on, with all that runs within them."""

import asyncio

from graphs.workflow.arrivals import within
from graphs.workflow.level import Level
from graphs.workflow.run import Run
from state.runs import Json, Progress, StepStatus
from state.workflow.steps import ParallelStep, Step

_OPEN: frozenset[StepStatus] = frozenset({"pending", "waiting", "running", "retrying"})
"""Statuses of steps that have not ended."""


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
    await run.writes.settled()
    inside = within(path, itself=itself)
    found = [step for step in await run.ledger.steps(path) if step.status in _OPEN and inside.match(step.path)]
    # The outer ones first: after a kill in between, one that goes on would take those within it for ended.
    paths = sorted((step.path for step in found), key=len)
    await asyncio.gather(*(_cancel(run, each, held if each == path else None) for each in paths))
    await run.arrivals.withdraw(path, itself=itself)
    return bool(found)
