"""A whole workflow file as one value."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from state.workflow.policies import (
    Approval,
    Grammar,
    Identifier,
    Mapping,
    NotificationChannel,
    RetryPolicy,
    Schema,
    SlaTargets,
    WebhookEndpoint,
)
from state.workflow.steps import AnyStep
from state.workflow.terms import Terms

Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
"""A semantic version: `1.4.0`."""


class WorkflowDefinition(Grammar):
    """A process: steps that depend on each other, what goes in and what comes out."""

    name: Identifier
    """By which it is run: `run NAME`."""
    version: Version = "1.0.0"
    """Three numbers; raise it when you change the workflow."""
    description: str = ""
    """For people: what it is for."""
    tags: tuple[str, ...] = ()
    """For people, to find it."""
    owner: str = ""
    """For people: who answers for it."""
    inputs: Schema = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """A JSON Schema of an object; a property with a `default` may be left out."""
    outputs: Mapping = Field(default_factory=dict)
    """What a run gives back; without it, the outputs of the steps that no other depends on, by id."""
    variables: dict[Identifier, Any] = Field(default_factory=dict)
    """Constants, referred to as `workflow.NAME` like inputs; an input of the same name is an error."""
    steps: tuple[AnyStep, ...] = Field(min_length=1)
    """In any order; `depends_on` says what waits for what."""
    timeout: float = Field(default=3600, gt=0)
    """Seconds of work; the time in which a run only waits for people, events or a clock is left out."""
    max_parallel_steps: int = Field(default=10, ge=1, le=1000)
    """How many steps work at a time."""
    retry_policy: RetryPolicy = RetryPolicy()
    """For the steps that have none of their own."""
    sla_targets: SlaTargets = SlaTargets()
    """Promises; a run that misses one says so."""
    require_approval: Approval | bool = False
    """Whether a person must approve each start."""
    allowed_users: tuple[str, ...] = ()
    """Who may start it; empty means anybody."""
    webhook_endpoints: tuple[WebhookEndpoint, ...] = ()
    """Programs that are told what happens to its runs."""
    notification_channels: tuple[NotificationChannel, ...] = ()
    """Where people are told that they are needed, or that something went wrong."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What of its steps goes to the log."""
    metrics: dict[Identifier, str] = Field(default_factory=dict)
    """Figures of a run by name, each a CEL expression over its outputs."""
    optimization_enabled: bool = False
    """Whether, among ready steps of one priority, the one with the longest way to the end goes first, by the times of
    earlier runs.
    """
    adaptive_routing: bool = False
    """Whether workers are chosen by their success so far, beside their capability."""
    on_failure: Literal["fail", "rollback", "continue"] = "fail"
    """When a step fails that nobody handles: end; undo what was done first; or run what does not depend on it."""

    @property
    def definition_hash(self) -> str:
        """SHA-256 of the whole content, whatever the order of keys: what a run is pinned to."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    @property
    def terms(self) -> Terms:
        """What its runs keep of it from their start."""
        return Terms(
            rolls_back=self.on_failure == "rollback",
            sla=self.sla_targets,
            endpoints=self.webhook_endpoints,
            channels=self.notification_channels,
        )
