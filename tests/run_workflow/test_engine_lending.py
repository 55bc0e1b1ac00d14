"""Runs that a server drives: what its clients hand over is checked, and the row says how the run stands."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, StateSnapshot

from run_workflow.engine.handed import ACTOR, Asked, Start
from run_workflow.engine.views import RunView
from run_workflow.postgres.database import Database
from state.context import ApprovalPolicy, RunContext
from state.errors import DefinitionChanged, RunError, UnknownRun
from state.runs import TIMEOUT_ACTOR, Answer, Json
from tests.run_workflow.engine_graphs import ASKS, PLAIN, Entry, change, engine_on, lines, rows, trial_graph, until

pytestmark = pytest.mark.slow

T = "01a1fcfa-386c-7747-bea6-e45cd63acf01"
YES: Json = {"decisions": [{"type": "approve"}]}
ANN = RunContext(approvals={"plan": ApprovalPolicy(approvers=("ann",))})
WAITS_A_DAY = RunContext(approvals={"plan": ApprovalPolicy(timeout_seconds=86_400, on_timeout="approve")})


def refuse(state: Mapping[str, Any], request_id: str, action: str, reason: str) -> Json:
    """What the trial graph keeps of a refusal."""
    return {"done": [f"refused {action}: {reason}"]}


class Served:
    """What a server does: it keeps the threads, and streams the graph for its clients."""

    def __init__(self, database: Database, entry: Entry | None = None) -> None:
        self.engine = engine_on(database, entry or Entry())
        self.saver = InMemorySaver()

    async def run(
        self,
        start: Start = None,
        context: RunContext = PLAIN,
        *,
        actor: str | None = None,
        at: datetime | None = None,
        kept: bool = True,
    ) -> RunView:
        """One run of the thread, as a client asks for it; how it stands then."""
        asked = Asked(start, context, actor, at, kept, refuse)
        async with self.engine.lend(T, "trial", asked) as (ports, loan):
            app = trial_graph(ports).compile(checkpointer=self.saver)
            config: Json = {"configurable": {"thread_id": T}}
            async with aclosing(loan.work(app, asked, config, {})) as parts:  # type: ignore[arg-type]
                async for _ in parts:
                    pass
        return await self.engine.show(T)

    async def answer(self, answer: object, actor: str | None = None, **more: Any) -> RunView:
        """A run that brings an answer."""
        return await self.run(Command(resume=answer), actor=actor, **more)

    async def state(self) -> StateSnapshot:
        """How the thread stands."""
        with_no_ports: Any = None
        app = trial_graph(with_no_ports).compile(checkpointer=self.saver)
        return await app.aget_state({"configurable": {"thread_id": T}})


@pytest.fixture
def served(database: Database) -> Served:
    """A server on a fresh database."""
    return Served(database)


async def events(served: Served) -> list[str]:
    return [entry.event.event for entry in await served.engine.timeline(T) if entry.event]


async def test_a_question_makes_a_row_that_waits(served: Served) -> None:
    """The row has the input and the context, the request is in the tables, and the run waits."""
    view = await served.run({"fail": ""}, WAITS_A_DAY, actor="ann")
    assert (view.run.status, view.run.graph, view.run.served) == ("waiting_approval", "trial (server)", True)
    assert view.run.input == {"fail": ""}
    assert view.run.context == WAITS_A_DAY
    (request,) = view.approvals
    assert request.expires_at is not None
    assert [each.id for each in (await served.state()).interrupts] == [request.id]
    assert (await events(served))[:2] == ["run.created", "run.lent"]
    assert await served.engine.verify_audit(T) is None


@pytest.mark.parametrize("named", [True, False], ids=["by id", "bare"])
async def test_an_answer_is_signed_by_whom_the_server_knows(served: Served, named: bool) -> None:
    """Who answers is the server's word, not the client's; the run goes on to its end, and the row has the output."""
    request = (await served.run({}, ASKS)).approvals[0].id
    answer = YES | {"by": TIMEOUT_ACTOR}
    view = await served.answer({request: answer} if named else answer, "bob")
    assert view.run.status == "completed"
    assert (view.run.output or {})["report"].startswith("said plan: approve by bob, ")
    assert view.approvals[0].answered_by == "bob"


async def test_an_unknown_person_may_answer_where_anybody_may(served: Served) -> None:
    """A server without authentication has no names: the answer counts, and claims nobody's."""
    await served.run({}, ASKS)
    view = await served.answer(YES | {"by": "ann"})
    assert (view.run.output or {})["report"].startswith("said plan: approve by , ")
    assert view.approvals[0].answered_by == ACTOR


