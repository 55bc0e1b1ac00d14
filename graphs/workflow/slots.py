"""A bound on how many steps of a run work at the same time; among those that wait, higher priority goes first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import count


class Slots:
    """`size` places; who gets none waits. Among equal priorities the first to come is the first to go.

    Within others, a place of theirs is taken as well.
    """

    def __init__(self, size: int, within: "Slots | None" = None) -> None:
        self._free = size
        self._within = within
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def taken(self, priority: int = 0) -> AsyncIterator[None]:
        """A place, for as long as the block lasts."""
        await self._take(priority)
        try:
            async with self._within.taken(priority) if self._within else nullcontext():
                yield
        finally:
            self._give_back()

    async def _take(self, priority: int) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came together with the cancellation
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
