"""Workers, orchestrators, routes that a model chooses, and actions that a chain or an agent does."""

from typing import Any

import pytest

from graphs.workflow.outcomes import StepFailed
from state.agents import AgentTrack
from state.context import RunContext
from state.errors import LeaseLost
from state.runs import Json
from tests.graphs.agent_runs import AgentRun, History, answers, says

ALWAYS: Json = {"repeat": "always"}
KEYLESS = RunContext()
PLAN: Json = {
    "structured": {
        "TasksDraft": {
            "tasks": [
                {"capability": "research", "task": "Find the price of ${workflow.secret}."},
                {"capability": "analysis", "task": "Compare the prices."},
                {"capability": "research", "task": "workflow.secret"},
            ]
        }
    }
}
WORKERS: list[Json] = [
    {"id": "finder", "type": "worker", "capability": "research", "tools": ["search"]},
    {"id": "adder", "type": "worker", "capability": "analysis"},
]

WHO: Json = {"type": "object", "properties": {"who": {"type": "string"}}}
CONTINUES: Json = {"max_attempts": 1, "continue_on_failure": True}


def team(**more: Any) -> Json:
    return {"id": "t", "type": "orchestrator", "goal": "What is it worth?", "workers": WORKERS, **more}


def joined(answer: str, *more: Json) -> Json:
    return {"structured": {"JoinDraft": {"answer": answer, "more": list(more)}}}


def replies(text: str, about: str, **more: Any) -> Json:
    """An agent whose task says this answers so."""
    return {"reply": text, "about": about, **more}


FOUND = (
    replies("It costs 5.", "Find the price"),
    replies("They are alike.", "Compare the prices"),
    replies("Unknown.", '"workflow.secret"'),
)


async def test_a_goal_is_split_done_and_joined() -> None:
    """Each task goes to a worker who can do it; what the plan says is text, whatever it looks like."""
    run = AgentRun(team(), script=(PLAN, *FOUND, joined("Five.")))
    done = (await run.go())["t"]
    assert done["answer"] == "Five."
    assert done["rounds"] == 1
    assert [task["result"] for task in done["tasks"]] == ["It costs 5.", "They are alike.", "Unknown."]
    assert done["tasks"][0]["task"] == "Find the price of ${workflow.secret}."
    rows = {row.path: row.status for row in await run.ledger.steps()}
    assert rows["t[0].finder"] == rows["t[1].adder"] == rows["t[2].finder"] == "completed"
    assert rows["t[0].finder@researcher"] == "completed"


@pytest.mark.slow
async def test_a_failed_task_is_a_record_and_not_the_end() -> None:
    """The others count, and who joins is told of the failure; where all fail the step does."""
    broken: Json = {"error": {"kind": "auth"}}
    script = (PLAN, FOUND[0], {**broken, "about": "Compare the prices"}, FOUND[2], joined("Five, perhaps."))
    run = AgentRun(team(), script=script)
    done = (await run.go())["t"]
    assert done["tasks"][1]["error"]["class"] == "refused"
    assert done["answer"] == "Five, perhaps."
    assert '"error"' in run.asked[-1].messages[-1].text
    with pytest.raises(StepFailed, match="No task ended well"):
        await AgentRun(team(), script=(PLAN, {**broken, **ALWAYS})).go()


@pytest.mark.slow
async def test_rounds_and_tasks_are_bounded() -> None:
    """Further tasks are given out as far as rounds and tasks are left, whatever the model wants."""
    more = {"capability": "analysis", "task": "Again."}
    last = {**joined("at last", more, more), **ALWAYS}
    script = (PLAN, *FOUND, joined("so far", more, more), last, replies("ok", "Again.", **ALWAYS))
    run = AgentRun(team(max_tasks=4, max_rounds=3), script=script)
    done = (await run.go())["t"]
    assert (done["answer"], done["rounds"], len(done["tasks"]), done["dropped"]) == ("at last", 2, 4, 1)
    once = (await AgentRun(team(max_rounds=1), script=(PLAN, *FOUND, last)).go())["t"]
    assert (once["rounds"], len(once["tasks"]), once["dropped"]) == (1, 3, 0)
    few = (await AgentRun(team(max_tasks=2), script=(PLAN, *FOUND, last)).go())["t"]
    assert (len(few["tasks"]), few["dropped"]) == (2, 1)


@pytest.mark.slow
async def test_a_resumed_orchestrator_does_not_plan_anew() -> None:
    """Wherever the process dies, the plan stays and no call is made twice, neither of the lead nor of workers."""
    script = (PLAN, *FOUND, joined("Five."))
    for lives in range(1, 5):
        run = AgentRun(team(), script=script)
        with pytest.raises(LeaseLost):
            await run.go(lives=lives)
        assert (await run.again())["t"]["answer"] == "Five."
        assert len(run.asked) == len(script)


