"""Where the checks write down what they find."""

import difflib
from collections.abc import Iterable
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


def suggestion(given: str, known: Iterable[str], words: str = "There are") -> str:
    """What may have been meant, or what there is."""
    names = sorted(dict.fromkeys(known))
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{words}: {', '.join(names[:20])}{more}." if names else f"{words} none."
