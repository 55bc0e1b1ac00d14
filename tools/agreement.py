"""Whether two quantities say the same, also in different units, as far as their printed digits and `about` tell."""

import re

from state.evidence import Quantity
from tools.units import conversions

ROUGH = 0.05
"""Relative difference that `about` and trailing zeros leave open."""
_WRITTEN = re.compile(r"\d[\d,\u00a0\u2009\u202f]*(?:\.\d+)?")


def agree(one: Quantity, other: Quantity, *, about: bool = False) -> bool | None:
    """Whether both may be one value; None where their units do not convert, and nothing can be said.

    In one unit they differ by no more than half a unit of the last digit of the coarser, in two by no more than the
    halves of both together; `about` leaves more open. The order makes no difference.
    """
    kept, changed = sorted((one, other), key=lambda each: (each.unit, each.value))
    answers = []
    for conversion in conversions(changed.unit, kept.unit):
        value, half = conversion.of(changed.value), conversion.factor * rounding(changed)
        scale = max(abs(kept.value), abs(value))
        slack = max(rounding(kept), half) if kept.unit == changed.unit else rounding(kept) + half
        slack = max(slack, ROUGH * scale if about else 0.0)
        answers.append(abs(kept.value - value) <= slack * (1 + 1e-9) + 1e-12 * scale)
    return any(answers) if answers else None


def rounding(quantity: Quantity) -> float:
    """How far the true value may lie from the figure: half a unit of its last digit.

    Trailing zeros before the point may be digits or filling; they leave half a unit of the last other digit
    open, but no more than a twentieth of the value.
    """
    found = _WRITTEN.search(quantity.text)
    written = re.sub(r"[^\d.]", "", found.group()) if found else ""
    shown = float(written) if written else 0.0
    scale = abs(quantity.value) / shown if shown and quantity.value else 1.0
    decimals = len(written.partition(".")[2])
    if decimals:
        return 0.5 * scale * 10.0**-decimals
    zeros = len(written) - len(written.rstrip("0"))
    half = 0.5 * scale * 10.0**zeros
    return min(half, ROUGH * abs(quantity.value)) if zeros else half
