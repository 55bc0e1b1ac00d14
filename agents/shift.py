"""The work of an agent in the ledger, under its name, however it ends: its history is counted from this."""

from asyncio import CancelledError
from collections.abc import Callable
from types import TracebackType

from chains.scope import CallScope
from state.agents import AGENT_SIGN, AgentTargets, AgentTemplate
from state.errors import LeaseLost, StrettoError
from state.ports import Ledger
from state.runs import Json, StepStatus

Ending = tuple[StepStatus, str | None]
"""How the work ended, and why it failed."""


class Shift:
    """One piece of work at a step: it has begun when it is known who does it, and is over when the block is."""

    def __init__(
        self, ledger: Ledger, path: str, scope: CallScope, explain: "Callable[[BaseException], Ending] | None" = None
    ) -> None:
        self._ledger, self._step, self._scope = ledger, path, scope
        self._explain = explain or _explained
        self._path = ""
        self._iteration = 0
        self._targets = AgentTargets()
        self._began = 0.0
        self.ending: Ending = ("completed", None)
        """What is told of work that raised nothing."""

    async def begin(self, template: AgentTemplate, iteration: int = 0) -> None:
        """This agent is at work from now on, at the how many-th execution of the step."""
        self._path, self._iteration = f"{self._step}{AGENT_SIGN}{template.name}", iteration
        self._targets, self._began = template.targets, self._scope.clock.elapsed()
        await self._ledger.begin(self._path, iteration)

    async def __aenter__(self) -> "Shift":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._path or isinstance(error, LeaseLost):
            return
        status, told = self.ending if error is None else self._explain(error)
        await self._ledger.end(self._path, status, iteration=self._iteration, error=told, result=self._result())

    def _result(self) -> Json:
        """Its tokens, and the targets that it missed, in words."""
        tokens, seconds = self._scope.used.tokens, self._scope.clock.elapsed() - self._began
        targets, missed = self._targets, list[str]()
        if targets.tokens is not None and tokens > targets.tokens:
            missed.append(f"{targets.tokens:,} tokens, {tokens:,} taken")
        if targets.seconds is not None and seconds > targets.seconds:
            missed.append(f"{targets.seconds:g} s, {seconds:.1f} taken")
        return {"tokens": tokens, **({"over_target": "; ".join(missed)} if missed else {})}


def _explained(error: BaseException) -> Ending:
    if isinstance(error, CancelledError):
        return "cancelled", None
    return "failed", error.message if isinstance(error, StrettoError) else f"{type(error).__name__}: {error}"
