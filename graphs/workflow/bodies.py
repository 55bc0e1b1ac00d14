"""What each type of step does: the one list of step classes and their bodies."""

from collections.abc import Mapping

from graphs.workflow.running import Body
from graphs.workflow.steps.approval import human_approval
from graphs.workflow.steps.conditional import conditional
from graphs.workflow.steps.doers import react, worker
from graphs.workflow.steps.loop import loop
from graphs.workflow.steps.orchestrator import orchestrator
from graphs.workflow.steps.parallel import parallel
from graphs.workflow.steps.rollback import rollback
from graphs.workflow.steps.wait import wait
from graphs.workflow.whole import nested
from state.ports import Ports
from state.workflow.steps import (
    ConditionalStep,
    HumanApprovalStep,
    LoopStep,
    OrchestratorStep,
    ParallelStep,
    ReactStep,
    RollbackStep,
    Step,
    WaitStep,
    WorkerStep,
    WorkflowStep,
)


def bodies(ports: Ports) -> Mapping[type[Step], Body]:
    """The bodies by step class; what they need from outside is in `ports`."""
    return {
        ParallelStep: parallel,
        ConditionalStep: conditional,
        LoopStep: loop,
        HumanApprovalStep: human_approval,
        WaitStep: wait,
        WorkflowStep: nested,
        RollbackStep: rollback,
        ReactStep: react,
        WorkerStep: worker,
        OrchestratorStep: orchestrator,
    }
