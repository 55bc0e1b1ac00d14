"""What a workflow promises of its runs, looked at when one ends: a target that was missed is an event of the run."""

from collections.abc import Iterator

from psycopg.rows import DictRow

from run_workflow.engine import audit
from run_workflow.engine.rows import Connection
from state.runs import Json

_ENDED = "SELECT graph, status, worked, terms FROM runs WHERE id = %s"
# A workflow is its name, whatever the version; a run counts when it has ended.
_LAST = """
SELECT count(*) AS runs, count(*) FILTER (WHERE status = 'completed') AS completed FROM (
    SELECT status FROM runs WHERE split_part(graph, '@', 1) = split_part(%s, '@', 1) AND ended_at IS NOT NULL
    ORDER BY ended_at DESC LIMIT 100
) AS last
"""


async def check(connection: Connection, run_id: str, actor: str) -> None:
    """Writes an event for each target that the run, which has ended, missed; in the caller's transaction."""
    row = await (await connection.execute(_ENDED, (run_id,))).fetchone()
    if row is None or not row["terms"]:
        return
    last = await (await connection.execute(_LAST, (row["graph"],))).fetchone()
    for data in _missed(row, last or {}):
        await audit.append(connection, run_id, "sla.missed", actor=actor, data=data)


def _missed(row: DictRow, last: DictRow) -> Iterator[Json]:
    sla = row["terms"]["sla"]
    longest, least = sla["max_execution_time"], sla["min_success_rate"]
    if longest is not None and row["worked"] > longest:
        yield {"target": "max_execution_time", "promised": longest, "was": round(row["worked"], 3)}
    rate = last["completed"] / max(last["runs"], 1)
    if least is not None and row["status"] != "completed" and rate < least:
        yield {"target": "min_success_rate", "promised": least, "was": round(rate, 4), "runs": last["runs"]}
