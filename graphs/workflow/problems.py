"""What is wrong with a workflow file: each problem with its place and a way out, all of them at once."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from state.errors import BuildError

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]
"""Keys and places that lead from the top of a file to a value: `("steps", 0, "tool")`."""


@dataclass(frozen=True, order=True)
class Place:
    """Where in a file; lines and columns are counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, or (a warning) likely to be."""

    place: Place
    message: str
    remedy: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message}{f' {self.remedy}' if self.remedy else ''}"


class DefinitionError(BuildError):
    """A workflow file cannot be used; `problems` holds all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        first = next(each for each in self.problems if each.severity == "error")
        others = sum(each.severity == "error" for each in self.problems) - 1
        more = f" ({others} more; `check` lists all)" if others else ""
        super().__init__(f"{first.message}{more}", place=str(first.place), remedy=first.remedy or None)


def refuse(problems: Iterable[Problem]) -> None:
    """Raises DefinitionError if one of the problems is an error."""
    found = tuple(problems)
    if any(each.severity == "error" for each in found):
        raise DefinitionError(found)


def suggestion(given: str, known: Iterable[str], words: str = "There are") -> str:
    """What may have been meant, or what there is."""
    names = sorted(dict.fromkeys(known))
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{words}: {', '.join(names[:20])}{more}." if names else f"{words} none."
