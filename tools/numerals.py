"""How numbers and column names are written in sentences: enough digits, and none beyond what is known."""

import math
import re

_UNIT = re.compile(r"^(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]{1,20})[)\]]$")


def name_and_unit(header: str) -> tuple[str, str]:
    """Split a column header into name and unit: `co2 (ppm)` is `co2` and `ppm`; no unit is the empty text."""
    found = _UNIT.match(header)
    return (found["name"], found["unit"]) if found else (header, "")


def with_unit(number: str, unit: str) -> str:
    """The number followed by its unit, as a sentence has it: `418.5 ppm`."""
    return f"{number} {unit}" if unit else number


def plain(value: float) -> str:
    """A number as the data has it: up to 12 significant digits, whole numbers without a point."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return _tidy(f"{value:.12g}")


def significant(value: float, digits: int = 4) -> str:
    """A computed number with `digits` significant digits; none before the decimal point is dropped."""
    if 10**digits <= abs(value) < 1e15:
        return f"{value:.0f}"
    return _tidy(f"{value:.{digits}g}")


def at_scale(value: float, scale: float, digits: int = 2) -> str:
    """A computed number, rounded where its uncertainty `scale` has `digits` significant digits.

    A slope of 1.61934 with an uncertainty of 0.0223 is `1.619`: what follows is noise.
    """
    if not math.isfinite(scale) or scale <= 0 or abs(value) >= 1e15:
        return significant(value, 6)
    room = 15 - len(str(int(abs(value))))  # a double holds no more digits than 15
    decimals = min(room, digits - 1 - math.floor(math.log10(scale)))
    if decimals > 12:
        return significant(value, 6)
    return _tidy(f"{value:.{decimals}f}") if decimals >= 0 else str(int(round(value, decimals)))


def share(value: float) -> str:
    """A correlation or r²: three decimals, and more where it would look like a perfect 1 but is not."""
    for decimals in range(3, 9):
        number = f"{value:.{decimals}f}"
        if abs(float(number)) != 1 or abs(value) == 1:
            return _tidy(number)
    return plain(value)


def percent(value: float) -> str:
    """A share in percent, never rounded up: 0.996 is `99 %`."""
    return f"{int(100 * value + 1e-9)} %"


def p_value(p: float) -> str:
    """A p-value as it is printed: `p = 0.013`, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {_tidy(f'{p:.2g}' if p < 0.1 else f'{p:.2f}')}"


def interval(low: float, high: float, unit: str = "", level: str = "95 %") -> str:
    """A confidence interval in words: `95 % CI 1.574 to 1.664 ppm`."""
    scale = abs(high - low) / 2
    return f"{level} CI {at_scale(low, scale, 3)} to {with_unit(at_scale(high, scale, 3), unit)}"


def _tidy(number: str) -> str:
    """Without trailing zeros after the point, and without a minus before zero."""
    if "." in number and "e" not in number:
        number = number.rstrip("0").rstrip(".")
    return "0" if number == "-0" else number
