"""What all steps of one run share: its definition, where it keeps what they do, and what they may use."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from graphs.workflow import saga
from graphs.workflow.arrivals import Arrivals
from graphs.workflow.expressions import Expression, is_true, text_of
from graphs.workflow.logs import log_step
from graphs.workflow.order import Order
from graphs.workflow.references import Scope
from graphs.workflow.results import Results
from graphs.workflow.slots import Slots
from graphs.workflow.writes import Writes
from state.ports import Clock, Ledger, StepCache
from state.runs import Progress, StepRecord
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Condition
from state.workflow.steps import Step

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from agents.staff import Staff  # models are slow to import
    from graphs.workflow.pinned import Pinned  # it holds conditions
    from graphs.workflow.running import Body  # its calls hold the run


@dataclass(frozen=True)
class Conditions:
    """The conditions and figures of a definition, compiled once when it is checked."""

    compiled: Mapping[tuple[str, str], Expression]
    """By the id of the step and the condition as it is written."""
    figures: Mapping[tuple[str, str], Expression] = field(default_factory=dict)
    """By the id of the step (empty for those of the workflow) and the name of the figure."""

    def holds(self, step: Step, condition: Condition, scope: Scope) -> bool:
        """Whether a condition of a step is true. Raises ExpressionError and MissingValue."""
        return is_true(self.compiled[step.id, text_of(condition)], scope)

    def first_false(self, step: Step, scope: Scope) -> str:
        """The first condition of a step itself that is false, as it is written; empty if all are true."""
        for condition in own_conditions(step):
            if not self.holds(step, condition, scope):
                return text_of(condition)
        return ""


def own_conditions(step: Step) -> tuple[Condition, ...]:
    """All conditions under which a step runs at all."""
    return (() if step.condition is None else (step.condition,)) + step.conditions


@dataclass
class Run:
    """What all levels of one definition share."""

    id: str
    definition: WorkflowDefinition
    inputs: Mapping[str, Any]
    """Inputs and variables."""
    ledger: Ledger
    clock: Clock
    results: Results
    bodies: Mapping[type[Step], "Body"]
    conditions: Conditions
    slots: Slots
    arrivals: Arrivals = field(default_factory=Arrivals)
    """What comes from outside."""
    uses: Mapping[str, "Pinned"] = field(default_factory=dict)
    """The workflows that steps run, by the names that they use."""
    depth: int = 0
    """How many workflows this one stands in."""
    emit: Callable[[Progress], None] = lambda _: None
    cache: StepCache | None = None
    """Outputs that runs of this workflow share."""
    records: dict[str, StepRecord] = field(default_factory=dict)
    """What the ledger held when this attempt at the run began, or when a step was taken up in it, by path."""
    writes: Writes = field(default_factory=Writes)
    """What the ledger was given and nobody waits for yet."""
    staff: "Staff | None" = None
    """What chains and agents work with; None where there are none."""
    saver: "BaseCheckpointSaver[str] | None" = None
    """Where a graph that runs within a step keeps its checkpoints; None where nothing is kept."""
    tools: saga.Caller | None = None
    """The tools that undo steps."""
    undoing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one step that undoes others now."""
    order: Order = field(default_factory=Order)
    """Who goes first among steps of one priority."""
    after: float = 0.0
    """The rank of what comes after the definition; not 0 where it stands in another."""
    places: "count[int] | None" = None
    """Numbers the steps of the run as they complete, over all its attempts."""

    def __post_init__(self) -> None:
        if self.places is None:
            self.places = count(1 + max(map(saga.place_of, self.records.values()), default=0))

    def next_place(self) -> int:
        """The number of the step that completes now."""
        assert self.places is not None
        return next(self.places)

    @property
    def answers(self) -> Mapping[str, Any]:
        """What was answered to requests, by their ids."""
        return self.arrivals.answers

    async def reread(self, path: str) -> None:
        """The records of a step, and of all within it, as the ledger holds them now."""
        await self.writes.settled()
        self.records.update({record.path: record for record in await self.ledger.steps(path)})

    @property
    def saga(self) -> saga.Saga:
        """What undoes steps of this run."""
        return saga.Saga(self.id, self.ledger, self.clock, self.results, self.tools, self.tell)

    def tell(self, progress: Progress) -> None:
        """To whoever watches, and to the log."""
        self.emit(progress)
        log_step(self.definition, self.id, progress)
