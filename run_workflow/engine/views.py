"""What the engine tells of a run: the whole of it, and its timeline."""

from datetime import datetime
from typing import Literal

from psycopg.rows import class_row, dict_row

from run_workflow.engine import audit
from run_workflow.engine.rows import Connection, all_approvals, one_run, pending_waits
from run_workflow.stores.journal import USAGE
from run_workflow.stores.ledger import STEPS
from state.evidence import Record
from state.runs import ApprovalRecord, AuditEvent, RunRecord, StepRecord, Usage, WaitRecord

_CALLS = """
SELECT path, kind, name, request_hash, occurrence, seconds,
       encode(sha256(convert_to(response::text, 'UTF8')), 'hex') AS response_hash,
       model_calls, tool_calls, input_tokens, output_tokens, money, unpriced_calls
FROM calls WHERE run_id = %s ORDER BY recorded_at, path, occurrence
"""
_CHILDREN = "SELECT id FROM runs WHERE parent = %s ORDER BY created_at, id"


class RunView(Record):
    """A run and all that belongs to it."""

    run: RunRecord
    steps: tuple[StepRecord, ...]
    """In the order in which they started."""
    approvals: tuple[ApprovalRecord, ...]
    """Oldest first."""
    waits: tuple[WaitRecord, ...] = ()
    """The times and events that it waits for now."""
    usage: Usage
    children: tuple[str, ...]
    """Ids of the runs that were forked from this one."""


class CallLine(Record):
    """One finished call of an agent: who was asked, what it used, and the hashes of what went to and fro."""

    path: str
    kind: Literal["model", "tool"]
    name: str
    request_hash: str
    occurrence: int
    response_hash: str
    """SHA-256 of the stored answer."""
    usage: Usage
    seconds: float


class RunManifest(RunView):
    """A run with all that it did, as a bundle carries it."""

    calls: tuple[CallLine, ...]
    audit: tuple[AuditEvent, ...]
    audit_head: str
    """The hash of the last event as the run's own row holds it."""


class TimelineEntry(Record):
    """Something that happened: an audit event, or a step at the time of its last start."""

    at: datetime
    event: AuditEvent | None = None
    step: StepRecord | None = None


async def view_of(connection: Connection, run_id: str) -> RunView:
    """The run as it stands. Raises UnknownRun."""
    run = await one_run(connection, run_id)
    used = await (await connection.execute(USAGE, (run_id, ""))).fetchone()
    children = await (await connection.execute(_CHILDREN, (run_id,))).fetchall()
    return RunView(
        run=run,
        steps=await steps_of(connection, run_id),
        approvals=await all_approvals(connection, run_id),
        waits=await pending_waits(connection, run_id),
        usage=Usage(**used) if used else Usage(),
        children=tuple(row["id"] for row in children),
    )


async def manifest_of(connection: Connection, run_id: str) -> RunManifest:
    """The run as it stands, with its calls and its audit chain, in the caller's transaction. Raises UnknownRun."""
    head = await audit.head(connection, run_id)  # first: it keeps others from writing events meanwhile
    view = await view_of(connection, run_id)
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_CALLS, (run_id,))
    rows = await cursor.fetchall()
    return RunManifest(
        **dict(view),
        calls=tuple(CallLine(usage=Usage(**{key: row.pop(key) for key in Usage.model_fields}), **row) for row in rows),
        audit=await audit.events(connection, run_id),
        audit_head=head,
    )


async def steps_of(connection: Connection, run_id: str) -> tuple[StepRecord, ...]:
    """The steps of a run, in the order in which they started."""
    cursor = connection.cursor(row_factory=class_row(StepRecord))
    await cursor.execute(STEPS, (run_id, ""))
    return tuple(await cursor.fetchall())


async def timeline_of(connection: Connection, run_id: str) -> tuple[TimelineEntry, ...]:
    """Steps and audit events of a run, merged in time. Raises UnknownRun."""
    await one_run(connection, run_id)
    happened = [TimelineEntry(at=event.at, event=event) for event in await audit.events(connection, run_id)]
    done = [TimelineEntry(at=step.started_at, step=step) for step in await steps_of(connection, run_id)]
    return tuple(sorted([*happened, *done], key=lambda entry: entry.at))
