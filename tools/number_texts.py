"""Numbers as the texts of a column write them: signs, separators and percentages. What a comma means, the column tells.

The reader of such texts for columns of files and of tables alike; exact, as it gives each number as a numeral and not
as a float.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOSTLY = 0.9
"""Share of the values that must be of one form for the column to be of it."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.IGNORECASE)  # a longer exponent would fill the memory
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,'\u00a0\u202f ]\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}([.\u00a0\u202f ]\d{3})+),\d+")
_DOTTED_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
_ACCOUNTED = re.compile(r"\([$€£¥]?[\d.,]+\)")
_CURRENCY = "$€£¥"


@dataclass(frozen=True)
class NumberTexts:
    """What the texts of a column are as numbers."""

    numerals: tuple[str | None, ...]
    """Each as `float`, `int` and `Decimal` read it; None for a text that is no number."""
    decimal_comma: bool
    has_thousands: bool
    percentages: int
    """How many of them have a percent sign."""
    currencies: tuple[str, ...]
    """The signs that stand before or behind numbers, each once."""

    @property
    def known(self) -> int:
        """How many of the texts are numbers."""
        return sum(numeral is not None for numeral in self.numerals)

    @property
    def mixture(self) -> str:
        """Why the numbers are not of one unit: `currencies ($, €)`; empty where nothing speaks against it."""
        if len(self.currencies) > 1:
            return f"currencies ({', '.join(self.currencies)})"
        return "percentages and other numbers" if 0 < self.percentages < self.known else ""

    def changes(self, name: str) -> list[str]:
        """What reading the column so does to the way its numbers are written."""
        said = []
        if self.percentages:
            said.append("percent signs left out, 45 means 45 %")
        if self.decimal_comma:
            said.append("commas read as decimal signs")
        elif self.has_thousands:
            said.append("thousands separators left out")
        if self.currencies:
            said.append(f"currency sign {' and '.join(self.currencies)} left out")
        return [f"{name}: {each}" for each in said]


def read_numbers(texts: Sequence[str], likely_comma: bool = False) -> NumberTexts:
    """The texts of one column as numbers. `likely_comma` says that their file separates its fields by something else
    than a comma, so that `1,234` is a bit more than one; else one value that can only be read so decides.
    """
    bare = [_bare(text) for text in texts]
    comma = _reads_as_decimal_comma([text for text, _ in bare], likely_comma)
    numerals = tuple(_numeral(text, comma) for text, _ in bare)
    signs = [sign for (_, sign), numeral in zip(bare, numerals, strict=True) if numeral is not None]
    return NumberTexts(
        numerals=numerals,
        decimal_comma=comma,
        has_thousands=any(_THOUSANDS.fullmatch(text) for text, _ in bare),
        percentages=signs.count("%"),
        currencies=tuple(dict.fromkeys(sign for sign in signs if sign and sign != "%")),
    )


def _bare(text: str) -> tuple[str, str]:
    """The text with an ASCII minus and without its sign of currency or percent, and that sign; accounting's `(12)` is
    -12.
    """
    text = text.strip().replace("\u2212", "-")
    text = f"-{text[1:-1]}" if _ACCOUNTED.fullmatch(text) else text
    minus = text[:1] if text.startswith(("+", "-")) else ""
    rest = text[len(minus) :]
    if rest.startswith(tuple(_CURRENCY)):
        return minus + rest[1:].lstrip(), rest[0]
    if rest.endswith((*_CURRENCY, "%")):
        return minus + rest[:-1].rstrip(), rest[-1]
    return text, ""


def _reads_as_decimal_comma(texts: Sequence[str], likely: bool) -> bool:
    """Whether commas are decimal signs here."""
    with_comma = [text for text in texts if "," in text]
    fitting = [text for text in with_comma if _DECIMAL_COMMA.fullmatch(text)]
    if not fitting or len(fitting) < MOSTLY * len(with_comma):
        return False
    return likely or any(not _THOUSANDS.fullmatch(text) for text in fitting)


def _numeral(text: str, decimal_comma: bool) -> str | None:
    if decimal_comma and (_DECIMAL_COMMA.fullmatch(text) or _DOTTED_THOUSANDS.fullmatch(text)):
        text = re.sub(r"[.\u00a0\u202f ]", "", text).replace(",", ".")
    elif _THOUSANDS.fullmatch(text):
        text = re.sub(r"[,'\u00a0\u202f ]", "", text)
    return text if _PLAIN.fullmatch(text) else None
