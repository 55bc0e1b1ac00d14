"""Results reach the ledger before anything that depends on them begins, though nobody waits for each."""

import asyncio
from typing import Any

import pytest

from state.runs import Json, StepStatus
from tests.graphs.workflow_runs import Runs, Tools, fails
from tools.memory import MemoryLedger, SystemClock

CHAIN: list[dict[str, Any]] = [
    {"id": "a", "type": "action", "tool": "say"},
    {"id": "b", "type": "action", "tool": "say", "depends_on": ["a"]},
    {"id": "c", "type": "action", "tool": "say", "depends_on": ["b"]},
]


class SlowLedger(MemoryLedger):
    """Writes one after another, each with a pause before it stands; `log` has them as they stand."""

    def __init__(self, log: list[str], broken: str = "") -> None:
        super().__init__("r", SystemClock())
        self.log, self.broken, self.turn = log, broken, asyncio.Lock()

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        async with self.turn:
            await asyncio.sleep(0.002)
            await super().begin(path, iteration, result=result)
            self.log.append(f"{path} begun")

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        async with self.turn:
            await asyncio.sleep(0.002)
            if path == self.broken:
                raise OSError("the disk is full")
            await super().end(path, status, iteration=iteration, error=error, result=result)
            self.log.append(f"{path} {status}")


def run_over(ledger: SlowLedger, log: list[str], *steps: dict[str, Any]) -> Runs:
    """A run whose tool `say` notes that it works."""
    runs = Runs({"steps": steps}, Tools(say=lambda _, call: log.append(f"{call.path} works"), bad=fails("refused")))
    runs.ledger = ledger
    return runs


async def test_a_step_works_after_the_results_before_it_are_stored() -> None:
    """The order in the ledger is that of the data, and all of it is there when the run has ended."""
    log: list[str] = []
    await run_over(SlowLedger(log), log, *CHAIN).go()
    assert log == [f"{step} {what}" for step in "abc" for what in ("begun", "works", "completed")]


async def test_a_run_that_fails_has_its_results_stored() -> None:
    """What completed beside the failure is in the ledger when the run has stopped."""
    log: list[str] = []
    bad: dict[str, Any] = {"id": "z", "type": "action", "tool": "bad", "depends_on": ["a"]}
    level = await run_over(SlowLedger(log), log, CHAIN[0], bad).go()
    assert level.outcomes["z"].status == "failed"
    assert log == ["a begun", "a works", "a completed", "z begun", "z failed"]


async def test_a_result_that_cannot_be_stored_fails_the_run() -> None:
    """The last step has ended well, but its result is lost: the run has not ended well."""
    log: list[str] = []
    with pytest.raises(OSError, match="disk is full"):
        await run_over(SlowLedger(log, broken="c"), log, *CHAIN).go()
