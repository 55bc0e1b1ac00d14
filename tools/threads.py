"""Blocking work in threads that may be left behind.

A thread cannot be stopped. Those of `asyncio.to_thread` are waited for when the event loop closes, so that Ctrl-C takes
as long as whatever was being computed. The work here must hold nothing that outlives the process: no file that is
half written, no lock, no server.
"""

import contextvars
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:  # slow to import, and every command asks what was left behind
    from concurrent.futures import Future

P = ParamSpec("P")
T = TypeVar("T")

_NAME = "computing"


async def computed(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What the function returns or raises, called in a thread of its own, which a cancelled caller leaves behind."""
    import asyncio
    from concurrent.futures import Future

    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # from now on a cancelled caller does not cancel it
    context = contextvars.copy_context()

    def work() -> None:
        with _Handed(outcome):
            outcome.set_result(context.run(function, *arguments, **named))

    threading.Thread(target=work, name=_NAME, daemon=True).start()
    return await asyncio.wrap_future(outcome)


def left_behind() -> bool:
    """Whether work goes on that nobody waits for any more: to be asked once no event loop runs."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class _Handed(Generic[T]):
    """What is raised inside the block is raised where the outcome is awaited."""

    def __init__(self, outcome: "Future[T]") -> None:
        self._outcome = outcome

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self._outcome.set_exception(error)
        return True
