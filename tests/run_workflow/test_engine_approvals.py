"""Approvals: who may answer what, one winner, and what becomes of requests that nobody answers."""

import asyncio
import operator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt

from run_workflow.engine import approvals
from run_workflow.engine.engine import Engine
from run_workflow.engine.rows import transaction
from run_workflow.postgres.database import Database
from state.context import ApprovalPolicy, RunContext
from state.errors import AnswerRefused
from state.ports import Ports
from state.runs import TIMEOUT_ACTOR, Answer, Approve, Decision, Edit, EditedAction, Json, Reject, Respond
from tests.run_workflow.engine_graphs import ASKS, PLAIN, Entry, change, engine_on, plan_request, rows, until

pytestmark = pytest.mark.slow


def says(decision: Decision) -> Answer:
    return Answer(decisions=(decision,))


def edited(name: str = "approve_plan", **args: Any) -> Answer:
    return says(Edit(edited_action=EditedAction(name=name, args=args)))


YES = says(Approve())


async def waiting(engine: Engine, policy: ApprovalPolicy | None = None) -> tuple[str, str]:
    """A run that waits for its plan to be approved, and the request's id."""
    context = RunContext(approvals={"plan": policy or ApprovalPolicy()})
    run = await engine.start("trial", {}, context, actor="ann")
    await engine.advance(run.id)
    return run.id, (await engine.show(run.id)).approvals[-1].id


async def test_edit_changes_the_state(database: Database) -> None:
    """An edit goes into the state, signed by who made it."""
    engine = engine_on(database)
    run, request = await waiting(engine)
    record = await engine.answer(run, request, edited(plan="said plan and more"), "bob")
    assert record.answer is not None
    assert record.answer.by == "bob"
    output = (await engine.advance(run)).output or {}
    assert output["report"].startswith("said plan and more: edit by bob, ")


async def test_rejection_asks_again_under_a_new_id(database: Database) -> None:
    """A rejection leads to a new request; the answered one cannot be answered again. What is not done is told."""
    engine = engine_on(database)
    run, first = await waiting(engine)
    record = await engine.answer(run, first, says(Reject(message="shorter")), "bob")
    assert await engine.remark(record, says(Reject(message="shorter"))) == "Not done: shorter to said plan."
    assert await engine.remark(record, YES) == ""
    assert (await engine.advance(run)).status == "waiting_approval"
    second = (await engine.show(run)).approvals[-1].id
    assert second != first
    with pytest.raises(
        AnswerRefused,
        match=rf"{first} \(plan\) was already answered with reject by bob at .*Pending: plan \({second}\)",
    ):
        await engine.answer(run, first, YES, "bob")
    await engine.answer(run, second, YES, "bob")
    assert (await engine.advance(run)).status == "completed"


@pytest.mark.parametrize("request_id", ["forged", "0" * 32])
async def test_forged_id_is_refused(database: Database, request_id: str) -> None:
    """An id that was never given out is refused, and the pending one named."""
    engine = engine_on(database)
    run, request = await waiting(engine)
    with pytest.raises(AnswerRefused, match=rf"no request '{request_id}'\. Pending: plan \({request}\)"):
        await engine.answer(run, request_id, YES, "bob")


async def test_foreign_id_is_refused(database: Database) -> None:
    """An id of another run is refused, and that run named."""
    engine = engine_on(database)
    run, _ = await waiting(engine)
    other, foreign = await waiting(engine)
    with pytest.raises(AnswerRefused, match=f"belongs to run {other}"):
        await engine.answer(run, foreign, YES, "bob")


async def test_withdrawn_request_is_refused(database: Database) -> None:
    """A request of a cancelled run is refused."""
    engine = engine_on(database)
    run, request = await waiting(engine)
    await engine.cancel(run, "ann")
    with pytest.raises(AnswerRefused, match=r"was withdrawn.*Nothing is pending; the run is cancelled"):
        await engine.answer(run, request, YES, "bob")


