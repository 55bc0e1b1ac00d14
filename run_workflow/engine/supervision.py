"""An attempt is ended at once when the run was taken over, or somebody asked to cancel it."""

import asyncio

from run_workflow.engine.driving import Job, Outcome, attempt
from run_workflow.engine.leases import Lease


async def supervised(job: Job, lease: Lease) -> Outcome:
    """One attempt, ended at once when the run was taken over (LeaseLost) or is to be cancelled."""
    if job.run.cancel_requested:
        return Outcome("cancelled")
    working = asyncio.create_task(attempt(job))
    signals = [asyncio.create_task(event.wait()) for event in (lease.fence.lost, lease.cancelled)]
    try:
        await asyncio.wait([working, *signals], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, *signals):
            task.cancel()
        await asyncio.wait([working, *signals])
    if lease.fence.lost.is_set():
        raise lease.fence.lose()
    if lease.cancelled.is_set() and (working.cancelled() or working.result().status != "completed"):
        return Outcome("cancelled")
    return working.result()
