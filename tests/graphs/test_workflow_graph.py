"""A workflow as a LangGraph graph: inputs, outputs, answers in any order, and going on after a stop."""

from datetime import timedelta
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import UnknownInterruptError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from chains.models import ModelDoor
from graphs.workflow.compiler import build
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.steps.approval import human_approval
from graphs.workflow.steps.loop import loop
from graphs.workflow.steps.wait import wait
from state.ports import Ports
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import ActionStep, HumanApprovalStep, LoopStep, WaitStep
from tests.graphs.workflow_runs import QuickClock, Tools, conditions_of
from tools.memory import memory_ports

FAR = "2999-01-01T00:00:00+00:00"
CONFIG: Any = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}
App = CompiledStateGraph[Any, Any, Any, Any]


class Engine:
    """A graph over ports in memory, which outlive each attempt."""

    def __init__(self, tools: Tools, **definition: Any) -> None:
        self.clock = QuickClock()
        self.ports: Ports = memory_ports(ModelDoor({}, {}), run_id="r", clock=self.clock)
        self.definition = WorkflowDefinition.model_validate({"name": "w", **definition})
        self.tools, self.saver = tools, InMemorySaver()

    def app(self) -> App:
        """The graph, built anew as another process would."""
        bodies: Any = {
            ActionStep: self.tools.action,
            HumanApprovalStep: human_approval,
            WaitStep: wait,
            LoopStep: loop,
        }
        graph = build(self.ports, self.definition, bodies, conditions_of(self.definition))
        app: App = graph.compile(checkpointer=self.saver)
        return app

    async def go(self, given: Any) -> Any:
        return await self.app().ainvoke(given, CONFIG)

    async def waits_for(self) -> dict[str, str]:
        """The ids of what the run waits for, by the step's path."""
        snapshot = await self.app().aget_state(CONFIG)
        return {each.value["action_requests"][0]["name"]: each.id for each in snapshot.interrupts}


def approval(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "human_approval", "message": f"May {id_} go on?", **more}


def says(kind: str, by: str = "ann", **more: Any) -> dict[str, Any]:
    return {"decisions": [{"type": kind, **more}], "by": by}


async def test_inputs_are_completed_and_checked() -> None:
    """Defaults fill what was left out; a wrong input is refused with its place before any step runs."""
    tools = Tools(twice=lambda given, _: given["n"] * 2)
    step = {"id": "a", "type": "action", "tool": "twice", "input_mapping": {"n": "workflow.n"}}
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 21}}}
    engine = Engine(tools, steps=[step], inputs=schema, outputs={"answer": "$a", "text": "it is ${a}"})
    assert (await engine.go({"inputs": {}}))["outputs"] == {"answer": 42, "text": "it is 42"}
    with pytest.raises(StepFailed, match='n: "x" is not of type "integer"'):
        await Engine(tools, steps=[step], inputs=schema).go({"inputs": {"n": "x"}})
    assert len(tools.calls) == 1


async def test_approvals_show_at_once_and_are_answered_in_any_order() -> None:
    """Two that wait show together; each answer moves what depends on it, once; others still wait."""
    tools = Tools(note=lambda given, _: given)
    steps = [
        approval("one"),
        approval("two", show={"amount": "workflow.amount"}),
        {"id": "after_one", "type": "action", "tool": "note", "depends_on": ["one"]},
        {
            "id": "after_two",
            "type": "action",
            "tool": "note",
            "depends_on": ["two"],
            "input_mapping": {"amount": "$two.values.amount", "by": "$two.by"},
        },
    ]
    engine = Engine(tools, steps=steps, inputs={"type": "object", "properties": {"amount": {}}})
    await engine.go({"inputs": {"amount": 5}})
    first = await engine.waits_for()
    assert set(first) == {"one", "two"}
    edit: dict[str, Any] = {"edited_action": {"name": "two", "args": {"amount": 7}}}
    await engine.go(Command(resume={first["two"]: says("edit", **edit)}))
    assert tools.calls == [("note", "after_two")]
    assert await engine.waits_for() == {"one": first["one"]}
    with pytest.raises(UnknownInterruptError):
        await engine.go(Command(resume={first["two"]: says("approve")}))
    done = await engine.go(Command(resume={first["one"]: says("approve")}))
    assert done["outputs"]["after_two"] == {"amount": 7, "by": ["ann"]}
    assert [path for _, path in tools.calls] == ["after_two", "after_one"]


async def test_a_quorum_needs_different_people() -> None:
    """Each answer that is missing is asked for by itself, of those who have not answered yet."""
    step = approval("both", approval={"approvers": ["ann", "bob", "cy"], "quorum": 2})
    engine = Engine(Tools(), steps=[step])
    await engine.go({"inputs": {}})
    first = await engine.waits_for()
    await engine.go(Command(resume={first["both"]: says("approve")}))
    second = await engine.waits_for()
    assert second["both"] != first["both"]
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    assert request.value["policy"]["approvers"] == ["bob", "cy"]
    done = await engine.go(Command(resume={second["both"]: says("approve", "bob")}))
    assert done["outputs"]["both"]["by"] == ["ann", "bob"]


