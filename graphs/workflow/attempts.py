"""Which failures are tried again, and after which pause."""

import math
import random

from graphs.workflow.outcomes import Failure
from state.runs import StepRecord
from state.workflow.policies import RetryPolicy


def is_tried_again(policy: RetryPolicy, failure: Failure, tries: int) -> bool:
    """Whether a step that has failed `tries` times is tried once more."""
    if failure.is_final:
        return False
    kinds = {failure.error, "any"}
    return tries < policy.max_attempts and bool(kinds & {*policy.retry_on}) and not kinds & {*policy.give_up_on}


def pause_before(policy: RetryPolicy, tries: int, asked: float = 0.0) -> float:
    """Seconds before the next try, after `tries` that failed (1 or more).

    Not less than what the service `asked` for, as far as that is not more than the longest pause of the policy.

    With jitter drawn evenly from half to one and a half of it, so that steps that failed together do not come back
    together.
    """
    pause = _pause(policy, tries)
    drawn = pause * random.uniform(0.5, 1.5) if policy.jitter else pause
    return max(drawn, min(asked, policy.max_delay))


def tries_so_far(record: StepRecord | None) -> int:
    """The tries that count: those of a step that was at work when the run stopped, none of one that had failed."""
    if record is None or record.status not in ("running", "retrying"):
        return 0
    return int((record.result or {}).get("tries", 0)) if record.status == "retrying" else record.attempts - 1


def pauses(policy: RetryPolicy) -> list[float]:
    """The pauses between all tries, in seconds, without jitter."""
    return [_pause(policy, tries) for tries in range(1, policy.max_attempts)]


def _pause(policy: RetryPolicy, tries: int) -> float:
    growth = {
        "fixed": 1.0,
        "linear": float(tries),
        "exponential": math.pow(min(policy.multiplier, 1e3), min(tries - 1, 99)),
    }[policy.backoff]
    return min(policy.delay * growth, policy.max_delay)
