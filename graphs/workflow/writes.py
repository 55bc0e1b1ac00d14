"""Writes to the ledger that go on while the run does; what follows from them waits for later ones, which come after."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Writes:
    """Those of one run, in the order in which they were added; at the end of the block all are done."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()
        self._failed: list[asyncio.Task[None]] = []

    def add(self, write: Coroutine[Any, Any, None]) -> None:
        """Starts a write."""
        task = asyncio.create_task(write, name="write")
        self._open.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._open.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed.append(task)

    async def settled(self) -> None:
        """Returns when all that were added so far have ended, well or not."""
        if self._open:
            await asyncio.wait(self._open)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises what the first write that failed raised, unless the block has an error of its own."""
        await self.settled()
        if self._failed and error is None:
            await self._failed[0]
