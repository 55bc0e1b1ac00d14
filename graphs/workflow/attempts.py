"""Which failures are tried again, after which pause, and what becomes of tries that a crash cut short."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from graphs.workflow.outcomes import Failure
from state.runs import Json, StepRecord
from state.workflow.policies import RetryPolicy

MOST_INTERRUPTED = 10
"""How often in a row the process of a step may die in it: one that kills its process must not do so for ever."""


@dataclass(frozen=True)
class Tries:
    """How often a step was tried that has not ended."""

    failed: int = 0
    """Tries that count against `max_attempts`."""
    interrupted: int = 0
    """Tries since the last of these that ended with their process: that is no failure of the step."""

    @property
    def noted(self) -> Json | None:
        """What the ledger keeps while the next try runs; nothing at the first."""
        held = {"tries": self.failed, "interrupted": self.interrupted}
        return {name: number for name, number in held.items() if number} or None

    @property
    def failure(self) -> Failure | None:
        """The failure that the interruptions come to, where there are too many: another try may end so as well."""
        if self.interrupted < MOST_INTERRUPTED:
            return None
        return Failure("interrupted", f"Its process ended {self.interrupted} times in a row while it worked.")

    def and_a_failure(self) -> "Tries":
        """After one more try that failed."""
        return Tries(self.failed + 1)


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


def tries_so_far(record: StepRecord | None) -> Tries:
    """Those of a step that had not ended when the run stopped; none of one that had failed, or was never begun.

    One that is still `running` there was interrupted: a run that is stopped in good order leaves it `pending`.
    """
    if record is None or record.status not in ("running", "retrying", "pending"):
        return Tries()
    noted = record.result or {}
    tries = Tries(int(noted.get("tries", 0)), int(noted.get("interrupted", 0)))
    return replace(tries, interrupted=tries.interrupted + 1) if record.status == "running" else tries


def has_begun_others(record: StepRecord | None, records: Iterable[StepRecord]) -> bool:
    """Whether a step below this one began after it: what interrupts that one is no matter of this one."""
    return record is not None and any(each.started_at > record.started_at for each in _below(record, records))


def has_moved_on(record: StepRecord | None, records: Iterable[StepRecord]) -> bool:
    """Whether something below a step has ended since its last try began."""
    ended = [each.ended_at for each in _below(record, records)] if record is not None else []
    return any(each is not None and record is not None and each > record.started_at for each in ended)


def _below(record: StepRecord, records: Iterable[StepRecord]) -> Iterable[StepRecord]:
    starts = (f"{record.path}.", f"{record.path}[")
    return (each for each in records if each.path.startswith(starts))


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
