"""Sums without rounding: numbers are taken as the decimals they were written as.

A double's shortest text (`repr`) is the decimal it was read from, up to 15 digits. Taken as a whole multiple
of a power of ten it is added and multiplied without error, so that means, variances, slopes and F values keep
all digits that the data have, also where the values are large and their differences small.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from operator import mul
from typing import cast


@dataclass(frozen=True)
class Exact:
    """A list of numbers as whole multiples of one unit, a power of ten."""

    multiples: tuple[int, ...]
    unit: Fraction

    @classmethod
    def of(cls, values: Iterable[float]) -> "Exact":
        """The values; they must be finite. ValueError where there are none."""
        decimals = [Decimal(repr(float(value))) for value in values]
        if not decimals:
            raise ValueError("no values")
        power = min(0, *(cast(int, each.as_tuple().exponent) for each in decimals))
        return cls(tuple(int(each.scaleb(-power)) for each in decimals), Fraction(1, 10**-power))

    def __len__(self) -> int:
        return len(self.multiples)

    @cached_property
    def total(self) -> Fraction:
        """The sum of the values."""
        return sum(self.multiples) * self.unit

    @property
    def mean(self) -> Fraction:
        """The arithmetic mean."""
        return self.total / len(self)

    @cached_property
    def deviation(self) -> Fraction:
        """The sum of the squared deviations from the mean."""
        return self.product(self)

    def product(self, other: "Exact") -> Fraction:
        """The sum of the products of both deviations from their means; as many values in both."""
        n, a, b = len(self), self.multiples, other.multiples
        return Fraction(n * sum(map(mul, a, b)) - sum(a) * sum(b), n) * self.unit * other.unit

    def power(self, exponent: int) -> "Exact":
        """Each value to a whole power, at least 1."""
        return Exact(tuple(each**exponent for each in self.multiples), self.unit**exponent)

    def autocorrelation(self, lag: int = 1) -> Fraction:
        """The sum of products of deviations `lag` apart over the sum of their squares; the values must vary."""
        mean, n = sum(self.multiples), len(self)
        apart = [n * each - mean for each in self.multiples]
        return Fraction(sum(map(mul, apart, apart[lag:])), sum(each * each for each in apart))


def between_groups(groups: Sequence[Exact]) -> Fraction:
    """The sum over the groups of size times squared distance of the group's mean from the mean of all."""
    total = sum((group.total for group in groups), Fraction(0))
    size = sum(len(group) for group in groups)
    return sum((group.total**2 / len(group) for group in groups), Fraction(0)) - total**2 / size
