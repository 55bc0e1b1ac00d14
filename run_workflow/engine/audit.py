"""The audit chain: what happened to a run and who did it, each row's hash covering the row before it."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC

from run_workflow.engine.rows import Connection, unknown
from run_workflow.stores.columns import as_json
from state.runs import AuditEvent, Json
from tools.storable import json_text, storable

# The lock orders the events of a run; those who write steps and calls go on meanwhile.
_HEAD = """
SELECT audit_seq, audit_hash, graph, terms, clock_timestamp() AS now FROM runs WHERE id = %s FOR NO KEY UPDATE
"""
_APPEND = """
INSERT INTO audit (run_id, seq, at, actor, event, data, previous, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_MOVE_HEAD = "UPDATE runs SET audit_seq = %s, audit_hash = %s WHERE id = %s"
_FIRST = "SELECT actor FROM audit WHERE run_id = %s ORDER BY seq LIMIT 1"
_EVENTS = """
SELECT run_id, seq, at, actor, event, data, previous, hash FROM audit WHERE run_id = %s ORDER BY seq
"""


async def append(connection: Connection, run_id: str, event: str, *, actor: str, data: Json | None = None) -> None:
    """Writes the next event of a run, and the messages of it, within the caller's transaction."""
    last = await (await connection.execute(_HEAD, (run_id,))).fetchone()
    if last is None:
        raise unknown(run_id)
    bare = AuditEvent(
        run_id=run_id,
        seq=last["audit_seq"] + 1,
        at=last["now"],
        actor=storable(actor),
        event=event,
        data=json.loads(json_text(data or {})),
        previous=last["audit_hash"],
        hash="",
    )
    made = bare.model_copy(update={"hash": digest(bare)})
    row = (run_id, made.seq, made.at, made.actor, event, as_json(made.data), made.previous, made.hash)
    await connection.execute(_APPEND, row)
    await connection.execute(_MOVE_HEAD, (made.seq, made.hash, run_id))
    if last["terms"]:
        from run_workflow.engine import outbox  # it knows the grammar of workflows, which is slow to import

        await outbox.write(connection, made, last["graph"], last["terms"])


async def events(connection: Connection, run_id: str) -> tuple[AuditEvent, ...]:
    """The events of a run, in order."""
    rows = await (await connection.execute(_EVENTS, (run_id,))).fetchall()
    return tuple(AuditEvent.model_validate(row) for row in rows)


async def created_by(connection: Connection, run_id: str) -> str:
    """Who made the run. Raises UnknownRun."""
    row = await (await connection.execute(_FIRST, (run_id,))).fetchone()
    if row is None:
        raise unknown(run_id)
    return str(row["actor"])


async def head(connection: Connection, run_id: str) -> str:
    """The hash of the last event, as the run's row holds it. Raises UnknownRun."""
    row = await (await connection.execute(_HEAD, (run_id,))).fetchone()
    if row is None:
        raise unknown(run_id)
    return str(row["audit_hash"])


async def first_bad(connection: Connection, run_id: str) -> int | None:
    """The number of the first event that was changed, put in or taken out; None when the chain holds."""
    last = await head(connection, run_id)
    return broken_at(await events(connection, run_id), last)


def broken_at(chain: Sequence[AuditEvent], last: str) -> int | None:
    """The number of the first event that does not fit into the chain that ends with the hash `last`."""
    previous, expected = "", 1
    for event in chain:
        if event.seq != expected or event.previous != previous or event.hash != digest(event):
            return expected
        previous, expected = event.hash, expected + 1
    return None if previous == last else expected


def digest(event: AuditEvent) -> str:
    """SHA-256 of the previous hash and the event as canonical JSON: keys sorted, no spaces, time in UTC."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    body = [event.run_id, event.seq, at, event.actor, event.event, event.data]
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((event.previous + canonical).encode()).hexdigest()
