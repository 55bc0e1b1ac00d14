"""Units: how texts spell them, and what one is in another, by `pint` (which is slow to import, so only when two
different units of one kind meet).

What has no exact rate is never converted: currencies, months and years into days, powers of 1000 and 1024 of bytes,
percent into parts of a million (a rise by 3 % is none by 30,000 ppm).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pint import UnitRegistry

_KINDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "length": {
        "km": ("kilometre", "km kilometre kilometres kilometer kilometers"),
        "m": ("metre", "m metre metres meter meters"),
        "cm": ("centimetre", "cm centimetres centimeters centimetre centimeter"),
        "mm": ("millimetre", "mm millimetres millimeters millimetre millimeter"),
        "mi": ("mile", "mi mile miles"), "ft": ("foot", "ft foot feet"), "yd": ("yard", "yd yard yards"),
        "in": ("inch", "inch inches"),
    },
    "area": {
        "km²": ("kilometre ** 2", "km² km2 square-kilometres square-kilometers"),
        "m²": ("metre ** 2", "m² m2 square-metres square-meters"),
        "mi²": ("mile ** 2", "square-miles square-mile"), "ft²": ("foot ** 2", "square-feet square-foot"),
        "ha": ("hectare", "ha hectare hectares"), "acres": ("acre", "acre acres"),
    },
    "volume": {
        "m³": ("metre ** 3", "m³ m3 cubic-metres cubic-meters cubic-metre cubic-meter"),
        "km³": ("kilometre ** 3", "km³ km3 cubic-kilometres cubic-kilometers"),
        "l": ("litre", "l litre litres liter liters"), "ml": ("millilitre", "ml millilitres milliliters"),
    },
    "mass": {
        "kg": ("kilogram", "kg kilogram kilograms kilogramme kilogrammes"), "g": ("gram", "g gram grams"),
        "mg": ("milligram", "mg milligrams milligram"), "µg": ("microgram", "µg μg micrograms microgram"),
        "t": ("tonne", "t tonne tonnes"), "Mt": ("megatonne", "mt megatonnes"),
        "Gt": ("gigatonne", "gt gigatonnes gigatons"), "lb": ("pound", "lb lbs pound-mass"),
    },
    "time": {
        "ms": ("millisecond", "ms millisecond milliseconds"), "s": ("second", "s sec second seconds"),
        "min": ("minute", "min minute minutes"), "h": ("hour", "h hr hrs hour hours"), "days": ("day", "day days"),
        "weeks": ("week", "week weeks"),
    },
    "calendar": {"months": ("month", "month months"), "years": ("year", "year years yr yrs")},
    "temperature": {
        "°C": ("degree_Celsius", "°c degrees-celsius degree-celsius"),
        "°F": ("degree_Fahrenheit", "°f degrees-fahrenheit degree-fahrenheit"), "K": ("kelvin", "kelvin"),
    },
    "length/time": {
        "km/h": ("kilometre / hour", "km/h kph"), "mph": ("mile / hour", "mph"), "m/s": ("metre / second", "m/s"),
    },
    "power": {
        "W": ("watt", "w watts watt"), "kW": ("kilowatt", "kw kilowatts"), "MW": ("megawatt", "mw megawatts"),
        "GW": ("gigawatt", "gw gigawatts"),
    },
    "energy": {
        "kWh": ("kilowatt * hour", "kwh"), "MWh": ("megawatt * hour", "mwh"), "GWh": ("gigawatt * hour", "gwh"),
        "TWh": ("terawatt * hour", "twh"),
    },
    "frequency": {
        "Hz": ("hertz", "hz"), "kHz": ("kilohertz", "khz"), "MHz": ("megahertz", "mhz"), "GHz": ("gigahertz", "ghz"),
    },
    "pressure": {"Pa": ("pascal", "pa"), "hPa": ("hectopascal", "hpa"), "kPa": ("kilopascal", "kpa")},
    "parts": {"ppm": ("ppm", "ppm parts-per-million"), "ppb": ("ppb", "ppb parts-per-billion")},
    "": {
        "%": ("", "% percent per-cent pct"), "percentage points": ("", "percentage-points percentage-point pp"),
        "ton": ("", "ton tons"), "V": ("", "v volts"), "mol": ("mole", "mol"), "dB": ("", "db decibels"),
        "bytes": ("", "byte bytes"), "kB": ("", "kb kilobytes"), "MB": ("", "mb megabytes"),
        "GB": ("", "gb gigabytes"), "TB": ("", "tb terabytes"),
        "$": ("", "$ dollar dollars usd"), "€": ("", "€ euro euros eur"), "£": ("", "£ pounds gbp"),
        "¥": ("", "¥ yen jpy"),
    },
}  # fmt: skip
"""By kind, the units in their usual form: as pint is told, and as texts spell them. Kinds without a name convert
into nothing; a ton is of three weights."""
_DEFINITIONS = """
micro- = 1e-6
milli- = 1e-3
centi- = 1e-2
hecto- = 1e2
kilo- = 1e3
mega- = 1e6
giga- = 1e9
tera- = 1e12
metre = [length]
mile = 1609.344 * metre
yard = 0.9144 * metre
foot = 0.3048 * metre
inch = 0.0254 * metre
hectare = 1e4 * metre ** 2
acre = 4046.8564224 * metre ** 2
litre = 1e-3 * metre ** 3
gram = [mass]
tonne = 1e6 * gram
pound = 453.59237 * gram
second = [time]
minute = 60 * second
hour = 3600 * second
day = 86400 * second
week = 604800 * second
year = [calendar]
month = year / 12
decade = 10 * year
kelvin = [temperature]; offset: 0
degree_Celsius = kelvin; offset: 273.15
degree_Fahrenheit = 5 / 9 * kelvin; offset: 233.15 + 200 / 9
watt = kilogram * metre ** 2 / second ** 3
pascal = kilogram / metre / second ** 2
hertz = [frequency]
ppm = [parts]
ppb = 1e-3 * ppm
mole = [substance]
capita = [person]
""".strip()
"""The international yard and pound of 1959, and the SI."""
PER: Mapping[str, str] = {
    "s": "s", "sec": "s", "second": "s", "min": "min", "minute": "min", "h": "h", "hr": "h", "hour": "h",
    "d": "day", "day": "day", "week": "week", "month": "month", "yr": "year", "year": "year", "annum": "year",
    "decade": "decade",
    "capita": "capita", "person": "capita", "kg": "kg", "km": "km", "km²": "km²", "m²": "m²", "l": "l", "ha": "ha",
    "litre": "l", "liter": "l", "ml": "ml", "m³": "m³", "m3": "m³", "cubic metre": "m³", "cubic meter": "m³",
    "kwh": "kWh", "mol": "mol",
}  # fmt: skip
"""What may stand after `per`, in its usual form."""
_OF_TIME = {
    "day": ("time", "day"), "week": ("time", "week"), "month": ("calendar", "month"), "year": ("calendar", "year"),
    "decade": ("calendar", "decade"), "capita": ("capita", "capita"), "mol": ("substance", "mole"),
}  # fmt: skip
_SPELLED = {word: unit for units in _KINDS.values() for unit, (_, words) in units.items() for word in words.split()}
_KNOWN = {
    **{unit: (kind, told) for kind, units in _KINDS.items() for unit, (told, _) in units.items() if kind},
    **_OF_TIME,
}


@dataclass(frozen=True)
class Conversion:
    """What a value of one unit is in another: `factor · value + offset`."""

    factor: float
    offset: float = 0.0

    def of(self, value: float) -> float:
        return self.factor * value + self.offset


def unit_of(spelled: str) -> str:
    """The unit in its usual form (`percent` is `%`); empty if the word is no unit."""
    key = re.sub(r"\s+", "-", spelled.strip().lower())
    return _SPELLED.get(key, "") if key else ""


def convertible(unit: str, other: str) -> bool:
    """Whether values of one unit (`mg/l`) can be compared with those of the other (`g/m³`): the same kind, or equal."""
    return unit == other or (_kind(unit) is not None and _kind(unit) == _kind(other))


@lru_cache(maxsize=1024)
def conversions(unit: str, other: str) -> tuple[Conversion, ...]:
    """How values of `unit` become values of `other`; none where they do not.

    Of temperatures there are two: as a reading (20 °C are 68 °F) and as a difference (2 °C more are 3.6 °F more).
    """
    if unit == other:
        return (Conversion(1.0),)
    if not convertible(unit, other):
        return ()
    registry = _registry()
    here, there = _told(unit), _told(other)
    if _kind(unit) != "temperature":
        return (Conversion(float(registry.Quantity(1, here).to(there).magnitude)),)
    factor = float(registry.Quantity(1, f"{here} / second").to(f"{there} / second").magnitude)  # a rate: a difference
    return Conversion(factor, float(registry.Quantity(0, here).to(there).magnitude)), Conversion(factor)


def _kind(unit: str) -> str | None:
    """`mass/volume` of `mg/l`; None for what cannot be converted."""
    if unit in _KNOWN:
        return _KNOWN[unit][0]
    above, _, below = unit.rpartition("/")
    return f"{_KNOWN[above][0]}/{_KNOWN[below][0]}" if above in _KNOWN and below in _KNOWN else None


def _told(unit: str) -> str:
    """The unit as pint reads it."""
    if unit in _KNOWN:
        return _KNOWN[unit][1]
    above, _, below = unit.rpartition("/")
    return f"({_KNOWN[above][1]}) / ({_KNOWN[below][1]})"


@cache
def _registry() -> "UnitRegistry[float]":
    """The units above and no others: pint's own thousand take four times as long to read."""
    from pint import UnitRegistry

    registry: UnitRegistry[float] = UnitRegistry(None)
    registry.load_definitions(_DEFINITIONS.splitlines())
    return registry
