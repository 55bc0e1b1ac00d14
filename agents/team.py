"""The agents of one run: who does which work, with which model and tools, and how it is to go about it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, get_args

from agents.factory import Factory, Wanted
from agents.templates import all_templates, own_templates
from chains.governed import GovernedModel, governed
from chains.scope import CallScope
from state.agents import RESEARCH_WORK, AgentTemplate
from state.context import BranchLimits, RunContext
from state.errors import AgentNotMade, SetupError, ToolError
from state.evidence import Source
from state.ports import Ports
from state.research import AgentSpec, Branch, BranchKind, Plan
from state.specialisation import AnalysisSpeciality, ResearchSpeciality, Specialisation, over
from state.tools import RegisteredTool
from tools.statistics.asking import ASKS

COORDINATION: Final = "coordination"
SYNTHESIS: Final = "synthesis"
ALONE: Final = 2
"""Agents that work without a coordinator, at most."""


@dataclass(frozen=True)
class Agent:
    """Somebody made for a piece of work."""

    template: AgentTemplate
    capability: str
    how: Specialisation

    @property
    def name(self) -> str:
        return self.template.name

    @property
    def instructions(self) -> str:
        """What is told to it beside its prompt, which says all that ours need to know."""
        return "" if self.template == own_templates().get(self.name) else self.template.instructions

    def model_name(self, context: RunContext) -> str:
        """The model that plays it."""
        return self.template.model or context.model_for(self.template.role or RESEARCH_WORK[self.capability])


class Team:
    """Made once for a run."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._factory: Factory | None = None
        self._opening = asyncio.Lock()

    async def factory(self) -> Factory:
        """The agents that can be chosen, with what became of their work in earlier runs."""
        async with self._opening:
            if self._factory is None:
                history = self._ports.history
                tracks = await history.tracks() if history else {}
                self._factory = Factory(all_templates(self._ports.agents), tracks)
            return self._factory

    async def check(self, context: RunContext) -> None:
        """Raises AgentNotMade where an agent of the user's own that the run may need cannot be made, or is asked for
        what nobody can: before anything is paid for, whoever turns out to be chosen.
        """
        sound(context.specialisation.analysis, "specialisation")
        for template in self._ports.agents:
            place = f"agent {template.name}"
            if not RESEARCH_WORK.keys() & set(template.capabilities):
                continue
            await self.tools(template.tools, f"{place}, tools")
            sound(template.specialisation.analysis, place)
            if template.model is None:
                continue
            try:
                self._ports.models.chat(template.model)
            except SetupError as error:
                raise AgentNotMade(error.message, place=f"{place}, model", remedy=error.remedy) from error

    async def able(self) -> dict[str, tuple[str, ...]]:
        """The names of those who are able to do the work of a branch, or the report's, by that work."""
        works: tuple[str, ...] = (*get_args(BranchKind), SYNTHESIS)
        templates = (await self.factory()).templates.values()
        return {work: tuple(each.name for each in templates if work in each.capabilities) for work in works}

    async def chosen(
        self, capability: str, limits: BranchLimits, context: RunContext, taken: Mapping[str, int] | None = None
    ) -> Agent:
        """The best for a work; `taken` counts the places that are given already. Raises NoSuitableAgent."""
        wanted = Wanted(capability, limits.tokens, limits.seconds, adaptive=True)
        return _made((await self.factory()).shared_out(wanted, taken or {}), capability, context)

    async def named(self, name: str, capability: str, context: RunContext) -> Agent:
        """The agent of a name. Raises NoSuitableAgent."""
        return _made((await self.factory()).named(name), capability, context)

    async def assigned(self, plan: Plan, context: RunContext) -> Plan:
        """The plan with an agent for each branch that has none, and for the report. Raises NoSuitableAgent."""
        taken = Counter(branch.agent.name for branch in plan.branches if branch.agent.name)
        branches: list[Branch] = []
        for branch in plan.branches:
            if branch.agent.name:
                branches.append(branch)
                continue
            agent = await self.chosen(branch.kind, branch.limits, context, taken)
            taken[agent.name] += 1
            branches.append(branch.model_copy(update={"agent": _spec(agent, branch.kind, branch.agent)}))
        writer = plan.writer or (await self.chosen(SYNTHESIS, context.limits, context)).name
        return plan.model_copy(update={"branches": tuple(branches), "writer": writer})

    async def of_branch(self, branch: Branch, context: RunContext) -> Agent:
        """The agent that the plan names for a branch, the best where it names none; it works as the plan says, and as
        the run and its template do where the plan says nothing. Raises NoSuitableAgent.
        """
        if branch.agent.name:
            agent = await self.named(branch.agent.name, branch.kind, context)
        else:
            agent = await self.chosen(branch.kind, branch.limits, context)
        spec = _spec(agent, branch.kind, branch.agent)
        how = Specialisation(
            research=spec.research or ResearchSpeciality(), analysis=spec.analysis or AnalysisSpeciality()
        )
        return Agent(agent.template, branch.kind, how)

    def model(self, scope: CallScope, agent: Agent, context: RunContext) -> GovernedModel:
        """The model that plays an agent: recorded, limited, retried. Raises AgentNotMade where it cannot be opened."""
        return model_named(scope, agent.model_name(context), context)

    async def tools(self, names: tuple[str, ...], place: str) -> tuple[RegisteredTool, ...]:
        """The tools of these names, each once. Raises AgentNotMade where there is none of a name."""
        if not names:
            return ()
        if self._ports.tools is None:
            raise AgentNotMade("There are no tools here.", place=place, remedy="Run it where tools are registered.")
        try:
            await self._ports.tools.ready(names)
            found = {tool.name: tool for tool in map(self._ports.tools.find, dict.fromkeys(names))}
        except ToolError as error:
            raise AgentNotMade(error.message, place=place, remedy=error.remedy) from error
        return tuple(found.values())


