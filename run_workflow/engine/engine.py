"""The run engine: start, advance, answer, cancel, fork and show runs, each written by one process at a time.

A run's graph is built anew for every stretch of work, because its ports are bound to the run and to the fence under
which this process may write. Whatever kills the process, the next one goes on from the ledger, the journal and the
last checkpoint.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from run_workflow.engine import approvals, audit, endings, forks, views, waits
from run_workflow.engine.admission import (
    begin,
    refuse_ended,
    refuse_other_definition,
    refuse_served,
)
from run_workflow.engine.background import Background
from run_workflow.engine.driving import App, Job, Outcome, Watch, compiled, config_of
from run_workflow.engine.edits import check_edit
from run_workflow.engine.entries import GraphEntry
from run_workflow.engine.ids import new_run_id
from run_workflow.engine.inbox import PostgresInbox
from run_workflow.engine.leases import Lease, Leases, LeaseTimes
from run_workflow.engine.making import NewRun, make_run
from run_workflow.engine.outbox import Courier
from run_workflow.engine.rows import all_approvals, due_runs, latest_runs, one_run, transaction, worked_on
from run_workflow.engine.started import StartedRuns
from run_workflow.engine.undoing import work_on
from run_workflow.engine.workflows import WorkflowRuns
from run_workflow.fence import Fence
from run_workflow.postgres.database import Pool
from run_workflow.stores.artifacts import PostgresArtifacts
from run_workflow.stores.cache import PostgresCache
from run_workflow.stores.history import PostgresAgentHistory
from run_workflow.stores.journal import PostgresJournal
from run_workflow.stores.ledger import PostgresLedger
from run_workflow.stores.passages import PostgresPassages
from run_workflow.stores.times import PostgresStepTimes
from run_workflow.stores.vectors import PostgresVectors
from state.context import RunContext
from state.errors import LeaseLost, RunError
from state.ports import Clock, Embeddings, Models, Network, Ports
from state.runs import SERVED, UNDOING, Answer, ApprovalRecord, Edit, Json, Reject, RunRecord, RunStatus, Standing
from tools.threads import computed
from tools.web.once import OnceWeb

if TYPE_CHECKING:  # slow to import
    from graphs.workflow.pinned import Pinned
    from run_workflow.engine.handed import Asked
    from run_workflow.engine.lending import Answered, Loan


class Engine:
    """Everything that can be done with runs. It may be made once a process; `background` is closed at its end."""

    def __init__(
        self,
        pool: Pool,
        models: Models,
        clock: Clock,
        graphs: Mapping[str, GraphEntry],
        *,
        network: Network | None = None,
        times: LeaseTimes | None = None,
    ) -> None:
        self._pool = pool
        self._models = models
        self._clock = clock
        self._graphs = graphs
        self._network = network or Network()
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._times = times or LeaseTimes()
        self._leases = Leases(pool, self._times, self._owner)
        self.workflows = WorkflowRuns(pool, clock)
        self.background = Background(self)
        self._courier = Courier(pool, lambda run_id: self._ports(Fence(pool, run_id, -1)).tools)

    async def start(
        self, graph: str, input: Json, context: RunContext, *, actor: str, dedup_key: str | None = None
    ) -> RunRecord:
        """Makes a run; nothing works on it yet. With a dedup key that was used before: the run made then.

        The graph is not built for that, which takes seconds: a run that is killed at once has its row. It is bound to
        the graph's definition when it begins. Raises RunError when the graph is not known, or the key was used for
        something else, and what the graph's check of its input raises.
        """
        self._entry(graph).check_input(input)
        async with transaction(self._pool) as connection:
            return await make_run(connection, NewRun(graph, "", input, context, dedup_key), self._clock, actor)

    async def advance(
        self,
        run_id: str,
        *,
        watch: Watch | None = None,
        drain: asyncio.Event | None = None,
        actor: str | None = None,
    ) -> RunRecord:
        """Works on a run until it ends, waits for a person, is drained or cancelled.

        `watch` is called with the events of the run; once `drain` is set, it stops at its next safe point. A run that
        waits and was not answered is returned as it is. The lease is taken first: that the run is worked on is seen
        while the graph is still being loaded. Raises UnknownRun, RunHeld, LeaseLost, DefinitionChanged, and RunError
        when the run has ended. An error of the run itself becomes the status `failed`; one that is not a StrettoError
        is raised as well.
        """
        await self.settle_timeouts(run_id)
        async with self._pool.connection() as connection:
            run = await one_run(connection, run_id)
        if run.status not in UNDOING:  # its thread is not needed for that
            refuse_served(run)
        if run.is_put_away and not run.answered and not run.cancel_requested:
            return run
        entry = await self._entry_of(run)
        async with self._leases.holding(run_id, refuse_ended) as lease:
            await computed(getattr, entry, "definition")  # imports the graph, which takes seconds
            async with transaction(self._pool) as connection:
                run = await begin(connection, lease.fence, entry, actor or self._owner)
                worked = await worked_on(connection, run_id)
            ports = replace(self._ports(lease.fence), worked=worked)
            job = Job(run, entry, ports, lease.fence, watch, drain)
            async with self._courier.during(run), _closing(ports):
                outcome = await self._work(job, lease, actor or self._owner)
        if outcome.fault is not None:
            raise outcome.fault
        return await self._run(run_id)

    async def answer(self, run_id: str, request_id: str | None, answer: Answer, actor: str) -> ApprovalRecord:
        """Stores the answer to a pending request (None: to the only one); `advance` goes on with it.

        Raises UnknownRun, and AnswerRefused, before anything is stored, when the request is not pending, the person
        or the decision not allowed, or the edit wrong; also when somebody else was faster.
        """
        await self.settle_timeouts(run_id)
        async with self._pool.connection() as connection:
            run = await one_run(connection, run_id)
            refuse_served(run)
            approval = await approvals.find_pending(connection, run, request_id)
        approvals.check_allowed(approval, answer, actor)
        if isinstance(answer.decision, Edit):
            await self._check_edit(run, approval, answer.decision.edited_action.args)
        signed = answer.model_copy(update={"by": actor})
        async with transaction(self._pool) as connection:
            if await approvals.store_answer(connection, approval, signed, actor):
                stored = await all_approvals(connection, run_id)
                return next(each for each in stored if each.id == approval.id)
        # Somebody was faster, or the time is over: now the request is no longer pending, and the error says why.
        return await self.answer(run_id, approval.id, answer, actor)

    async def remark(self, approval: ApprovalRecord, answer: Answer) -> str:
        """What is to be said at once to the person whose answer was taken; empty where that is nothing."""
        if not isinstance(answer.decision, Reject):
            return ""
        run = await self._run(approval.run_id)
        remark = (await self._entry_of(run)).remarks.get(approval.request.action.name)
        if remark is None:
            return ""
        snapshot = await (await self._reading(run)).aget_state(config_of(run.id))
        return remark(snapshot.values, answer.decision.message)

    async def settle_timeouts(self, run_id: str) -> None:
        """Answers the requests that nobody answered in time, as their policies say, and ends waits that are over."""
        async with transaction(self._pool) as connection:
            await approvals.expire(connection, run_id)
            await waits.expire(connection, run_id)

    async def send_event(self, run_id: str, name: str, data: Json, *, actor: str) -> RunRecord:
        """Stores an event for a run; the oldest wait for its name takes it, now or when it comes to that.

        `advance` goes on with it. Raises UnknownRun, and RunError when the run has ended.
        """
        await self.settle_timeouts(run_id)
        async with transaction(self._pool) as connection:
            await waits.send(connection, run_id, name, data, actor)
            return await one_run(connection, run_id)

    async def cancel(self, run_id: str, actor: str) -> RunRecord:
        """Cancels a run at once, or within about a second where another process works on it.

        A run whose definition says so is undone first. Raises UnknownRun, and RunError when the run has ended
        otherwise.
        """
        async with transaction(self._pool) as connection:
            run = await endings.cancel(connection, run_id, actor)
        if run.status == "rolling_back":
            return await self.advance(run_id, actor=actor)
        async with self._courier.during(run):
            return run

    async def fork(self, run_id: str, *, actor: str, at: str | None = None, changes: Json | None = None) -> RunRecord:
        """Makes a new run that goes on from a point of this one: before the node `at` last ran, or a checkpoint.

        `changes` are applied to the state there, through its reducers. The calls of the run come along, so that those
        that stay the same are not made again. Raises UnknownRun, DefinitionChanged and RunError.
        """
        run = await self._run(run_id)
        refuse_served(run)
        if run.is_workflow:
            return await self.workflows.fork(run, actor, at, changes or {})
        app = await self._reading(run)
        point = await forks.find_point(app, run, at)
        told = run.input | {name: value for name, value in (changes or {}).items() if name in run.input}
        self._entry(run.graph).check_input(told)
        values = forks.read_changes(app.builder.state_schema, changes or {})
        async with transaction(self._pool) as connection:
            new = new_run_id(self._clock.now())
            await forks.copy_run(connection, run.model_copy(update={"input": told}), new, point, values)
            data: Json = {"at": at or ", ".join(point.next), "changes": changes or {}}
            await forks.note_fork(connection, run, new, data, actor)
            return await one_run(connection, new)

    @asynccontextmanager
    async def lend(self, run_id: str, graph: "str | Pinned", asked: "Asked") -> AsyncIterator[tuple[Ports, "Loan"]]:
        """One stretch of work on a run that a LangGraph server drives, and the ports for it.

        `graph` is a name, or a workflow as the run is, or is to be, bound to it. A run that is to be undone after this
        is undone, and who is to be told is told. Raises UnknownRun, RunHeld, DefinitionChanged, NotAllowed, and
        RunError when the run has ended, was cancelled or asked something else.
        """
        from run_workflow.engine import lending

        wanted = None if isinstance(graph, str) else graph
        entry = self._entry(graph) if isinstance(graph, str) else self.workflows.entry(graph)
        loan: Loan | None = None
        try:
            async with lending.lent(self._pool, self._leases, run_id, entry, asked, wanted) as loan:
                async with self._pool.connection() as connection:
                    worked = await worked_on(connection, run_id)
                ports = replace(self._ports(loan.fence), worked=worked)
                async with self._courier.during(loan.run), _closing(ports):
                    yield ports, loan
        finally:
            if loan is not None:
                await self._after(await self._run(run_id))

    async def _after(self, run: RunRecord) -> None:
        """What is left to do when a stretch of work was settled: the run is undone, those are told who are to be."""
        if run.status == "rolling_back":
            await self.advance(run.id)
        else:
            async with self._courier.during(run):
                pass

    async def answered_loans(self) -> Sequence["Answered"]:
        """What runs wait for on a server although it has come, or a timeout policy will answer it now."""
        from run_workflow.engine import lending

        return await lending.answered(self._pool)

    async def deliver(self, run_id: str | None = None) -> bool:
        """Sends what others were not told of a run, also what was given up; whether there is any. Raises RunError.

        Without a run: what is due of all runs, once, and says nothing of how that went.
        """
        if run_id is not None:
            return await self._courier.deliver_left(run_id)
        await self._courier.deliver()
        return False

    async def show(self, run_id: str) -> views.RunView:
        """The run with its steps, approvals, usage and forks. Raises UnknownRun."""
        await self.settle_timeouts(run_id)
        async with self._pool.connection() as connection:
            return await views.view_of(connection, run_id)

    async def manifest(self, run_id: str) -> views.RunManifest:
        """The run with all that it did: its calls and its audit chain too. Raises UnknownRun."""
        async with transaction(self._pool) as connection:
            return await views.manifest_of(connection, run_id)

    async def list_runs(self, limit: int = 20, standing: Standing | None = None) -> Sequence[RunRecord]:
        """The newest runs, newest first; of those that stand so, where that is given."""
        async with self._pool.connection() as connection:
            return await latest_runs(connection, limit, standing)

    async def due_runs(self) -> Sequence[RunRecord]:
        """The runs that can be gone on with now, and that nobody works on, oldest first."""
        async with self._pool.connection() as connection:
            return await due_runs(connection)

    async def timeline(self, run_id: str) -> Sequence[views.TimelineEntry]:
        """Steps and audit events of a run, merged in time. Raises UnknownRun."""
        async with self._pool.connection() as connection:
            return await views.timeline_of(connection, run_id)

    async def verify_audit(self, run_id: str) -> int | None:
        """The number of the first audit event that was changed or is missing; None when the chain holds."""
        async with self._pool.connection() as connection:
            return await audit.first_bad(connection, run_id)

    # --- how -----------------------------------------------------------------------------------------------------

    async def _work(self, job: Job, lease: Lease, actor: str) -> Outcome:
        """Attempts, until there is nothing more to do without a person."""
        fault: Exception | None = None
        while True:
            try:
                outcome = await work_on(job, lease)
            except asyncio.CancelledError:
                status: RunStatus = "rolling_back" if job.run.status in UNDOING else "paused"
                with suppress(LeaseLost):
                    await self._settle(lease, Outcome(status, error=job.run.error), actor)
                raise
            fault = outcome.fault or fault
            if await self._settle(lease, outcome, actor):
                return replace(outcome, fault=fault)
            job = replace(job, run=await self._run(job.run.id))

    async def _settle(self, lease: Lease, outcome: Outcome, actor: str) -> bool:
        async with transaction(self._pool) as connection:
            return await endings.settle(connection, lease.fence, outcome, actor)

    async def _run(self, run_id: str) -> RunRecord:
        async with self._pool.connection() as connection:
            return await one_run(connection, run_id)

    async def _check_edit(self, run: RunRecord, approval: ApprovalRecord, args: Json) -> None:
        check = (await self._entry_of(run)).validators.get(approval.request.action.name)
        if check is not None:
            snapshot = await (await self._reading(run)).aget_state(config_of(run.id))
            await check_edit(check, snapshot.values, approval, args, self._pool)

    async def _reading(self, run: RunRecord) -> App:
        """The run's graph, to read its state only: writes would be refused."""
        refuse_served(run)
        entry = await self._entry_of(run)
        refuse_other_definition(run.id, run.definition, entry)
        fence = Fence(self._pool, run.id, -1)
        return compiled(entry, self._ports(fence), fence)

    async def _entry_of(self, run: RunRecord) -> GraphEntry:
        """The definition that a run of a workflow began with, or the graph of that name."""
        return await self.workflows.entry_of(run) if run.is_workflow else self._entry(run.graph.removesuffix(SERVED))

    def _entry(self, graph: str) -> GraphEntry:
        if graph not in self._graphs:
            known = ", ".join(sorted(self._graphs))
            raise RunError(f"There is no graph {graph!r}.", remedy=f"Known: {known}.")
        return self._graphs[graph]

    def _ports(self, fence: Fence) -> Ports:
        embedder, toolbox, web = self._network.embedder, self._network.toolbox, self._network.web
        ports = Ports(
            run_id=fence.run_id,
            ledger=PostgresLedger(fence),
            journal=PostgresJournal(fence),
            passages=PostgresPassages(fence),
            artifacts=PostgresArtifacts(fence),
            models=self._models,
            clock=self._clock,
            web=OnceWeb(web, PostgresJournal(fence), PostgresPassages(fence)) if web else None,
            pages=self._network.pages,
            embeddings=Embeddings(embedder, PostgresVectors(fence)) if embedder else None,
            cache=PostgresCache(fence),
            times=PostgresStepTimes(fence),
            inbox=PostgresInbox(fence, self._times.watch),
            agents=self._network.agents,
            history=PostgresAgentHistory(self._pool),
        )
        if (pin := self._network.pin) is not None:
            ports = replace(ports, workflows=StartedRuns(self, self._pool, pin, self.background, fence.run_id))
        return replace(ports, tools=toolbox(ports)) if toolbox else ports


def _closing(ports: Ports) -> AbstractAsyncContextManager[object]:
    """What tools keep open between calls ends with this stretch of work, however that ends."""
    return aclosing(ports.tools) if ports.tools is not None else nullcontext()
