"""Blocking work in threads that may be left behind."""

import asyncio
import contextvars
import threading
import time

import pytest

from tools.threads import computed, left_behind

ASKED = contextvars.ContextVar("ASKED", default="nobody")


async def test_results_and_errors_come_back() -> None:
    """What the function returns or raises reaches the caller; it is called with the caller's context."""
    ASKED.set("ann")
    assert await computed(lambda name, end: f"{name}, {ASKED.get()}{end}", "yes", end=".") == "yes, ann."
    with pytest.raises(ZeroDivisionError):
        await computed(lambda: 1 / 0)


def test_a_cancelled_caller_does_not_wait() -> None:
    """The event loop closes at once while the work goes on, and one can tell that it does."""
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait(20)
        ended.set()

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await computed(work)

    began = time.monotonic()
    asyncio.run(ask())
    assert time.monotonic() - began < 5
    assert left_behind()
    go_on.set()
    assert ended.wait(5)
    for thread in threading.enumerate():
        if thread.daemon and thread.name == "computing":
            thread.join(5)
    assert not left_behind()


async def test_a_result_that_comes_too_late_is_no_error() -> None:
    """What was left behind ends without a word, whether it returns or raises."""
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(20)
        raise ValueError("too late")

    task = asyncio.create_task(computed(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.sleep(0.05)
