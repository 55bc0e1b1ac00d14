"""What is written when work on a run stops, and when a run is cancelled."""

from run_workflow.engine import approvals, audit, promises, undoing, waits
from run_workflow.engine.driving import Outcome
from run_workflow.engine.guard import holder_is_gone
from run_workflow.engine.leases import locked_row
from run_workflow.engine.rows import Connection, one_run
from run_workflow.fence import Fence
from run_workflow.stores.columns import json_or_null
from state.errors import RunError
from state.runs import ENDED, UNDOING, Json, RunRecord, RunStatus, Wait

_END = """
UPDATE runs SET status = %(status)s, output = %(output)s, error = %(error)s, updated_at = clock_timestamp(),
    ended_at = CASE WHEN %(ended)s THEN clock_timestamp() END,
    waiting_for = %(waiting_for)s, fence = fence + %(bump)s, worked = worked + coalesce(extract(epoch FROM
        least(lease_until, clock_timestamp()) - lease_since), 0),
    lease_owner = NULL, lease_since = NULL, lease_until = NULL
WHERE id = %(id)s
"""
_ASK_CANCEL = "UPDATE runs SET cancel_requested_by = coalesce(cancel_requested_by, %s) WHERE id = %s"
# What ran is `cancelled` for good in a run that ends, and `pending` in one that can be gone on with.
_STOP_STEPS = """
UPDATE step_runs SET status = CASE WHEN %(ends)s THEN 'cancelled' ELSE 'pending' END, ended_at = clock_timestamp()
WHERE run_id = %(id)s AND (status IN ('running', 'retrying') OR (%(ends)s AND status IN ('waiting', 'pending')))
"""
_EVENTS: dict[RunStatus, str] = {
    "waiting_approval": "run.waiting",
    "paused": "run.paused",
    "completed": "run.completed",
    "timed_out": "run.timed_out",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
    "rolling_back": "run.rollback_paused",
    "rolled_back": "run.rolled_back",
    "rollback_failed": "run.rollback_failed",
}


async def settle(connection: Connection, fence: Fence, outcome: Outcome, actor: str) -> bool:
    """Writes how an attempt ended and gives the lease back, in the caller's transaction; whether the work is over.

    It is not over, and the lease is kept, when something that the run waits for has come meanwhile, or the run is to be
    undone now. Raises LeaseLost.
    """
    row = await locked_row(connection, fence.run_id)
    if row["fence"] != fence.number:
        raise fence.lose()
    if outcome.waiting_for:
        await approvals.open_requests(connection, fence.run_id, dict(outcome.requests))
        await waits.open_waits(connection, fence.run_id, outcome.waits)
        await waits.expire(connection, fence.run_id)
        if await approvals.answers_to(connection, fence.run_id, outcome.requests.keys()):
            return False
        if await waits.answers_to(connection, fence.run_id, outcome.waits.keys()):
            return False
    by = row["cancel_requested_by"] or actor if outcome.status == "cancelled" else actor
    if undoing.is_undone(row, outcome.status):
        await connection.execute(_STOP_STEPS, {"id": fence.run_id, "ends": True})
        await undoing.begin(connection, fence.run_id, outcome.error or _cancelled(by), by)
        return False
    await _end(connection, fence.run_id, outcome, actor=by, bump=0)
    return True


async def cancel(connection: Connection, run_id: str, actor: str) -> RunRecord:
    """Cancels a run that nobody works on, or asks its holder to; in the caller's transaction.

    One that is to be undone is `rolling_back` then, and whoever advances it undoes it; one that could not be undone
    is left as it is. Raises UnknownRun, and RunError when the run has ended, or is being undone.
    """
    row = await locked_row(connection, run_id)
    if row["status"] in ENDED and row["status"] != "cancelled":
        raise RunError(
            f"The run has ended: it is {row['status']}.", place=f"run {run_id}", remedy="Nothing is left to cancel."
        )
    if row["status"] == "cancelled":
        return await one_run(connection, run_id)
    if row["status"] == "rolling_back":
        raise RunError(
            "The run is being undone; that cannot be cancelled.",
            place=f"run {run_id}",
            remedy=f"`show {run_id}` says how far it is; `resume {run_id}` goes on with it where nobody does.",
        )
    by = row["cancel_requested_by"] or actor
    if row["cancel_requested_by"] is None:
        await connection.execute(_ASK_CANCEL, (actor, run_id))
        await audit.append(connection, run_id, "run.cancel_requested", actor=actor)
    if not await holder_is_gone(connection, row):
        return await one_run(connection, run_id)
    if row["status"] not in UNDOING and undoing.is_undone(row, "cancelled"):
        await connection.execute(_STOP_STEPS, {"id": run_id, "ends": True})
        await undoing.begin(connection, run_id, _cancelled(by), by)
    else:
        await _end(connection, run_id, Outcome("cancelled"), actor=by, bump=1)
    return await one_run(connection, run_id)


async def _end(connection: Connection, run_id: str, outcome: Outcome, *, actor: str, bump: int) -> None:
    """The row, the steps that were cut short, the requests nobody will answer, and the event."""
    status = outcome.status
    values = {
        "id": run_id,
        "status": status,
        "output": json_or_null(outcome.output),
        "error": outcome.error,
        "ended": status in ENDED or status in ("failed", "rollback_failed"),
        "waiting_for": outcome.waiting_for,
        "bump": bump,
    }
    await connection.execute(_END, values)
    if not outcome.waiting_for:
        await connection.execute(_STOP_STEPS, {"id": run_id, "ends": status in ENDED})
    if status in ENDED:
        await approvals.withdraw(connection, run_id)
        await waits.withdraw(connection, run_id)
    data: Json = {"error": outcome.error} if outcome.error else {}
    if outcome.requests:
        data = {"requests": sorted(outcome.requests)}
    if outcome.waits:
        data |= {"waits_for": [_awaited(wait) for wait in outcome.waits.values()]}
    if outcome.undone is not None:
        data |= undoing.facts(outcome.undone)
    await audit.append(connection, run_id, _EVENTS[status], actor=actor, data=data)
    if values["ended"]:
        await promises.check(connection, run_id, actor)


def _awaited(wait: Wait) -> str:
    """What a step waits for, in words."""
    until = f"until {wait.wakes_at.isoformat(timespec='seconds')}" if wait.wakes_at else ""
    return f"{wait.path}: {' '.join(part for part in (wait.event, until) if part)}"


def _cancelled(by: str) -> str:
    return f"Cancelled by {by}."
