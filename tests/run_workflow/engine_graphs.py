"""A small graph with all that the engine must handle: recorded steps, journaled calls, branches and an approval."""

import asyncio
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt
from psycopg.rows import DictRow

from run_workflow.engine.engine import Engine
from run_workflow.engine.entries import EditCheck, GraphEntry, InputCheck, Remark
from run_workflow.engine.leases import LeaseTimes
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from state.context import ApprovalPolicy, RunContext
from state.errors import AnswerRefused
from state.ports import Models, Passages, Ports
from state.runs import (
    ActionRequest,
    Answer,
    ApprovalRequest,
    CallKey,
    CallRecord,
    Edit,
    Json,
    Progress,
    Reject,
    ReviewConfig,
    Usage,
)
from tools.memory import SystemClock

BRANCHES = ("a", "b", "c")
QUICK = LeaseTimes(lease=1.5, renew=0.4, watch=0.1)
ASKS = RunContext(approvals={"plan": ApprovalPolicy()})
PLAIN = RunContext()


class TrialInput(TypedDict, total=False):
    """What the trial graph is given; `calls` is a file that each call made outside writes to."""

    calls: str
    pause: float
    fail: str


class TrialState(TrialInput, total=False):
    """Its state."""

    plan: str
    done: Annotated[list[str], operator.add]
    report: str


class TrialOutput(TypedDict, total=False):
    """Its output."""

    report: str


class Task(TypedDict):
    """What one branch is sent."""

    name: str
    calls: str
    pause: float
    fail: str


@dataclass(frozen=True)
class Entry:
    """A graph as the engine takes it."""

    name: str = "trial"
    definition: str = "d1"
    build: Callable[[Ports], StateGraph[Any, Any, Any, Any]] = lambda ports: trial_graph(ports)  # noqa: PLW0108 - defined below
    validators: Mapping[str, EditCheck] = field(default_factory=lambda: {"approve_plan": check_plan})
    remarks: Mapping[str, Remark] = field(default_factory=lambda: {"approve_plan": remark_on_plan})
    check_input: InputCheck = lambda given: None


def remark_on_plan(state: Mapping[str, Any], message: str) -> str:
    """Says what is not done of a wish about the plan."""
    return f"Not done: {message} to {state['plan']}."


async def check_plan(state: Mapping[str, Any], _shown: Json, args: Json, _passages: Passages) -> None:
    """A plan must be made of the plan that was shown and more."""
    if not str(args.get("plan", "")).startswith(state["plan"]):
        raise AnswerRefused(f"the plan must begin with {state['plan']!r}", place="plan", remedy="Begin so.")


async def called(ports: Ports, state: Mapping[str, Any], path: str) -> str:
    """One call to the outside, journaled; the file gets a line before it is made and one after it was recorded."""
    key = CallKey(path=path, request_hash="request", occurrence=0)
    if found := await ports.journal.find(key):
        return str(found.response["text"])
    note(state, f"made {path}")
    await asyncio.sleep(state.get("pause", 0.0))
    call = CallRecord(
        kind="model", name="fake/one", response={"text": f"said {path}"}, usage=Usage(model_calls=1, money=0.5)
    )
    await ports.journal.record(key, call)
    note(state, f"recorded {path}")
    return f"said {path}"


def note(state: Mapping[str, Any], line: str) -> None:
    """Appends a line to the run's file, if it has one."""
    if path := state.get("calls"):
        with Path(path).open("a") as file:
            file.write(f"{line}\n")


def plan_request(plan: str, policy: ApprovalPolicy) -> ApprovalRequest:
    """What is asked of a person."""
    return ApprovalRequest(
        action_requests=(ActionRequest(name="approve_plan", args={"plan": plan}, description="Good?"),),
        review_configs=(ReviewConfig(action_name="approve_plan", allowed_decisions=("approve", "edit", "reject")),),
        policy=policy,
    )


