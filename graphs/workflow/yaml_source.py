"""Reads YAML with the place of every value, and refuses what could do harm or be meant otherwise.

Plain words mean what YAML 1.2 says: only `true` and `false` are truth values, `on`, `no` and `12:30:00` are text.
Those that older readers take otherwise are named in a warning, or, where a number would change, in an error.
Refused are files that are too large, too deep or grow too much by aliases, keys given twice, merge keys and tags.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from graphs.workflow.problems import Path, Place, Problem, Severity

MOST_BYTES = 1_000_000
MOST_DEPTH = 100
MOST_VALUES = 200_000
"""Values in a file, those that aliases repeat counted each time."""

_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), int),
    (re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
)
"""The plain words that are not text, by YAML 1.2, and what is made of them."""
_PLAIN_KINDS = frozenset({"str", "null", "bool", "int", "float", "timestamp", "merge", "value"})
"""What the library takes a plain word for, by YAML 1.1."""
_ZEROS = re.compile(r"[-+]?0[0-9_]+")
_STANDARD = "tag:yaml.org,2002:"


class _Refused(Exception):
    """The file cannot be read on."""

    def __init__(self, mark: Any, message: str, remedy: str) -> None:
        super().__init__(message)
        self.mark, self.remedy = mark, remedy


@dataclass
class Source:
    """A file that was read: its value, and where each part of it stands."""

    file: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    """Of values by their path; of keys by the path of their value with `KEY` after it."""
    problems: list[Problem] = field(default_factory=list)
    doubtful: list[Path] = field(default_factory=list)
    """The places of values that may be meant otherwise, as of a key that is given twice."""

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where a value (or its key) stands; where the innermost that does, if it is not in the file."""
        if key and (*path, KEY) in self.places:
            return self.places[*path, KEY]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file))


KEY = "\x00key"


def read(text: str, file: str) -> Source:
    """The value of a YAML text with its places; `problems` says what is wrong with it.

    `value` is None where it cannot be read to its end.
    """
    source = Source(file)
    try:
        if len(text.encode("utf-8", "replace")) > MOST_BYTES:
            raise _Refused(None, f"The file is larger than {MOST_BYTES:,} bytes.", "Split it into several workflows.")
        _check_depth(text)
        node = yaml.compose(text, yaml.CSafeLoader)
        if node is None:
            raise _Refused(None, "The file is empty.", "It needs a name and steps.")
        source.value = _Reader(source).value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source.problems.append(_problem(source, mark, f"This is not YAML: {error.problem}.", "Check the indentation."))
    except yaml.YAMLError as error:
        source.problems.append(_problem(source, None, f"This is not YAML: {error}.", "Check the characters."))
    except UnicodeEncodeError as error:
        remedy = "Save it as UTF-8."
        source.problems.append(_problem(source, None, f"This is not YAML: {error.reason}.", remedy))
    except _Refused as refused:
        source.problems.append(_problem(source, refused.mark, str(refused), refused.remedy))
    return source


def _check_depth(text: str) -> None:
    """Counts how deep collections stand in each other, without building them."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                raise _Refused(event.start_mark, f"It is nested deeper than {MOST_DEPTH}.", "Use a workflow step.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns nodes into values, and notes where they stand."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node that stands at `path`."""
        self._count += 1
        if self._count > MOST_VALUES:
            remedy = "Aliases repeat what they stand for: use fewer."
            raise _Refused(node.start_mark, f"The file holds more than {MOST_VALUES:,} values.", remedy)
        self._source.places[path] = _place(self._source.file, node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            raise _Refused(node.start_mark, "An alias stands within what it stands for.", "Write it out.")
        self._open.add(id(node))
        held = self._collection(node, path)
        self._open.discard(id(node))
        return held

    def _collection(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(each, (*path, key)) for key, each in self._pairs(node, path)}
        return [self.value(each, (*path, place)) for place, each in enumerate(node.value)]

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        first: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(mark, "A key must be a word.", "Put it in quotes.")
            key = key_node.value
            if key == "<<" and not key_node.style:
                raise _Refused(mark, "Merge keys (<<) are not read.", "Write the fields out.")
            if key in first:
                remedy = f"It stands in line {first[key].line + 1} already: keep one."
                self._note(mark, f"The key {key!r} is given twice.", remedy)
                self._source.doubtful.append((*path, key))
                continue
            first[key] = mark
            self._source.places[(*path, key, KEY)] = _place(self._source.file, mark)
            yield key, value_node

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text, kind = node.value, node.tag.removeprefix(_STANDARD)
        if kind not in _PLAIN_KINDS or (node.style and kind != "str"):
            raise _Refused(node.start_mark, f"The tag {node.tag!r} is not read.", "Write the plain value.")
        if node.style:
            return text
        for form, made in _PLAIN:
            if form.fullmatch(text):
                return made(text)
        if self._doubt(node, text, kind):
            self._source.doubtful.append(path)
        return text

    def _doubt(self, node: yaml.ScalarNode, text: str, kind: str) -> bool:
        """Names a plain word that others read otherwise; whether a number would change."""
        if _ZEROS.fullmatch(text):
            remedy = f"Put it in quotes if it is text, or write {int(text.replace('_', ''))}."
            self._note(node.start_mark, f"{text} is 8-based to some readers of YAML, and 10-based to others.", remedy)
            return True
        elif kind == "bool":
            remedy = f"Write {'true' if text.lower() in ('yes', 'on') else 'false'}, or put it in quotes."
            self._note(node.start_mark, f"{text} is read as text, not as a truth value.", remedy, "warning")
        elif kind != "str":
            said = f"{text} is read as text; some readers of YAML take it for a value of the type {kind}."
            self._note(node.start_mark, said, "Put it in quotes.", "warning")
        return False

    def _note(self, mark: Any, message: str, remedy: str, severity: Severity = "error") -> None:
        self._source.problems.append(Problem(_place(self._source.file, mark), message, remedy, severity))


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)


def _problem(source: Source, mark: Any, message: str, remedy: str) -> Problem:
    return Problem(_place(source.file, mark), message, remedy)
