"""The agents of a research run: who is given what, how they are to work, and what is found out before it costs."""

import re
from dataclasses import replace
from typing import Any

import pytest

from agents.team import Team, fitting
from agents.templates import read_specialisation
from chains.ask import said, system_prompt
from chains.fake.script import FakeScript
from chains.models import ModelDoor
from state.agents import AgentTemplate, AgentTrack
from state.context import RunContext
from state.errors import AgentNotMade, NoSuitableAgent
from state.evidence import Source
from state.ports import Ports
from state.research import AgentSpec, Branch, Plan
from state.specialisation import (
    AnalysisSpeciality,
    ResearchSpeciality,
    Specialisation,
    SynthesisSpeciality,
)
from tests.document_lines import blocks, text_of
from tests.graphs.agent_runs import History
from tools.breaker import Breakers
from tools.memory import SystemClock, memory_ports
from tools.registry import Registry

QUICK = ResearchSpeciality(depth="quick")


def template(name: str, *capabilities: str, **more: Any) -> AgentTemplate:
    return AgentTemplate.model_validate({"name": name, "description": "", "capabilities": capabilities, **more})


def team(*added: AgentTemplate, **tracks: AgentTrack) -> Team:
    """The agents of a run without tools."""
    return Team(replace(ports_with(*added), history=History(**tracks)))


def ports_with(*added: AgentTemplate) -> Ports:
    door = ModelDoor({}, {"fake/own": (0.0, 0.0)}, {"own": FakeScript.model_validate({"steps": [{"reply": "x"}]})})
    return replace(memory_ports(door), agents=added)


def branch(id_: str, **more: Any) -> Branch:
    return Branch.model_validate({"id": id_, "kind": "research", "focus": id_, "questions": ("Q?",), **more})


async def names(chosen: Team, *branches: Branch) -> list[str]:
    plan = await chosen.assigned(Plan(sub_questions=("Q?",), branches=branches), RunContext())
    return [each.agent.name for each in plan.branches]


async def test_each_branch_and_the_report_have_an_agent() -> None:
    """By kind of work, with ours where a user added nobody; nothing is said of how where nothing was asked."""
    figures = branch("b", kind="analysis", tables=("t.csv",))
    plan = await team().assigned(Plan(sub_questions=("Q?",), branches=(branch("a"), figures)), RunContext())
    assert [each.agent for each in plan.branches] == [AgentSpec(name="researcher"), AgentSpec(name="analyst")]
    assert plan.writer == "writer"


async def test_a_users_agent_takes_part_as_far_as_its_places_go() -> None:
    """It goes first by name where all else is equal; who has no place left is passed over, a plan's choice is kept."""
    scout = template("alma", "research", most_at_once=1, needs={"tokens": 40000, "seconds": 120})
    rival = template("researcher", "research", needs={"tokens": 40000, "seconds": 120})
    assert await names(team(scout, rival), branch("a"), branch("b")) == ["alma", "researcher"]
    given = branch("b", agent={"name": "alma"})
    assert await names(team(scout, rival), branch("a"), given) == ["researcher", "alma"]


async def test_success_so_far_decides_between_equals() -> None:
    """Who failed often is passed over, in research as in workflows whose routing is adaptive."""
    both = [template(name, "research") for name in ("alma", "berta")]
    tracks = {"alma": AgentTrack(failed=4), "berta": AgentTrack(done=4), "researcher": AgentTrack(failed=4)}
    assert await names(team(*both, **tracks), branch("a")) == ["berta"]


async def test_what_is_said_of_a_branch_counts_more_than_the_run_and_the_run_more_than_a_template() -> None:
    """Field by field; what nobody says stays unsaid."""
    own = Specialisation(research=ResearchSpeciality(depth="thorough", focus="costs", fact_checking=True))
    scout = template("researcher", "research", specialisation=own.model_dump())
    context = RunContext(specialisation=Specialisation(research=ResearchSpeciality(depth="standard", focus="time")))
    asked = branch("a", agent={"research": {"depth": "quick"}})
    plan = await team(scout).assigned(Plan(sub_questions=("Q?",), branches=(asked,)), context)
    (decided,) = plan.branches
    assert decided.agent.research == ResearchSpeciality(depth="quick", focus="time", fact_checking=True)
    agent = await team(scout).of_branch(decided, RunContext())
    assert agent.how.research == decided.agent.research  # a run that goes on works as its plan says
    for name in ("", "researcher"):  # a branch that a person added to the plan
        added = await team(scout).of_branch(branch("b", agent={"name": name, "research": {"depth": "quick"}}), context)
        assert added.how.research == decided.agent.research


