"""An engine in memory whose runs do what a test scripts."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from run_workflow.engine.background import Background
from run_workflow.engine.views import RunManifest, RunView, TimelineEntry
from run_workflow.services import Watch
from state.context import ApprovalPolicy, RunContext
from state.errors import AnswerRefused, UnknownRun
from state.evidence import ArtifactRef, Chart, Collection
from state.research import OWN_WORDS, Branch, Draft, Merged, Plan
from state.runs import (
    TIMEOUT_ACTOR,
    ActionRequest,
    Answer,
    ApprovalRecord,
    ApprovalRequest,
    Approve,
    AuditEvent,
    Edit,
    Json,
    Progress,
    Reject,
    ReviewConfig,
    RunRecord,
    RunStatus,
    Standing,
    StepRecord,
    Usage,
)
from tools.report.bundle import Provenance
from tools.report.view import ReportView
from tools.threads import computed

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN = Plan(
    sub_questions=("How fast does it rise?", "Why?"),
    branches=(
        Branch(id="speed", kind="research", focus="speed", questions=("How fast does it rise?",), required=True),
        Branch(
            id="figures", kind="analysis", focus="figures", questions=("How fast does it rise?",), tables=("co2.csv",)
        ),
    ),
    why="two questions",
)
REPORT: Json = {
    "title": "Speed",
    "sections": [{"heading": "Key findings", "sentences": [{"text": "It rises.", "passages": []}]}],
    OWN_WORDS: False,
}
FILES = {
    "report.md": b"# Report",
    "report.html": b"<h1>Report</h1>",
    "report.json": b"",  # made when it is read: it names the charts that a test gives the engine
    "trend.png": b"\x89PNG",
    "trend.csv": b"year,co2\n",
}


def ref(name: str, media_type: str = "text/plain") -> ArtifactRef:
    """The stored file of this name; here its hash is its name."""
    return ArtifactRef(sha256=name, media_type=media_type, name=name, size=len(FILES[name]))


def published(outcome: str = "published", accuracy: float = 0.975) -> Json:
    """The output of a run with a report."""
    missing = {
        "branch_id": "figures",
        "focus": "figures",
        "status": "timed_out",
        "reason": "its time limit was over",
        "questions": ["How fast does it rise?"],
    }
    return {
        "outcome": outcome,
        "report": ref("report.md").model_dump(mode="json"),
        "page": ref("report.html").model_dump(mode="json"),
        "provenance": ref("report.json").model_dump(mode="json"),
        "citation_accuracy": accuracy,
        "missing": [missing],
        "defects": ["one figure is old"],
    }


@dataclass(frozen=True)
class Stretch:
    """What one `advance` does."""

    events: tuple[Progress, ...] = ()
    status: RunStatus = "completed"
    output: Json | None = None
    asks: str | None = None
    """The point to wait at, with the plan as its args."""
    raises: Exception | None = None
    until_drained: bool = False
    """Goes on until it is drained, then is paused."""
    forever: bool = False
    computes: bool = False
    """Whether it blocks a thread for a minute."""
    """Never comes to a safe point."""
    error: str | None = None


class NoWorkflows:
    """Nothing here runs workflows: their tests work on a database."""

    async def versions(self, name: str) -> Sequence[object]:
        return ()


@dataclass
class EngineDouble:
    """Keeps runs in memory; each `advance` of any run does the next stretch."""

    stretches: list[Stretch] = field(default_factory=list)
    policy: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    refuses: list[AnswerRefused] = field(default_factory=list)
    """Errors for the next edits."""
    runs: dict[str, RunRecord] = field(default_factory=dict)
    approvals: dict[str, list[ApprovalRecord]] = field(default_factory=dict)
    answers: list[tuple[str, Answer, str]] = field(default_factory=list)
    charts: tuple[Chart, ...] = ()
    forks: list[tuple[str, str | None, Json | None]] = field(default_factory=list)
    first_bad: int | None = None
    owes: bool = False
    """Whether there are messages on a run that nobody took."""
    delivered: list[str | None] = field(default_factory=list)
    """The runs whose messages were to be sent; None for those of all."""
    workflows: Any = field(default_factory=NoWorkflows)
    began: Callable[[], None] = lambda: None
    """Called when an `advance` has given its events."""

    @property
    def background(self) -> Background:
        return Background(self)

    async def start(
        self, graph: str, input: Json, context: RunContext, *, actor: str, dedup_key: str | None = None
    ) -> RunRecord:
        same = [run for run in self.runs.values() if dedup_key and run.dedup_key == dedup_key]
        return same[0] if same else self.add(f"r{len(self.runs) + 1}00", input, context, dedup_key=dedup_key)

    def add(self, run_id: str, input: Json, context: RunContext | None = None, **more: Any) -> RunRecord:
        """A new run, a minute later than the last one."""
        at = START + timedelta(minutes=len(self.runs))
        run = RunRecord(
            **{"status": "initializing", **more},
            id=run_id,
            graph="research",
            definition="d",
            input=input,
            context=context or RunContext(),
            created_at=at,
            updated_at=at,
        )
        self.runs[run_id] = run
        return run

    async def advance(
        self,
        run_id: str,
        *,
        watch: Watch | None = None,
        drain: asyncio.Event | None = None,
        actor: str | None = None,
    ) -> RunRecord:
        stretch = self.stretches.pop(0)
        for event in stretch.events:
            if watch is not None:
                watch(event)
            await asyncio.sleep(0)
        self.began()
        try:
            if stretch.computes:
                await computed(time.sleep, 60)
            if stretch.forever:
                await asyncio.Event().wait()
            if stretch.until_drained and drain is not None:
                await drain.wait()
        except asyncio.CancelledError:
            self._set(run_id, status="paused")
            raise
        if stretch.raises is not None:
            raise stretch.raises
        if stretch.asks is not None:
            self.ask(run_id, stretch.asks)
            return self._set(run_id, status="waiting_approval")
        status = "paused" if stretch.until_drained else stretch.status
        return self._set(run_id, status=status, output=stretch.output, error=stretch.error)

    def ask(self, run_id: str, point: str) -> ApprovalRecord:
        """A new pending request of the run."""
        name = f"approve_{point}"
        args = REPORT if point == "report" else {"plan": PLAN.model_dump(mode="json")}
        action = ActionRequest(name=name, args=args, description="Is this right?")
        allowed = ReviewConfig(action_name=name, allowed_decisions=("approve", "edit", "reject", "respond"))
        requests = self.approvals.setdefault(run_id, [])
        record = ApprovalRecord(
            id=f"q{len(requests) + 1}-{point}",
            run_id=run_id,
            point=point,
            request=ApprovalRequest(action_requests=(action,), review_configs=(allowed,), policy=self.policy),
            status="pending",
            created_at=START,
            expires_at=datetime.now(UTC) + timedelta(seconds=self.policy.timeout_seconds)
            if self.policy.timeout_seconds
            else None,
        )
        requests.append(record)
        return record

    async def due_runs(self) -> Sequence[RunRecord]:
        return [run for run in self.runs.values() if run.standing in ("interrupted", "answered")]

    async def answer(self, run_id: str, request_id: str | None, answer: Answer, actor: str) -> ApprovalRecord:
        requests = self.approvals[run_id]
        place = next(place for place, each in enumerate(requests) if each.id == request_id)
        approvers = requests[place].request.policy.approvers
        if approvers and actor not in approvers:
            raise AnswerRefused(f"{actor} may not answer here.")
        if self.refuses and isinstance(answer.decision, Edit):
            raise self.refuses.pop(0)
        self.answers.append((requests[place].point, answer, actor))
        stored = {"status": "answered", "answer": answer, "answered_by": actor, "answered_at": START}
        requests[place] = requests[place].model_copy(update=stored)
        self._set(run_id, answered=True)
        return requests[place]

    async def remark(self, approval: ApprovalRecord, answer: Answer) -> str:
        return f"Not done: {answer.decision.message}" if isinstance(answer.decision, Reject) else ""

    async def send_event(self, run_id: str, name: str, data: Json, *, actor: str) -> RunRecord:
        raise NotImplementedError

    async def cancel(self, run_id: str, actor: str) -> RunRecord:
        return self._set(run_id, status="cancelled")

    async def fork(self, run_id: str, *, actor: str, at: str | None = None, changes: Json | None = None) -> RunRecord:
        self.forks.append((run_id, at, changes))
        return self.add(f"{run_id}f", self.runs[run_id].input, parent=run_id)

    async def deliver(self, run_id: str | None = None) -> bool:
        self.delivered.append(run_id)
        return self.owes

    async def show(self, run_id: str) -> RunView:
        if run_id not in self.runs:
            raise UnknownRun(f"There is no run {run_id!r}.", remedy="`list` shows the runs.")
        self._settle_timeouts(run_id)
        return RunView(
            run=self.runs[run_id],
            steps=self.steps(run_id),
            approvals=tuple(self.approvals.get(run_id, ())),
            usage=Usage(model_calls=3, tool_calls=4, input_tokens=1000, output_tokens=234, money=0.0123),
            children=tuple(run.id for run in self.runs.values() if run.parent == run_id),
        )

    def steps(self, run_id: str) -> tuple[StepRecord, ...]:
        """What every run here has done before it is looked at."""
        return (
            StepRecord(
                run_id=run_id,
                path="read_sources",
                status="completed",
                started_at=START,
                ended_at=START + timedelta(seconds=2),
            ),
        )

    async def list_runs(self, limit: int = 20, standing: Standing | None = None) -> Sequence[RunRecord]:
        runs = [run for run in self.runs.values() if standing in (None, run.standing)]
        return sorted(runs, key=lambda run: run.created_at, reverse=True)[:limit]

    async def timeline(self, run_id: str) -> Sequence[TimelineEntry]:
        event = AuditEvent(
            run_id=run_id, seq=1, at=START, actor="ann", event="run.created", data={}, previous="", hash="h"
        )
        steps = [TimelineEntry(at=step.started_at, step=step) for step in self.steps(run_id)]
        return [TimelineEntry(at=START, event=event), *steps]

    async def verify_audit(self, run_id: str) -> int | None:
        return self.first_bad

    async def manifest(self, run_id: str) -> RunManifest:
        view = await self.show(run_id)
        return RunManifest(**dict(view), calls=(), audit=(), audit_head="")

    def provenance(self) -> bytes:
        """What every report here was made from."""
        view = ReportView(
            run_id="r",
            question="?",
            outcome="published",
            draft=Draft(title="Report", sections=()),
            merged=Merged(charts=self.charts),
            collection=Collection(id="c", sources=0, passages=0),
        )
        return Provenance(view=view).model_dump_json().encode()

    def _settle_timeouts(self, run_id: str) -> None:
        requests = self.approvals.get(run_id, [])
        for place, each in enumerate(requests):
            if each.status == "pending" and each.expires_at and each.expires_at <= datetime.now(UTC):
                answer = Answer(decisions=(Approve(),), by=TIMEOUT_ACTOR)
                requests[place] = each.model_copy(update={"status": "expired", "answer": answer})

    def _set(self, run_id: str, **changes: Any) -> RunRecord:
        self.runs[run_id] = self.runs[run_id].model_copy(update=changes)
        return self.runs[run_id]
