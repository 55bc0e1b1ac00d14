"""What a run of a workflow keeps of its definition from its start: what is promised, who is told, what follows."""

from typing import Literal

from state.evidence import Record
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import NotificationChannel, SlaTargets, WebhookEndpoint


class Terms(Record):
    """The terms of a run."""

    rolls_back: bool = False
    """Whether a run that fails, takes too long or is cancelled is undone."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    sla: SlaTargets = SlaTargets()
    endpoints: tuple[WebhookEndpoint, ...] = ()
    channels: tuple[NotificationChannel, ...] = ()


def terms_of(definition: WorkflowDefinition) -> Terms:
    """The terms under which a run of a definition starts."""
    return Terms(
        rolls_back=definition.on_failure == "rollback",
        log_level=definition.log_level,
        sla=definition.sla_targets,
        endpoints=definition.webhook_endpoints,
        channels=definition.notification_channels,
    )
