"""Circuit breakers: a service that keeps failing is not asked for a while, by any run of the process.

Closed → open after 5 failures in a row → after 30 s one call is let through (half-open) → closed again if it
succeeds, open for another 30 s if not (Nygard, Release It!, 2007). Only what says that the service is unwell counts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from state.errors import ToolFailed
from state.ports import Clock

FAILURES = 5
OPEN_SECONDS = 30.0
_UNWELL = ("timeout", "unavailable", "rate_limited")
_ANSWERED = ("refused", "bad_output")
"""Failures that show that the service is there."""


@dataclass
class _Circuit:
    """One service."""

    failures: int = 0
    opened_at: float = 0.0
    is_probed: bool = False


@dataclass
class Breakers:
    """The circuits of a process, by the name of the service."""

    clock: Clock
    _circuits: dict[str, _Circuit] = field(default_factory=dict)

    @asynccontextmanager
    async def guarding(self, service: str | None) -> AsyncIterator[None]:
        """Around one call of a service (None: it needs none). Raises ToolFailed where it is not to be asked now."""
        if service is None:
            yield
            return
        circuit = self._circuits.setdefault(service, _Circuit())
        is_probe = self._enter(service, circuit)
        try:
            yield
        except ToolFailed as error:
            if error.error in _UNWELL:
                self._count(circuit)
            elif error.error in _ANSWERED:
                circuit.failures = 0
            raise
        except (TimeoutError, OSError, asyncio.CancelledError) as error:
            # A cancelled call is of a caller in a hurry as often as of a service that hangs: only as a probe it counts.
            if is_probe or not isinstance(error, asyncio.CancelledError):
                self._count(circuit)
            raise
        else:
            circuit.failures = 0
        finally:
            if is_probe:
                circuit.is_probed = False

    def _enter(self, service: str, circuit: _Circuit) -> bool:
        """Whether the call is the one that finds out if the service is well again."""
        if circuit.failures < FAILURES:
            return False
        left = circuit.opened_at + OPEN_SECONDS - self.clock.elapsed()
        if left > 0 or circuit.is_probed:
            said = f"It failed {circuit.failures} times in a row and is not asked now"
            when = f"in {left:.0f} s" if left > 0 else "when the one call that tries it has ended"
            raise ToolFailed(
                f"{said}: it is tried again {when}.", "unavailable", place=service, retry_after=max(left, 1.0)
            )
        circuit.is_probed = True
        return True

    def _count(self, circuit: _Circuit) -> None:
        circuit.failures += 1
        if circuit.failures >= FAILURES:
            circuit.opened_at = self.clock.elapsed()
