"""What the agents of a research run may do with tools that a template brings, by who wrote what is told of these."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from langchain_core.tools import StructuredTool

from agents.analysis import analyse
from agents.kit import Kit, open_kit
from agents.research import research
from agents.team import Agent
from chains.fake.script import FakeScript
from chains.forms import FindingsDraft
from chains.models import ModelDoor
from chains.scope import CallScope, open_scope
from state.agents import AgentTemplate
from state.context import RunContext, UntrustedText
from state.evidence import Collection
from state.research import Branch, BranchTask
from tools.breaker import Breakers
from tools.effects import effects
from tools.memory import SystemClock, memory_ports
from tools.registry import Registry, registered

Work = Callable[[Kit, CallScope, BranchTask, RunContext, Agent], Awaitable[FindingsDraft]]
SCRIPT = (
    {"turn": 0, "tool_calls": [{"name": "send", "args": {"text": "all"}}]},
    {"turn": 1, "structured": {"FindingsDraft": {"findings": []}}},
)


async def sent_by(kind: str, work: Work, *, foreign: bool, context: RunContext) -> tuple[list[str], list[str]]:
    """What an agent sent that calls the tool of its template before anything else, and what the report would note."""
    sent: list[str] = []

    async def send(text: str) -> str:
        sent.append(text)
        return "Sent."

    tool = StructuredTool.from_function(
        coroutine=send, description="Sends a text.", metadata=effects("write", foreign=foreign)
    )
    fake = FakeScript.model_validate({"steps": SCRIPT})
    template = AgentTemplate.model_validate(
        {"name": "scout", "description": "", "capabilities": [kind], "tools": ["send"], "model": "fake/main"}
    )
    ports = replace(
        memory_ports(ModelDoor({}, {"fake/main": (0.0, 0.0)}, {"main": fake})),
        agents=(template,),
        tools=Registry([registered(tool, category="test")], Breakers(SystemClock())),
    )
    kit = open_kit(ports)
    branch = Branch.model_validate({"id": "a", "kind": kind, "focus": "a", "questions": ("Q?",)})
    task = BranchTask(
        branch=branch,
        question="Q?",
        collection=Collection(id="none", sources=0, passages=0),
        round=0,
        wave=("a",),
        guidance=(),
        prior=(),
    )
    scope = open_scope(ports, kit.spending, "branches/a", context, branch.limits, lambda _: None)
    await work(kit, scope, task, context, await kit.team.named("scout", kind, context))
    return sent, list(scope.notes)


@pytest.mark.parametrize(
    ("kind", "work"), [("research", research), pytest.param("analysis", analyse, marks=pytest.mark.slow)]
)
async def test_a_tool_that_somebody_else_described_counts_as_reading(kind: str, work: Work) -> None:
    """From the first call on, unless the run names the tool; one that is the user's own is called as before."""
    plain, named = RunContext(), RunContext(untrusted=UntrustedText(tools=("send",)))
    sent, notes = await sent_by(kind, work, foreign=True, context=plain)
    assert sent == []
    assert "A call of the tool send was refused" in notes[0]
    assert await sent_by(kind, work, foreign=True, context=named) == (["all"], [])
    assert await sent_by(kind, work, foreign=False, context=plain) == (["all"], [])
