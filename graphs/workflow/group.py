"""Work side by side within a run, whose parts are taken as they end.

A part that begins to wait is put aside. As long as others work it is taken up again when what it waits for has come,
in the way in which a resumed run takes it up: from what the ledger holds of it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from graphs.workflow.outcomes import Outcome, Request, Waiting
from graphs.workflow.run import Run

T = TypeVar("T")
Move = Literal["ended", "told", "called"]
"""A part has ended, has told something of itself, or something has come for it."""
Work = Callable[[], Coroutine[Any, Any, T]]


class Group(Generic[T]):
    """Parts by their names; `prefix` and a name make the path of what the part does."""

    def __init__(self, run: Run, prefix: str) -> None:
        self.waiting: dict[str, tuple[Request, ...]] = {}
        """What those wait for that were put aside."""
        self._run, self._prefix = run, prefix
        self._works: dict[str, Work[T]] = {}
        self._tasks: dict[str, asyncio.Task[T]] = {}
        self._stopped: set[str] = set()
        self._is_held = False
        self._moves: asyncio.Queue[tuple[str, Move]] = asyncio.Queue()

    def __contains__(self, name: str) -> bool:
        """Whether a part was started and has not ended."""
        return name in self._tasks or name in self.waiting

    def start(self, name: str, work: Work[T]) -> None:
        """Begins a part."""
        self._works[name] = work
        self._tasks[name] = task = asyncio.create_task(work(), name=self._prefix + name)
        task.add_done_callback(lambda _: self._moves.put_nowait((name, "ended")))

    def start_all(self, works: Mapping[str, Work[T]]) -> None:
        """Begins several."""
        for name, work in works.items():
            self.start(name, work)

    async def next(self) -> tuple[str, "asyncio.Task[T]"] | None:
        """The next part that has ended and does not wait; None when none works any more."""
        while (moved := await self.moved()) is not None:
            name, task = moved
            if task is not None:
                return name, task
        return None

    def tell(self, name: str) -> None:
        """Has `moved` name a part that works."""
        self._moves.put_nowait((name, "told"))

    async def moved(self) -> tuple[str, "asyncio.Task[T] | None"] | None:
        """As `next`; and the next that has told something, with None in the place of its end."""
        while self._tasks or not self._moves.empty():
            name, move = await self._moves.get()
            if move == "told":
                return name, None
            if move == "called":
                await self.take_up(name)
                continue
            task = self._tasks.pop(name)
            requests = _awaited(task)
            if requests is None or name in self._stopped:
                return name, task
            self.waiting[name] = requests
            # One that something has come for is taken up next: it works while this one waits.
            if (self._tasks or not self._moves.empty()) and not self._is_held:
                await self._run.arrivals.expect(requests, partial(self._moves.put_nowait, (name, "called")))
        return None

    async def take_up(self, name: str) -> None:
        """Begins a part again that waits, if it still does."""
        requests = self.waiting.pop(name, None) if not self._is_held else None
        if requests is not None:
            self._run.arrivals.forget(requests)
            await self._run.reread(self._prefix + name)
            self.start(name, self._works[name])

    def stop(self, name: str) -> bool:
        """Ends a part; whether it worked, and is still to come from `next`."""
        self._run.arrivals.forget(self.waiting.pop(name, ()))
        if name not in self._tasks:
            return False
        self._stopped.add(name)
        self._tasks[name].cancel()
        return True

    def hold(self) -> None:
        """Nothing that waits is taken up any more."""
        self._is_held = True
        self._run.arrivals.forget(self.requests())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancels what still works, and waits until it has ended. One error is told; others end with it."""
        self.hold()
        tasks = list(self._tasks.values())
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        for task in tasks:
            if not task.cancelled():
                task.exception()

    def requests(self) -> tuple[Request, ...]:
        """All that is waited for."""
        return tuple(request for requests in self.waiting.values() for request in requests)


def _awaited(task: "asyncio.Task[Any]") -> tuple[Request, ...] | None:
    """What a part that stopped waits for; None where it has ended."""
    if task.cancelled():
        return None
    error = task.exception()
    if error is not None:
        return error.requests if isinstance(error, Waiting) else None
    result = task.result()
    return result.requests if isinstance(result, Outcome) and result.status == "waiting" else None
