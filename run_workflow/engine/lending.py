"""Runs that a LangGraph server drives: it keeps threads and checkpoints; row, answers, evidence and calls are ours.

Such a run has a row of its own, so that its writes are fenced like all others, under the name of a graph that only the
server knows: `resume` refuses it, because its checkpoints are the server's.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot
from psycopg.rows import DictRow

from run_workflow.engine import audit, endings
from run_workflow.engine.admission import RUNNING, refuse_other_definition
from run_workflow.engine.driving import App, Outcome, outcome_of
from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.handed import ACTOR, Asked, Start, start_again, start_of
from run_workflow.engine.leases import Lease, Leases
from run_workflow.engine.rows import Connection, one_run, transaction
from run_workflow.engine.told import told
from run_workflow.engine.workflows import refuse_user
from run_workflow.fence import Fence
from run_workflow.postgres.database import Pool
from run_workflow.stores import definitions
from run_workflow.stores.columns import as_json, json_or_null
from state.errors import RunError, TimedOut, UnknownRun
from state.runs import ENDED, SERVED, UNDOING, VERSION_SIGN, RunRecord
from tools.storable import json_text

if TYPE_CHECKING:  # slow to import
    from graphs.workflow.pinned import Pinned

_MAKE = """
INSERT INTO runs (id, graph, definition, status, input, context, terms)
VALUES (%s, %s, %s, 'initializing', %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""
_KNOWN = "SELECT 1 FROM runs WHERE id = %s"
# Of the runs that wait: those whose answer is there, or is the policy's by now, and those whose event or time has come.
_ANSWERED = """
SELECT r.id, r.graph, came.id AS request FROM runs r JOIN (
    SELECT run_id, id FROM approvals
    WHERE answer IS NOT NULL OR (status = 'pending' AND expires_at <= clock_timestamp())
    UNION ALL
    SELECT run_id, id FROM waits
    WHERE status IN ('answered', 'expired') OR (status = 'pending' AND wakes_at <= clock_timestamp())
) came ON came.run_id = r.id AND came.id = ANY (r.waiting_for)
WHERE r.status IN ('waiting_approval', 'paused') AND right(r.graph, length(%(served)s)) = %(served)s
ORDER BY r.id, came.id
"""

T = TypeVar("T")


class Loan:
    """One stretch of work on a run that the server drives, within `lent`."""

    run: RunRecord
    """As it stood when the stretch began."""

    def __init__(self, pool: Pool, lease: Lease, entry: GraphEntry) -> None:
        self.settled = False
        self._pool = pool
        self._lease = lease
        self._entry = entry

    async def begin(self) -> None:
        """Reads the run. Raises RunError when a cancel was asked for that nobody has heard yet."""
        async with self._pool.connection() as connection:
            self.run = await one_run(connection, self.fence.run_id)
        if self.run.cancel_requested:
            self._lease.cancelled.set()
        self._check()

    @property
    def fence(self) -> Fence:
        """What the stretch writes under."""
        return self._lease.fence

    async def work(
        self, app: App, asked: Asked, config: RunnableConfig, options: Mapping[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Streams the graph from where it stands on the server's checkpoints, as far as it goes, and settles the run.

        `config` and `options` are those of `astream`. An answer is checked and stored before the graph has it.
        """
        thread: RunnableConfig = {"configurable": {"thread_id": self.run.id}}
        snapshot = await app.aget_state(thread)
        start = start_again(asked) if _goes_back(config, snapshot) else await self._start(asked, snapshot)
        while not self.settled:
            parts = app.astream(start, config, context=self.run.context, **options)
            async with aclosing(self._held(cast("AsyncGenerator[Any, None]", parts))) as held:
                async for part in held:
                    yield part
            snapshot = await app.aget_state(thread)
            outcome = outcome_of(app, snapshot)
            if outcome.waiting_for and not asked.kept:
                raise _unanswerable(self.run.id)
            await self.settle(outcome)
            if not self.settled:
                config = _from_latest(config)
                start = await self._start(replace(asked, start=None), snapshot)

    async def _start(self, asked: Asked, snapshot: StateSnapshot) -> Start:
        return await start_of(asked, snapshot, self._pool, self.run, self._entry)

    async def settle(self, outcome: Outcome) -> None:
        """Writes how the stretch ended, unless it is to go on with an answer that is there. Raises LeaseLost."""
        async with transaction(self._pool) as connection:
            self.settled = await endings.settle(connection, self.fence, outcome, ACTOR)

    async def _held(self, parts: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The parts, which end at once when the run is cancelled (RunError) or taken over (LeaseLost)."""
        tasks: set[asyncio.Future[Any]] = set()
        async with aclosing(parts):
            try:
                signals = [asyncio.ensure_future(event.wait()) for event in (self.fence.lost, self._lease.cancelled)]
                while True:
                    coming = asyncio.ensure_future(_next(parts))
                    tasks = {coming, *signals}
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    self._check()
                    if not (part := await coming):
                        return
                    yield part[0]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    def _check(self) -> None:
        """Raises LeaseLost when the run was taken over, RunError when it was cancelled."""
        if self.fence.lost.is_set():
            raise self.fence.lose()
        if self._lease.cancelled.is_set():
            raise _cancelled(self.fence.run_id)

    def ended(self, error: BaseException | None) -> Outcome:
        """What becomes of a stretch that did not settle: an interrupted one can be gone on with."""
        if self._lease.cancelled.is_set():
            return Outcome("cancelled")
        if not isinstance(error, Exception):
            return Outcome("paused")
        return Outcome("timed_out" if isinstance(error, TimedOut) else "failed", error=told(error))


def _goes_back(config: RunnableConfig, latest: StateSnapshot) -> bool:
    """Whether the work is to begin at an earlier checkpoint than that at which the thread stands."""
    wanted = config["configurable"].get("checkpoint_id")
    return bool(wanted) and str(wanted) != latest.config["configurable"].get("checkpoint_id")


def _from_latest(config: RunnableConfig) -> RunnableConfig:
    """The config without the checkpoint that it names."""
    latest: RunnableConfig = {**config, "configurable": {**config["configurable"], "checkpoint_id": None}}
    return latest


async def _next(parts: AsyncGenerator[T, None]) -> tuple[T, ...]:
    """The next part; nothing at the end."""
    async for part in parts:
        return (part,)
    return ()


@asynccontextmanager
async def lent(
    pool: Pool, leases: Leases, run_id: str, entry: GraphEntry, asked: Asked, wanted: "Pinned | None" = None
) -> AsyncIterator[Loan]:
    """The run, made if a question came for it, for one stretch of work. How that ends is written down.

    `wanted` is the definition of a workflow: it is kept with the run. Raises UnknownRun, RunHeld, DefinitionChanged,
    NotAllowed, and RunError when the run has ended, was cancelled or asked something else.
    """

    async def admit(connection: Connection, row: DictRow, fence: int) -> None:
        _refuse_unfit(row, entry.name + SERVED, asked.start)
        refuse_other_definition(run_id, row["definition"], entry)
        await connection.execute(RUNNING, (run_id,))
        await audit.append(connection, run_id, "run.lent", actor=asked.actor or ACTOR, data={"fence": fence})

    async with transaction(pool) as connection:
        await _make(connection, run_id, entry, asked, wanted)
    async with leases.holding(run_id, admit) as lease:
        loan = Loan(pool, lease, entry)
        error: BaseException | None = None
        try:
            await loan.begin()
            yield loan
        except BaseException as raised:
            error = raised
            raise
        finally:
            if not loan.settled and not lease.fence.lost.is_set():
                await loan.settle(loan.ended(error))


@dataclass(frozen=True)
class Answered:
    """What a run waits for on the server although it is there: an answer, an event, or the end of a time."""

    run_id: str
    graph: str
    request_id: str


async def answered(pool: Pool) -> Sequence[Answered]:
    """All of them."""
    async with pool.connection() as connection:
        rows = await (await connection.execute(_ANSWERED, {"served": SERVED})).fetchall()
    return [Answered(row["id"], _graph_of(row["graph"]), row["request"]) for row in rows]


def _graph_of(graph: str) -> str:
    """The graph's name on the server: of a workflow it is the one without the version."""
    return graph.removesuffix(SERVED).partition(VERSION_SIGN)[0]


async def _make(connection: Connection, run_id: str, entry: GraphEntry, asked: Asked, wanted: "Pinned | None") -> None:
    """The row, if a question came and there is none. Raises UnknownRun when there is none and none came."""
    if isinstance(asked.start, dict):
        entry.check_input(asked.start)
        graph, terms = entry.name + SERVED, None
        if wanted is not None:
            refuse_user(wanted, asked.actor or ACTOR)
            await definitions.save(connection, wanted)
            terms = wanted.definition.terms
        values = (run_id, graph, entry.definition, as_json(asked.start), as_json(asked.context), json_or_null(terms))
        if await (await connection.execute(_MAKE, values)).fetchone():
            data = {"graph": graph, "definition": entry.definition}
            await audit.append(connection, run_id, "run.created", actor=asked.actor or ACTOR, data=data)
    elif not await (await connection.execute(_KNOWN, (run_id,))).fetchone():
        raise UnknownRun(
            "This thread has not been asked anything yet, or another database has its run.",
            place=f"thread {run_id}",
            remedy="Give it its input, or begin a new thread.",
        )


def _refuse_unfit(row: DictRow, graph: str, start: Start) -> None:
    """Raises RunError when the run is no server's, or takes no more of this kind: one thread is one question."""
    if row["graph"] != graph:
        raise RunError(f"This is a run of {row['graph']}.", place=f"run {row['id']}", remedy="Begin a new thread.")
    if row["status"] == "cancelled":
        raise _cancelled(row["id"])
    if row["status"] in (ENDED | UNDOING) - {"completed"}:
        raise _ended(row["id"], row["status"])
    if not isinstance(start, dict):
        return
    if row["status"] == "completed":
        raise RunError("This thread has answered its question.", place=f"run {row['id']}", remedy=_NEW)
    if row["input"] != json.loads(json_text(start)):
        raise RunError("This thread was asked something else.", place=f"run {row['id']}", remedy=_NEW)


_NEW = "Begin a new thread: what this one has found belongs to its question."


def _unanswerable(run_id: str) -> RunError:
    return RunError(
        "The run waits for an approval, and nobody can answer: its thread is not kept.",
        place=f"run {run_id}",
        remedy="Start it on a thread, or switch its approval points off.",
    )


def _ended(run_id: str, status: str) -> RunError:
    said = f"`show {run_id}` says why. Begin a new thread."
    if status in UNDOING:
        said = f"`resume {run_id}` on the command line undoes the rest. Begin a new thread."
    return RunError(f"The run is {status}: no step of it runs any more.", place=f"run {run_id}", remedy=said)


def _cancelled(run_id: str) -> RunError:
    return RunError(
        "The run was cancelled.",
        place=f"run {run_id}",
        remedy=f"`show {run_id}` says who did it. Begin a new thread.",
    )
