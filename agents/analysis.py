"""The analysis agent: computes from tables, with tools to load, clean, describe, test and chart."""

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy

from agents.kit import Kit
from agents.middleware import agent_middleware, run_agent
from agents.research import findings_of
from chains.ask import brief, prompt
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.research import BranchTask


async def analyse(kit: Kit, scope: CallScope, task: BranchTask, context: RunContext) -> FindingsDraft:
    """Runs the agent to its findings; raises LimitReached or ModelError."""
    # pandas, SciPy and Matplotlib are half of what a start would import: a run without tables does without.
    from tools.analysis_tools import analysis_tools

    branch = task["branch"]
    agent = create_agent(
        kit.model(scope, "analyst", context),
        analysis_tools(kit.ports, task["collection"], show_orders=context.untrusted.show_orders),
        system_prompt=prompt("analyse"),
        middleware=agent_middleware(scope, branch.limits, context.untrusted, was_fed=bool(branch.tables)),
        response_format=ToolStrategy(FindingsDraft),
        checkpointer=False,
        name="analysis_agent",
    )
    message = brief(
        question=task["question"],
        questions=list(branch.questions),
        tables=list(branch.tables),
        guidance=list(task["guidance"]) or None,
    )
    return findings_of(await run_agent(agent, [message], scope))
