"""The research graph, whole: from a question and its sources to a cited report.

START → read_sources → analyze_task → approve_plan → dispatch ⇉ research_branch | analysis_branch
      → sync_point → merge → approve_merge → quality_gate → approve_gate
        ├ approved         → synthesize → review → approve_report → publish → END
        ├ needs_revision   → rebalance → dispatch
        └ critical_failure → explain_failure → publish → END
"""

from typing import Any

from langgraph.graph import END, START, StateGraph

from agents.analysis import analyse
from agents.approval import approval_node
from agents.branch import Branches
from agents.kit import Kit, Node, open_kit
from agents.planning import planning_node
from agents.points import POINTS
from agents.publishing import explain_failure, publishing_node
from agents.reading import READ_SOURCES, sources_node, sources_summary
from agents.research import research
from agents.review import review_node
from agents.synthesis import synthesis_node
from graphs.coordination import nodes
from graphs.coordination.sync import SyncGroups
from graphs.recorded import Summary, recorded, without_summary
from state.context import RunContext
from state.ports import Ports
from state.research import BranchTask, ResearchInput, ResearchOutput, ResearchState

Graph = StateGraph[ResearchState, RunContext, ResearchInput, ResearchOutput]


def build(ports: Ports, kit: Kit | None = None) -> Graph:
    """The graph of one run, not compiled: whoever runs it brings the checkpointer.

    Runs over the same passages may share what a `kit` keeps of them, so that each collection is indexed once.
    """
    kit = kit or open_kit(ports)
    supervise = nodes.supervision(kit, SyncGroups(kit.spending.queue))
    graph: Graph = StateGraph(ResearchState, RunContext, input_schema=ResearchInput, output_schema=ResearchOutput)

    def add(name: str, node: Node[ResearchState, Any], *leads_to: str, summary: Summary[Any] = without_summary) -> None:
        step = recorded(ports.ledger, node, lambda state: (name, nodes.iteration(name, state)), summary)
        graph.add_node(name, step, input_schema=ResearchState, destinations=leads_to or None)

    def add_branch(name: str, branches: Branches) -> None:
        step = recorded(ports.ledger, branches.run, nodes.branch_place, nodes.branch_summary)
        handler: Any = branches.failed  # takes the error as well as the input, which LangGraph's types do not know
        graph.add_node(name, step, input_schema=BranchTask, error_handler=handler)

    add(READ_SOURCES, sources_node(kit), summary=sources_summary)
    add("analyze_task", planning_node(kit, nodes.choose_mode))
    add("approve_plan", approval_node(POINTS["plan"], ports.passages), "dispatch", "analyze_task", "explain_failure")
    add("dispatch", nodes.dispatch)
    add_branch("research_branch", Branches(kit, research, supervise))
    add_branch("analysis_branch", Branches(kit, analyse, supervise))
    add("sync_point", nodes.sync_point, "dispatch", "rebalance", "merge")
    add("merge", nodes.merge_node(kit))
    add("approve_merge", approval_node(POINTS["merge"], ports.passages), "quality_gate", "rebalance", "explain_failure")
    add("quality_gate", nodes.quality_gate)
    add("approve_gate", approval_node(POINTS["gate"], ports.passages), "synthesize", "rebalance", "explain_failure")
    add("rebalance", nodes.rebalance_node(kit))
    add("synthesize", synthesis_node(kit))
    add("review", review_node(kit), "synthesize", "approve_report")
    add("approve_report", approval_node(POINTS["report"], ports.passages), "publish", "synthesize", "explain_failure")
    add("explain_failure", explain_failure)
    add("publish", publishing_node(kit))

    graph.add_edge(START, "read_sources")
    graph.add_edge("read_sources", "analyze_task")
    graph.add_edge("analyze_task", "approve_plan")
    graph.add_conditional_edges("dispatch", nodes.send_wave, ["research_branch", "analysis_branch", "sync_point"])
    graph.add_edge("research_branch", "sync_point")
    graph.add_edge("analysis_branch", "sync_point")
    graph.add_edge("merge", "approve_merge")
    graph.add_edge("quality_gate", "approve_gate")
    graph.add_edge("rebalance", "dispatch")
    graph.add_edge("synthesize", "review")
    graph.add_edge("explain_failure", "publish")
    graph.add_edge("publish", END)
    return graph
