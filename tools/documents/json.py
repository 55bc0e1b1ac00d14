"""JSON and JSON lines: arrays of records as tables, all else as lines of `path: value`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from state.errors import SourceError
from state.evidence import Locator
from tools.dates import stated_date
from tools.documents.encodings import decode
from tools.documents.extracted import Reading, Row, TextBuilder
from tools.documents.passages import MAX_WORDS, pack
from tools.documents.tables import table_parts

LINES = frozenset([".jsonl", ".ndjson"])
_RECORDS = 3
"""From how many records on an array is a table."""
_DEEPEST = 100
"""Levels that are walked into; what lies deeper is given as JSON."""

Path = tuple[str | int, ...]
"""Keys and positions from the root to a value."""


def read(data: bytes, uri: str) -> Reading:
    """The values of a JSON document, or of one a line, as passages with their paths.

    Raises SourceError, with the line, if the bytes are not JSON.
    """
    text = decode(data)
    if PurePosixPath(uri).suffix.lower() in LINES:
        return _reading(_lines(text), uri)
    try:
        return _reading(_loaded(text), uri)
    except SourceError:
        if not re.match(r"\s*\{.*\}[ \t]*\n\s*\{", text):
            raise
        return _reading(_lines(text), uri)


def _lines(text: str) -> list[Any]:
    return [_loaded(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _loaded(text: str, line: int = 0) -> Any:
    try:  # numbers stay as the file writes them: 1.10 is not 1.1, and no number is too long
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise SourceError(f"the file is not JSON: {error.msg} in line {line or error.lineno}") from error
    except RecursionError as error:
        raise SourceError("the JSON nests too deep") from error


def _reading(value: Any, uri: str) -> Reading:
    name = PurePosixPath(uri).name
    parts: list[tuple[Locator, str]] = []
    tables: dict[str, Sequence[Row]] = {}
    leaves: list[tuple[Path, str]] = []
    for path, found in _walk(value):
        if isinstance(found, list):
            parts += _passages(leaves)
            leaves = []
            written = json_path(path)
            tables[written] = _rows(found)
            parts += table_parts(tables[written], name, written, Locator(path=written))
        else:
            leaves.append((path, found))
    parts += _passages(leaves)
    return Reading(_title(value), stated_date("\n".join(text for _, text in parts[:5])), parts, tables=tables)


def json_path(path: Path) -> str:
    """The path as JSONPath writes it: `$.items[3]['first name']`."""
    steps = (
        f"[{step}]" if isinstance(step, int) else f".{step}" if step.isidentifier() else f"[{step!r}]" for step in path
    )
    return "$" + "".join(steps)


def _walk(root: Any) -> Iterator[tuple[Path, "str | list[Mapping[str, Any]]"]]:
    """Each scalar as text, and each array of records whole, in the order of the document."""
    stack: list[tuple[Path, Any]] = [((), root)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, list) and _are_records(value):
            yield path, value
        elif isinstance(value, dict | list) and value and len(path) < _DEEPEST:
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            stack += reversed([((*path, step), part) for step, part in inner])
        elif text := _scalar(value):
            yield path, text


def _are_records(values: list[Any]) -> bool:
    """Whether the array is a table: objects alone, of mostly the same keys, that hold no objects themselves."""
    if len(values) < _RECORDS or not all(isinstance(value, dict) and value for value in values):
        return False
    flat = all(not isinstance(cell, dict) and not _holds_objects(cell) for value in values for cell in value.values())
    keys = {key for value in values for key in value}
    return flat and 2 * sum(map(len, values)) >= len(keys) * len(values)


def _holds_objects(cell: Any) -> bool:
    return isinstance(cell, list) and any(isinstance(part, dict | list) for part in cell)


def _rows(records: list[Mapping[str, Any]]) -> list[list[str]]:
    """A header row of all keys, then a row for each record."""
    keys = list(dict.fromkeys(key for record in records for key in record))
    return [keys, *([_scalar(record.get(key)) for key in keys] for record in records)]


def _scalar(value: Any) -> str:
    if isinstance(value, list) and not _holds_objects(value):
        return ", ".join(map(_scalar, value)) if all(not isinstance(part, dict) for part in value) else _dumped(value)
    if isinstance(value, dict | list):
        return _dumped(value) if value else ""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _passages(leaves: Sequence[tuple[Path, str]]) -> Iterator[tuple[Locator, str]]:
    """The leaves as lines, up to 200 words together; the path of a passage is what those of its leaves share."""
    group: list[tuple[Path, str]] = []
    words = 0
    for path, text in leaves:
        size = 1 + len(text.split())
        if group and words + size > MAX_WORDS:
            yield _together(group)
            group, words = [], 0
        if size > MAX_WORDS:
            yield from _cut(path, text)
        else:
            group.append((path, text))
            words += size
    if group:
        yield _together(group)


def _together(group: Sequence[tuple[Path, str]]) -> tuple[Locator, str]:
    first, last = group[0][0], group[-1][0]
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    lines = (f"{_label(path)}: {' '.join(text.split())}" for path, text in group)
    return Locator(path=json_path(first[:shared])), "\n".join(lines)


def _label(path: Path) -> str:
    return json_path(path).removeprefix("$").removeprefix(".") or "$"


def _cut(path: Path, text: str) -> Iterator[tuple[Locator, str]]:
    """A long text in several passages."""
    builder = TextBuilder()
    builder.add(text)
    for locator, part in pack(*builder.finish()):
        yield Locator(path=json_path(path), chars=locator.chars), part


def _title(value: Any) -> str:
    title = value.get("title") or value.get("name") if isinstance(value, dict) else ""
    return title if isinstance(title, str) else ""
