"""What each type of step does: the one list of step classes and their bodies."""

from collections.abc import Mapping

from graphs.workflow.running import Body
from graphs.workflow.steps.action import action, tool_doer
from graphs.workflow.steps.approval import human_approval
from graphs.workflow.steps.conditional import conditional
from graphs.workflow.steps.doers import agent, chain, react, worker
from graphs.workflow.steps.loop import loop
from graphs.workflow.steps.orchestrator import orchestrator
from graphs.workflow.steps.parallel import parallel
from graphs.workflow.steps.research import with_research
from graphs.workflow.steps.rollback import rollback
from graphs.workflow.steps.wait import wait
from graphs.workflow.steps.webhook import webhook
from graphs.workflow.whole import nested
from state.ports import Ports
from state.workflow.steps import (
    ActionStep,
    ConditionalStep,
    HumanApprovalStep,
    LoopStep,
    OrchestratorStep,
    ParallelStep,
    ReactStep,
    RollbackStep,
    Step,
    WaitStep,
    WebhookStep,
    WorkerStep,
    WorkflowStep,
)


def bodies(ports: Ports) -> Mapping[type[Step], Body]:
    """The bodies by step class; what they need from outside is in `ports`."""
    made: dict[type[Step], Body] = {
        ActionStep: action(_doers(ports)),
        ParallelStep: parallel,
        ConditionalStep: conditional,
        LoopStep: loop,
        HumanApprovalStep: human_approval,
        WaitStep: wait,
        WorkflowStep: with_research(ports, nested),
        RollbackStep: rollback,
        ReactStep: react,
        WorkerStep: worker,
        OrchestratorStep: orchestrator,
    }
    if ports.tools is not None:
        made[WebhookStep] = webhook(ports.tools)
    return made


def _doers(ports: Ports) -> Mapping[str, Body]:
    """Who does action steps, by the field that names them."""
    tools = {"tool": tool_doer(ports.tools)} if ports.tools is not None else {}
    return {**tools, "chain": chain, "agent": agent, "agent_capability": agent}