@pytest.mark.slow
async def test_workers_wait_for_people_together() -> None:
    """Requests of workers side by side show at once; finished tasks are not done again meanwhile."""
    workers = [{**WORKERS[0], "tools": ["search", "send"]}, WORKERS[1]]
    sends = [
        says("search", {"query": "a"}, about="Find the price", turn=0),
        says("send", {"to": "ann"}, about="Find the price", turn=1),
        replies("sent", "Find the price", turn=2),
        says("search", {"query": "b"}, about='"workflow.secret"', turn=0),
        says("send", {"to": "bob"}, about='"workflow.secret"', turn=1),
        replies("sent too", '"workflow.secret"', turn=2),
    ]
    run = AgentRun(team(workers=workers), script=(PLAN, *sends, FOUND[1], joined("Done.")))
    await run.go()
    assert len(await run.requests()) == 2
    await run.answer({"type": "approve"})
    assert len(await run.requests()) == 1
    done = await run.answer({"type": "approve"})
    assert done["t"]["answer"] == "Done."
    assert sorted(run.office.done) == ["search a", "search b", "send ann", "send bob"]


@pytest.mark.slow
@pytest.mark.parametrize(("most", "overlaps"), [(1, False), (3, True)])
async def test_tasks_at_a_time(most: int, overlaps: bool) -> None:
    """`max_concurrent` bounds the tasks that are done side by side."""
    slow = tuple({**each, "delay": 0.02} for each in FOUND)
    run = AgentRun(team(max_concurrent=most), script=(PLAN, *slow, joined("Done.")))
    await run.go()
    rows = [row for row in await run.ledger.steps() if row.path.startswith("t[") and "@" not in row.path]
    first, second, _ = sorted(rows, key=lambda row: row.started_at)
    assert first.ended_at is not None
    assert (second.started_at < first.ended_at) == overlaps


async def test_a_worker_is_the_specialist_for_its_capability() -> None:
    """Its template says who it is; one that nobody can be is a clear error."""
    step: Json = {"id": "a", "type": "worker", "capability": "validation", "task": "Check it."}
    run = AgentRun(step, script=({"reply": "It holds."},))
    assert await run.go() == {"a": "It holds."}
    assert "You check." in run.asked[0].messages[0].text
    assert (await run.row("a@checker")).result == {"tokens": run.usage.tokens}
    with pytest.raises(StepFailed, match="No agent is able to do 'magic'"):
        await AgentRun({**step, "capability": "magic"}, script=({"reply": "x"},)).go()


async def test_a_worker_works_within_what_its_step_says() -> None:
    """Its task, its tools, those that need no person, its limits and the form of its answer are the step's."""
    step: Json = {"id": "a", "type": "worker", "capability": "research", "task": "Ask ${workflow.who}."}
    step |= {"tools": ["search", "send"], "without_approval": ["send"], "retry_policy": CONTINUES}
    form = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    calls = (says("search", {"query": "a"}), says("send", {"to": "ann"}))
    run = AgentRun({**step, "output_schema": form}, script=(*calls, answers({"n": 2})), inputs=WHO)
    assert await run.go(who="ann") == {"a": {"n": 2}}
    assert run.office.done == ["search a", "send ann"]
    assert "ann" in run.asked[0].messages[-1].text
    short = AgentRun({**step, "limits": {"turns": 1}}, script=(*calls, {"reply": "x"}), inputs=WHO)
    assert (await short.go(who="ann"))["a"]["error"]["class"] == "limit"


@pytest.mark.parametrize(("adaptive", "who"), [(False, "checker"), (True, "analyst")])
async def test_success_so_far_counts_where_the_workflow_says_so(adaptive: bool, who: str) -> None:
    """With `adaptive_routing` who failed often is passed over; who began a step goes on with it all the same."""
    step: Json = {
        "id": "a",
        "type": "react",
        "task": "Check it.",
        "agent_capability": "validation",
        "tools": ["search"],
    }
    bad = History(checker=AgentTrack(done=1, failed=9), analyst=AgentTrack(done=20))
    script = (says("search", {"query": "x"}), {"reply": "ok"})
    run = AgentRun(step, script=script, history=bad, adaptive_routing=adaptive)
    with pytest.raises(LeaseLost):
        await run.go(lives=1)
    run.history = History(checker=AgentTrack(done=99), analyst=AgentTrack(failed=99))
    assert await run.again() == {"a": "ok"}
    assert (await run.row(f"a@{who}")).status == "completed"
    assert len(run.asked) == 2