@pytest.mark.parametrize(
    ("given", "actor", "reason"),
    [
        (Command(resume=YES), "bob", "plan: The account bob may not answer here. Ask ann."),
        (Command(resume=YES | {"by": "ann"}), None, "Only ann may answer here, and the server does not know who"),
        (
            Command(resume={"decisions": [{"type": "respond", "message": "x"}]}),
            "ann",
            "The decision 'respond' is not allowed here",
        ),
        (Command(resume={"decisions": [{"type": "accept"}]}), "ann", "This is no answer: decisions.0"),
        (Command(resume="yes"), "ann", "This is no answer: the answer"),
        (Command(resume=None), "ann", "This is no answer: the answer"),
        (Command(resume={}), "ann", "This is no answer: decisions: Field required"),
        (Command(resume={"0" * 32: YES}), "ann", f"There is no request '{'0' * 32}'. Pending: plan"),
        (
            Command(resume={"decisions": [{"type": "edit", "edited_action": {"name": "approve_plan", "args": {}}}]}),
            "ann",
            "plan edit, plan: the plan must begin with 'said plan'",
        ),
        (Command(goto="spread"), "ann", "The run waits for an answer, and takes no `update` or `goto`"),
        (Command(resume=YES, update={"plan": "mine"}), "ann", "takes no `update` or `goto`"),
    ],
)
async def test_an_answer_that_cannot_be_taken_is_refused(
    served: Served, given: Command[Any], actor: str | None, reason: str
) -> None:
    """The run still waits for the same request, and the graph is told the reason; a right answer then counts."""
    before = (await served.run({}, ANN)).approvals
    view = await served.run(given, actor=actor)
    assert view.run.status == "waiting_approval"
    assert view.approvals == before
    snapshot = await served.state()
    assert [each.id for each in snapshot.interrupts] == [before[0].id]
    assert reason in snapshot.values["done"][0]
    assert "approval.refused" in await events(served)
    assert (await served.answer(YES, "ann")).run.status == "completed"


async def test_a_resume_cannot_switch_an_approval_off(served: Served) -> None:
    """A run keeps the context that it began with: going on with another one asks again."""
    await served.run({}, ASKS)
    assert (await served.run(None, PLAIN)).run.status == "waiting_approval"
    view = await served.answer({"decisions": [{"type": "reject", "message": "no"}]}, context=PLAIN)
    assert view.run.status == "waiting_approval", "it is planned again, and asked again"
    assert len(view.approvals) == 2


async def test_a_policy_wins_over_a_late_answer(served: Served, database: Database) -> None:
    """After the time is over the policy's answer counts, whatever is handed in then."""
    await served.run({}, WAITS_A_DAY)
    await change(database, "UPDATE approvals SET expires_at = now() - interval '1 second'")
    assert [each.run_id for each in await served.engine.answered_loans()] == [T]
    view = await served.answer({"decisions": [{"type": "reject", "message": "too late"}]}, "ann")
    assert view.approvals[0].status == "expired"
    assert f"approve by {TIMEOUT_ACTOR}" in (view.run.output or {})["report"]
    assert "approval.refused" in await events(served), "who was late can be seen"
    assert not await served.engine.answered_loans()


async def test_going_on_without_an_answer_takes_the_policy(served: Served, database: Database) -> None:
    """What the server itself does when the time is over: it goes on, with nothing in hand."""
    await served.run({}, WAITS_A_DAY)
    assert not await served.engine.answered_loans()
    await change(database, "UPDATE approvals SET expires_at = now() - interval '1 second'")
    assert (await served.run()).run.status == "completed"


async def test_a_bare_answer_counts_for_what_was_shown(served: Served) -> None:
    """An answer that was given before the question was asked, as by a second click, is not taken for it."""
    await served.run({}, ASKS)
    earlier = datetime.now(UTC) - timedelta(minutes=1)
    view = await served.answer(YES, at=earlier)
    assert view.run.status == "waiting_approval"
    assert "The answer was given before this was asked." in (await served.state()).values["done"][0]
    assert (await served.answer(YES, at=datetime.now(UTC))).run.status == "completed"


async def test_a_failed_run_is_failed_and_can_be_gone_on_with(served: Served, tmp_path: Path) -> None:
    """The row has the error without its secrets; an answer that nobody waits for does no more than go on."""
    flag = tmp_path / "fail"
    flag.touch()
    with pytest.raises(OSError, match="on fire"):
        await served.run({"fail": str(flag), "calls": str(tmp_path / "calls")})
    view = await served.engine.show(T)
    assert view.run.status == "failed"
    assert view.run.error == "OSError: the disk is on fire, key •••"
    await asyncio.to_thread(flag.unlink)
    assert (await served.answer(YES)).run.status == "completed"
    assert lines(tmp_path / "calls").count("made plan") == 1, "what was done is not done again"


async def test_the_same_question_goes_on_and_another_is_refused(served: Served) -> None:
    """A thread is one question: the same again goes on with it, another needs another thread."""
    await served.run({"pause": 0.0}, ASKS)
    assert (await served.run({"pause": 0.0}, ASKS)).run.status == "waiting_approval"
    with pytest.raises(RunError, match=r"asked something else\. Begin a new thread"):
        await served.run({"pause": 0.1}, ASKS)
    assert (await served.answer(YES)).run.status == "completed"
    with pytest.raises(RunError, match=r"has answered its question\. Begin a new thread"):
        await served.run({"pause": 0.0}, ASKS)
    assert (await served.engine.show(T)).run.status == "completed"


