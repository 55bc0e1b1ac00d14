"""An attempt is ended at once when the run was taken over, or somebody asked to cancel it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from run_workflow.engine.driving import Job, Outcome, attempt
from run_workflow.engine.leases import Lease
from run_workflow.fence import Fence

T = TypeVar("T")


async def supervised(job: Job, lease: Lease) -> Outcome:
    """One attempt, ended at once when the run was taken over (LeaseLost) or is to be cancelled."""
    if job.run.cancel_requested:
        return Outcome("cancelled")
    working = await _until(attempt(job), lease.fence.lost, lease.cancelled)
    if lease.fence.lost.is_set():
        raise lease.fence.lose()
    if lease.cancelled.is_set() and (working.cancelled() or working.result().status != "completed"):
        return Outcome("cancelled")
    return working.result()


async def raced(work: Coroutine[Any, Any, T], fence: Fence) -> T:
    """What the work gives, ended at once when the run was taken over (LeaseLost)."""
    working = await _until(work, fence.lost)
    if fence.lost.is_set():
        raise fence.lose()
    return working.result()


async def _until(work: Coroutine[Any, Any, T], *events: asyncio.Event) -> "asyncio.Task[T]":
    """The work, which has ended, by itself or by the first of the events."""
    working = asyncio.create_task(work)
    signals = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([working, *signals], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, *signals):
            task.cancel()
        await asyncio.wait([working, *signals])
    return working
