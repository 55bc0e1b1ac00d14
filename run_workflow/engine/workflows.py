"""Runs of workflows: each is bound to the definition that it began with, which is stored with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.forks import COPY_CALLS, COPY_RUN, note_fork
from run_workflow.engine.ids import new_run_id
from run_workflow.engine.making import NewRun, make_run
from run_workflow.engine.rows import find_run, one_run, transaction
from run_workflow.postgres.database import Pool
from run_workflow.stores import definitions
from run_workflow.stores.columns import as_json
from state.context import RunContext
from state.errors import NotAllowed, RunError
from state.ports import Clock
from state.runs import VERSION_SIGN, Json, RunRecord

if TYPE_CHECKING:
    from graphs.workflow.pinned import Pinned

# Steps within a step, and turns of a loop, stand behind its id and a dot or a bracket.
_COPY_STEPS = """
INSERT INTO step_runs (run_id, path, iteration, status, attempts, started_at, ended_at, error, result)
SELECT %(new)s, path, iteration, status, attempts, started_at, ended_at, error, result
FROM step_runs
WHERE run_id = %(old)s AND status IN ('completed', 'skipped') AND substring(path FROM '^[^.[]+') <> ALL (%(again)s)
"""


class WorkflowRuns:
    """What the engine does with runs of workflows beside what it does with all runs."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._entries: dict[str, GraphEntry] = {}

    async def start(
        self, wanted: "Pinned", inputs: Json, context: RunContext, *, actor: str, dedup_key: str | None = None
    ) -> RunRecord:
        """Makes a run of a workflow, bound to this definition for good; nothing works on it yet.

        With a dedup key that was used before: the run made then, with its definition. Raises NotAllowed when this
        person may not start it, RunError when the key was used for something else, and what the check of the inputs
        raises.
        """
        refuse_user(wanted, actor)
        given: Json = {"inputs": inputs}
        self.entry(wanted).check_input(given)
        new = NewRun(wanted.title, wanted.hash, given, context, dedup_key, wanted.definition.terms)
        async with transaction(self._pool) as connection:
            await definitions.save(connection, wanted)
            return await make_run(connection, new, self._clock, actor)

    async def fork(self, run: RunRecord, actor: str, at: str | None, changes: Json) -> RunRecord:
        """Makes a new run with the steps of this one that do not come after `at`, and with other inputs.

        Raises RunError when there is no such step, and what the check of the inputs raises.
        """
        wanted = await self.definition_of(run)
        again = _steps_again(wanted, run, at)
        told: Json = {"inputs": {**run.input["inputs"], **changes}}
        self.entry(wanted).check_input(told)
        names = {"old": run.id, "input": as_json(told), "again": again}
        async with transaction(self._pool) as connection:
            new = new_run_id(self._clock.now())
            for statement in (COPY_RUN, COPY_CALLS, _COPY_STEPS):
                await connection.execute(statement, {**names, "new": new})
            await note_fork(connection, run, new, {"at": at, "changes": changes}, actor)
            return await one_run(connection, new)

    async def entry_of(self, run: RunRecord) -> GraphEntry:
        """The graph of a run: what its own definition says, whatever became of the file since."""
        if run.definition not in self._entries:
            self._entries[run.definition] = self.entry(await self.definition_of(run))
        return self._entries[run.definition]

    def entry(self, wanted: "Pinned") -> GraphEntry:
        """The graph of a definition."""
        from graphs.workflow.entry import WorkflowEntry

        return WorkflowEntry(wanted)

    async def definition_of(self, run: RunRecord) -> "Pinned":
        """The definition that a run is bound to. Raises BuildError when it cannot be read any more."""
        async with self._pool.connection() as connection:
            return await definitions.load(connection, run.definition)

    async def begun(self, run_id: str, name: str) -> "Pinned | None":
        """The definition that a run of the workflow of this name is bound to; None where there is no such run."""
        async with self._pool.connection() as connection:
            run = await find_run(connection, run_id)
        if run is None or run.graph.partition(VERSION_SIGN)[0] != name or not run.is_workflow:
            return None
        return await self.definition_of(run)

    async def find(self, name: str, version: str) -> "Pinned | None":
        """The definition of this name and version that was run last; None where there is none."""
        async with self._pool.connection() as connection:
            return await definitions.find(connection, name, version)

    async def versions(self, name: str | None = None) -> Sequence[definitions.StoredVersion]:
        """All definitions of a name, or of all, that were ever run, newest first."""
        async with self._pool.connection() as connection:
            return await definitions.versions(connection, name)


def refuse_user(wanted: "Pinned", actor: str) -> None:
    """Raises NotAllowed when the definition names those who may start it, and this person is none of them."""
    allowed = wanted.definition.allowed_users
    if allowed and actor not in allowed:
        raise NotAllowed(
            f"The account {actor} may not start {wanted.definition.name}.",
            place="allowed_users",
            remedy=f"Ask {' or '.join(allowed)}.",
        )


def _steps_again(wanted: "Pinned", run: RunRecord, at: str | None) -> list[str]:
    """The step `at` and all that come after it; None means all. Raises RunError when there is no such step."""
    from graphs.workflow.flow import flow_of

    flow = flow_of(wanted.definition.steps)
    if at is None:
        return list(flow.steps)
    if at not in flow.steps:
        remedy = f"A copy can begin at a step of the outermost level: {', '.join(flow.steps)}."
        raise RunError(f"There is no step {at!r}.", place=f"run {run.id}", remedy=remedy)
    again: dict[str, None] = {}
    waiting = [at]
    while waiting:
        id_ = waiting.pop()
        if id_ not in again:
            again[id_] = None
            waiting += flow.followers[id_]
    return list(again)
