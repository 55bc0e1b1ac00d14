"""Among which answers a person chooses at an approval, and what an edit may change there."""

from typing import Literal

from state.workflow.steps import HumanApprovalStep


def editable(step: HumanApprovalStep) -> frozenset[str]:
    """Names of `show` that an edit may change."""
    return frozenset(step.show if step.edit_fields is None else step.edit_fields)


def offered(step: HumanApprovalStep) -> tuple[Literal["approve", "edit", "reject", "respond"], ...]:
    """The decisions of the step, without an edit that may change nothing."""
    return tuple(each for each in step.decisions if each != "edit" or editable(step))
