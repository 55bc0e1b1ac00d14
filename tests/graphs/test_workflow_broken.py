"""Broken workflow files: hundreds of ways to break good ones, and texts at random. None ends in a traceback."""

import copy
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.workflow.problems import Path
from graphs.workflow.yaml_source import MOST_BYTES, MOST_DEPTH, read
from run_workflow.workflow_catalog import WorkflowCatalog
from tests.graphs.workflow_files import GOOD, look

Tree = dict[str, Any]
ROOT = File(__file__).parents[2]
WRONG: dict[str, Any] = {
    "id": "not an id",
    "type": "nonsense",
    "depends_on": 5,
    "steps": [],
    "retry_policy": {"max_attempts": 0},
    "error_handlers": "later",
    "approval": {"quorum": 0},
    "condition": "1 +",
    "when": "amount >>> 1",
    "until": "and",
    "input_mapping": [1],
    "output_mapping": 7,
    "output_schema": "text",
    "cases": {"a": 1},
    "for_each": "everything",
    "duration": "long",
    "inputs": {"type": "array"},
    "version": "one",
    "url": "somewhere",
    "join": "some",
    "tools": "all",
    "workflow": "nobody@1",
    "tool": "nothing",
    "chain": "nothing",
    "capability": 3,
    "custom_metrics": {"x": "size("},
    "metrics": {"x": "nothing.y +"},
    "outputs": {"x": "${nothing.y}"},
    "show": 3,
    "message": ["x"],
    "max_concurrent": 0,
    "loop_max_iterations": 0,
}
"""Values that cannot stand in a field."""
NEEDED = ("id", "type", "name", "steps", "message", "workers", "goal", "capability", "url", "workflow", "when")
FREE = (
    "input_validation",
    "output_validation",
    "output_schema",
    "custom_metrics",
    "input_mapping",
    "output_mapping",
    "show",
    "headers",
    "properties",
    "inputs",
    "variables",
    "outputs",
    "metrics",
)
"""Fields whose keys are the writer's own."""
_NAMED = re.compile(r"\$\{?[a-z]\w*|workflow\.[a-z]\w*")


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from nodes(each, (*path, key))


def changed(tree: Tree, path: Path, value: Any) -> Tree:
    """A copy with another value at a place; `...` takes it out."""
    made = copy.deepcopy(tree)
    holder: Any = made
    for part in path[:-1]:
        holder = holder[part]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


def breakages(tree: Tree) -> Iterator[tuple[str, Path, Tree]]:
    """Each way to break a good file: what was done, where, and the file."""
    for path, value in nodes(tree):
        key = path[-1] if path else ""
        is_field = bool(path) and isinstance(key, str) and not any(part in FREE for part in path[:-1])
        if "cases" in path[:-1] and key == "steps":
            continue  # a way may be empty
        if "workers" in path[:-1] and key == "type":
            continue  # what else should it be
        if is_field and key in WRONG:
            yield "wrong", path, changed(tree, path, WRONG[key])
        if is_field and key in NEEDED and (key != "name" or len(path) == 1):
            yield "missing", path, changed(tree, path, ...)
        if is_field and path[-2:-1] != ("routes",):
            holder = changed(tree, path, ...)
            yield "renamed", path, changed(holder, (*path[:-1], f"{key}_x"), value)
        if isinstance(value, str) and _NAMED.search(value) and "$$" not in value and "required_for" not in path:
            yield "led astray", path, changed(tree, path, _NAMED.sub(r"\g<0>_gone", value))
        if isinstance(key, int) and path[-2] == "depends_on":
            yield "unlinked", path, changed(tree, path, f"{value}_gone")
        if isinstance(key, int) and path[-2] == "steps" and isinstance(value, dict):
            beside = held(tree, path[:-1])
            yield (
                "doubled",
                (*path[:-1], key + 1),
                changed(tree, path[:-1], [*beside[: key + 1], value, *beside[key + 1 :]]),
            )


def held(tree: Tree, path: Path) -> Any:
    value: Any = tree
    for part in path:
        value = value[part]
    return value


def broken(name: str) -> list[tuple[str, Path, Tree]]:
    """Each way to break the good file of a name."""
    return list(breakages(read(GOOD[name], name).value))


def written(tree: Tree) -> str:
    """The text of a file."""
    return yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, width=1000)