async def test_only_a_users_agent_is_told_more_than_the_prompt() -> None:
    """With the defaults prompts and briefs are what they were."""
    ours = await team().chosen("research", branch("a").limits, RunContext())
    assert (ours.instructions, said(ours.how.research)) == ("", None)
    assert system_prompt("research") == system_prompt("research", ours.instructions, specialised=False)
    lawyer = template("lawyer", "research", "law", instructions="Quote the clause.", model="fake/own")
    chosen = await team(lawyer).named("lawyer", "research", RunContext())
    assert system_prompt("research", chosen.instructions).endswith("Quote the clause.")
    assert chosen.model_name(RunContext(default_model="fake/other")) == "fake/own"
    how = SynthesisSpeciality(length="short")
    assert said(how) == {"length": "short"}
    assert "`length`" in system_prompt("synthesize", specialised=True)


@pytest.mark.parametrize(
    ("wrong", "place", "message"),
    [
        ({"model": "nobody/knows"}, "agent lawyer, model", "nobody"),
        ({"tools": ["dig"]}, "agent lawyer, tools", "dig"),
        ({"specialisation": {"analysis": {"methods": ["corelation"]}}}, "agent lawyer, analysis.methods", "corelation"),
    ],
)
async def test_what_cannot_be_made_is_told_with_its_place(wrong: dict[str, Any], place: str, message: str) -> None:
    """A model, a tool or a statistic that is not there; an agent of other work is nobody's business in research."""
    tools = Registry([], Breakers(SystemClock()))
    with pytest.raises(AgentNotMade, match=message) as caught:
        await Team(replace(ports_with(template("lawyer", "research", **wrong)), tools=tools)).check(RunContext())
    assert caught.value.place == place
    assert caught.value.remedy
    await Team(replace(ports_with(template("lawyer", "law", **wrong)), tools=tools)).check(RunContext())


async def test_a_run_is_held_to_what_can_be_done() -> None:
    """Its own wishes are looked at too; no agent, no tools and no fitting source are errors that say what there is."""
    wishes = Specialisation(analysis=AnalysisSpeciality(methods=("tremd",)))
    with pytest.raises(AgentNotMade, match="tremd") as caught:
        await team().check(RunContext(specialisation=wishes))
    assert "trend" in str(caught.value)
    with pytest.raises(NoSuitableAgent, match="There are analyst"):
        await team().of_branch(branch("a", agent={"name": "nobody"}), RunContext())
    with pytest.raises(NoSuitableAgent, match="'magic'"):
        await team().chosen("magic", branch("a").limits, RunContext())
    with pytest.raises(AgentNotMade, match="no tools"):
        await team(template("lawyer", "research", tools=["dig"])).check(RunContext())


async def test_the_documented_wishes_are_all_there_are() -> None:
    """The example of docs/agents.md can be followed, says something of every field, and each field is told of."""
    how = read_specialisation(blocks("docs/agents.md", "yaml")[1], "how.yaml")
    await team().check(RunContext(specialisation=how))
    said_of = {name: value for part in (how.research, how.analysis, how.synthesis) for name, value in part}
    assert None not in said_of.values()
    table = text_of("docs/agents.md").partition("| field | what it does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))) == set(said_of)


def test_sources_are_chosen_by_pattern() -> None:
    """All without a pattern; none that fits is an error which shows how sources are named."""
    sources = [
        Source(id=uri, uri=uri, title=uri, kind="text", sha256="0" * 64, size=1)
        for uri in ("a/x.md", "a/y.pdf", "b.md")
    ]
    assert fitting(sources, QUICK) == sources
    assert [each.uri for each in fitting(sources, ResearchSpeciality(sources=("a/*", "z")))] == ["a/x.md", "a/y.pdf"]
    with pytest.raises(AgentNotMade, match=r"\*\.csv") as caught:
        fitting(sources, ResearchSpeciality(sources=("*.csv",)))
    assert "a/x.md" in str(caught.value)
