"""A bound on how many steps of a run work at the same time; among those that wait, higher priority goes first.

Of those that wait only the next few are told that they are `near`: they get ready, which costs a write each, while the
others work. A thousand that come at once so do not hold up the first.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Literal

_LEAST_NEAR = 32
"""As many get ready at least: where steps take no time, many are then in the ledger with one write."""
_Heap = list[tuple[float, float, int, "Ticket"]]


class Slots:
    """`size` places; who gets none waits. Among equal priorities the higher rank goes first, among equal ranks the

    first to come. Within others, a place of theirs is taken as well.
    """

    def __init__(self, size: int, within: "Slots | None" = None) -> None:
        self._free = size
        self._most_near = max(size, _LEAST_NEAR)
        self.within = within
        self._numbers = count()
        self._waiting: _Heap = []
        self._far: _Heap = []
        """Those who wait and are not near."""
        self._near = 0

    @contextmanager
    def queued(self, priority: float = 0, rank: float = 0) -> Iterator["Ticket"]:
        """A ticket that stands in the queue, or has its place, until it was used or the block ends."""
        ticket = Ticket(self, priority, rank)
        entry = (-priority, -rank, next(self._numbers), ticket)
        heapq.heappush(self._waiting, entry)
        heapq.heappush(self._far, entry)
        self._serve()
        try:
            yield ticket
        finally:
            self.leave(ticket)

    @asynccontextmanager
    async def taken(self, priority: float = 0, rank: float = 0) -> AsyncIterator[None]:
        """A place, for as long as the block lasts."""
        with self.queued(priority, rank) as ticket:
            async with ticket.place():
                yield

    def _serve(self) -> None:
        """Gives the free places to the first, and tells those who are near now."""
        while self._free and self._waiting:
            ticket = heapq.heappop(self._waiting)[-1]
            if ticket.stands in ("far", "near"):
                self._free -= 1
                self._near -= ticket.stands == "near"
                ticket.moves("placed")
        while self._near < self._most_near and self._far:
            ticket = heapq.heappop(self._far)[-1]
            if ticket.stands == "far":
                self._near += 1
                ticket.moves("near")

    def leave(self, ticket: "Ticket") -> None:
        """Its place, or its turn, is for others."""
        self._near -= ticket.stands == "near"
        self._free += ticket.stands == "placed"
        ticket.stands = "gone"
        self._serve()


class Ticket:
    """One who wants a place."""

    def __init__(self, slots: Slots, priority: float, rank: float) -> None:
        self._slots, self._priority, self._rank = slots, priority, rank
        self.stands: Literal["far", "near", "placed", "gone"] = "far"
        self._woken: asyncio.Future[None] | None = None

    async def near(self) -> None:
        """Returns when it is among the next, or has its place already."""
        while self.stands == "far":
            await self._moved()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Its place, for as long as the block lasts; it can be used once."""
        while self.stands != "placed":
            await self._moved()
        within = self._slots.within
        try:
            if within is None:
                yield
            else:
                async with within.taken(self._priority, self._rank):
                    yield
        finally:
            self._slots.leave(self)

    def moves(self, where: Literal["near", "placed"]) -> None:
        """It comes nearer; who waits for that is woken."""
        self.stands = where
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def _moved(self) -> None:
        self._woken = asyncio.get_running_loop().create_future()
        await self._woken