def test_there_are_hundreds_of_broken_files() -> None:
    """The number that is promised is tried."""
    assert sum(len(broken(name)) for name in GOOD) >= 200


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_each_broken_file_has_a_located_error(name: str) -> None:
    """However a file is broken, there is an error in the step that was changed, or in one that relied on it."""
    for what, path, tree in broken(name):
        text = written(tree)
        errors = [each for each in look(text).problems if each.severity == "error"]
        assert errors, (what, path)
        source = read(text, "w.yaml")
        start = source.place(path[:2]).line
        after = (path[0], path[1] + 1) if len(path) > 1 and isinstance(path[1], int) else ()
        end = source.places[after].line if after in source.places else len(text.splitlines()) + 1
        is_near = path[0] != "steps" or len(path) == 1 or any(start <= each.place.line <= end for each in errors)
        assert is_near, (what, path, [str(each) for each in errors])
        for each in errors:
            assert each.message, (what, path)
            assert not re.search("Input should|Tuple|String should", each.message), (what, path)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.text("-:{}[]&*!|>'\"#$ \n\tab01%@`", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A text that is no workflow is refused with an error that has a place."""
    checked = look(text)
    assert checked.definition is not None or not checked.is_usable
    lines = text.count("\n") + 2
    assert all(1 <= each.place.line <= lines for each in checked.problems)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_torn_file_is_read_or_refused(name: str, data: Any) -> None:
    """Good files with pieces cut out, doubled or filled with other signs never end in a traceback."""
    text = GOOD[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 40)))
        piece = data.draw(st.sampled_from(["", text[start:end] * 2]) | st.text(max_size=5))
        text = text[:start] + piece + text[end:]
    checked = look(text)
    assert checked.definition is not None or not checked.is_usable


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data(), json_values)
def test_any_value_in_any_place(name: str, data: Any, value: Any) -> None:
    """Whatever stands in the place of whichever value, there is no traceback."""
    tree = read(GOOD[name], name).value
    path, _ = data.draw(st.sampled_from([each for each in nodes(tree) if each[0]]))
    checked = look(yaml.safe_dump(changed(tree, path, value), sort_keys=False))
    assert checked.definition is not None or not checked.is_usable


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(BOMB, "more than 200,000 values", marks=pytest.mark.slow),
        ("a: &a [*a]", "within what it stands for"),
        ("[" * (MOST_DEPTH + 1), "deeper than"),
        ("x" * (MOST_BYTES + 1), "larger than"),
        ("name: w\nname: v", "given twice"),
        ("<<: {a: 1}", "Merge keys"),
        ("a: !!python/object:os.system x", "tag"),
        ("? [a]\n: 1", "must be a word"),
        ("a: 007", "8-based"),
        ("\x00", "not YAML"),
        ("a: \ud800", "not YAML"),
    ],
)
def test_harmful_files_are_refused(text: str, words: str) -> None:
    """What could do harm, or would be read otherwise elsewhere, is refused with its place."""
    checked = look(text)
    assert checked.definition is None
    assert re.search(words, "\n".join(map(str, checked.problems)))


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_a_misspelt_field_brings_no_other_error(name: str) -> None:
    """Whichever field of the workflow or of a step is misspelt, all that is told stands there: the rest is good."""
    good = read(GOOD[name], name).value
    owners = [(), *(path for path, value in nodes(good) if isinstance(value, dict) and {"id", "type"} <= set(value))]
    for path, key in [(owner, key) for owner in owners for key in held(good, owner)][::3]:
        tree = copy.deepcopy(good)
        fields = held(tree, path)
        fields[f"{key}_x"] = fields.pop(key)
        text = yaml.safe_dump(tree, sort_keys=False, width=1000)
        places = read(text, name).places
        lines = [place.line for within, place in places.items() if within[: len(path)] == path]
        for problem in look(text).problems:
            assert min(lines) <= problem.place.line <= max(lines), str(problem)
            assert path or f"'{key}" in problem.message, str(problem)


SHIPPED = sorted(
    path
    for folder in ("graphs/workflows", "examples/agents", "examples/patterns")
    for path in (ROOT / folder).glob("*.yaml")
    if not path.stem.endswith(".tests")
)


@pytest.mark.slow
@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.stem)
def test_what_comes_with_stretto_can_be_broken_too(file: File) -> None:
    """However a file that comes along is broken, there is an error with a place in it, and never a traceback.

    Of the thousands of ways each fifteenth is tried.
    """
    known = WorkflowCatalog(None).known()
    text = file.read_text(encoding="utf-8")
    for what, path, tree in islice(breakages(read(text, file.name).value), 0, None, 15):
        made = written(tree)
        errors = [each for each in look(made, known).problems if each.severity == "error"]
        assert errors, (what, path)
        assert all(1 <= each.place.line <= made.count("\n") + 1 and each.message for each in errors), (
            what,
            path,
        )
