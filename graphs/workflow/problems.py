"""What is wrong with a workflow file: each problem with its place and a way out, all of them at once."""

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
