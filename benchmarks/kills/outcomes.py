"""How a run ended, as far as that must not depend on its processes; and where it stood when one of them was killed."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from examples.services.shop import Shop
from graphs.workflow.saga import UNDO, place_of
from run_workflow.engine.engine import Engine
from run_workflow.engine.views import RunView
from state.runs import Json, StepRecord

Moment = Literal["start", "step", "between", "answer", "undoing", "end"]
"""Before the first step began; within a step; between two; while it waited for an answer, or had it and did not go on
yet; while it was undone; when it had ended, and its process not yet."""
_NUMBER = re.compile(r"\[\d+\]|Figure \d+")
"""Of a source or a figure, in the order of the report."""
_OVER = frozenset({"completed", "failed", "timed_out", "cancelled", "rolled_back", "rollback_failed"})


@dataclass(frozen=True)
class Outcome:
    """All that must be the same."""

    status: str
    output: str
    error: str | None
    steps: Json
    """The status of each step by its path, those that undo others included."""
    is_undone_in_order: bool
    """Whether what was undone was so in reverse order of completion, which chance has a part in."""
    approvals: Json
    """How each request was answered, and by whom."""
    model_calls: int
    effects: tuple[str, ...]
    """What each service holds, with its idempotency key, and whether that was undone."""
    reports: Json
    """Hashes of the reports that it wrote, whatever the order of their parts: that goes by how fast each branch was."""
    first_bad: int | None
    """The first event of the audit that does not verify."""

    def differences(self, other: "Outcome") -> list[str]:
        """The fields that differ, with both values."""
        pairs = ((each.name, getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return [f"{name}: {mine} and not {wanted}" for name, mine, wanted in pairs if mine != wanted]


def is_over(view: RunView) -> bool:
    """Whether the run has ended, well or not."""
    return view.run.status in _OVER


async def outcome_of(engine: Engine, view: RunView, shop: Shop, files: Path) -> Outcome:
    """How it ended; its id is taken out, for that is another in each run."""
    run_id = view.run.id

    def plain(value: Any) -> str:
        return json.dumps(value, sort_keys=True).replace(run_id, "RUN")

    made = [plain([service, each]) for service, held in shop.made.items() for each in held.values()]
    asked = {each.point: f"{each.status} by {each.answered_by}" for each in view.approvals}
    return Outcome(
        status=view.run.status,
        output=plain(view.run.output),
        error=view.run.error and view.run.error.replace(run_id, "RUN"),
        steps={step.path: step.status for step in sorted(view.steps, key=lambda each: each.path)},
        is_undone_in_order=_is_in_order(view.steps),
        approvals=asked | {"requests": len(view.approvals)},
        model_calls=view.usage.model_calls,
        effects=tuple(sorted(made)),
        reports=_hashes(files / run_id, run_id),
        first_bad=await engine.verify_audit(run_id),
    )


def _hashes(folder: Path, run_id: str) -> Json:
    found = {}
    for file in sorted(folder.rglob("*.md")):
        text = _NUMBER.sub("", file.read_text(encoding="utf-8").replace(run_id, "RUN"))
        lines = "\n".join(sorted(text.splitlines()))
        found[str(file.relative_to(folder))] = hashlib.sha256(lines.encode()).hexdigest()
    return found


def _is_in_order(steps: Sequence[StepRecord]) -> bool:
    done = sorted((each for each in steps if each.status == "compensated"), key=place_of, reverse=True)
    undoing = {each.path: str(each.ended_at) for each in steps if each.path.startswith(UNDO)}
    wanted = [path for each in done for path in sorted(undoing) if path.startswith(f"{UNDO}{each.path}/")]
    return sorted(undoing, key=lambda path: undoing[path]) == wanted


def moment_of(view: RunView) -> Moment:
    """Where a run stood when its process was killed."""
    if view.run.status == "rolling_back":
        return "undoing"
    if view.run.is_put_away:
        return "answer"
    if is_over(view):
        return "end"
    if not view.steps:
        return "start"
    return "step" if any(_works(step, view.steps) for step in view.steps) else "between"


def _works(step: StepRecord, steps: Sequence[StepRecord]) -> bool:
    """Whether it was at work itself: it ran, and no step within it had begun."""
    within = (f"{step.path}.", f"{step.path}[")
    return step.status == "running" and not any(each.path.startswith(within) for each in steps)
