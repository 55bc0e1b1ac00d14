"""Times and events that runs wait for: each wait is a row, and one thing ends it, an event or its time.

An event is a row as well, from the moment it was sent: whether the run waits for it already, works, or is put away.
The oldest wait for its name takes it; a wait that begins later takes one that was there before, unless it is for those
only that come while it lasts.
"""

from collections.abc import Collection, Mapping

from run_workflow.engine import audit
from run_workflow.engine.leases import locked_row
from run_workflow.engine.rows import Connection
from run_workflow.stores.columns import as_json
from state.errors import RunError
from state.runs import ENDED, TIMEOUT_ACTOR, Json, Wait

_OPEN = """
INSERT INTO waits (run_id, id, path, event, wakes_at, since, status)
VALUES (%s, %s, %s, %s, %s, CASE WHEN %s THEN clock_timestamp() END, 'pending')
ON CONFLICT (run_id, id) DO UPDATE SET status = 'pending', event = excluded.event, wakes_at = excluded.wakes_at,
    since = excluded.since, created_at = clock_timestamp() WHERE waits.status = 'withdrawn'
"""
_WITHDRAW = "UPDATE waits SET status = 'withdrawn' WHERE run_id = %s AND status = 'pending' AND id <> ALL (%s)"
_TAKE_BACK = "UPDATE waits SET status = 'withdrawn' WHERE run_id = %s AND status = 'pending' AND id = ANY (%s)"
_DROP = """
UPDATE waits SET status = 'withdrawn', data = NULL WHERE run_id = %s AND id = ANY (%s) AND status <> 'withdrawn'
"""
_FREE = """
UPDATE events SET wait_id = NULL FROM waits
WHERE events.run_id = %s AND wait_id = ANY (%s) AND waits.run_id = events.run_id AND waits.id = wait_id
RETURNING name, path
"""
_ANSWERS = """
SELECT id, status, data FROM waits WHERE run_id = %s AND id = ANY (%s) AND status IN ('answered', 'expired')
"""
_FOR_EVENTS = """
SELECT id, path, event, since FROM waits WHERE run_id = %s AND status = 'pending' AND event IS NOT NULL
ORDER BY created_at, path
"""
_TAKE = """
UPDATE events SET wait_id = %(wait)s WHERE run_id = %(run)s AND number = (
    SELECT min(number) FROM events WHERE run_id = %(run)s AND name = %(name)s AND wait_id IS NULL
    AND (%(since)s::timestamptz IS NULL OR sent_at >= %(since)s)
) RETURNING data
"""
_ANSWER = "UPDATE waits SET status = 'answered', data = %s WHERE run_id = %s AND id = %s"
_SEND = "INSERT INTO events (run_id, name, data, sent_by, sent_at) VALUES (%s, %s, %s, %s, clock_timestamp())"
_OVERDUE = "SELECT 1 FROM waits WHERE run_id = %s AND status = 'pending' AND wakes_at <= clock_timestamp()"
_EXPIRE = """
UPDATE waits SET status = 'expired' WHERE run_id = %s AND status = 'pending' AND wakes_at <= clock_timestamp()
RETURNING path, event
"""
_LOCK = "SELECT 1 FROM runs WHERE id = %s FOR NO KEY UPDATE"


async def open_waits(connection: Connection, run_id: str, waits: Mapping[str, Wait]) -> None:
    """Makes the rows of all that a run waits for, whose lock is held; events that are there already end theirs."""
    await withdraw(connection, run_id, keep=waits.keys())
    await add_waits(connection, run_id, waits)


async def add_waits(connection: Connection, run_id: str, waits: Mapping[str, Wait]) -> None:
    """The same for what it waits for from now on, beside the rest."""
    for wait_id, wait in waits.items():
        await connection.execute(_OPEN, (run_id, wait_id, wait.path, wait.event, wait.wakes_at, wait.transient))
    await _match(connection, run_id)


async def withdraw(connection: Connection, run_id: str, keep: Collection[str] = ()) -> None:
    """Ends all waits but `keep`: nothing waits there any more."""
    await connection.execute(_WITHDRAW, (run_id, list(keep)))


async def take_back(connection: Connection, run_id: str, ids: Collection[str]) -> None:
    """Ends those of these waits that are pending."""
    await connection.execute(_TAKE_BACK, (run_id, list(ids)))


async def drop(connection: Connection, run_id: str, ids: Collection[str]) -> None:
    """Ends these waits, whose steps will never see what has come for them: their events are free for other waits."""
    for row in await (await connection.execute(_FREE, (run_id, list(ids)))).fetchall():
        data: Json = {"event": row["name"], "step": row["path"]}
        await audit.append(connection, run_id, "event.freed", actor="graph", data=data)
    await connection.execute(_DROP, (run_id, list(ids)))
    await _match(connection, run_id)


async def answers_to(connection: Connection, run_id: str, pending: Collection[str]) -> dict[str, Json]:
    """What has ended waits, by their ids: `{"data": …}` of an event, `{}` for a time."""
    rows = await (await connection.execute(_ANSWERS, (run_id, list(pending)))).fetchall()
    return {row["id"]: {"data": row["data"]} if row["status"] == "answered" else {} for row in rows}


async def send(connection: Connection, run_id: str, name: str, data: Json, actor: str) -> None:
    """Stores an event, in the caller's transaction. Raises UnknownRun, and RunError when the run has ended."""
    row = await locked_row(connection, run_id)
    if row["status"] in ENDED or row["status"] == "failed":
        raise RunError(
            f"The run is {row['status']}: it waits for no event.",
            place=f"run {run_id}",
            remedy="`resume` it first; then send the event."
            if row["status"] == "failed"
            else "Start a new run, or name another.",
        )
    await connection.execute(_SEND, (run_id, name, as_json(data), actor))
    await audit.append(connection, run_id, "event.sent", actor=actor, data={"event": name})
    await _match(connection, run_id)


async def expire(connection: Connection, run_id: str) -> None:
    """Ends the waits whose time is over, unless an event was faster."""
    if await (await connection.execute(_OVERDUE, (run_id,))).fetchone() is None:
        return
    await connection.execute(_LOCK, (run_id,))
    for row in await (await connection.execute(_EXPIRE, (run_id,))).fetchall():
        data: Json = {"step": row["path"], **({"missed": row["event"]} if row["event"] else {})}
        await audit.append(connection, run_id, "wait.over", actor=TIMEOUT_ACTOR, data=data)


async def _match(connection: Connection, run_id: str) -> None:
    """Gives each wait the oldest event of its name that no other has."""
    for row in await (await connection.execute(_FOR_EVENTS, (run_id,))).fetchall():
        names = {"run": run_id, "wait": row["id"], "name": row["event"], "since": row["since"]}
        taken = await (await connection.execute(_TAKE, names)).fetchone()
        if taken is not None:
            await connection.execute(_ANSWER, (as_json(taken["data"]), run_id, row["id"]))
            data: Json = {"event": row["event"], "step": row["path"]}
            await audit.append(connection, run_id, "event.taken", actor="graph", data=data)
