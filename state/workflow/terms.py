"""What a run of a workflow keeps of its definition from its start: what is promised, who is told, what follows."""

from collections.abc import Mapping
from typing import TypeAlias

from state.evidence import Record
from state.workflow.policies import NotificationChannel, SlaTargets, WebhookEndpoint

Target: TypeAlias = WebhookEndpoint | NotificationChannel
_OCCASIONS: Mapping[str, tuple[str, ...]] = {
    "approval": ("approval.requested",),
    "sla": ("sla.missed",),
    "failure": ("run.failed", "run.timed_out", "run.rolled_back", "run.rollback_failed"),
    "completion": ("run.completed",),
}
"""The events that notification channels are told of, by what the channels say."""


class Terms(Record):
    """The terms of a run."""

    rolls_back: bool = False
    """Whether a run that fails, takes too long or is cancelled is undone."""
    sla: SlaTargets = SlaTargets()
    endpoints: tuple[WebhookEndpoint, ...] = ()
    channels: tuple[NotificationChannel, ...] = ()

    def told_of(self, event: str) -> list[Target]:
        """Who is told of an event, programs first."""
        programs = [each for each in self.endpoints if any(_stands_for(name, event) for name in each.events)]
        people = [each for each in self.channels if any(event in _OCCASIONS[occasion] for occasion in each.on)]
        return [*programs, *people]


def _stands_for(name: str, event: str) -> bool:
    return event.startswith(name[:-1]) if name.endswith("*") else name == event
