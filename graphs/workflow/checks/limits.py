"""Bounds that contradict each other: approvals that nobody can give, times that are too short."""

from datetime import datetime

from graphs.workflow.attempts import pauses
from graphs.workflow.checks.conditions import Compiled
from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.tree import Level, Placed, all_placed
from graphs.workflow.checks.views import is_constant
from graphs.workflow.decisions import offered
from graphs.workflow.problems import Path, suggestion
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Approval, RetryPolicy
from state.workflow.steps import HumanApprovalStep, Step, WaitStep, WebhookStep


def check_limits(definition: WorkflowDefinition, top: Level, made: Compiled, notes: Notes) -> None:
    """Looks at approvals, times and addresses."""
    if isinstance(definition.require_approval, Approval):
        _approval(definition.require_approval, ("require_approval",), notes)
    for number, channel in enumerate(definition.notification_channels):
        if channel.type == "webhook" and not channel.target.startswith(("http://", "https://")):
            path = ("notification_channels", number, "target" if channel.target else "type")
            notes.error(
                path, "A channel of the type webhook needs the address that is told.", "Add `target: https://…`."
            )
    _pauses(definition.retry_policy, ("retry_policy",), definition, notes)
    for placed in all_placed(top):
        step = placed.step
        if isinstance(step, HumanApprovalStep):
            _asked(step, placed, made, notes)
        elif isinstance(step, WaitStep):
            _wait(step, placed, notes)
        elif (
            isinstance(step, WebhookStep) and is_constant(step.url) and not step.url.startswith(("http://", "https://"))
        ):
            notes.error(placed.at("url"), f"{step.url!r} is no address.", "It begins with http:// or https://.")
        _times(definition, placed, notes)


def _approval(approval: Approval, path: Path, notes: Notes) -> None:
    people = set(approval.approvers)
    if approval.approvers and approval.quorum > len(people):
        said = f"{approval.quorum} must approve, and only {len(people)} may: each can answer once."
        notes.error((*path, "approvers"), said, "Name more people, or lower the quorum.")
    if approval.escalate_to and approval.quorum > len(set(approval.escalate_to)):
        said = f"{approval.quorum} must approve, and escalate_to names {len(set(approval.escalate_to))}."
        notes.error((*path, "escalate_to"), said, "Name more people, or lower the quorum.")
    for name in ("approvers", "escalate_to"):
        for number, person in enumerate(getattr(approval, name)):
            if not person.strip():
                notes.error((*path, name, number), "Nobody has an empty name.", "Name a person.")
    if approval.timeout is None and "on_timeout" in approval.model_fields_set:
        remedy = "Add `timeout:` in seconds, or take on_timeout out."
        notes.warning((*path, "on_timeout"), "on_timeout does nothing: the request waits for ever.", remedy)


def _asked(step: HumanApprovalStep, placed: Placed, made: Compiled, notes: Notes) -> None:
    _approval(step.approval, placed.at("approval"), notes)
    if set(offered(step)) <= {"reject"}:
        remedy = "Add approve or respond; or edit, with a value below `show` that it may change."
        notes.error(placed.at("decisions"), "Nobody can say yes.", remedy)
    for number, name in enumerate(step.edit_fields or ()):
        if name not in step.show:
            path = placed.at("edit_fields", number)
            notes.error(
                path, f"{name!r} is not shown, so nobody can change it.", suggestion(name, step.show, "Shown are")
            )
    if step.edit_fields is not None and "edit" not in step.decisions:
        notes.warning(placed.at("edit_fields"), "edit_fields does nothing: nobody may edit.", "Add edit to decisions.")
    if made.constants.get(placed.at("required_for")) is False:
        notes.warning(placed.at("required_for"), "Nobody is ever asked: the condition is always false.", "Change it.")


def _wait(step: WaitStep, placed: Placed, notes: Notes) -> None:
    if step.until is not None and is_constant(step.until):
        try:
            zone = datetime.fromisoformat(step.until).tzinfo
        except ValueError:
            notes.error(placed.at("until"), f"{step.until!r} is no time.", "Write it as 2026-01-31T12:00:00Z.")
        else:
            if zone is None:
                notes.error(placed.at("until"), f"{step.until!r} has no time zone.", "Add Z or +01:00.")
    if step.duration is not None and is_constant(step.duration):
        try:
            is_time = 0 <= float(step.duration) < 1e10
        except ValueError:
            is_time = False
        if not is_time:
            notes.error(placed.at("duration"), f"{step.duration!r} is no number of seconds.", "Write seconds: 3600.")


def _times(definition: WorkflowDefinition, placed: Placed, notes: Notes) -> None:
    step = placed.step
    if "timeout" in step.model_fields_set and step.timeout > definition.timeout and _works(step):
        said = f"The step may take {step.timeout:g} s, and the whole workflow only {definition.timeout:g} s."
        notes.warning(placed.at("timeout"), said, "Raise the timeout of the workflow, or lower this one.")
    if step.retry_policy is not None:
        _pauses(step.retry_policy, placed.at("retry_policy"), definition, notes)


def _pauses(policy: RetryPolicy, path: Path, definition: WorkflowDefinition, notes: Notes) -> None:
    """Whether all tries find room in the workflow's time."""
    whole, time = sum(pauses(policy)), definition.timeout
    if whole > time:
        said = f"The pauses between {policy.max_attempts} tries take {whole:g} s; the workflow's time is {time:g} s."
        notes.warning(path, said, "Try less often, shorten the pauses, or raise the timeout of the workflow.")


def _works(step: Step) -> bool:
    """Whether the step's time counts as the workflow's; waiting for people and events does not."""
    return not isinstance(step, HumanApprovalStep | WaitStep)