async def test_a_rejection_fails_the_step() -> None:
    """Who rejects decides; the failure is of the class `rejected`, and a handler can take over."""
    handled = approval("ask", error_handlers=[{"step": "sorry", "on": ["rejected"]}])
    sorry = {"id": "sorry", "type": "action", "tool": "note", "input_mapping": {"why": "$error.message"}}
    engine = Engine(Tools(note=lambda given, _: given), steps=[handled, sorry])
    await engine.go({"inputs": {}})
    waiting = await engine.waits_for()
    done = await engine.go(Command(resume={waiting["ask"]: says("reject", message="too dear")}))
    assert done["outputs"]["ask"] == {"why": "ann said no: too dear"}


async def test_an_unanswered_request_escalates() -> None:
    """When nobody answers in time, those named in `escalate_to` are asked; when they do not either, it is rejected."""
    policy = {"approvers": ["ann"], "timeout": 60, "on_timeout": "escalate", "escalate_to": ["boss"]}
    engine = Engine(Tools(), steps=[approval("ask", approval=policy)])
    await engine.go({"inputs": {}})
    nobody = says("reject", "timeout policy", message="Nobody answered within 60 seconds.")
    first = await engine.waits_for()
    await engine.go(Command(resume={first["ask"]: nobody}))
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    assert request.value["policy"]["approvers"] == ["boss"]
    assert request.value["policy"]["timeout_seconds"] == 60
    with pytest.raises(StepFailed, match="Nobody answered"):
        await engine.go(Command(resume={request.id: nobody}))


async def test_not_every_case_needs_a_person() -> None:
    """Where `required_for` is false the step approves by itself and says so."""
    step = approval("ask", required_for="workflow.amount > 100")
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    done = await Engine(Tools(), steps=[step], inputs=schema).go({"inputs": {"amount": 5}})
    assert done["outputs"]["ask"]["message"] == "not required"
    engine = Engine(Tools(), steps=[step], inputs=schema)
    await engine.go({"inputs": {"amount": 500}})
    assert set(await engine.waits_for()) == {"ask"}


async def test_waiting_for_a_time_outlives_the_process() -> None:
    """The end of the waiting is fixed when it begins: a run that is taken up early waits on, a late one goes on."""
    engine = Engine(Tools(), steps=[{"id": "pause", "type": "wait", "duration": 3600}])
    now = engine.clock.now()
    await engine.go({"inputs": {}})
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    assert request.value["path"] == "pause"
    await engine.go(None)
    assert (await engine.app().aget_state(CONFIG)).interrupts == (request,)
    engine.clock.set(now + timedelta(hours=2))
    done = await engine.go(None)
    assert done["outputs"]["pause"]["until"] == request.value["wakes_at"]


async def test_an_approval_in_a_loop_is_asked_each_turn() -> None:
    """Each turn has a request of its own; finished turns are not run again when the run goes on."""
    tools = Tools(work=lambda given, _: given["turn"])
    step = {
        "id": "turns",
        "type": "loop",
        "for_each": "workflow.items",
        "results": "all",
        "steps": [
            {"id": "work", "type": "action", "tool": "work", "input_mapping": {"turn": "$item"}},
            approval("ok", depends_on=["work"]),
        ],
    }
    engine = Engine(tools, steps=[step], inputs={"type": "object", "properties": {"items": {}}})
    await engine.go({"inputs": {"items": ["x", "y"]}})
    done: Any = {}
    for turn in range(2):
        waiting = await engine.waits_for()
        assert set(waiting) == {f"turns[{turn}].ok"}
        done = await engine.go(Command(resume={waiting[f"turns[{turn}].ok"]: says("approve")}))
    assert len(done["outputs"]["turns"]) == 2
    assert [path for _, path in tools.calls] == ["turns[0].work", "turns[1].work"]


async def test_a_step_says_which_decisions_there_are() -> None:
    """Only those of `decisions` are offered, and the message is what is asked."""
    engine = Engine(Tools(), steps=[approval("ask", decisions=["approve", "reject"])])
    await engine.go({"inputs": {}})
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    assert request.value["review_configs"][0]["allowed_decisions"] == ["approve", "reject"]
    assert request.value["action_requests"][0]["description"] == "May ask go on?"


@pytest.mark.parametrize(
    ("step", "is_offered"),
    [
        ({}, False),
        ({"show": {"amount": 1}}, True),
        ({"show": {"amount": 1}, "edit_fields": []}, False),
        ({"show": {"amount": 1, "to": "bob"}, "edit_fields": ["amount"]}, True),
    ],
)
async def test_an_edit_is_offered_where_it_may_change_something(step: dict[str, Any], is_offered: bool) -> None:
    """Where nothing is shown, or nothing of it may be changed, the other decisions are left."""
    engine = Engine(Tools(), steps=[approval("ask", **step)])
    await engine.go({"inputs": {}})
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    edit = ["edit"] if is_offered else []
    assert request.value["review_configs"][0]["allowed_decisions"] == ["approve", *edit, "reject", "respond"]


async def test_waiting_until_a_time_of_day() -> None:
    """`until` names a time with its zone; one that has passed is not waited for."""
    steps = [{"id": place, "type": "wait", "until": until} for place, until in (("a", "2020-01-01T00:00Z"), ("b", FAR))]
    engine = Engine(Tools(), steps=steps)
    await engine.go({"inputs": {}})
    (request,) = (await engine.app().aget_state(CONFIG)).interrupts
    assert (request.value["path"], request.value["wakes_at"]) == ("b", FAR)
