"""Runs that a process works on beside whatever else it does: those that a tool or a client of another program started.

They are durable as all runs are: what is left of them when the process ends is gone on with by `resume`.
"""

import asyncio
import time
from asyncio import Task
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from state.errors import LeaseLost, RunError, RunHeld, StrettoError
from state.runs import ENDED, RunRecord

if TYPE_CHECKING:
    from run_workflow.services import RunEngine, RunView

_LOOK_SECONDS = 0.25
_DRAIN_SECONDS = 1.5
"""What a run may take to come to a safe point when the process ends: clients that start a server of tools as a child
give it two seconds.
"""
_OPEN = ("pending", "waiting", "running", "retrying")


class Background:
    """The runs that this process works on in the background."""

    def __init__(self, engine: "RunEngine") -> None:
        self._engine = engine
        self._tasks: dict[str, Task[RunRecord]] = {}
        self._errors: dict[str, StrettoError] = {}
        """What the last work on a run ended with, where nobody was told of it yet."""
        self._drain = asyncio.Event()

    async def go_on(self, run_id: str, actor: str) -> None:
        """Works on the run, unless it has ended, waits, or is worked on."""
        run = (await self._engine.show(run_id)).run
        if _is_idle(run) or run.holder is not None or run_id in self._tasks or self._drain.is_set():
            return
        task = asyncio.create_task(self._engine.advance(run_id, drain=self._drain, actor=actor), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._ended(run_id, task))

    async def watch(self, run_id: str, actor: str, seconds: float, step: str | None = None) -> "RunView":
        """Works on the run, and gives back how it stands when it has ended or waits, the step has ended, or the time is
        over. A time that it waits for is waited for as well, where it comes within the seconds.

        Raises, once, the error for which the run does not go on and of which its row says nothing: of its definition,
        the settings or the database. Whoever watches after that has it tried again.
        """
        until = time.monotonic() + seconds
        if run_id not in self._errors:
            await self.go_on(run_id, actor)
        while True:
            is_here = run_id in self._tasks  # asked first: what is shown may be older than the end of the work
            view = await self._engine.show(run_id)
            self._raise_error(view.run)
            left = until - time.monotonic()
            is_elsewhere = view.run.holder is not None and view.run.status not in ENDED
            is_moving = is_here or is_elsewhere or _wakes_within(view.run, left)
            if left <= 0 or not is_moving or (step and has_ended(view, step)):
                return view
            if view.run.is_put_away and view.run.answered:
                await self.go_on(run_id, actor)
            await self._pause(run_id, min(left, _LOOK_SECONDS))

    async def aclose(self) -> None:
        """Brings all of them to a safe point."""
        self._drain.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, run_id: str, seconds: float) -> None:
        task = self._tasks.get(run_id)
        if task is None:
            await asyncio.sleep(seconds)
        else:
            await asyncio.wait([task], timeout=seconds)

    def _raise_error(self, run: RunRecord) -> None:
        """Where nobody works on the run, and it does not stand otherwise by now for a reason of its own."""
        if run.id not in self._errors or run.holder is not None:
            return
        error = self._errors.pop(run.id)
        if not _is_idle(run):
            raise error

    def _ended(self, run_id: str, task: "Task[RunRecord]") -> None:
        """Keeps the error for who watches. What is no error of ours is told by the log."""
        del self._tasks[run_id]
        self._errors.pop(run_id, None)
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, RunHeld | LeaseLost):  # its row tells of the process that has it
            return
        if isinstance(error, StrettoError):
            self._errors[run_id] = error
            return
        import structlog

        structlog.get_logger().error("a run in the background failed", run=run_id, exc_info=error)
        said = f"The program failed: {type(error).__name__}."
        self._errors[run_id] = RunError(said, place=f"run {run_id}", remedy="The log says more.")


def _is_idle(run: RunRecord) -> bool:
    """Whether there is nothing to be done in it here."""
    return run.status in ENDED or (run.is_put_away and not run.answered) or run.served


def _wakes_within(run: RunRecord, seconds: float) -> bool:
    """Whether it is put away until a time that comes so soon."""
    soon = datetime.now(UTC) + timedelta(seconds=seconds)
    return run.is_put_away and (run.answered or (run.wakes_at is not None and run.wakes_at <= soon))


def has_ended(view: "RunView", step: str) -> bool:
    """Whether a step has been begun, and has ended."""
    found = [each for each in view.steps if each.path == step]
    return bool(found) and found[-1].status not in _OPEN
