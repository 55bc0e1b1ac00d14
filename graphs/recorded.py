"""Nodes that leave a trace: every start and end goes to the ledger, and to whoever watches, before the run goes on."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime

from agents.kit import Node, emitter
from state.context import RunContext
from state.ports import Ledger
from state.runs import Json, Progress, StepStatus

S = TypeVar("S", bound=Mapping[str, Any])
U = TypeVar("U")
Place = Callable[[S], tuple[str, int]]
"""The path and the iteration of a step, given its input."""
Summary = Callable[[U], tuple[StepStatus, str | None, Json | None]]
"""How a step that returned ended: its status, its error and a small summary for the timeline."""


def without_summary(_update: object) -> tuple[StepStatus, str | None, Json | None]:
    """A step that returned has completed; there is nothing more to tell of it."""
    return "completed", None, None


def recorded(
    ledger: Ledger,
    node: Node[S, U],
    place: Place[S],
    summary: Summary[U] = without_summary,
) -> Node[S, U]:
    """The node, recorded."""

    async def step(state: S, runtime: Runtime[RunContext]) -> U:
        path, iteration = place(state)
        async with _Trace(ledger, path, iteration, runtime) as trace:
            update = await node(state, runtime)
            trace.ending = summary(update)
            return update

    return step


class _Trace:
    """One execution of one step, from its start to its end, however it ends."""

    def __init__(self, ledger: Ledger, path: str, iteration: int, runtime: Runtime[RunContext]) -> None:
        self._ledger, self._path, self._iteration = ledger, path, iteration
        self._emit = emitter(runtime)
        self.ending: tuple[StepStatus, str | None, Json | None] = ("completed", None, None)

    async def __aenter__(self) -> "_Trace":
        await self._ledger.begin(self._path, self._iteration)
        self._emit(Progress(path=self._path, status="running"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status, told, result = self.ending if error is None else (_status_of(error), _told(error), None)
        await self._ledger.end(self._path, status, iteration=self._iteration, error=told, result=result)
        self._emit(Progress(path=self._path, status=status, message=told or ""))


def _status_of(error: BaseException) -> StepStatus:
    if isinstance(error, GraphBubbleUp):
        return "waiting"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


def _told(error: BaseException) -> str | None:
    return None if isinstance(error, GraphBubbleUp | asyncio.CancelledError) else f"{type(error).__name__}: {error}"