def model_named(scope: CallScope, name: str, context: RunContext) -> GovernedModel:
    """A model of a run. Raises AgentNotMade where it cannot be opened."""
    try:
        return governed(scope, name, context.fallback_models, context.cheaper_model)
    except SetupError as error:
        raise AgentNotMade(error.message, place=scope.path, remedy=error.remedy) from error


def fitting(sources: Sequence[Source], how: ResearchSpeciality) -> Sequence[Source]:
    """The sources that a research agent may use. Raises AgentNotMade where there is none."""
    if how.sources is None:
        return sources
    found = [source for source in sources if any(fnmatchcase(source.uri, pattern) for pattern in how.sources)]
    if not found:
        raise AgentNotMade(
            f"No source fits {', '.join(how.sources)}.",
            place="specialisation, research.sources",
            remedy=f"Sources are named as {', '.join(source.uri for source in sources[:3])} are.",
        )
    return found


def sound(how: AnalysisSpeciality, place: str) -> None:
    """Raises AgentNotMade where a method that is named is none."""
    unknown = [name for name in how.methods or () if name not in ASKS]
    if unknown:
        near = get_close_matches(unknown[0], ASKS, n=3) or list(ASKS)
        raise AgentNotMade(
            f"There is no statistic {unknown[0]!r}.",
            place=f"{place}, analysis.methods",
            remedy=f"Name one of {', '.join(near)}.",
        )


def _made(template: AgentTemplate, capability: str, context: RunContext) -> Agent:
    return Agent(template, capability, context.specialisation.over(template.specialisation))


def _spec(agent: Agent, kind: BranchKind, asked: AgentSpec) -> AgentSpec:
    """The agent as the plan has it: what the branch asks for itself counts most, and nothing is said of nothing."""
    if kind == "research":
        searches = over(asked.research or ResearchSpeciality(), agent.how.research)
        return AgentSpec(name=agent.name, research=searches if searches != ResearchSpeciality() else None)
    computes = over(asked.analysis or AnalysisSpeciality(), agent.how.analysis)
    return AgentSpec(name=agent.name, analysis=computes if computes != AnalysisSpeciality() else None)
