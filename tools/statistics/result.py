"""What a statistic gives back: one record for all methods."""

from state.evidence import Record

ALPHA = 0.05
"""A p-value below it is called significant."""
LEVEL = 0.95
"""Level of every confidence interval."""


class Interval(Record):
    """A confidence interval."""

    of: str
    """What lies in it, by its name in `values`."""
    low: float
    high: float
    level: float = LEVEL


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
