"""Real sentences with one thing made wrong: a number, a unit, a date, a name, or a negation turned round."""

import random
import re
from collections.abc import Callable

from tools.dates import MONTHS
from tools.quantities import find_quantities
from tools.units import unit_of

_YEAR = re.compile(r"(?<![\w.,/:-])(?:1[5-9]|20)\d\d(?![\w%]|[.,/:-]\d)")
_DATE = re.compile(rf"\b(?:{'|'.join(month.capitalize() for month in MONTHS)})\b(?= \d)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b(?!['’])")
_AFFIRMED = re.compile(r"\b(is|was|are|were|has been|can|does|did|will)\b(?! (?:not|never|no)\b)")
_DENIED = re.compile(r"\b(is|was|are|were|can|does|did|will) (?:not|never) ")
_NAMES = ("Blackwood", "Marlowe", "Tarkovsky", "Oldenburg", "Fernandez", "Kirkwall", "Nakamura", "Lindqvist")
_OTHER_UNITS = {"km": "mi", "m": "km", "mi": "km", "ft": "m", "%": "km", "kg": "tonnes", "$": "euros", "years": "days"}


def number(sentence: str, chance: random.Random) -> str | None:
    """Another value for the first quantity."""
    quantity = next(iter(find_quantities(sentence)), None)
    found = _NUMBER.search(quantity.text) if quantity else None
    if quantity is None or found is None or quantity.value < 5:
        return None
    value, decimals = float(found.group().replace(",", "")), len(found.group().partition(".")[2])
    changed = value * chance.choice((0.6, 1.4, 1.7, 2.5)) + 10.0**-decimals
    written = f"{changed:,.{decimals}f}" if "," in found.group() else f"{changed:.{decimals}f}"
    wrong = quantity.text.replace(found.group(), written, 1)
    return sentence.replace(quantity.text, wrong, 1) if wrong != quantity.text else None


def unit(sentence: str, chance: random.Random) -> str | None:
    """Another unit for the first quantity that has one written after it."""
    for quantity in find_quantities(sentence):
        spelled = re.sub(r"^[\d.,\s]+", "", quantity.text).strip(" -")
        if quantity.unit in _OTHER_UNITS and unit_of(spelled) == quantity.unit and spelled in quantity.text:
            figure = quantity.text.removesuffix(spelled)
            return sentence.replace(quantity.text, f"{figure.rstrip(' -')} {_OTHER_UNITS[quantity.unit]}", 1)
    return None


def date(sentence: str, chance: random.Random) -> str | None:
    """Another month for the first date, else another year."""
    found = _DATE.search(sentence)
    if found:
        months = [month.capitalize() for month in MONTHS if month.capitalize() != found.group()]
        return sentence[: found.start()] + chance.choice(months) + sentence[found.end() :]
    year = _YEAR.search(sentence)
    if not year:
        return None
    return (
        sentence[: year.start()] + str(int(year.group()) + chance.choice((-7, -4, -2, 3, 6))) + sentence[year.end() :]
    )


def name(sentence: str, chance: random.Random) -> str | None:
    """Another name for the first word within the sentence that is written like one."""
    found = next((each for each in _NAME.finditer(sentence) if each.group().lower() not in MONTHS), None)
    return sentence[: found.start()] + chance.choice(_NAMES) + sentence[found.end() :] if found else None


def negation(sentence: str, chance: random.Random) -> str | None:
    """`not` taken out, or put in after the first auxiliary verb."""
    denied = _DENIED.search(sentence)
    if denied:
        return sentence[: denied.start()] + denied.group(1) + " " + sentence[denied.end() :]
    found = _AFFIRMED.search(sentence)
    return sentence[: found.end()] + " not" + sentence[found.end() :] if found else None


MUTATIONS: dict[str, Callable[[str, random.Random], str | None]] = {
    "number": number,
    "unit": unit,
    "date": date,
    "name": name,
    "negation": negation,
}
"""By what is made wrong: the sentence with it, or None where there is nothing of the kind to change."""
