"""What a figure measures, and of what: when two quantities are of the same thing, whatever their values."""

import re

from state.evidence import Quantity
from tools.attributes import ATTRIBUTES
from tools.dates import MONTHS
from tools.quantities import BEGINNERS, STOP
from tools.units import convertible

_CONTRASTS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "minimum min lowest least", "maximum max highest peak most", "mean average", "median", "total sum overall",
        "growth increase rise rate change", "decrease decline fall loss reduction", "annual yearly", "monthly",
        "daily weekly", "uncertainty error deviation", "forecast projected expected predicted estimated", "target goal",
        "first initial start", "last final end", "male men boys", "female women girls", "north northern",
        "south southern", "east eastern", "west western", "import imports", "export exports", "before", "after",
        "without", "not no", "gross", "net", "urban", "rural", "upper", "lower", "per", "share proportion fraction",
    )
)  # fmt: skip
"""What tells two quantities of one thing apart: a quantity that has one of a group is none that lacks it."""
_QUALIFIERS = frozenset[str]().union(STOP, BEGINNERS, *_CONTRASTS)
_NAME = re.compile(r"[A-Z][\w'’-]*|\w*\d\w*")


def same_subject(a: Quantity, b: Quantity) -> bool:
    """Whether two quantities are of the same thing at the same time, so that their values can be compared.

    Conservative: units that convert; the same years, months, other numbers and qualifiers (`mean`, `maximum`,
    `growth`); no name in both that only one has; and most words of the shorter subject in the longer.
    """
    if not convertible(a.unit, b.unit) or not a.subject or not b.subject:
        return False
    left, right = _terms(a.subject), _terms(b.subject)
    if _marks(a.subject, left) != _marks(b.subject, right):
        return False
    names_left, names_right = _names(a.subject), _names(b.subject)
    if not (names_left <= right or names_right <= left):
        return False
    shared = left & right
    return (
        len(shared) >= 2 and len(shared) / min(len(left), len(right)) >= 0.6 and len(shared) / len(left | right) >= 0.4
    )


def _terms(subject: str) -> set[str]:
    words = [ATTRIBUTES.get(word, word) for word in re.findall(r"\w+(?:[-.]\w+)*", subject.lower())]
    return {word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words if word not in STOP}


def _marks(subject: str, terms: set[str]) -> frozenset[object]:
    numbers = {word for word in terms if any(letter.isdigit() for letter in word)}
    return qualifiers(subject) | frozenset(numbers)


def qualifiers(text: str) -> frozenset[object]:
    """What tells a quantity of the text from others of the same thing: its qualifiers by their groups, and months."""
    words = set(re.findall(r"\w+", text.lower()))
    groups = {index for index, group in enumerate(_CONTRASTS) if words & group}
    return frozenset(groups) | frozenset(words & set(MONTHS))


def _names(subject: str) -> set[str]:
    """The names in a subject; its first word is one only where a second follows, as of `Harrow Bridge`."""
    first, _, rest = subject.partition(" ")
    is_name = rest.partition(" ")[0].istitle() and first.lower() not in _QUALIFIERS
    named = (name.lower() for name in _NAME.findall(subject) if name != first or not name.istitle() or is_name)
    found = {ATTRIBUTES.get(name, name) for name in named}
    return {name[:-1] if len(name) > 3 and name.endswith("s") else name for name in found}
