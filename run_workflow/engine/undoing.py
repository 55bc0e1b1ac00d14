"""What becomes of a run whose definition says `on_failure: rollback`: it is undone, and that goes on after a crash.

It is `rolling_back` from the moment its work ended badly. Whoever takes it up from there runs no step of it any more,
but undoes what is left. At the end it is `rolled_back`; or `rollback_failed`, and a resume undoes the rest.
"""

from typing import TYPE_CHECKING

from run_workflow.engine import approvals, audit, waits
from run_workflow.engine.driving import Job, Outcome
from run_workflow.engine.leases import Lease
from run_workflow.engine.rows import Connection
from run_workflow.engine.supervision import raced, supervised
from run_workflow.engine.told import told
from state.errors import StrettoError
from state.runs import UNDOING, Json, RunStatus, Undone

if TYPE_CHECKING:  # slow to import
    from psycopg.rows import DictRow

_BAD: frozenset[RunStatus] = frozenset({"failed", "timed_out", "cancelled"})
BEGUN = "run.rolling_back"
_BEGIN = """
UPDATE runs SET status = 'rolling_back', error = %s, ended_at = NULL, waiting_for = '{}',
    updated_at = clock_timestamp()
WHERE id = %s
"""
_CAUSE = "SELECT data FROM audit WHERE run_id = %s AND event = %s ORDER BY seq LIMIT 1"
_SHOWN = 5
"""Steps that an error names."""


def is_undone(row: "DictRow", status: RunStatus) -> bool:
    """Whether a run whose work ends with this status is to be undone; one that never began has nothing to undo."""
    return status in _BAD and bool((row["terms"] or {}).get("rolls_back")) and row["started_at"] is not None


async def begin(connection: Connection, run_id: str, cause: str, actor: str) -> None:
    """The run is being undone from now on, in the caller's transaction; nobody needs to answer it any more."""
    await connection.execute(_BEGIN, (cause, run_id))
    await approvals.withdraw(connection, run_id)
    await waits.withdraw(connection, run_id)
    await audit.append(connection, run_id, BEGUN, actor=actor, data={"cause": cause})


async def work_on(job: Job, lease: Lease) -> Outcome:
    """One attempt at the run, or at undoing it where that has begun."""
    return await _undone(job, lease) if job.run.status in UNDOING else await supervised(job, lease)


async def _undone(job: Job, lease: Lease) -> Outcome:
    from graphs.workflow.saga import undo_run

    async with lease.fence.pool.connection() as connection:
        row = await (await connection.execute(_CAUSE, (job.run.id, BEGUN))).fetchone()
    cause = str(row["data"]["cause"]) if row else ""
    try:
        done = await raced(undo_run(job.ports, job.watch), lease.fence)
    except StrettoError as error:
        return _failed(cause, told(error))
    except Exception as error:
        return _failed(cause, told(error), error)
    if not done.left:
        return Outcome("rolled_back", error=cause, undone=done)
    return _failed(cause, f"{_ended(done.fault)} Left as it is: {_named(done)}.", undone=done)


def _failed(cause: str, why: str, fault: Exception | None = None, undone: Undone | None = None) -> Outcome:
    return Outcome("rollback_failed", error=f"{_ended(cause)} Undoing it failed: {why}", undone=undone, fault=fault)


def _ended(said: str) -> str:
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _named(done: Undone) -> str:
    more = f" and {len(done.left) - _SHOWN} more" if len(done.left) > _SHOWN else ""
    return ", ".join(done.left[:_SHOWN]) + more


def facts(undone: Undone) -> Json:
    """What the event of the end says beside the error."""
    return {"undone": list(undone.undone), "left": list(undone.left)}
