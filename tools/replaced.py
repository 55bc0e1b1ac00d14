"""What one place of a statement replaces in the sentence that it was taken from: `1936` for `1932`, `km` for `m`.

The numbers and names of a statement may all stand in its passage, and belong to something else there. Where a sentence
of the passage runs like the statement but for one place, that place is compared.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher

from tools.dates import MONTHS
from tools.numbers import missing_numbers
from tools.units import unit_of
from tools.wording import Worded, sentences_of, terms

_ALIKE = 0.7
"""Share of the statement's words that the sentence has in the same order, when both are taken for one."""
_FEWEST = 3
"""Words that both have at least."""
_LONGEST = 3
"""Words that may stand in the place of others."""
_ELSEWHERE = 0.5
"""Share of the statement's words from which on another sentence with the word in question may be its source."""


@dataclass(frozen=True)
class Replacement:
    """What the statement says at one place, and what stands there in the passage."""

    said: str
    stands: str
    is_fact: bool
    """Whether both are numbers, units, months or names; other words may mean the same."""


def replacement(statement: str, sentences: Sequence[Worded]) -> Replacement | None:
    """The one place where a sentence of `statement` and the sentence most like it differ; None without one.

    Facts come before other words.
    """
    found = [_in_sentence(mine, sentences) for mine in sentences_of(statement)]
    return max((each for each in found if each is not None), key=lambda each: each.is_fact, default=None)


def _in_sentence(mine: Worded, others: Sequence[Worded]) -> Replacement | None:
    near = [other for other in others if len(mine.terms & other.terms) >= max(_FEWEST, _ALIKE * len(mine.terms))]
    if any(_runs_through(mine, other) for other in near):
        return None
    found = {place: each for place, other in enumerate(near) if (each := _in_place(mine, other)) is not None}
    if not found:
        return None
    rivals = [other for other in others if not any(other is near[place] for place in found)]
    best = max(found.values(), key=lambda each: each.is_fact)
    return None if _stands_in(best.said, mine, rivals) else best


def _in_place(mine: Worded, other: Worded) -> Replacement | None:
    """What is in the one place where two sentences differ that otherwise run alike."""
    matcher = SequenceMatcher(None, mine.stems, other.stems, autojunk=False)
    equal = sum(block.size for block in matcher.get_matching_blocks())
    changes = [code for code in matcher.get_opcodes() if code[0] in ("replace", "delete")]
    if equal < max(_FEWEST, _ALIKE * len(mine.stems)) or len(changes) != 1 or changes[0][0] == "delete":
        return None
    _, start, end, first, last = changes[0]
    said, stands = mine.words[start:end], other.words[first:last]
    here, there = _facts(said, mine.capitalised), _facts(stands, other.capitalised)
    in_both = set(mine.stems[start:end]) & other.terms or (here and here == there)
    if max(len(said), len(stands)) > _LONGEST or in_both or _same_numbers(said, stands):
        return None
    is_fact = any(not here[kind] & there[kind] for kind in here.keys() & there.keys())
    return Replacement(" ".join(said), " ".join(stands), is_fact)


def _runs_through(mine: Worded, other: Worded) -> bool:
    """Whether the words of the one stand in the other in the same order."""
    rest = iter(other.stems)
    return all(stem in rest for stem in mine.stems)


def _stands_in(said: str, mine: Worded, others: Sequence[Worded]) -> bool:
    """Whether a sentence that runs otherwise has the word, and may speak of the same: it has the names too."""
    wanted = terms(f"{said} {' '.join(mine.capitalised)}")
    return any(
        wanted <= other.terms and len(mine.terms & other.terms) >= _ELSEWHERE * len(mine.terms) for other in others
    )


def _same_numbers(said: Sequence[str], stands: Sequence[str]) -> bool:
    """Whether the one place has the numbers of the other in other form: `4` for `four`, `19` for `2019`."""
    numbers = [word for word in said if word[0].isdigit()]
    same = not missing_numbers(" ".join(said), " ".join(stands))
    return bool(numbers) and (same or all(any(other.endswith(word) for other in stands) for word in numbers))


def _facts(words: Sequence[str], capitalised: Set[str]) -> dict[str, set[str]]:
    """The facts among the words, by sort."""
    facts: dict[str, set[str]] = {}
    for word in words:
        if word[0].isdigit():
            facts.setdefault("number", set()).add(word)
        elif word in MONTHS:
            facts.setdefault("month", set()).add(word)
        elif unit_of(word):
            facts.setdefault("unit", set()).add(unit_of(word))
        elif word in capitalised:
            facts.setdefault("name", set()).add(word)
    return facts
