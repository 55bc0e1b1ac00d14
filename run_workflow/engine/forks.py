"""Forks: a new run that goes on from a point of another one, with what was done until then and with changes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from run_workflow.engine import audit
from run_workflow.engine.driving import App, config_of
from run_workflow.engine.rows import Connection
from run_workflow.stores.columns import as_json
from state.errors import RunError
from state.runs import Json, RunRecord

if TYPE_CHECKING:  # slow to import
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from langgraph.types import StateSnapshot

# Writes of this task are applied to the state before the next superstep; Command(update=...) uses it too. They leave
# alone what runs next, which update_state would decide anew from the edges of the node before.
_NO_TASK = "00000000-0000-0000-0000-000000000000"

COPY_RUN = """
INSERT INTO runs (id, graph, definition, status, input, context, terms, parent)
SELECT %(new)s, graph, definition, 'initializing', %(input)s, context, terms, id FROM runs WHERE id = %(old)s
"""
COPY_CALLS = """
INSERT INTO calls (run_id, path, request_hash, occurrence, kind, name, response, seconds, model_calls, tool_calls,
                   input_tokens, output_tokens, money, unpriced_calls, recorded_at, copied)
SELECT %(new)s, path, request_hash, occurrence, kind, name, response, seconds, model_calls, tool_calls,
       input_tokens, output_tokens, money, unpriced_calls, recorded_at, true
FROM calls WHERE run_id = %(old)s
"""
# Checkpoint ids ascend with time. What was written at the last one belongs to the steps that are to run again.
_COPY_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT %(new)s, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata
FROM checkpoints WHERE thread_id = %(old)s AND checkpoint_id <= %(last)s
"""
_COPY_WRITES = """
INSERT INTO checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path)
SELECT %(new)s, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path
FROM checkpoint_writes
WHERE thread_id = %(old)s AND (checkpoint_id < %(last)s OR (checkpoint_id = %(last)s AND task_id = %(no_task)s))
"""
_COPY_BLOBS = """
INSERT INTO checkpoint_blobs (thread_id, checkpoint_ns, channel, version, type, blob)
SELECT %(new)s, b.checkpoint_ns, b.channel, b.version, b.type, b.blob
FROM checkpoint_blobs b
WHERE b.thread_id = %(old)s AND EXISTS (
    SELECT FROM checkpoints c
    WHERE c.thread_id = %(new)s AND c.checkpoint_ns = b.checkpoint_ns
        AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version
)
"""


async def find_point(app: App, run: RunRecord, at: str | None) -> "StateSnapshot":
    """The state before the last time that the node `at` ran, or at the checkpoint `at`; None: where the run stands.

    Raises RunError when there is none, or nothing would be left to do from there.
    """
    nodes: dict[str, None] = {}
    async for snapshot in app.aget_state_history(config_of(run.id)):
        checkpoint = snapshot.config["configurable"]["checkpoint_id"]
        nodes.update(dict.fromkeys(snapshot.next))
        if at is None or at == checkpoint or at in snapshot.next:
            if snapshot.next:
                return snapshot
            raise RunError(
                "From there nothing is left to do.",
                place=f"run {run.id}",
                remedy="Name the node to start from.",
            )
    known = ", ".join(node for node in reversed(nodes) if not node.startswith("__")) or "none yet"
    raise RunError(f"The run never came to {at!r}.", place=f"run {run.id}", remedy=f"Nodes it came to: {known}.")


def read_changes(schema: type, changes: Json) -> dict[str, Any]:
    """The changes as values of the state's types. Raises RunError that names the field."""
    hints = get_type_hints(schema)
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in hints:
            raise RunError(
                f"The state has no {name!r}.", place="changes", remedy=f"It has: {', '.join(sorted(hints))}."
            )
        try:
            values[name] = TypeAdapter(hints[name]).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in (name, *first["loc"]))
            raise RunError(f"{first['msg']}.", place=f"changes, {field}") from error
    return values


async def copy_run(
    connection: Connection, run: RunRecord, new: str, point: "StateSnapshot", changes: Mapping[str, Any]
) -> None:
    """Makes the new run with its own thread and the input of `run`, in the caller's transaction."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    from run_workflow.checkpoints import StrictSerializer

    last = point.config["configurable"]["checkpoint_id"]
    names = {"new": new, "old": run.id, "last": last, "no_task": _NO_TASK, "input": as_json(run.input)}
    for statement in (COPY_RUN, COPY_CALLS, _COPY_CHECKPOINTS, _COPY_WRITES, _COPY_BLOBS):
        await connection.execute(statement, names)
    if changes:
        saver = AsyncPostgresSaver(connection, serde=StrictSerializer())
        place: RunnableConfig = {"configurable": {"thread_id": new, "checkpoint_ns": "", "checkpoint_id": last}}
        await saver.aput_writes(place, [*await _earlier(saver, place), *changes.items()], _NO_TASK)


async def _earlier(saver: "AsyncPostgresSaver", place: "RunnableConfig") -> list[tuple[str, Any]]:
    """Changes that an earlier fork made at the same checkpoint: writes are numbered, so they come first again."""
    stored = await saver.aget_tuple(place)
    writes = stored.pending_writes or [] if stored else []
    return [(channel, value) for task, channel, value in writes if task == _NO_TASK]


async def note_fork(connection: Connection, run: RunRecord, new: str, data: Json, actor: str) -> None:
    """Tells both runs' audit chains of the fork."""
    await audit.append(connection, new, "run.created", actor=actor, data={**data, "parent": run.id})
    await audit.append(connection, run.id, "run.forked", actor=actor, data={**data, "child": new})
