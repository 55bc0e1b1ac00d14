"""Holds work outside the branches to its time limit (`state.context.TimeLimits`)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from chains.scope import CallScope
from chains.stopwatch import TimeLimit
from state.context import TimeLimits
from state.errors import LimitReached

Kind = Literal["reading", "planning", "writing", "reviewing"]


@asynccontextmanager
async def bounded(kind: Kind, limits: TimeLimits, scope: CallScope | None = None) -> AsyncIterator[None]:
    """Ends what is done inside with LimitReached (`seconds`) once its time is over; other errors pass.

    While calls of `scope` wait for their turn at a provider, the time stands still.
    """
    seconds = float(getattr(limits, kind))
    timer = scope.time_limit(seconds) if scope else TimeLimit(seconds)
    try:
        async with timer:
            yield
    except TimeoutError as error:
        if not timer.expired:
            raise
        raise LimitReached(
            f"{kind} took longer than {seconds:g} s",
            limit="seconds",
            place=kind,
            remedy=f"Raise time.{kind} (--time {kind}=SECONDS).",
        ) from error