async def test_nothing_pending(database: Database) -> None:
    """Without an id there must be exactly one request."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    with pytest.raises(AnswerRefused, match="No request is pending"):
        await engine.answer(run.id, None, YES, "bob")


async def test_wrong_person_and_wrong_decision(database: Database) -> None:
    """Only the approvers of the policy may answer, and only as the request allows; nothing is stored."""
    engine = engine_on(database)
    run, request = await waiting(engine, ApprovalPolicy(approvers=("carl", "dora")))
    with pytest.raises(AnswerRefused, match=r"The account bob may not answer here\. Ask carl, dora"):
        await engine.answer(run, request, YES, "bob")
    with pytest.raises(
        AnswerRefused, match=r"The decision 'respond' is not allowed here\. Allowed: approve, edit, reject"
    ):
        await engine.answer(run, request, says(Respond(message="well")), "carl")
    assert (await engine.show(run)).approvals[0].status == "pending"
    assert (await engine.answer(run, request, YES, "dora")).answered_by == "dora"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (edited("approve_plans", plan="said plan"), r"edited_action\.name: .*Name it 'approve_plan'"),
        (edited(plan="another"), "the plan must begin with 'said plan'"),
        (edited(), r"run r\w+, plan edit, plan: the plan must begin with 'said plan'.*Begin so"),
    ],
)
async def test_wrong_edit_is_refused_before_it_is_stored(database: Database, answer: Answer, message: str) -> None:
    """An edit is checked against the run's state, and the fault named."""
    engine = engine_on(database)
    run, request = await waiting(engine)
    with pytest.raises(AnswerRefused, match=message):
        await engine.answer(run, request, answer, "bob")
    assert (await engine.show(run)).approvals[0].status == "pending"


async def test_two_answers_at_once_have_one_winner(database: Database) -> None:
    """Of several answers at the same time one is stored; the others are told who was faster."""
    engines = [engine_on(database) for _ in range(4)]
    run, request = await waiting(engines[0])
    asked = [engine.answer(run, request, YES, f"p{n}") for n, engine in enumerate(engines)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, AnswerRefused)]
    assert len(refused) == 3
    winner = (await engines[0].show(run)).approvals[0].answered_by
    assert all(f"already answered with approve by {winner}" in str(each) for each in refused)
    answered = await rows(database, "SELECT 1 FROM audit WHERE event = 'approval.answered'")
    assert len(answered) == 1


@pytest.mark.parametrize(("policy", "report"), [("approve", "approve by"), ("reject", "rejected by")])
async def test_policy_answers_when_nobody_does(database: Database, policy: Any, report: str) -> None:
    """After its time a request is answered by its policy, once; a person is then too late."""
    engine = engine_on(database)
    run, request = await waiting(engine, ApprovalPolicy(timeout_seconds=0.2, on_timeout=policy))
    await asyncio.sleep(0.25)
    shown = await asyncio.gather(*(engine.show(run) for _ in range(4)))
    assert {view.approvals[0].status for view in shown} == {"expired"}
    with pytest.raises(AnswerRefused, match="expired: its timeout policy answered it"):
        await engine.answer(run, request, YES, "bob")
    events = await rows(database, "SELECT actor FROM audit WHERE event = 'approval.expired'")
    assert [event["actor"] for event in events] == [TIMEOUT_ACTOR]
    await engine.advance(run)
    if policy == "reject":
        await asyncio.sleep(0.25)
        await change(database, "UPDATE approvals SET expires_at = NULL WHERE status = 'pending'")
        await engine.answer(run, None, YES, "bob")
        await engine.advance(run)
    output = (await engine.show(run)).run.output or {}
    assert f"{report} {TIMEOUT_ACTOR}" in output["report"]


async def test_advance_settles_timeouts(database: Database) -> None:
    """A run whose request is overdue goes on by itself when it is advanced."""
    engine = engine_on(database)
    run, _ = await waiting(engine, ApprovalPolicy(timeout_seconds=0.1))
    await asyncio.sleep(0.15)
    assert (await engine.advance(run)).status == "completed"


async def test_late_person_is_refused_even_if_the_policy_did_not_act_yet(database: Database) -> None:
    """The time of the request counts, not the time at which somebody looks."""
    engine = engine_on(database)
    run, request = await waiting(engine, ApprovalPolicy(timeout_seconds=30))
    await change(database, "UPDATE approvals SET expires_at = now() - interval '1 ms'")
    with pytest.raises(AnswerRefused, match="expired"):
        await engine.answer(run, request, YES, "bob")


