"""What a run looks like from outside: progress events folded into rows. A value, without any rendering."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from state.agents import AGENT_SIGN
from state.runs import Progress, StepRecord, StepStatus, Usage

BRANCHES = "branches/"
ENDED: frozenset[StepStatus] = frozenset({"completed", "failed", "skipped", "cancelled", "compensated"})


@dataclass(frozen=True)
class Row:
    """One step, or one branch of a fan-out."""

    path: str
    status: StepStatus = "pending"
    tool: str = ""
    """The tool in use."""
    wait: str = ""
    """What a model call waits for."""
    message: str = ""
    began: float = 0.0
    """Seconds on the caller's clock."""
    ended: float | None = None
    times: int = 0
    """How often it has been started."""
    waited: bool = False
    """Whether it has ever waited for a person."""
    repeated: bool = False
    """Whether it was cut short before: calls that it made then come back, and are counted already."""
    used: dict[str, Usage] = field(default_factory=dict)
    """By the full path of the event, e.g. a round of a branch: what it has used so far."""
    is_workflow: bool = False
    """Whether it is a step of a workflow file, whose name says nothing to us."""

    @property
    def is_branch(self) -> bool:
        return self.path.startswith(BRANCHES)

    @property
    def name(self) -> str:
        """The path without what all branches share."""
        return self.path.removeprefix(BRANCHES)

    @property
    def usage(self) -> Usage:
        return sum(self.used.values(), Usage())

    def seconds(self, now: float) -> float:
        """How long it has taken until now, or took."""
        return max(0.0, (now if self.ended is None else self.ended) - self.began)

    def after(self, event: Progress, at: float) -> Self:
        """The row after an event of its step."""
        row = self
        if event.usage is not None:
            row = replace(row, used={**row.used, event.path: event.usage})
        if event.tool is not None and row.status not in ENDED:
            row = replace(row, tool=event.tool)
        if event.wait is not None and row.status not in ENDED:
            row = replace(row, wait=event.wait)
        if event.message:
            row = replace(row, message=_message(event))
        if event.status == "running" and row.status not in ("running", "retrying"):
            again = row.status != "waiting"  # a step that waited for a person goes on, it does not begin again
            row = replace(
                row,
                status="running",
                ended=None,
                times=row.times + again,
                began=at if again else row.began,
                message="",
            )
        elif event.status is not None:
            ended = at if event.status in ENDED else None
            waited = row.waited or event.status == "waiting"
            row = replace(row, status=event.status, ended=ended, tool="", wait="", waited=waited)
        elif row.status == "pending":
            row = replace(row, status="running", began=at, times=1)
        return row


@dataclass(frozen=True)
class RunPicture:
    """All rows of a run in the order in which they began, the branches together."""

    rows: tuple[Row, ...] = ()
    earlier: Usage = field(default_factory=Usage)
    """What the run had used before the first event."""
    free: bool = False
    """Whether only our own model works: tokens and money say nothing then, and are not shown."""
    is_workflow: bool = False
    """Whether the steps are those of a workflow file."""

    @classmethod
    def of(cls, steps: Iterable[StepRecord], used: Usage, now: datetime, at: float, *, free: bool = False) -> Self:
        """The picture of a run that began before; `now` is the time of day at `at` on the caller's clock."""
        rows: dict[str, Row] = {}
        for step in steps:
            if AGENT_SIGN in step.path:  # the work of an agent stands beside its step, and is no row of its own
                continue
            key, before = _row_of(step.path), rows.get(_row_of(step.path))
            ended = step.ended_at if step.status in ENDED else None
            rows[key] = Row(
                path=key,
                status=step.status,
                message=step.error or "",
                began=at - (now - step.started_at).total_seconds(),
                ended=None if ended is None else at - (now - ended).total_seconds(),
                times=(before.times if before else 0) + 1,
                repeated=step.status in ("running", "retrying", "failed", "cancelled"),
                waited=step.status == "waiting" or (before is not None and before.waited),
            )
        return cls(_in_order(rows.values()), used, free)

    def fold(self, event: Progress, at: float) -> Self:
        """The picture after an event that came `at` seconds on the caller's clock."""
        key = _row_of(event.path)
        rows = {row.path: row for row in self.rows}
        row = rows.get(key, Row(path=key, began=at))
        rows[key] = replace(row, is_workflow=self.is_workflow).after(event, at)
        return replace(self, rows=_in_order(rows.values()))

    @property
    def usage(self) -> Usage:
        """What the run has used, as far as events tell."""
        return sum((row.usage for row in self.rows if not row.repeated), self.earlier)

    @property
    def branches(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.is_branch)


def _message(event: Progress) -> str:
    """What the event says, after how far the step has come."""
    if event.done is None or event.of is None:
        return event.message
    return f"{event.done:,} of {event.of:,}: {event.message}"


def _row_of(path: str) -> str:
    """The step an event belongs to: a branch without its round, else the first part."""
    parts = path.split("/")
    return "/".join(parts[:2]) if path.startswith(BRANCHES) else parts[0]


def _in_order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Branches move up to the first of them, so that one that is sent later stands with the others."""
    every = list(rows)
    first = next((place for place, row in enumerate(every) if row.is_branch), len(every))
    branches = [row for row in every[first:] if row.is_branch]
    others = [row for row in every[first:] if not row.is_branch]
    return (*every[:first], *branches, *others)
