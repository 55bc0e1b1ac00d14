"""The row of a new run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from run_workflow.engine import audit
from run_workflow.engine.admission import refuse_other_use
from run_workflow.engine.ids import new_run_id
from run_workflow.engine.rows import Connection, one_run, run_with_key
from run_workflow.stores.columns import as_json, json_or_null
from state.context import RunContext
from state.ports import Clock
from state.runs import Json, RunRecord

if TYPE_CHECKING:  # the grammar of workflows is slow to import
    from state.workflow.terms import Terms

_INSERT = """
INSERT INTO runs (id, graph, definition, status, input, context, dedup_key, terms)
VALUES (%s, %s, %s, 'initializing', %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(frozen=True)
class NewRun:
    """What a new run is made of."""

    graph: str
    definition: str
    """Empty where it is bound to one when it begins."""
    input: Json
    context: RunContext
    dedup_key: str | None
    terms: "Terms | None" = None
    """What it keeps of a workflow's definition; None for graphs made by hand."""


async def make_run(connection: Connection, new: NewRun, clock: Clock, actor: str) -> RunRecord:
    """The run, in the caller's transaction; the one that was made with its dedup key, where there is one.

    Raises RunError when the key was used for something else.
    """
    stored = (new.definition, as_json(new.input), as_json(new.context), new.dedup_key, json_or_null(new.terms))
    while True:
        run_id = new_run_id(clock.now())
        if await (await connection.execute(_INSERT, (run_id, new.graph, *stored))).fetchone():
            await audit.append(connection, run_id, "run.created", actor=actor, data={"graph": new.graph})
            return await one_run(connection, run_id)
        if new.dedup_key and (there := await run_with_key(connection, new.dedup_key)):
            refuse_other_use(there, new.graph, new.input, new.context)
            return there
