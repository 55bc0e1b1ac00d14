"""References and mappings: what they name, and that values come through as they are."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.workflow.mapping import fill, references_in
from graphs.workflow.references import MissingValue, Reference, Scope, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
plain_texts = st.text(st.characters(codec="utf-8", exclude_characters="$")).filter(lambda text: parse(text) is None)
EMPTY = Scope({}, {})


@pytest.mark.slow
@given(json_values, names)
def test_a_reference_keeps_the_type(value: Any, name: str) -> None:
    """A text that is one reference becomes the value itself, in each of the forms."""
    scope = Scope({name: value}, {"step": {"field": value}}, {"item": value})
    for form in (f"workflow.{name}", f"${{workflow.{name}}}", "$step.field", "${step.field}", "$item", " ${ $item } "):
        assert fill(form, scope) is value


@pytest.mark.slow
@given(json_values, plain_texts, plain_texts)
def test_a_reference_within_a_text_is_written_out(value: Any, before: str, after: str) -> None:
    """Within a text a text stands as it is, and everything else as JSON."""
    filled = fill(f"{before}|${{a.x}}|{after}", Scope({}, {"a": {"x": value}}))
    middle = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    assert filled == f"{before}|{middle}|{after}"


nested = st.recursive(
    plain_texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=50)
@given(nested)
def test_plain_values_stay(value: Any) -> None:
    """What holds no reference is the same after filling, at any depth."""
    assert fill(value, EMPTY) == value
    assert list(references_in(value)) == []


@given(st.text())
def test_two_dollar_signs_are_one(text: str) -> None:
    """Any text can be written: each of its dollar signs doubled, beside something that is no reference."""
    written = f"= {text.replace('$', '$$')}"
    assert fill(written, EMPTY) == f"= {text}"


@pytest.mark.slow
@given(st.lists(st.one_of(names, st.integers(0, 9)), max_size=4), names)
def test_references_are_written_as_they_are_read(path: list[str | int], root: str) -> None:
    """The written form of a reference is read as the same reference."""
    reference = Reference(root, tuple(path))
    if root != "workflow" or path:
        assert parse(str(reference)) == reference or (root == "workflow" and isinstance(path[0], int))


def test_references_of_a_nested_value() -> None:
    """All references are found, also within texts; what looks like one and names nothing comes as text."""
    value = {"a": ["$one.x", {"b": "x ${two} $$ ${workflow.c.0}"}], "d": "${not this}", "e": "costs $5"}
    assert [str(each) for each in references_in(value)] == ["$one.x", "$two", "workflow.c.0", "${not this}"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("$a.x.z", r"\$a.x has no 'z'; it has y"),
        ("$a.list[5]", "it is a list of 2"),
        ("$a.none.x", "it is empty"),
        ("$gone", "has no value here"),
        ("workflow.gone.x", "workflow has no 'gone'"),
        ("text ${a.n.x}", "it is a number"),
    ],
)
def test_what_is_missing_is_told_with_the_path(form: str, words: str) -> None:
    """A reference that leads to nothing says how far it leads."""
    scope = Scope({"in": 1}, {"a": {"x": {"y": 1}, "list": [1, 2], "none": None, "n": 3}})
    with pytest.raises(MissingValue, match=words):
        fill({"k": [form]}, scope)