class _Nodes:
    """The nodes of the trial graph, bound to the ports of a run."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    async def plan(self, state: TrialState, runtime: Runtime[RunContext]) -> Json:
        await self.ports.ledger.begin("plan")
        runtime.stream_writer(Progress(path="plan", status="running").model_dump())
        text = await called(self.ports, state, "plan")
        await self.ports.ledger.end("plan", "completed", result={"text": text})
        return {"plan": text}

    async def approve(self, state: TrialState, runtime: Runtime[RunContext]) -> Command[str]:
        policy = runtime.context.approvals.get("plan")
        if policy is None:
            return Command(goto="spread")
        request = plan_request(state["plan"], policy)
        answer = Answer.model_validate(interrupt(request.model_dump(mode="json"), response_schema=Answer))
        if isinstance(answer.decision, Reject):
            return Command(update={"done": [f"rejected by {answer.by}"]}, goto="plan")
        edit = answer.decision.edited_action.args if isinstance(answer.decision, Edit) else {}
        return Command(update={"done": [f"{answer.decision.type} by {answer.by}"], **edit}, goto="spread")

    async def spread(self, state: TrialState) -> Json:
        return {}

    def send(self, state: TrialState) -> list[Send]:
        shared = {"calls": state.get("calls", ""), "pause": state.get("pause", 0.0), "fail": state.get("fail", "")}
        return [Send("branch", {"name": name, **shared}) for name in BRANCHES]

    async def branch(self, state: Task, runtime: Runtime[RunContext]) -> Json:
        path = f"branches/{state['name']}"
        await self.ports.ledger.begin(path)
        runtime.stream_writer(Progress(path=path, status="running").model_dump())
        text = await called(self.ports, state, path)
        if state["name"] == "b" and state["fail"] and await asyncio.to_thread(Path(state["fail"]).exists):
            raise OSError("the disk is on fire, key sk-abcdefgh12345678")
        await self.ports.ledger.end(path, "completed")
        return {"done": [text]}

    async def finish(self, state: TrialState) -> Json:
        await called(self.ports, state, "finish")
        return {"report": f"{state['plan']}: {', '.join(state['done'])}"}


def trial_graph(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
    """START → plan → approve → spread ⇉ branch → finish → END; a rejection leads back to plan."""
    nodes = _Nodes(ports)
    graph = StateGraph(TrialState, RunContext, input_schema=TrialInput, output_schema=TrialOutput)
    graph.add_node("plan", nodes.plan)
    graph.add_node("approve", nodes.approve, destinations=("plan", "spread"))
    graph.add_node("spread", nodes.spread)
    graph.add_node("branch", nodes.branch, input_schema=Task)
    graph.add_node("finish", nodes.finish)
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "approve")
    graph.add_conditional_edges("spread", nodes.send, ["branch"])
    graph.add_edge("branch", "finish")
    graph.add_edge("finish", END)
    return graph


class NoModels:
    """The trial graph asks no model."""

    def chat(self, name: str) -> Any:
        raise AssertionError(name)

    def price(self, name: str) -> tuple[float, float] | None:
        return None

    def rates(self, name: str) -> Any:
        raise AssertionError(name)


NO_MODELS: Models = NoModels()


def engine_on(database: Database, *entries: GraphEntry, times: LeaseTimes = QUICK) -> Engine:
    """An engine that knows the trial graph, or these."""
    graphs = {entry.name: entry for entry in entries or (Entry(),)}
    return Engine(database.pool, NO_MODELS, SystemClock(), graphs, times=times)


async def rows(database: Database, statement: str, *values: object) -> list[DictRow]:
    """What a statement gives."""
    async with database.pool.connection() as connection:
        return await (await connection.execute(statement.encode(), values or None)).fetchall()


async def change(database: Database, statement: str, *values: object) -> None:
    """Carries a statement out."""
    async with database.pool.connection() as connection:
        await connection.execute(statement.encode(), values or None)


def lines(path: Path) -> list[str]:
    """What the calls wrote to the run's file."""
    return path.read_text().splitlines() if path.exists() else []


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Waits until the condition holds; it may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if await held if asyncio.iscoroutine(held) else held:
                return
            await asyncio.sleep(0.02)


async def fenced(database: Database) -> Fence:
    """A fence of a new run."""
    run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
    return Fence(database.pool, run.id, 0)
