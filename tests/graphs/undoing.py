"""Tools that undo steps, and a ledger that stops as a killed process does."""

from typing import Any

from graphs.workflow.outcomes import StepFailed
from state.runs import Json, StepStatus
from tools.memory import MemoryLedger


class Undoers:
    """Tools that undo: they note each call, and honour its key as a service does. Those in `broken` fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json, str]] = []
        """Name, input and key, of each call that came."""
        self.effects: dict[str, Json] = {}
        """By key: what was done, in the order in which it was done first."""
        self.broken: dict[str, int] = {}
        """By the step that is undone: how many of the next calls fail."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        self.calls.append((name, input, idempotency_key))
        if self.broken.get(input["of"], 0) > 0:
            self.broken[input["of"]] -= 1
            raise StepFailed(f"{name} is away", "unavailable")
        self.effects.setdefault(idempotency_key, input)
        return "undone"

    @property
    def undone(self) -> list[str]:
        """The steps in the order in which they were undone."""
        return list(dict.fromkeys(each["of"] for each in self.effects.values()))


def undone_by(of: str, **more: Any) -> dict[str, Any]:
    """The action that undoes a step, which says so with the step's output."""
    return {"tool": "undo", "input": {"of": of, "got": "$output"}, **more}


class Killed(Exception):
    """The process is dead."""


class MortalLedger(MemoryLedger):
    """A ledger whose process dies at the how many-th write, just before or just after it; then nothing is written."""

    lives = 10**9
    dies_after = False

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        self._live()
        await super().begin(path, iteration, result=result)
        self._die()

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        self._live()
        await super().end(path, status, iteration=iteration, error=error, result=result)
        self._die()

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0 or (self.lives == 0 and not self.dies_after):
            raise Killed

    def _die(self) -> None:
        if self.lives == 0 and self.dies_after:
            raise Killed
