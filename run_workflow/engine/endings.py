"""What is written when work on a run stops, and when a run is cancelled."""

from run_workflow.engine import approvals, audit
from run_workflow.engine.driving import Outcome
from run_workflow.engine.guard import holder_is_gone
from run_workflow.engine.leases import locked_row
from run_workflow.engine.rows import Connection, one_run
from run_workflow.fence import Fence
from run_workflow.stores.columns import json_or_null
from state.errors import RunError
from state.runs import ENDED, Json, RunRecord, RunStatus

_END = """
UPDATE runs SET status = %(status)s, output = %(output)s, error = %(error)s, updated_at = clock_timestamp(),
    ended_at = CASE WHEN %(ended)s THEN clock_timestamp() END,
    waiting_for = %(waiting_for)s, fence = fence + %(bump)s, lease_owner = NULL, lease_since = NULL, lease_until = NULL
WHERE id = %(id)s
"""
_ASK_CANCEL = "UPDATE runs SET cancel_requested_by = coalesce(cancel_requested_by, %s) WHERE id = %s"
_STOP_STEPS = """
UPDATE step_runs SET status = 'cancelled', ended_at = clock_timestamp()
WHERE run_id = %s AND status IN ('running', 'retrying')
"""
_EVENTS: dict[RunStatus, str] = {
    "waiting_approval": "run.waiting",
    "paused": "run.paused",
    "completed": "run.completed",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
}


async def settle(connection: Connection, fence: Fence, outcome: Outcome, actor: str) -> bool:
    """Writes how an attempt ended and gives the lease back, in the caller's transaction; whether the work is over.

    It is not over, and the lease is kept, when an answer to one of the run's requests came meanwhile.
    Raises LeaseLost.
    """
    row = await locked_row(connection, fence.run_id)
    if row["fence"] != fence.number:
        raise fence.lose()
    if outcome.status == "waiting_approval":
        await approvals.open_requests(connection, fence.run_id, dict(outcome.requests))
        if await approvals.answers_to(connection, fence.run_id, outcome.requests.keys()):
            return False
    by = row["cancel_requested_by"] or actor if outcome.status == "cancelled" else actor
    await _end(connection, fence.run_id, outcome, actor=by, bump=0)
    return True


async def cancel(connection: Connection, run_id: str, actor: str) -> RunRecord:
    """Cancels a run that nobody works on, or asks its holder to; in the caller's transaction.

    Raises UnknownRun, and RunError when the run has ended.
    """
    row = await locked_row(connection, run_id)
    if row["status"] in ENDED and row["status"] != "cancelled":
        raise RunError(
            f"The run has ended: it is {row['status']}.", place=f"run {run_id}", remedy="Nothing is left to cancel."
        )
    if row["status"] == "cancelled":
        return await one_run(connection, run_id)
    by = row["cancel_requested_by"] or actor
    if row["cancel_requested_by"] is None:
        await connection.execute(_ASK_CANCEL, (actor, run_id))
        await audit.append(connection, run_id, "run.cancel_requested", actor=actor)
    if await holder_is_gone(connection, row):
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
        "ended": status in ENDED or status == "failed",
        "waiting_for": list(outcome.requests),
        "bump": bump,
    }
    await connection.execute(_END, values)
    if status != "waiting_approval":
        await connection.execute(_STOP_STEPS, (run_id,))
    if status in ENDED:
        await approvals.withdraw(connection, run_id)
    data: Json = {"error": outcome.error} if outcome.error else {}
    if outcome.requests:
        data = {"requests": sorted(outcome.requests)}
    await audit.append(connection, run_id, _EVENTS[status], actor=actor, data=data)
