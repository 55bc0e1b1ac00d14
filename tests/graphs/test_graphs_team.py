"""The agents of a research run: every branch, the plan and the report are somebody's work, and are recorded as such."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from agents.approval import edited
from agents.points import POINTS
from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from state.agents import AgentTemplate, AgentTrack
from state.context import ApprovalPolicy, BranchLimits, GatePolicy, RunContext
from state.errors import AgentNotMade, AnswerRefused
from state.research import ResearchState
from state.runs import Json, StepRecord
from state.specialisation import Specialisation
from tests.graphs.agent_runs import History, Office
from tests.graphs.research_runs import ALPHA, BETA, MemoryRun, passage_with, write_sources
from tools.breaker import Breakers
from tools.memory import SystemClock
from tools.registry import Registry, registered

QUESTIONS = ("How high is the alpha bridge?", "When was the alpha bridge opened?", "When was the beta bridge opened?")
AGENTS: tuple[Json, ...] = (
    {
        "name": "scout",
        "capabilities": ["research"],
        "instructions": "You know every bridge.",
        "model": "fake/scout",
        "tools": ["search"],
        "most_at_once": 1,
        "needs": {"tokens": 40000, "seconds": 120},
    },
    {"name": "chief", "capabilities": ["coordination"], "instructions": "Plan by river.", "model": "fake/chief"},
)
TEMPLATES = tuple(AgentTemplate.model_validate({"description": "", **each}) for each in AGENTS)
PLAN: Json = {
    "sub_questions": QUESTIONS,
    "branches": [{"kind": "research", "focus": f"part {place}", "questions": [q]} for place, q in enumerate(QUESTIONS)],
}


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Two notes about bridges."""
    return write_sources(tmp_path / "bridges", {"alpha.md": ALPHA, "beta.md": BETA})


def run_of(context: RunContext, scripts: Mapping[str, tuple[Json, ...]], **history: AgentTrack) -> MemoryRun:
    """A run with the user's agents and a tool, and researchers of a history."""
    fakes = {name: FakeScript.model_validate({"steps": steps}) for name, steps in scripts.items()}
    tools = [registered(tool, category="test") for tool in Office().tools()]
    registry = Registry(tools, Breakers(SystemClock()))
    more = {"agents": TEMPLATES, "history": History(**history), "tools": registry}
    return MemoryRun(context, fakes, more=more)


def chief(plan: Json = PLAN) -> tuple[Json, ...]:
    return ({"when": "PlanDraft", "structured": {"PlanDraft": plan}},)


def scout(passage: str) -> tuple[Json, ...]:
    """Asks its own tool, and reports."""
    finding = {"text": ALPHA, "passages": [passage], "topic": QUESTIONS[0], "confidence": 0.9}
    return (
        {"turn": 0, "tool_calls": [{"name": "search", "args": {"query": "alpha"}}]},
        {"turn": 1, "tool_calls": [{"name": "search_documents", "args": {"query": "alpha bridge"}}]},
        {"turn": 2, "structured": {"FindingsDraft": {"findings": [finding]}}},
    )


def asked(run: MemoryRun, name: str) -> list[Any]:
    model = run.ports.models.chat(f"fake/{name}")
    assert isinstance(model, FakeChatModel)
    return model.calls


async def rows(run: MemoryRun) -> dict[str, StepRecord]:
    """The work of agents in the ledger, by path."""
    return {step.path: step for step in await run.ports.ledger.steps() if "@" in step.path}


@pytest.mark.slow
async def test_every_part_of_a_run_is_the_work_of_an_agent_that_was_chosen_for_it(sources: list[str]) -> None:
    """A user's two agents plan and search with their own models, words and tools; who was chosen is in the plan that a
    person approves, stays when the run goes on later, and stands in the ledger and in the report's origin.
    """
    passage = await passage_with(sources, "134 m")
    context = RunContext(approvals={"plan": ApprovalPolicy()}, gate=GatePolicy(max_revisions=0))
    scripts = {"chief": chief(), "scout": scout(passage.id)}
    run = run_of(context, scripts, scout=AgentTrack(done=5, tokens=1, seconds=1))
    await run.ask("All about bridges?", sources)
    shown = (await run.pending() or {})["args"]["plan"]
    assert (shown["coordinator"], shown["writer"]) == ("chief", "writer")
    names = ["scout", "researcher", "researcher"]  # one place: who has none left is passed over
    assert [branch["agent"]["name"] for branch in shown["branches"]] == names
    now = cast(ResearchState, (await run.app.aget_state(run.config)).values)
    for wrong, said in (
        ({"name": "chief"}, "'chief' is not able to do research: that are researcher, scout"),
        ({"analysis": {"methods": ["tremd"]}}, "no statistic 'tremd'. Name one of trend"),
    ):
        branches = [{**shown["branches"][0], "agent": wrong}, *shown["branches"][1:]]
        with pytest.raises(AnswerRefused, match=said):
            await edited(POINTS["plan"], now, {"plan": {**shown, "branches": branches}}, run.ports.passages)
    run.begin(replace(run.ports, history=History(scout=AgentTrack(failed=99))))
    state = await run.answer({"type": "approve"})
    assert state["outcome"] == "published"
    assert "Plan by river." in asked(run, "chief")[0].messages[0].text
    told = asked(run, "scout")
    assert "You know every bridge." in told[0].messages[0].text
    assert "120 euro" in told[1].messages[-1].text  # what its own tool found
    work = await rows(run)
    ids = [branch["id"] for branch in shown["branches"]]
    paths = [f"branches/{id_}@{name}" for id_, name in zip(ids, names, strict=True)]
    assert set(work) == {"analyze_task@chief", *paths, "synthesize@writer"}
    assert {row.status for row in work.values()} == {"completed"}
    assert (work[paths[0]].result or {})["tokens"] == state["results"][ids[0]].tokens > 0
    made = json.loads(await run.ports.artifacts.get(state["provenance"].sha256))
    by_branch = {f"branches/{id_}": name for id_, name in zip(ids, names, strict=True)}
    assert made["view"]["agents"] == by_branch | {"coordination": "chief", "synthesis": "writer"}


