"""The call journal in Postgres: the table `calls`."""

from collections.abc import Sequence

from run_workflow.fence import Fence
from run_workflow.stores.columns import as_json
from state.runs import CallKey, CallRecord, Usage

_FIND = """
SELECT kind, name, response, seconds,
       model_calls, tool_calls, input_tokens, output_tokens, money, unpriced_calls
FROM calls WHERE run_id = %s AND path = %s AND request_hash = %s AND occurrence = %s
"""
_RECORD = """
INSERT INTO calls (run_id, path, request_hash, occurrence, kind, name, response, seconds,
                   model_calls, tool_calls, input_tokens, output_tokens, money, unpriced_calls)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
USAGE = """
SELECT coalesce(sum(model_calls), 0)::bigint AS model_calls,
       coalesce(sum(tool_calls), 0)::bigint AS tool_calls,
       coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
       coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
       coalesce(sum(money), 0)::double precision AS money,
       coalesce(sum(unpriced_calls), 0)::bigint AS unpriced_calls
FROM calls WHERE run_id = %s AND starts_with(path, %s) AND NOT copied
"""
_MODELS = """
SELECT DISTINCT name COLLATE "C" AS name FROM calls WHERE run_id = %s AND kind = 'model' ORDER BY name
"""
_USAGE_COLUMNS = (
    "model_calls",
    "tool_calls",
    "input_tokens",
    "output_tokens",
    "money",
    "unpriced_calls",
)


class PostgresJournal:
    """The finished calls of one run, written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def find(self, key: CallKey) -> CallRecord | None:
        """What the call gave back, if it finished before."""
        async with self._fence.pool.connection() as connection:
            row = await (await connection.execute(_FIND, self._place(key))).fetchone()
        if row is None:
            return None
        usage = Usage(**{name: row.pop(name) for name in _USAGE_COLUMNS})
        return CallRecord(**row, usage=usage)

    async def record(self, key: CallKey, call: CallRecord) -> None:
        """Stores a finished call before its result is used; the first record of a key stays."""
        usage = [getattr(call.usage, name) for name in _USAGE_COLUMNS]
        row = (*self._place(key), call.kind, call.name, as_json(call.response), call.seconds, *usage)
        async with self._fence.writing() as connection:
            await connection.execute(_RECORD, row)

    async def usage(self, prefix: str = "") -> Usage:
        """The sum over the calls whose path starts with `prefix`, without those copied by a fork."""
        async with self._fence.pool.connection() as connection:
            row = await (await connection.execute(USAGE, (self._fence.run_id, prefix))).fetchone()
        return Usage(**row) if row else Usage()

    async def models(self) -> Sequence[str]:
        """The names of the models that answered, each once, in the order of the alphabet; also in calls that a fork
        copied: what they said is in its report.
        """
        async with self._fence.pool.connection() as connection:
            rows = await (await connection.execute(_MODELS, (self._fence.run_id,))).fetchall()
        return [row["name"] for row in rows]

    def _place(self, key: CallKey) -> tuple[str, str, str, int]:
        return self._fence.run_id, key.path, key.request_hash, key.occurrence