async def test_answer_that_comes_while_the_time_runs_out(database: Database) -> None:
    """The time is looked at again in the statement that stores the answer."""
    engine = engine_on(database)
    run, _ = await waiting(engine, ApprovalPolicy(timeout_seconds=30))
    approval = (await engine.show(run)).approvals[0]
    await change(database, "UPDATE approvals SET expires_at = now() - interval '1 ms'")
    async with transaction(database.pool) as connection:
        assert not await approvals.store_answer(connection, approval, YES, "bob")
    assert (await engine.show(run)).approvals[0].answered_by == TIMEOUT_ACTOR


async def test_answer_is_taken_up_by_another_engine(database: Database) -> None:
    """An answer is stored for whoever advances the run next."""
    run, request = await waiting(engine_on(database))
    await engine_on(database).answer(run, request, YES, "bob")
    assert (await engine_on(database).advance(run)).status == "completed"


class Several(TypedDict, total=False):
    """State of a graph that asks several people at the same time."""

    heard: Annotated[list[str], operator.add]


class Asked(TypedDict):
    """What one of its branches is sent."""

    name: str


def asking_graph(hold: asyncio.Event | None = None) -> Any:
    """Three branches, each of which asks once; `hold` keeps the branch `c` busy after its answer."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def start(state: Several) -> Several:
            return {}

        async def ask(state: Asked, runtime: Runtime[RunContext]) -> Several:
            request = plan_request(state["name"], ApprovalPolicy())
            answer = Answer.model_validate(interrupt(request))
            if hold and state["name"] == "c":
                await hold.wait()
            return {"heard": [f"{state['name']} {answer.by}"]}

        graph = StateGraph(Several, RunContext)
        graph.add_node("start", start)
        graph.add_node("ask", ask, input_schema=Asked)
        graph.add_edge(START, "start")
        graph.add_conditional_edges("start", lambda _: [Send("ask", {"name": name}) for name in "abc"], ["ask"])
        return graph

    return build


async def test_several_requests_are_answered_in_any_order(database: Database) -> None:
    """All pending requests show at once; a part of the answers moves the run on that far."""
    engine = engine_on(database, Entry(build=asking_graph(), validators={}))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    by_name = {each.request.action.args["plan"]: each.id for each in (await engine.show(run.id)).approvals}
    assert sorted(by_name) == ["a", "b", "c"]
    with pytest.raises(AnswerRefused, match="Several requests are pending"):
        await engine.answer(run.id, None, YES, "bob")
    await engine.answer(run.id, by_name["b"], YES, "bob")
    assert (await engine.advance(run.id)).status == "waiting_approval"
    await engine.answer(run.id, by_name["c"], YES, "carl")
    await engine.answer(run.id, by_name["a"], YES, "ann")
    assert (await engine.advance(run.id)).output == {"heard": ["a ann", "b bob", "c carl"]}


async def test_answer_during_work_is_not_forgotten(database: Database) -> None:
    """An answer that comes while the run works on another one is taken up before the work stops."""
    hold = asyncio.Event()
    engine = engine_on(database, Entry(build=asking_graph(hold), validators={}))
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    by_name: Json = {each.request.action.args["plan"]: each.id for each in (await engine.show(run.id)).approvals}
    await engine.answer(run.id, by_name["c"], YES, "carl")
    working = asyncio.create_task(engine.advance(run.id))

    async def busy() -> bool:
        return (await engine.show(run.id)).run.status == "running"

    await until(busy)
    await engine.answer(run.id, by_name["a"], YES, "ann")
    await engine.answer(run.id, by_name["b"], YES, "bob")
    hold.set()
    assert (await working).output == {"heard": ["a ann", "b bob", "c carl"]}


async def test_other_interrupts_are_refused(database: Database) -> None:
    """A graph that stops with something else than an approval request fails with a clear message."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def ask(state: Several) -> Several:
            interrupt("well?")
            return {}

        graph = StateGraph(Several, RunContext)
        graph.add_node("ask", ask)
        graph.add_edge(START, "ask")
        return graph

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {}, ASKS, actor="ann")
    failed = await engine.advance(run.id)
    assert failed.status == "failed"
    assert "not with an approval request" in (failed.error or "")
