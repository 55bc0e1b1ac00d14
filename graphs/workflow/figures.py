"""Figures of steps and runs: CEL expressions over what they gave back, worked out when they complete."""

from collections.abc import Mapping
from typing import Any

from graphs.workflow.expressions import Expression, ExpressionError
from graphs.workflow.references import MissingValue, Scope
from state.runs import Json
from state.workflow.steps import Step


def figures_of(step: Step, compiled: Mapping[tuple[str, str], Expression], seen: Scope) -> Json:
    """What the ledger keeps under `metrics` of a step that completed; nothing where it has no figures.

    `seen` is what the step saw, with `$output`.
    """
    if not step.custom_metrics or not step.metrics_enabled:
        return {}
    return {"metrics": worked_out(step.custom_metrics, compiled, step.id, seen)}


def worked_out(
    names: Mapping[str, str], compiled: Mapping[tuple[str, str], Expression], step: str, seen: Scope
) -> Json:
    """The figures by name; in the place of one that cannot be worked out, why: it is no failure of the work."""
    return {name: _figure(compiled[step, name], seen) for name in names}


def _figure(expression: Expression, seen: Scope) -> Any:
    try:
        return expression.value(seen)
    except (ExpressionError, MissingValue) as error:
        return {"error": str(error)}
