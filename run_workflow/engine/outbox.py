"""What others are to be told of a run: rows that are written with the event, and sent until they are taken.

A message is sent by any process that drives a run, of whatever workflow, again after longer and longer pauses; a
resume of a run that has ended sends what is left of its own at once. Whoever is told may be told twice, with the same
id: a process can die between sending a message and noting it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from psycopg.rows import DictRow

from run_workflow.engine.rows import Connection, transaction
from run_workflow.engine.told import told
from run_workflow.postgres.database import Pool
from run_workflow.stores.columns import as_json
from state.errors import RunError, StrettoError, ToolFailed
from state.runs import AuditEvent, Json, RunRecord
from state.tools import ToolRegistry
from state.workflow.terms import Terms
from tools.storable import json_text

PAUSES = (5.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0)
"""Seconds before each further try; after the last one a message is given up, and its row says why."""
_BATCH = 10
_SEND_SECONDS = 20.0
_POLL_SECONDS = 1.0
_WRITE = "INSERT INTO outbox (id, run_id, target, body) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
# Whoever claims a message has this long for it; another may send it after that.
_CLAIM = """
UPDATE outbox SET attempts = attempts + 1, next_at = clock_timestamp() + interval '60 s'
WHERE id IN (
    SELECT id FROM outbox WHERE next_at <= clock_timestamp() ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id, run_id, target, body, attempts
"""
_SENT = "UPDATE outbox SET next_at = NULL, sent_at = clock_timestamp(), error = NULL WHERE id = %s"
_AGAIN = """
UPDATE outbox SET attempts = 0, next_at = clock_timestamp() WHERE run_id = %s AND sent_at IS NULL RETURNING id
"""
_LEFT = "SELECT error FROM outbox WHERE id = ANY (%s) AND sent_at IS NULL ORDER BY id"
_FAILED = "UPDATE outbox SET next_at = clock_timestamp() + make_interval(secs => %s), error = %s WHERE id = %s"


async def write(connection: Connection, event: AuditEvent, graph: str, terms: Json | None) -> None:
    """The messages of an event, in the transaction that writes it."""
    targets = Terms.model_validate(terms).told_of(event.event) if terms else []
    if not targets:
        return
    data: Json = {"run": event.run_id, "workflow": graph, "actor": event.actor, **event.data}
    body = json_text({"type": event.event, "timestamp": event.at, "data": data})
    for number, target in enumerate(targets):
        values = (f"{event.run_id}:event/{event.seq}/{number}", event.run_id, as_json(target), body)
        await connection.execute(_WRITE, values)


class Courier:
    """Sends what is due, whatever run it is of. `tools` makes the tools of a run: its `webhook` sends."""

    def __init__(self, pool: Pool, tools: Callable[[str], ToolRegistry | None]) -> None:
        self._pool, self._tools = pool, tools

    async def deliver(self) -> None:
        """One try of all messages that are due now."""
        while True:
            async with transaction(self._pool) as connection:
                rows = await (await connection.execute(_CLAIM, (_BATCH,))).fetchall()
            await asyncio.gather(*(self._try(row) for row in rows))
            if len(rows) < _BATCH:
                return

    async def deliver_left(self, run_id: str) -> bool:
        """One try of all messages on a run that were not taken, those that were given up too; whether there are any.

        Raises RunError with what was not taken now.
        """
        async with transaction(self._pool) as connection:
            wanted = [row["id"] for row in await (await connection.execute(_AGAIN, (run_id,))).fetchall()]
        await self.deliver()
        async with self._pool.connection() as connection:
            left = await (await connection.execute(_LEFT, (wanted,))).fetchall()
        if left:
            why = left[0]["error"] or "another process has them"
            raise RunError(
                f"{len(left)} of {len(wanted)} messages on the run were not taken: {why}",
                place=f"run {run_id}",
                remedy="Commands that drive a run send them again later; this one tries at once.",
            )
        return bool(wanted)

    @asynccontextmanager
    async def during(self, run: RunRecord) -> AsyncIterator[None]:
        """Tries what is due beside the block; where the run tells somebody, again and again, and once after it."""
        tells = run.terms is not None and bool(run.terms["endpoints"] or run.terms["channels"])
        stopped = asyncio.Event()
        delivering = asyncio.create_task(self._until(stopped) if tells else self.deliver())
        try:
            yield
        except asyncio.CancelledError:
            delivering.cancel()
            raise
        finally:
            stopped.set()
            await asyncio.wait([delivering])
        if error := delivering.exception():  # the run is not the worse for it, and its messages are kept
            structlog.get_logger().warning("messages could not be sent", run=run.id, error=told(error))

    async def _until(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await self.deliver()
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _POLL_SECONDS)
        await self.deliver()

    async def _try(self, row: DictRow) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._send(row)
        except (StrettoError, TimeoutError) as error:
            pause = PAUSES[row["attempts"] - 1] if row["attempts"] <= len(PAUSES) else None
            await self._note(_FAILED, (pause, told(error), row["id"]))
        else:
            await self._note(_SENT, (row["id"],))

    async def _note(self, statement: str, values: tuple[object, ...]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement.encode(), values)

    async def _send(self, row: DictRow) -> None:
        target = row["target"]
        if target.get("type") == "log":
            _log(row["body"])
            return
        tools = self._tools(row["run_id"])
        if tools is None:
            raise ToolFailed("There are no tools here to send it with.", "unavailable")
        given: Json = {"url": target.get("url") or target["target"], "body": row["body"]}
        given["headers"] = {"Content-Type": "application/json"}
        if target.get("secret"):
            given["secret"] = target["secret"]
        await tools.call("webhook", given, idempotency_key=row["id"])


def _log(body: str) -> None:
    message = json.loads(body)
    structlog.get_logger().warning(message["type"], **message["data"])
