"""The research agent: answers sub-questions from the sources, with tools to search, read and check."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import BaseTool

from agents.acting import RegistryTools
from agents.evidence import checked
from agents.kit import Kit
from agents.middleware import agent_middleware, run_agent
from agents.team import Agent, fitting
from chains.ask import brief, said, system_prompt
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import BranchLimits, RunContext
from state.errors import BadOutput
from state.evidence import Collection
from state.research import Branch, BranchTask
from state.specialisation import ResearchSpeciality
from tools.effects import is_foreign
from tools.research_tools import research_tools

_QUICK_CALLS = 4
"""Tool calls for each question of an agent that works quickly."""


async def research(kit: Kit, scope: CallScope, task: BranchTask, context: RunContext, agent: Agent) -> FindingsDraft:
    """Runs the agent to its findings; raises LimitReached, ModelError or AgentNotMade."""
    branch, how, show_orders = task["branch"], agent.how.research, context.untrusted.show_orders
    collection = await _usable(kit, task["collection"], how)
    ports = kit.ports if how.sources is None else replace(kit.ports, web=None)
    tools = research_tools(ports, collection, kit.search(context), show_orders=show_orders)
    limits = _limits(branch, how)
    own = await own_tools(kit, scope, agent, tools)
    stack = agent_middleware(scope, limits, context.untrusted, was_fed=bool(task["prior"]) or own.are_foreign)
    worker = create_agent(
        kit.team.model(scope, agent, context),
        [*tools, *own.tools],
        system_prompt=system_prompt("research", agent.instructions, specialised=said(how) is not None),
        middleware=[*stack, *own.middleware],
        response_format=ToolStrategy(FindingsDraft),
        checkpointer=False,
        name="research_agent",
    )
    message = brief(
        question=task["question"],
        questions=list(branch.questions),
        focus=branch.focus,
        found_before=list(task["prior"]) or None,
        guidance=list(task["guidance"]) or None,
        specialisation=said(how),
    )
    draft = findings_of(await run_agent(worker, [message], scope))
    return await checked(kit, scope, branch, draft) if how.fact_checking else draft


async def _usable(kit: Kit, collection: Collection, how: ResearchSpeciality) -> Collection:
    """The sources that the agent may use, as a collection of their own. Raises AgentNotMade where there is none."""
    if how.sources is None:
        return collection
    return await kit.ports.passages.gather(fitting(await kit.ports.passages.sources(collection.id), how), ())


def _limits(branch: Branch, how: ResearchSpeciality) -> BranchLimits:
    if how.depth != "quick":
        return branch.limits
    most = min(branch.limits.tool_calls, _QUICK_CALLS * len(branch.questions))
    return branch.limits.model_copy(update={"tool_calls": most})


@dataclass(frozen=True)
class OwnTools:
    """The tools that an agent brings with it."""

    tools: tuple[BaseTool, ...] = ()
    middleware: tuple[AgentMiddleware[Any, Any, Any], ...] = ()
    """Has the registry call them; stands innermost."""

    @property
    def are_foreign(self) -> bool:
        """Whether to be given them is to be fed text of unknown origin."""
        return any(map(is_foreign, self.tools))


async def own_tools(kit: Kit, scope: CallScope, agent: Agent, given: Sequence[BaseTool]) -> OwnTools:
    """What the agent's template names; `given` have their names first. Raises AgentNotMade."""
    taken = {tool.name for tool in given}
    brought = await kit.team.tools(agent.template.tools, scope.path)
    registered = [tool for tool in brought if tool.tool.name not in taken]
    if not registered or kit.ports.tools is None:
        return OwnTools()
    called = RegistryTools(scope, kit.ports.tools, registered)
    return OwnTools(tuple(tool.tool for tool in registered), (called,))


def findings_of(state: dict[str, object]) -> FindingsDraft:
    """The structured answer of an agent's final state."""
    answer = state.get("structured_response")
    if not isinstance(answer, FindingsDraft):
        raise BadOutput("the agent ended without findings in the form that was asked for")
    return answer
