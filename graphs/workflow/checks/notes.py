"""Where the checks write down what they find."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphs.workflow.problems import Path, Problem, Severity
from graphs.workflow.yaml_source import Source


@dataclass
class Notes:
    """The problems found so far, each with its place in the file."""

    source: Source
    problems: list[Problem] = field(default_factory=list)

    def error(self, path: Path, message: str, remedy: str = "", *, key: bool = False) -> None:
        """What cannot work. `key` points to the key instead of its value."""
        self._add(path, message, remedy, "error", key)

    def warning(self, path: Path, message: str, remedy: str = "", *, key: bool = False) -> None:
        """What works, and is hardly meant so."""
        self._add(path, message, remedy, "warning", key)

    def _add(self, path: Path, message: str, remedy: str, severity: Severity, key: bool) -> None:
        self.problems.append(Problem(self.source.place(path, key=key), message, remedy, severity))


@dataclass
class WholeStepsNotes(Notes):
    """The same, without the problems of steps of which something was left out: they may come of that."""

    whole: Mapping[Path, bool] = field(default_factory=dict)
    """By the place of a step: whether nothing of it was left out."""

    def _add(self, path: Path, message: str, remedy: str, severity: Severity, key: bool) -> None:
        beginnings = (path[:length] for length in range(len(path), 0, -1))
        if next((self.whole[each] for each in beginnings if each in self.whole), True):
            super()._add(path, message, remedy, severity, key)
