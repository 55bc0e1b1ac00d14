"""The one retry layer: how often, and after which pause, a provider that is unavailable is asked again."""

import random

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from chains.rates import LONGEST_HOLD_SECONDS
from state.errors import ModelUnavailable, RateLimited
from state.ports import Clock

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


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the provider asked for, or exponentially more; with jitter.

    A provider that names a rate is waited for in its governor, where nobody else runs into it meanwhile.
    """
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after if isinstance(error, ModelUnavailable) else None
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
