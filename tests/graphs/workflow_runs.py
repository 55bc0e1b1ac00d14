"""Workflows run in memory, with tools that do what a test says."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from graphs.workflow.arrivals import Arrivals
from graphs.workflow.checks.definition import check
from graphs.workflow.checks.known import Known
from graphs.workflow.level import Level
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.references import Scope
from graphs.workflow.results import Results
from graphs.workflow.run import Conditions, Run
from graphs.workflow.running import Call, run_level
from graphs.workflow.saga import Caller, Saga
from graphs.workflow.slots import Slots
from graphs.workflow.steps.conditional import conditional
from graphs.workflow.steps.loop import loop
from graphs.workflow.steps.parallel import parallel
from graphs.workflow.steps.rollback import rollback
from graphs.workflow.steps.wait import wait
from graphs.workflow.yaml_source import Source
from state.runs import Undone
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import (
    ActionStep,
    ConditionalStep,
    LoopStep,
    ParallelStep,
    RollbackStep,
    WaitStep,
)
from tests.graphs.inboxes import MemoryInbox
from tools.memory import MemoryArtifacts, MemoryLedger, SystemClock

Tool = Callable[[dict[str, Any], Call], Any]


class QuickClock(SystemClock):
    """Sleeps at once, and says that the time has passed."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._now: datetime | None = None

    def now(self) -> datetime:
        return self._now or super().now()

    def set(self, now: datetime) -> None:
        self._now = now

    def elapsed(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


class Tools:
    """Tools by name; each call is noted as (name, path)."""

    def __init__(self, **tools: Tool) -> None:
        self.tools = tools
        self.calls: list[tuple[str, str]] = []

    async def action(self, step: ActionStep, call: Call) -> Any:
        await asyncio.sleep(0)
        name = step.tool or ""
        self.calls.append((name, call.path))
        result = self.tools[name](call.input, call)
        return await result if asyncio.iscoroutine(result) else result


def fails(error: str = "internal") -> Tool:
    """A tool that always fails."""

    def tool(_: dict[str, Any], __: Call) -> Any:
        raise StepFailed("it does not work", error)  # type: ignore[arg-type]

    return tool


def conditions_of(definition: WorkflowDefinition) -> Conditions:
    """All conditions of a definition, as the checks compile them."""
    return check(definition, Source("w"), Known()).conditions


class Runs:
    """One run of a definition, which can be started again as after a crash."""

    def __init__(
        self,
        definition: Mapping[str, Any],
        tools: Tools,
        inputs: Mapping[str, Any] | None = None,
        undoers: Caller | None = None,
    ) -> None:
        self.definition = WorkflowDefinition.model_validate({"name": "w", **definition})
        self.undoers = undoers
        self.tools, self.inputs = tools, {**self.definition.variables, **(inputs or {})}
        self.clock = QuickClock()
        self.ledger = MemoryLedger("r", self.clock)
        self.artifacts = MemoryArtifacts()
        self.inbox: MemoryInbox | None = None

    async def go(self, answers: Mapping[str, Any] | None = None) -> Level:
        """One attempt from what the ledger holds."""
        run = Run(
            id="r",
            definition=self.definition,
            inputs=self.inputs,
            ledger=self.ledger,
            clock=self.clock,
            results=Results(self.artifacts),
            bodies={
                ActionStep: self.tools.action,
                ParallelStep: parallel,
                ConditionalStep: conditional,
                LoopStep: loop,
                RollbackStep: rollback,
                WaitStep: wait,
            },
            conditions=conditions_of(self.definition),
            slots=Slots(self.definition.max_parallel_steps),
            arrivals=Arrivals(self.inbox, dict(answers or {})),
            records={step.path: step for step in await self.ledger.steps()},
            tools=self.undoers,
        )
        goes_on = self.definition.on_failure == "continue"
        async with run.arrivals:
            return await run_level(run, self.definition.steps, "", Scope(self.inputs, {}), goes_on=goes_on)

    async def undo(self) -> Undone:
        """Undoes what was done, as the engine does for a run that ended badly."""
        saga = Saga("r", self.ledger, self.clock, Results(self.artifacts), self.undoers)
        return await saga.undo()