@pytest.mark.slow
async def test_with_the_defaults_nothing_is_added(sources: list[str]) -> None:
    """Who works is recorded; what models are told, and what is printed, says nothing of agents."""
    one = {"sub_questions": QUESTIONS[:1], "branches": PLAN["branches"][:1]}
    finds: Json = {"turn": 0, "structured": {"FindingsDraft": {"findings": []}}}
    steps = FakeScript.model_validate({"steps": (*chief(one), finds)})
    models: Any = {"planner": "fake/team", "researcher": "fake/team"}
    run = MemoryRun(RunContext(models=models, gate=GatePolicy(max_revisions=0)), {"team": steps})
    state = await run.ask(QUESTIONS[0], sources)
    assert (state["plan"].coordinator, state["plan"].writer) == ("", "writer")  # nobody coordinates one branch
    assert state["plan"].branches[0].agent.model_dump(exclude_none=True) == {"name": "researcher"}
    told = " ".join(message.text for call in asked(run, "team") for message in call.messages)
    assert "specialisation" not in told
    assert "researcher" not in await run.report()


@pytest.mark.slow
async def test_how_work_ended_is_what_counts_for_an_agent(sources: list[str]) -> None:
    """A model that fails makes a failure with its reason; a place that does not come free is no failure of anybody."""
    two = {"sub_questions": QUESTIONS[:2], "branches": PLAN["branches"][:2]}
    plan: Json = {**two, "branches": [{**each, "required": True} for each in two["branches"]]}
    context = RunContext(limits=BranchLimits(seconds=0.2), gate=GatePolicy(max_revisions=0))
    down: Json = {"error": {"kind": "auth"}, "repeat": "always"}
    run = run_of(context, {"chief": chief(plan), "scout": (down,)}, scout=AgentTrack(done=99, tokens=1, seconds=1))
    state = await run.ask("All about bridges?", sources)
    work = await rows(run)
    (failed,) = (row for path, row in work.items() if path.endswith("@scout"))
    assert (failed.status, bool(failed.error)) == ("failed", True)
    full = run_of(context, {"chief": chief(plan), "scout": (down,)}, scout=AgentTrack(done=99, tokens=1, seconds=1))
    factory = await full.kit.team.factory()
    async with factory.placed([factory.named("scout")]):
        state = await full.ask("All about bridges?", sources)
    (waited,) = (each for each in state["results"].values() if each.status == "failed")
    assert "at work for 0.2 s: scout" in waited.reason
    assert waited.transient
    assert not [path for path in await rows(full) if path.endswith("@scout")]


@pytest.mark.slow
async def test_how_a_run_is_to_work_is_what_it_does(sources: list[str]) -> None:
    """Sources outside of the pattern are not found, unsupported findings are left out at once, citations are APA's, and
    models are told what only they can follow.
    """
    alpha = await passage_with(sources, "134 m")
    texts = (ALPHA, "The alpha bridge is 999 m high.")
    found = [{"text": text, "passages": [alpha.id], "topic": QUESTIONS[0], "confidence": 0.9} for text in texts]
    steps: tuple[Json, ...] = (
        *chief({"sub_questions": QUESTIONS[:1], "branches": PLAN["branches"][:1]}),
        {"turn": 0, "tool_calls": [{"name": "search_documents", "args": {"query": "bridge opened"}}]},
        {"turn": 1, "structured": {"FindingsDraft": {"findings": found}}},
    )
    how = {
        "research": {"sources": ["alpha*"], "fact_checking": True, "focus": "the height"},
        "synthesis": {"citation_style": "APA", "length": "short", "audience": "engineers"},
    }
    models: Any = {"planner": "fake/team", "researcher": "fake/team"}
    gate, wishes = GatePolicy(max_revisions=0), Specialisation.model_validate(how)
    context = RunContext(models=models, gate=gate, specialisation=wishes)
    run = MemoryRun(context, {"team": FakeScript.model_validate({"steps": steps})})
    state = await run.ask(QUESTIONS[0], sources)
    (result,) = state["results"].values()
    assert [finding.text for finding in result.findings] == [ALPHA]
    assert any("1 findings of the branch 'part 0' were not found supported" in note for note in result.notes)
    searched = asked(run, "team")[-1].messages
    assert "the height" in searched[1].text
    assert ALPHA in searched[-1].text
    assert "beta" not in searched[-1].text
    assert state["plan"].branches[0].agent.research == wishes.research
    assert (state["draft"].citation_style, state["citation_accuracy"]) == ("APA", 1.0)
    assert "(“alpha”, n.d.) [1]" in await run.report()


async def test_what_cannot_be_made_ends_a_run_before_anything_is_paid_for(sources: list[str]) -> None:
    """A model of the user's that is not there is told with its place, and nobody was asked anything."""
    run = run_of(RunContext(), {"chief": chief()})
    with pytest.raises(AgentNotMade, match="scout"):
        await run.ask("All about bridges?", sources)
    assert asked(run, "chief") == []
    wishes = Specialisation.model_validate({"research": {"sources": ["*.pdf"]}})
    with pytest.raises(AgentNotMade, match=r"\*\.pdf"):
        await MemoryRun(RunContext(specialisation=wishes)).ask(QUESTIONS[0], sources)
