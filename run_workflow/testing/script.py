"""What a test case says in the place of the outside: tools, agents, people and time."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from graphs.workflow.checks.tree import without_turns
from graphs.workflow.outcomes import StepFailed
from graphs.workflow.running import Body, Call
from state.errors import ToolFailed
from state.runs import Json
from state.tools import RegisteredTool, ToolRegistry
from state.workflow.cases import Said, Stub, WorkflowCase
from state.workflow.steps import ActionStep, Step, WebhookStep
from tools.mcp.servers import SIGN
from tools.memory import SystemClock
from tools.schemas import faults

_T = TypeVar("_T")
_SHOWN = 5


class Script:
    """A case as it is played: what comes next of all that it says, and what it did not say and was needed."""

    def __init__(self, case: WorkflowCase) -> None:
        self.case = case
        self.missing: list[str] = []
        """Calls of tools that reach outside and for which the case has nothing."""
        self._turns: Counter[tuple[str, str]] = Counter()
        self._step: ContextVar[tuple[str, Stub | None]] = ContextVar("step", default=("", None))

    def answer(self, path: str) -> Said | None:
        """What is said next to the approval at a path."""
        return self._next("answer", path, self.case.answers.get(without_turns(path), ()))

    def event(self, name: str, path: str, *, adds: bool = False) -> Any:
        """What comes next as an event of this name, or for the step at a path; None where nothing does.

        One that `adds` to a list comes once: with the last repeated the list would have no end.
        """
        key = name if name in self.case.events else without_turns(path)
        given = self.case.events.get(key, ())
        if adds and self._turns["event", key] >= len(given):
            return None
        return self._next("event", key, given)

    def stub(self, path: str) -> Stub | None:
        """What stands in for the next try of the step at a path."""
        key = without_turns(path)
        return self._next("stub", key, self.case.stubs.get(key, ()))

    def of_tool(self, name: str) -> Stub | None:
        """What stands in for the next call of a tool: the stub of the step that calls it, or that of the tool."""
        stub = self._step.get()[1]
        return stub or self._next("tool", name, self.case.tools.get(name, ()))

    @contextmanager
    def within(self, path: str, stub: Stub | None = None) -> Iterator[None]:
        """While a step works: whose calls they are, and what stands in for them."""
        token = self._step.set((path, stub))
        try:
            yield
        finally:
            self._step.reset(token)

    def lacks(self, tool: str) -> str:
        """Notes a call for which the case has nothing; what to say of it."""
        path = self._step.get()[0]
        said = (
            f"{path or 'Undoing'} calls the tool {tool}, which reaches outside: give the case a stub for "
            f"{'the step or ' if path else ''}the tool."
        )
        if said not in self.missing:
            self.missing.append(said)
        return said

    def _next(self, kind: str, key: str, given: Sequence[_T]) -> _T | None:
        if not given:
            return None
        self._turns[kind, key] += 1
        return given[min(self._turns[kind, key], len(given)) - 1]


def scripted(bodies: Mapping[type[Step], Body], script: Script) -> Mapping[type[Step], Body]:
    """The bodies of steps, with stubs in the place of the work of those that have one."""
    return {kind: _scripted(body, script) for kind, body in bodies.items()}


def _scripted(body: Body, script: Script) -> Body:
    async def played(step: Step, call: Call) -> Any:
        stub = script.stub(call.path)
        if stub is None or isinstance(step, WebhookStep) or (isinstance(step, ActionStep) and step.tool):
            with script.within(call.path, stub):
                return await body(step, call)  # a call of a tool: its input is checked as ever
        if stub.fails is not None:
            raise StepFailed(_said(stub), stub.fails)
        return copy.deepcopy(stub.returns)

    return played


class ScriptedTools:
    """The tools of a run, of which none reaches outside: there the case says what comes back.

    Files are written where nobody else looks, and what only computes works as ever.
    """

    def __init__(self, made: Callable[[], ToolRegistry], script: Script) -> None:
        """`made` makes the tools, which takes a while: most cases need none of them."""
        self._made, self._script = made, script

    @cached_property
    def _tools(self) -> ToolRegistry:
        return self._made()

    def names(self) -> Sequence[str]:
        """The names, without versions, in the order of the alphabet."""
        return self._tools.names()

    def find(self, name: str) -> RegisteredTool:
        """The tool of a name. Raises ToolFailed."""
        return self._tools.find(name)

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        """What the case says, or the tool gives back. Raises ToolFailed."""
        plain = name.partition("@")[0]
        tool = None if SIGN in plain else self.find(name)  # what a server offers is not asked for
        if tool is not None and (wrong := faults(tool.parameters, input)):
            said = f"Its input is not as it must be: {'; '.join(wrong[:_SHOWN])}."
            raise ToolFailed(said, "bad_input", place=plain)
        stub = self._script.of_tool(plain)
        if stub is None and tool is not None and not tool.outside:
            return await self._tools.call(name, input, idempotency_key=idempotency_key)
        if stub is None:
            raise ToolFailed(self._script.lacks(plain), "internal", place=plain)
        if stub.fails is not None:
            raise ToolFailed(_said(stub), stub.fails, place=plain)
        return copy.deepcopy(stub.returns)

    async def ready(self, names: Iterable[str]) -> None:
        """Asks no server: that would reach outside."""

    async def aclose(self) -> None:
        """Ends nothing: what would be kept open between calls reaches outside."""


class ScriptedClock(SystemClock):
    """Nobody sleeps: the time has passed at once."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        """The time of day, with what was slept."""
        return super().now() + timedelta(seconds=self._passed)

    def elapsed(self) -> float:
        """Seconds on a clock that never goes back."""
        return super().elapsed() + self._passed

    async def sleep(self, seconds: float) -> None:
        """Lets the time pass, and others work."""
        self._passed += seconds
        await super().sleep(0)

    def pass_until(self, moment: datetime) -> None:
        """Lets the time pass until a moment, if that is still to come."""
        self._passed += max(0.0, (moment - self.now()).total_seconds())


def _said(stub: Stub) -> str:
    return stub.message or "The test case says so."
