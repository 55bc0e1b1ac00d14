"""Ctrl-C and SIGTERM while a run goes on: the first asks for a safe end, the second ends at once; time that is up."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

DRAIN_SECONDS = 10.0
"""How long the step in progress may take to come to a safe point."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the person asked for an end, and how far it has come."""

    def __init__(self, task: "asyncio.Task[Any]", drain: asyncio.Event, note: Callable[[str], None]) -> None:
        self._task, self._drain, self._note = task, drain, note
        self._timer: asyncio.TimerHandle | None = None
        self.asked = False

    def ask(self) -> None:
        """The first time drains, the second ends at once."""
        if self.asked:
            self._stop("Stopping at once.")
            return
        self.asked = True
        self._note("Finishing the step in progress; again to stop at once.")
        self._drain.set()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(DRAIN_SECONDS, self._stop, "No safe point came; stopping now. Nothing is lost.")

    def settle(self) -> None:
        """The task has ended: no timer may fire any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _stop(self, words: str) -> None:
        self._note(words)
        self._task.cancel()


@contextmanager
def interruptible(interruption: Interruption) -> Iterator[None]:
    """Signals go to `interruption` inside the block, and to what they went to before after it."""
    with _signals_to(interruption.ask):
        try:
            yield
        finally:
            interruption.settle()


@contextmanager
def stopped_by_signal() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set inside the block."""
    stopped = asyncio.Event()
    with _signals_to(stopped.set):
        yield stopped


@contextmanager
def _signals_to(handler: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number in _SIGNALS:
            loop.add_signal_handler(number, handler)
    except NotImplementedError:  # Windows: Ctrl-C ends at once there
        before = {}
    try:
        yield
    finally:
        for number, earlier in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, earlier)


@contextmanager
def plain_interrupt() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt inside the block: a question must end at once, not the event loop later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class TimeIsUp(Exception):
    """The moment came that a question could be answered until."""


@contextmanager
def until(moment: datetime | None) -> Iterator[None]:
    """Raises TimeIsUp inside the block at the moment: a question blocks, so that nothing but a signal can end it."""
    if moment is None or not hasattr(signal, "setitimer"):  # Windows has no such timer
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, (moment - datetime.now(UTC)).total_seconds()))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
