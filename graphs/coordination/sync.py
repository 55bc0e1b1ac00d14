"""The sync point inside the branches: who of a wave has ended, and when the others are waited for no longer.

The engine ends a superstep only when all its branches have ended, so the cut-off must act inside them.
Branches of one wave share a `SyncGroup`, an object of the process: it starts the grace period when enough of
them have ended, has a deadline in any case, and ends the work of whoever still runs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Hashable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

from chains.stopwatch import Stopwatch
from state.context import Quorum
from state.errors import LimitReached
from state.ports import Clock

T = TypeVar("T")
Limit = Literal["grace", "deadline"]
_NAMES: dict[Limit, str] = {"grace": "grace period", "deadline": "deadline"}


class CutOff(LimitReached):
    """The wave is over, and the work of this branch was ended; `limit` is `grace` or `deadline`."""


class SyncGroup:
    """The branches of one wave, as far as they run in this process."""

    def __init__(self, wave: Collection[str], quorum: Quorum, clock: Clock, queue: Stopwatch | None = None) -> None:
        """`queue` runs while calls wait for their turn at a provider: then the grace period stands still."""
        self._wave = frozenset(wave)
        self._quorum = quorum
        self._clock = clock
        self._queue = queue or Stopwatch()
        self._present: set[str] = set()
        self._ended: set[str] = set()
        self._running: dict[str, asyncio.Timeout] = {}
        self._timers: dict[Limit, asyncio.Task[None]] = {}
        self._over: CutOff | None = None

    @property
    def empty(self) -> bool:
        """Whether no branch of the wave is inside."""
        return not self._present

    @property
    def complete(self) -> bool:
        """Whether all branches of the wave have ended."""
        return self._ended == self._wave

    def enter(self, branch_id: str, ended: Collection[str]) -> None:
        """The branch starts; `ended` are branches of the wave that ended elsewhere or before."""
        self._present.add(branch_id)
        self._ended = ((self._ended | set(ended)) & self._wave) - self._present
        self._start("deadline", self._quorum.deadline_seconds)
        self._start_grace()

    def leave(self, branch_id: str, *, ended: bool) -> None:
        """The branch is no longer inside; `ended` is false where it was only interrupted."""
        self._present.discard(branch_id)
        if ended:
            self._ended.add(branch_id)
            self._start_grace()

    async def run(self, branch_id: str, work: Awaitable[T]) -> T:
        """What `work` gives or raises; CutOff where the wave is over before it has ended."""
        timeout = asyncio.timeout(0 if self._over else None)
        try:
            async with timeout:
                self._running[branch_id] = timeout
                return await work
        except TimeoutError:
            if self._over is None or not timeout.expired():
                raise
            raise CutOff(self._over.message, limit=self._over.limit) from None
        finally:
            self._running.pop(branch_id, None)

    async def stop_timers(self) -> None:
        """Ends the timers, and waits until they have ended."""
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        for problem in await asyncio.gather(*timers.values(), return_exceptions=True):
            if isinstance(problem, Exception):
                raise problem

    def _start_grace(self) -> None:
        """Starts the grace period if enough have ended and somebody else is still waited for."""
        share = len(self._ended) / len(self._wave)
        if self._present and share >= self._quorum.threshold:
            self._start("grace", self._quorum.grace_seconds)

    def _start(self, limit: Limit, seconds: float) -> None:
        async def ring() -> None:
            left, waited = seconds, self._queue.seconds(self._clock.elapsed())
            while left > 0:
                await self._clock.sleep(left)
                before, waited = waited, self._queue.seconds(self._clock.elapsed())
                left = waited - before if limit == "grace" else 0.0
            self._cut_off(limit, seconds)

        if limit not in self._timers:
            self._timers[limit] = asyncio.create_task(ring(), name=f"{limit} of a wave")

    def _cut_off(self, limit: Limit, seconds: float) -> None:
        if self._over is None:
            count = f"{len(self._ended)} of {len(self._wave)} branches had ended"
            self._over = CutOff(f"{_NAMES[limit]} of {seconds:g} s over: {count}", limit=limit)
            for timeout in self._running.values():
                timeout.reschedule(0)  # a moment that has passed: its work is cancelled at once


class Member:
    """One branch inside its group."""

    def __init__(self, group: SyncGroup, branch_id: str) -> None:
        self._group = group
        self._branch_id = branch_id

    async def run(self, work: Awaitable[T]) -> T:
        """What `work` gives or raises; CutOff where the group ended it, after the work itself has ended.

        A cancellation from outside passes through untouched. Work that suppresses its cancellation is waited
        for: nothing is left running behind.
        """
        return await self._group.run(self._branch_id, work)


class SyncGroups:
    """The groups of one run, by wave.

    A group is dropped when its wave is complete or was interrupted. One that is empty because the others have
    not entered yet is kept, without timers, so that who has ended is not forgotten.
    """

    def __init__(self, queue: Stopwatch | None = None) -> None:
        """`queue` as in SyncGroup."""
        self._queue = queue
        self._groups: dict[Hashable, SyncGroup] = {}

    def __len__(self) -> int:
        return len(self._groups)

    @asynccontextmanager
    async def member(
        self,
        key: Hashable,
        branch_id: str,
        wave: Collection[str],
        ended: Collection[str],
        quorum: Quorum,
        clock: Clock,
    ) -> AsyncIterator[Member]:
        """A place in the group `key` for the branch; one that fails has ended, one that is cancelled has not.

        `wave` holds the ids of all branches of the wave, `ended` those that had ended before a crash.
        """
        group = self._groups.setdefault(key, SyncGroup(wave, quorum, clock, self._queue))
        group.enter(branch_id, ended)
        interrupted = False
        try:
            yield Member(group, branch_id)
        except asyncio.CancelledError:
            interrupted = True  # the run was stopped, and the branch will run again
            raise
        finally:
            group.leave(branch_id, ended=not interrupted)
            if group.empty:
                if interrupted or group.complete:
                    self._groups.pop(key, None)
                await group.stop_timers()
