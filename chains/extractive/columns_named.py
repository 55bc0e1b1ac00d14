"""Which columns of a table a question names: by their headers, by words and abbreviations of them, by their values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.stems import stem_words

_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SAME = {"men": "male", "man": "male", "boy": "male", "women": "female", "woman": "female", "girl": "female"}
"""Words that name a value otherwise than tables do."""
_PREFIX = 4
_LONGEST_UNIT = 3
_LEAST_SHORT = 3


@dataclass(frozen=True)
class Column:
    """A column as `load_data` tells of it."""

    name: str
    kind: str
    """`number`, `date` or `text`."""
    distinct: int
    values: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers."""
        return self.kind == "number"

    def makes_groups(self, most: int = 12) -> bool:
        """Whether its values may name groups."""
        return 2 <= self.distinct <= most


@dataclass(frozen=True)
class Named:
    """A column that a question names."""

    column: Column
    place: int
    """Where in the question, in characters."""
    by_value: bool = False
    """Whether one of its values is named, and not the column."""


def columns_of(table: dict[str, Any]) -> list[Column]:
    """The columns of the block that `load_data` shows."""
    return [
        Column(str(each["name"]), str(each["type"]), int(each["distinct"]), tuple(map(str, each.get("values", ()))))
        for each in table["columns"]
    ]


def named_columns(question: str, columns: Sequence[Column]) -> list[Named]:
    """The columns that the question names, in the order in which it does; by header before by value."""
    words = [(found.start(), found[0]) for found in _WORD.finditer(question)]
    found: list[Named] = []
    for column in columns:
        place = _by_header(column, question, words)
        if place is None and not column.is_number:
            inside = [at for value in column.values if (at := value_place(value, words)) is not None]
            found += [Named(column, min(inside), by_value=True)] if inside else []
        elif place is not None:
            found.append(Named(column, place))
    return sorted(found, key=lambda each: each.place)


def _by_header(column: Column, question: str, words: Sequence[tuple[int, str]]) -> int | None:
    """Where the header is named: as it stands, or by all its words, or by an abbreviation or another form of one."""
    exact = re.search(rf"(?<![\w.]){re.escape(column.name)}(?![\w])", question)
    if exact:
        return exact.start()
    parts = _PARTS.findall(_HUMP.sub(" ", column.name))
    if len(parts) > 1 and parts[-1].isalpha() and len(parts[-1]) <= _LONGEST_UNIT:
        parts.pop()  # body_mass_g
    places = [next((at for at, word in words if _means(part, word)), None) for part in parts]
    known = [at for at in places if at is not None]
    return min(known) if known and len(known) == len(places) else None


def _means(part: str, word: str) -> bool:
    """Whether a word of a question is a word of a header: the same stem, a long common beginning, an abbreviation."""
    part, word = part.lower(), word.lower()
    if part == word:
        return True
    if len(part) < _LEAST_SHORT or len(word) < _LEAST_SHORT:
        return False
    one, other = stem_words([part, word])
    return one == other or _begins_alike(one, other) or (len(part) < len(word) and _shortens(part, word))


def _begins_alike(one: str, other: str) -> bool:
    common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return common >= _PREFIX and common >= 0.75 * min(len(one), len(other)) and abs(len(one) - len(other)) <= _PREFIX


def _shortens(short: str, word: str) -> bool:
    """Whether `short` is what is left of a word without some letters, mostly vowels: dept of department."""
    rest = iter(word)
    is_kept = short[0] == word[0] and all(letter in rest for letter in short)
    vowels = sum(letter in "aeiou" for letter in short)
    return is_kept and len(short) <= 5 and 2 * len(short) <= len(word) and vowels <= 1


def value_place(value: str, words: Sequence[tuple[int, str]]) -> int | None:
    """Where a value is named; None where it is not. Short values and numbers must stand as they are."""
    folded = value.lower()
    for at, word in words:
        lower = word.lower()
        if _SAME.get(lower, lower) == folded and (len(value) > 1 or word == value):
            return at
        if len(folded) >= _PREFIX and len(lower) >= _PREFIX and stem_words([folded]) == stem_words([lower]):
            return at
    return None


def value_like(values: Sequence[str], question: str) -> str | None:
    """The value that a question asks the share of: named in some form, or the yes among yes and no."""
    words = [(found.start(), found[0]) for found in _WORD.finditer(question)]
    for value in values:
        if value_place(value, words) is not None:
            return value
    stems = stem_words([word.lower() for _, word in words if len(word) >= _PREFIX])
    for value in values:
        if any(_begins_alike(stem_words([value.lower()])[0], stem) for stem in stems):
            return value
    yes = [value for value in values if value.lower() in ("yes", "true", "1", "y")]
    return yes[0] if yes and len(values) == 2 else None
