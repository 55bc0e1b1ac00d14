"""The analysis agent: computes from tables, with tools to load, clean, describe, test and chart."""

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy

from agents.kit import Kit
from agents.middleware import agent_middleware, run_agent
from agents.research import findings_of, own_tools
from agents.team import Agent
from chains.ask import brief, said, system_prompt
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.research import BranchTask


async def analyse(kit: Kit, scope: CallScope, task: BranchTask, context: RunContext, agent: Agent) -> FindingsDraft:
    """Runs the agent to its findings; raises LimitReached, ModelError or AgentNotMade."""
    # pandas, SciPy and Matplotlib are half of what a start would import: a run without tables does without.
    from tools.analysis_tools import analysis_tools

    branch, how = task["branch"], agent.how.analysis
    tools = analysis_tools(kit.ports, task["collection"], how, show_orders=context.untrusted.show_orders)
    own = await own_tools(kit, scope, agent, tools)
    stack = agent_middleware(scope, branch.limits, context.untrusted, was_fed=bool(branch.tables) or own.are_foreign)
    worker = create_agent(
        kit.team.model(scope, agent, context),
        [*tools, *own.tools],
        system_prompt=system_prompt("analyse", agent.instructions, specialised=said(how) is not None),
        middleware=[*stack, *own.middleware],
        response_format=ToolStrategy(FindingsDraft),
        checkpointer=False,
        name="analysis_agent",
    )
    message = brief(
        question=task["question"],
        questions=list(branch.questions),
        tables=list(branch.tables),
        guidance=list(task["guidance"]) or None,
        specialisation=said(how),
    )
    return findings_of(await run_agent(worker, [message], scope))