ROUTED: Json = {
    "id": "c",
    "type": "conditional",
    "classify": {
        "input": "workflow.mail",
        "routes": {"billing": "invoices and refunds", "technical": "errors and crashes", "spam": "advertising"},
    },
    "routes": {
        "billing": [{"id": "pay", "type": "action", "chain": "draft", "input_mapping": {"task": "Answer politely."}}],
        "technical": [{"id": "fix", "type": "react", "task": "Fix it."}],
    },
    "else": [{"id": "read", "type": "react", "task": "Read it."}],
}
MAIL: Json = {"type": "object", "properties": {"mail": {"type": "string"}}}


async def test_a_model_chooses_the_way() -> None:
    """The path taken stands in the result with its reason; a resumed run takes the same without asking again."""
    chosen: Json = {"structured": {"RouteDraft": {"route": "billing", "why": "an invoice", "confidence": 0.8}}}
    script = (chosen, {"structured": {"TextDraft": {"text": "Dear Ann"}}})
    for lives in (1, 1_000):
        run = AgentRun(ROUTED, script=script, inputs=MAIL)
        if lives == 1:
            with pytest.raises(LeaseLost):
                await run.go(mail="my invoice", lives=1)
        done = await (run.again() if lives == 1 else run.go(mail="my invoice"))
        assert done["c"] == {
            "route": "billing",
            "why": "an invoice",
            "confidence": 0.8,
            "result": {"text": "Dear Ann"},
        }
        assert len(run.asked) == 2


@pytest.mark.parametrize(
    ("mail", "route"), [("A crash!", "technical"), ("Advertising for you", "spam"), ("Hi", "else")]
)
async def test_without_a_key_words_choose_the_way(mail: str, route: str) -> None:
    """Where no word fits it is `else`; a route without steps is taken and does nothing."""
    done = (await AgentRun(ROUTED, context=KEYLESS, inputs=MAIL).go(mail=mail))["c"]
    assert done["route"] == route
    assert (done["result"] is None) is (route == "spam")


async def test_an_action_can_be_a_chain_or_an_agent() -> None:
    """A chain takes its own input; an agent takes `task`, and answers in the form of `output_validation`."""
    steps: tuple[Json, ...] = (
        {"id": "sum", "type": "action", "chain": "summarize", "input_mapping": {"text": "workflow.mail", "words": 20}},
        {
            "id": "who",
            "type": "action",
            "agent": "checker",
            "depends_on": ["sum"],
            "input_mapping": {"task": "How many?", "text": "$sum.summary"},
            "output_validation": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        },
        {
            "id": "best",
            "type": "action",
            "agent_capability": "synthesis",
            "name": "Write it up.",
            "depends_on": ["who"],
        },
    )
    script = ({"structured": {"SummaryDraft": {"summary": "Two."}}}, answers({"n": 2}), {"reply": "All in all: 2."})
    run = AgentRun(*steps, script=script, inputs=MAIL)
    assert await run.go(mail="One. Two.") == {"best": "All in all: 2."}
    assert '"text": "Two."' in run.asked[1].messages[-1].text
    assert ((await run.row("who")).result or {})["output"] == {"n": 2}
    assert (await run.row("best@writer")).status == "completed"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"chain": "sumarize"}, "There is no chain 'sumarize'"),
        ({"chain": "review", "input_mapping": {"txt": "x"}}, "text: Field required"),
        ({"agent": "nobody"}, "There is no agent 'nobody'"),
        ({"agent_capability": "magic"}, "No agent is able to do 'magic'"),
    ],
)
async def test_what_is_not_there_is_said(step: Json, said: str) -> None:
    """Also where the checks did not know what there is."""
    with pytest.raises(StepFailed, match=said):
        await AgentRun({"id": "a", "type": "action", **step}, script=({"reply": "x"},)).go()


async def test_a_model_that_is_not_there_is_said() -> None:
    """An agent whose model cannot be opened is not made: another try would not help."""
    step: Json = {"id": "a", "type": "react", "task": "x", "model": "openai/gpt", "retry_policy": {"retry_on": ["any"]}}
    failing = {**step, "retry_policy": {"max_attempts": 1, "continue_on_failure": True}}
    error = (await AgentRun(failing, script=({"reply": "x"},)).go())["a"]["error"]
    assert error["class"] == "refused"
    assert "needs an API key" in error["message"]


async def test_a_team_works_without_a_key() -> None:
    """The extractive model gives each kind of worker the goal, and quotes what they found."""
    step = team(goal="What has order 17 cost?", input_mapping={"note": "Order 17 has cost 120 euro."})
    workers = [{**each, "input_mapping": {"query": "17"}} for each in WORKERS]
    done = (await AgentRun({**step, "workers": workers}, context=KEYLESS).go())["t"]
    assert [task["capability"] for task in done["tasks"]] == ["research", "analysis"]
    assert all("What has order 17 cost?" in task["task"] for task in done["tasks"])
    assert "120 euro" in done["answer"]
