"""A workflow file run in a time of its own, in which each step takes as many ticks as a test says."""

import asyncio
import heapq
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from chains.models import ModelDoor
from graphs.workflow.bodies import bodies
from graphs.workflow.checks.definition import check_text
from graphs.workflow.checks.known import Known
from graphs.workflow.compiler import build
from graphs.workflow.running import Call
from state.ports import StepTimes
from state.runs import Json
from state.workflow.steps import ActionStep
from tests.graphs.inboxes import MemoryInbox
from tests.graphs.workflow_runs import QuickClock
from tools.memory import memory_ports

CONFIG: Any = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}
_QUIET = 60
"""Turns of the event loop after which nothing moves by itself any more."""
Span = tuple[int, int] | tuple[int, None]
"""The ticks in which a step worked; None where it was cancelled."""


@dataclass
class Ticks:
    """The time: it moves on when nothing else does."""

    now: int = 0
    waiting: list[tuple[int, int, asyncio.Event]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    async def pass_by(self, ticks: int) -> None:
        """Waits so many ticks."""
        come = asyncio.Event()
        heapq.heappush(self.waiting, (self.now + ticks, next(self.numbers), come))
        await come.wait()

    async def run(self) -> None:
        """Moves the time on, for ever."""
        while True:
            for _ in range(_QUIET):
                await asyncio.sleep(0)
            if self.waiting:
                self.now = self.waiting[0][0]
            while self.waiting and self.waiting[0][0] == self.now:
                heapq.heappop(self.waiting)[2].set()


class Ticking:
    """One run of a workflow file: `spans` has the ticks in which each step worked, by its path."""

    def __init__(
        self,
        file: Path,
        takes: Mapping[str, int],
        times: StepTimes | None = None,
        events: Sequence[tuple[int, str, Json]] = (),
    ) -> None:
        """`takes`: the ticks of a step, by its path or, if they are the same everywhere, its id; else 1.

        `times`: how long steps took in earlier runs. `events`: at which tick an event comes, its name and its data.
        """
        text = file.read_text(encoding="utf-8")
        checked = check_text(text, file.name, Known())
        assert not checked.problems, [str(problem) for problem in checked.problems]
        assert checked.definition is not None
        self.inbox, self.events = MemoryInbox(), events
        self.clock, self.ticks, self.takes = QuickClock(), Ticks(), takes
        self.spans: dict[str, Span] = {}
        ports = memory_ports(ModelDoor({}, {}), run_id="r", clock=self.clock)
        self.ports = replace(ports, times=times, inbox=self.inbox)
        does: Any = {**bodies(self.ports), ActionStep: self._work}
        graph = build(self.ports, checked.definition, does, checked.conditions)
        self.app: Any = graph.compile(checkpointer=InMemorySaver())

    async def go(self, given: Any, until: int | None = None) -> Any:
        """The outputs of the run, or what it gave when it began to wait; `until`: the tick at which it is cancelled."""
        time = asyncio.create_task(self.ticks.run())
        run = asyncio.create_task(self.app.ainvoke(given, CONFIG))
        sending = [asyncio.create_task(self._send(*event)) for event in self.events]
        if until is not None:
            await self.ticks.pass_by(until)
            run.cancel()
        try:
            await asyncio.wait([run])
            return None if run.cancelled() else run.result().get("outputs")
        finally:
            for task in (time, *sending):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _send(self, tick: int, name: str, data: Json) -> None:
        await self.ticks.pass_by(tick)
        self.inbox.send(name, data)

    async def answer(self, path: str, decision: str) -> Any:
        """Answers the approval of a step that waits, and goes on."""
        waiting = {each.value.get("action_requests", [{}])[0].get("name"): each.id for each in await self.waits()}
        return await self.go(Command(resume={waiting[path]: {"decisions": [{"type": decision}], "by": "ann"}}))

    async def waits(self) -> Any:
        """The interrupts of what the run waits for."""
        return (await self.app.aget_state(CONFIG)).interrupts

    async def statuses(self) -> dict[str, str]:
        """How the ledger has the steps, by path."""
        return {step.path: step.status for step in await self.ports.ledger.steps()}

    async def _work(self, step: ActionStep, call: Call) -> Any:
        begun, short = self.ticks.now, re.sub(r"\[\d+\]", "", call.path).rpartition(".")[2]
        self.spans[call.path] = (begun, None)
        await self.ticks.pass_by(self.takes.get(call.path, self.takes.get(short, 1)))
        self.spans[call.path] = (begun, self.ticks.now)
        return call.input
