"""Rows of the engine's tables as records."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from run_workflow.postgres.database import Pool
from state.errors import UnknownRun
from state.runs import SERVED, ApprovalRecord, RunRecord, Standing, WaitRecord

Connection = AsyncConnection[DictRow]

# The holder's lock (guard.py) is looked up and not tried: a process that died is not said to work until its lease ends.
_RUN: LiteralString = """
WITH run AS (
SELECT id, graph, definition, status, input, context, dedup_key, parent, output, error, terms,
       cancel_requested_by IS NOT NULL AS cancel_requested, fence > 0 AS taken,
       CASE WHEN lease_until > clock_timestamp() AND EXISTS (
           SELECT FROM pg_locks
           WHERE locktype = 'advisory' AND objsubid = 1 AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND (classid::bigint << 32 | objid::bigint) = hashtextextended(runs.id, runs.fence)
       ) THEN lease_owner END AS holder,
       waiting_for,
       EXISTS (
           SELECT FROM approvals a WHERE a.run_id = runs.id AND a.id = ANY (runs.waiting_for) AND a.answer IS NOT NULL
       ) OR EXISTS (
           SELECT FROM waits w WHERE w.run_id = runs.id AND w.id = ANY (runs.waiting_for)
               AND (w.status <> 'pending' OR w.wakes_at <= clock_timestamp())
       ) AS answered,
       least(
           (SELECT min(expires_at) FROM approvals a
            WHERE a.run_id = runs.id AND a.id = ANY (runs.waiting_for) AND a.status = 'pending'),
           (SELECT min(wakes_at) FROM waits w
            WHERE w.run_id = runs.id AND w.id = ANY (runs.waiting_for) AND w.status = 'pending')
       ) AS wakes_at,
       created_at, updated_at
FROM runs
)
SELECT * FROM run
"""
_ONE = _RUN + "WHERE id = %s"
_SAME_KEY = _RUN + "WHERE dedup_key = %s"
# `CASE` says what `RunRecord.standing` says.
_LATEST = (
    _RUN
    + """
WHERE %(standing)s::text IS NULL OR %(standing)s = CASE
    WHEN holder IS NULL AND (status = 'running' OR status = 'initializing' AND taken) THEN 'interrupted'
    WHEN status = 'waiting_approval' AND answered THEN 'answered'
    ELSE status END
ORDER BY created_at DESC, id DESC LIMIT %(n)s
"""
)
_DUE = (
    _RUN
    + """
WHERE holder IS NULL AND right(graph, length(%(served)s)) <> %(served)s AND (
    status IN ('running', 'rolling_back') OR (status = 'initializing' AND taken)
    OR (waiting_for <> '{}' AND status IN ('waiting_approval', 'paused')
        AND (answered OR wakes_at <= clock_timestamp()))
)
ORDER BY created_at, id
"""
)
_APPROVALS = """
SELECT id, run_id, point, request, status, answer, answered_by, created_at, expires_at, answered_at
FROM approvals WHERE run_id = %s ORDER BY created_at, id
"""

_WAITS = """
SELECT id, run_id, path, event, wakes_at, since IS NOT NULL AS transient, status, created_at
FROM waits WHERE run_id = %s AND status = 'pending' ORDER BY created_at, path
"""


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection in a transaction, which the server ends if this process is stopped within it."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10s'")
        yield connection


async def one_run(connection: Connection, run_id: str) -> RunRecord:
    """The run. Raises UnknownRun."""
    run = await find_run(connection, run_id)
    if run is None:
        raise unknown(run_id)
    return run


async def find_run(connection: Connection, run_id: str) -> RunRecord | None:
    """The run, if there is one."""
    row = await (await connection.execute(_ONE, (run_id,))).fetchone()
    return None if row is None else RunRecord.model_validate(row)


async def worked_on(connection: Connection, run_id: str) -> float:
    """The seconds that processes worked on a run, those of the stretch in progress left out."""
    row = await (await connection.execute("SELECT worked FROM runs WHERE id = %s", (run_id,))).fetchone()
    return float(row["worked"]) if row else 0.0


async def run_with_key(connection: Connection, dedup_key: str) -> RunRecord | None:
    """The run that was started with this dedup key."""
    row = await (await connection.execute(_SAME_KEY, (dedup_key,))).fetchone()
    return None if row is None else RunRecord.model_validate(row)


async def latest_runs(connection: Connection, limit: int, standing: Standing | None) -> tuple[RunRecord, ...]:
    """The newest runs, newest first."""
    rows = await (await connection.execute(_LATEST, {"standing": standing, "n": limit})).fetchall()
    return tuple(RunRecord.model_validate(row) for row in rows)


async def due_runs(connection: Connection) -> tuple[RunRecord, ...]:
    """The runs that nobody works on although something is to be done in them, oldest first: interrupted ones, and those
    for which an answer, an event or a time has come. Those that a LangGraph server drives are left to it.
    """
    rows = await (await connection.execute(_DUE, {"served": SERVED})).fetchall()
    return tuple(RunRecord.model_validate(row) for row in rows)


async def all_approvals(connection: Connection, run_id: str) -> tuple[ApprovalRecord, ...]:
    """The approvals of a run, oldest first."""
    rows = await (await connection.execute(_APPROVALS, (run_id,))).fetchall()
    return tuple(ApprovalRecord.model_validate(row) for row in rows)


async def pending_waits(connection: Connection, run_id: str) -> tuple[WaitRecord, ...]:
    """The times and events that a run waits for, oldest first."""
    rows = await (await connection.execute(_WAITS, (run_id,))).fetchall()
    return tuple(WaitRecord.model_validate(row) for row in rows)


def unknown(run_id: str) -> UnknownRun:
    """The error for a run that is not there."""
    return UnknownRun(f"There is no run {run_id!r}.", remedy="`list` shows the runs.")
