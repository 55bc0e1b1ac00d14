"""The research agent: answers sub-questions from the sources, with tools to search, read and check."""

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy

from agents.kit import Kit
from agents.middleware import agent_middleware, run_agent
from chains.ask import brief, prompt
from chains.forms import FindingsDraft
from chains.scope import CallScope
from state.context import RunContext
from state.errors import BadOutput
from state.research import BranchTask
from tools.research_tools import research_tools


async def research(kit: Kit, scope: CallScope, task: BranchTask, context: RunContext) -> FindingsDraft:
    """Runs the agent to its findings; raises LimitReached or ModelError."""
    branch, show_orders = task["branch"], context.untrusted.show_orders
    agent = create_agent(
        kit.model(scope, "researcher", context),
        research_tools(kit.ports, task["collection"], kit.search(context), show_orders=show_orders),
        system_prompt=prompt("research"),
        middleware=agent_middleware(scope, branch.limits, context.untrusted, was_fed=bool(task["prior"])),
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
    )
    return findings_of(await run_agent(agent, [message], scope))


def findings_of(state: dict[str, object]) -> FindingsDraft:
    """The structured answer of an agent's final state."""
    answer = state.get("structured_response")
    if not isinstance(answer, FindingsDraft):
        raise BadOutput("the agent ended without findings in the form that was asked for")
    return answer
