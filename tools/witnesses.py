"""What each of several texts says of a statement: that it holds, that it does not, or nothing.

Figures are compared as quantities, with their units, dates as dates; a text contradicts where it has another value for
the same thing, dates the same event otherwise, or says the opposite.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from state.evidence import Passage, Quantity, Says, Witness
from tools.events import at_other_times, event_in, same_event
from tools.facts import Check, check_statement, find_quantities, split_sentences
from tools.figures import comparable_figures, differ, same_frame
from tools.pronouns import with_subjects


@dataclass(frozen=True)
class _Told:
    text: str
    quantities: tuple[Quantity, ...]

    @classmethod
    def of(cls, text: str) -> "_Told":
        return cls(text, tuple(find_quantities(text)))


def witnesses(statement: str, passages: Sequence[Passage]) -> tuple[Witness, ...]:
    """What each passage, taken alone, says of the statement."""
    return tuple(_witness(index, statement, passage) for index, passage in enumerate(passages))


def _witness(index: int, statement: str, passage: Passage) -> Witness:
    check = check_statement(statement, [passage])
    found = None if check.verdict == "supported" else next(_conflicts(statement, passage, check), None)
    if found:
        value, against = found
        reason = f"It says “{against}” where the statement says “{value}”."
        return Witness(index=index, says="contradicts", reason=reason, value=value, against=against)
    says: dict[str, Says] = {"supported": "supports", "partly": "supports in part"}
    return Witness(index=index, says=says.get(check.verdict, "nothing"), reason=check.reason)


def _conflicts(statement: str, passage: Passage, check: Check) -> Iterator[tuple[str, str]]:
    """The value of the statement and that of the passage, of each thing that both speak of and tell otherwise."""
    mine = [_Told.of(sentence) for sentence in split_sentences(with_subjects(statement, []))]
    theirs = [_Told.of(with_subjects(sentence, [passage.text])) for sentence in split_sentences(passage.text)]
    for one in mine:
        for other in theirs:
            for left, right in comparable_figures(one, other):
                here, there = one.quantities[left], other.quantities[right]
                if differ(one, here, other, there):
                    yield here.text, there.text
            yield from _dates(one.text, other.text)
    if check.opposed_by:
        yield statement, check.opposed_by


def _dates(one: str, other: str) -> Iterator[tuple[str, str]]:
    left, right = event_in(one), event_in(other)
    if left and right and same_event(left, right) and same_frame(left.rest, right.rest) and at_other_times(left, right):
        yield left.written, right.written
