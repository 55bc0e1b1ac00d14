"""What a statistic gives back: one record for all methods."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pydantic import Field

from state.evidence import Record

ALPHA = 0.05
"""A p-value below it is called significant."""
_LEVEL: ContextVar[float] = ContextVar("level", default=0.95)


def level() -> float:
    """The level of every confidence interval that is computed now, as `decimal.getcontext` has its precision."""
    return _LEVEL.get()


@contextmanager
def at_level(share: float) -> Iterator[None]:
    """Intervals that are computed inside, also in threads that are begun there, have this level, between 0 and 1."""
    before = _LEVEL.set(share)
    try:
        yield
    finally:
        _LEVEL.reset(before)


def level_words() -> str:
    """The level as it stands before an interval: `95 %`, `99.9 %`."""
    return f"{100 * level():.10g} %"


class Interval(Record):
    """A confidence interval."""

    of: str
    """What lies in it, by its name in `values`."""
    low: float
    high: float
    level: float = Field(default_factory=level)


class Effect(Record):
    """How large an effect is, whatever the sample's size."""

    name: str
    value: float


class StatResult(Record):
    """One statistic: what it says, its figures, and what it rests on."""

    method: str
    sentence: str
    """The result in words, with numbers and units."""
    values: dict[str, float | str]
    n: int
    """Values that were used."""
    effect: Effect | None = None
    """None where the method compares nothing."""
    interval: Interval | None = None
    """Of the main figure; None where the method gives none."""
    p: float | None = None
    """Of the main test; None where nothing is tested."""
    assumptions: tuple[str, ...] = ()
    """Each says whether it holds."""
    warnings: tuple[str, ...] = ()
    formula: str
    """Where the formula comes from."""
