"""The one retry layer of agents: how often, and after which pause, a provider or a tool's service is asked again.

A step of a workflow that calls a tool itself has its retry policy for that; an agent's step never sees that a tool
failed, as the agent is told.
"""

import random
from typing import Literal

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, retry_if_exception_type

from chains.rates import LONGEST_HOLD_SECONDS
from state.errors import ModelUnavailable, RateLimited, ToolFailed
from state.ports import Clock
from state.workflow.policies import TRANSIENT, ErrorClass

MAX_TRIES = 4
MAX_WAIT_SECONDS = 60.0
"""All pauses of one call together; the time in which it waits for its turn is not among them."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


def retrying(clock: Clock) -> AsyncRetrying:
    """The tries of one call: another after ModelUnavailable, until it is enough; the last error is raised."""
    return AsyncRetrying(
        sleep=clock.sleep,
        wait=_pause,
        stop=_is_enough,
        retry=retry_if_exception_type(ModelUnavailable),
        reraise=True,
    )


def retrying_tool(clock: Clock, side_effects: Literal["none", "read", "write"]) -> AsyncRetrying:
    """The tries of an agent's call of one tool, as `retrying`: another after a ToolFailed that may pass.

    What changes something is sent again only where the service said that it did not take it: 429.
    """
    kinds: tuple[ErrorClass, ...] = TRANSIENT if side_effects != "write" else ("rate_limited",)
    return AsyncRetrying(
        sleep=clock.sleep,
        wait=_pause,
        stop=_is_enough,
        retry=retry_if_exception(lambda error: isinstance(error, ToolFailed) and error.error in kinds),
        reraise=True,
    )


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the provider asked for, or exponentially more; with jitter.

    A provider that names a rate is waited for in its governor, where nobody else runs into it meanwhile.
    """
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after if isinstance(error, ModelUnavailable | ToolFailed) else None
    if isinstance(error, RateLimited) and asked_for is not None:
        return 0.0
    backoff = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (state.attempt_number - 1))
    if asked_for is not None:
        return asked_for + random.uniform(0, _FIRST_PAUSE)
    return backoff * random.uniform(0.5, 1.5)


def _is_enough(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and (error.retry_after or 0.0) > LONGEST_HOLD_SECONDS:
        return True
    return state.attempt_number >= MAX_TRIES or state.idle_for + state.upcoming_sleep > MAX_WAIT_SECONDS
