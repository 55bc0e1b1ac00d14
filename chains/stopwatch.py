"""Time that may stand still: while a call waits for its turn at a provider, nobody is too slow."""

import asyncio
from types import TracebackType


class Stopwatch:
    """How long it has run so far; started twice, it runs until it is stopped twice."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._since = 0.0
        self._depth = 0

    def start(self, now: float) -> None:
        """Runs from now on; `now` in seconds on a clock that never goes back."""
        if self._depth == 0:
            self._since = now
        self._depth += 1

    def stop(self, now: float) -> None:
        """Undoes one start."""
        self._depth -= 1
        if self._depth == 0:
            self._sum += now - self._since

    def seconds(self, now: float) -> float:
        """What it shows."""
        return self._sum + (now - self._since if self._depth else 0.0)


class TimeLimit:
    """`asyncio.timeout`, whose time stands still between `stop` and `go_on`; calls of them nest."""

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._left = 0.0
        self._depth = 0
        self._open = False

    async def __aenter__(self) -> "TimeLimit":
        await self._timeout.__aenter__()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        await self._timeout.__aexit__(kind, error, trace)

    @property
    def expired(self) -> bool:
        """Whether the time is over, and the work was ended for it."""
        return self._timeout.expired()

    def stop(self) -> None:
        """The time stands still."""
        self._depth += 1
        when = self._timeout.when()
        if self._depth == 1 and when is not None and self._can_move():
            self._left = when - asyncio.get_running_loop().time()
            self._timeout.reschedule(None)

    def go_on(self) -> None:
        """The time runs again."""
        self._depth -= 1
        if self._depth == 0 and self._can_move():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)

    def _can_move(self) -> bool:
        return self._open and not self._timeout.expired()
