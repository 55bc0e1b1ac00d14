"""Whether a run may be worked on, and whether a dedup key means the same run."""

import json

from psycopg.rows import DictRow

from run_workflow.engine import audit
from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.leases import locked_row
from run_workflow.engine.rows import Connection, one_run
from run_workflow.fence import Fence
from state.context import RunContext
from state.errors import DefinitionChanged, RunError
from state.runs import ENDED, UNDOING, Json, RunRecord
from tools.storable import json_text

RUNNING = """
UPDATE runs SET status = 'running', error = NULL, ended_at = NULL, waiting_for = '{}',
    started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
WHERE id = %s
"""
_UNDOING = """
UPDATE runs SET status = 'rolling_back', ended_at = NULL, updated_at = clock_timestamp() WHERE id = %s
"""
_BIND = "UPDATE runs SET definition = %s WHERE id = %s AND definition = ''"


async def refuse_ended(_connection: Connection, row: DictRow, _fence: int) -> None:
    """Whether the run may be taken up. Raises RunError when it has ended."""
    if row["status"] in ENDED:
        raise RunError(
            f"The run has ended: it is {row['status']}.",
            place=f"run {row['id']}",
            remedy=f"`fork {row['id']} --at NODE` makes a new run from a point of it.",
        )


async def begin(connection: Connection, fence: Fence, entry: GraphEntry, actor: str) -> RunRecord:
    """The run that was taken up is running from now on, in the caller's transaction. LeaseLost, DefinitionChanged."""
    row = await locked_row(connection, fence.run_id)
    if row["fence"] != fence.number:
        raise fence.lose()
    refuse_other_definition(row["id"], row["definition"], entry)
    await connection.execute(_UNDOING if row["status"] in UNDOING else RUNNING, (row["id"],))
    await connection.execute(_BIND, (entry.definition, row["id"]))
    event = "run.started" if row["started_at"] is None else "run.resumed"
    data: Json = {"fence": fence.number, "definition": entry.definition}
    await audit.append(connection, row["id"], event, actor=actor, data=data)
    return await one_run(connection, row["id"])


def refuse_served(run: RunRecord) -> None:
    """Raises RunError when a LangGraph server drives the run: its thread is not here."""
    if run.served:
        raise RunError(
            "A LangGraph server drives this run and has its thread.",
            place=f"run {run.id}",
            remedy="Answer and go on there; here it can be shown and cancelled.",
        )


def refuse_other_definition(run_id: str, definition: str, entry: GraphEntry) -> None:
    """Raises DefinitionChanged when the run began with another definition; one that has not begun may take any."""
    if definition not in ("", entry.definition):
        raise DefinitionChanged(
            f"The run began with another definition of {entry.name!r}: {definition}, now {entry.definition}.",
            place=f"run {run_id}",
            remedy="Go on with the version it began with, or start a new run.",
        )


def refuse_other_use(run: RunRecord, graph: str, input: Json, context: RunContext) -> None:
    """Raises RunError when the run, made with the same dedup key, is of another graph, input or context."""
    if run.graph != graph or run.input != json.loads(json_text(input)) or run.context != context:
        raise RunError(
            f"The dedup key {run.dedup_key!r} was used for another graph, another input or other settings.",
            place=f"run {run.id}",
            remedy="Use another key.",
        )