async def test_a_thread_that_was_never_asked_cannot_go_on(served: Served) -> None:
    """Nothing is made where no question came."""
    with pytest.raises(UnknownRun, match=r"not been asked anything yet.*Give it its input"):
        await served.answer(YES)


async def test_a_lost_thread_begins_with_the_question_of_its_run(served: Served, tmp_path: Path) -> None:
    """Where the server lost the thread, what was done is not done again, and no answer is taken for a new question."""
    await served.run({"calls": str(tmp_path / "calls")}, ASKS)
    served.saver = InMemorySaver()
    assert (await served.answer(YES)).run.status == "waiting_approval"
    assert (await served.answer(YES)).run.status == "completed"
    assert lines(tmp_path / "calls").count("made plan") == 1
    completed = (await served.engine.show(T)).run.output
    served.saver = InMemorySaver()
    assert (await served.run()).run.status == "waiting_approval"
    assert (await served.answer(YES)).run.output == completed


async def test_a_run_of_another_graph_is_not_lent(served: Served, database: Database) -> None:
    """A thread on which another graph was run cannot write for that run."""
    await served.run({}, ASKS)
    await change(database, "UPDATE runs SET graph = 'other (server)'")
    with pytest.raises(RunError, match=r"This is a run of other \(server\)\. Begin a new thread"):
        await served.run({})


async def test_a_waiting_run_that_is_cancelled_takes_no_answer(served: Served) -> None:
    """Cancelled from the command line it is at its end; the server is told so."""
    await served.run({}, ASKS)
    assert (await served.engine.cancel(T, "ann")).status == "cancelled"
    with pytest.raises(RunError, match=r"was cancelled\..*Begin a new thread"):
        await served.answer(YES)
    assert (await served.engine.show(T)).run.status == "cancelled"


async def test_a_running_one_that_is_cancelled_ends(served: Served) -> None:
    """A cancel reaches what the server works on."""
    going = asyncio.create_task(served.run({"pause": 30.0}))
    await until(lambda: _is(served, "running"))
    await served.engine.cancel(T, "ann")
    with pytest.raises(RunError, match="was cancelled"):
        await going
    view = await served.engine.show(T)
    assert view.run.status == "cancelled"
    assert not [step for step in view.steps if step.status == "running"]


async def test_an_interrupted_one_is_paused_and_can_be_gone_on_with(served: Served) -> None:
    """A server that is shut down leaves a run that another stretch takes to its end."""
    going = asyncio.create_task(served.run({"pause": 3.0}))
    await until(lambda: _is(served, "running"))
    await until(lambda: _is_at_work(served))
    await asyncio.sleep(0.1)  # it pauses now: a cancellation cannot meet the end of a call of the database
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert (await served.engine.show(T)).run.status == "paused"
    assert (await served.run()).run.status == "completed"


async def _is_at_work(served: Served) -> bool:
    return any(step.status == "running" for step in (await served.engine.show(T)).steps)


async def _is(served: Served, status: str) -> bool:
    return [run.status for run in await served.engine.list_runs()] == [status]


async def test_a_stored_answer_survives_a_killed_server(served: Served, database: Database) -> None:
    """An answer that was stored, but that the graph never had, is taken when the run is gone on with."""
    await served.run({}, ASKS)
    answer = """UPDATE approvals SET status = 'answered', answered_by = 'bob', answered_at = now(),
        answer = '{"decisions": [{"type": "approve"}], "by": "bob"}'"""
    await change(database, answer)
    view = await served.run()
    assert "approve by bob" in (view.run.output or {})["report"]


async def test_a_run_whose_thread_is_not_kept_cannot_wait(served: Served) -> None:
    """Nobody could ever answer: that is a failure, and says so."""
    with pytest.raises(RunError, match=r"nobody can answer.*switch its approval points off"):
        await served.run({}, ASKS, kept=False)
    assert (await served.engine.show(T)).run.status == "failed"


async def test_another_definition_is_refused(served: Served, database: Database) -> None:
    """A server with newer code does not go on with a run that began with older."""
    await served.run({}, ASKS)
    newer = Served(database, Entry(definition="d2"))
    newer.saver = served.saver
    with pytest.raises(DefinitionChanged):
        await newer.answer(YES)


async def test_the_command_line_leaves_it_to_the_server(served: Served, database: Database) -> None:
    """What needs the thread is refused, with what can be done instead; nothing is written."""
    request = (await served.run({}, ASKS)).approvals[0].id
    engine = served.engine
    before = await rows(database, "SELECT audit_seq FROM runs")
    for refused in (
        engine.advance(T),
        engine.answer(T, request, Answer.model_validate(YES), "ann"),
        engine.fork(T, actor="ann", at="plan"),
    ):
        with pytest.raises(RunError, match=r"LangGraph server drives this run.*shown and cancelled"):
            await refused
    assert await rows(database, "SELECT audit_seq FROM runs") == before
