"""A clock that moves only when everybody waits: tests of minutes take no time."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count


class MovingClock:
    """Jumps to the next sleeper whenever nothing else can run."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def elapsed(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    async def drive(self, *tasks: asyncio.Task) -> None:
        """Moves the time on until the tasks have ended; fails where they wait for something else than time."""
        while not all(task.done() for task in tasks):
            for _ in range(30):  # lets everybody run until they wait for the clock
                await asyncio.sleep(0)
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
            heapq.heapify(self._sleepers)
            if all(task.done() for task in tasks):
                break
            assert self._sleepers, "they wait for something that no time brings"
            at, _, woken = heapq.heappop(self._sleepers)
            self._seconds = max(self._seconds, at)
            woken.set_result(None)
