"""Content ids, passages and locators: a citation can never come to mean something else."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from state.evidence import Finding, Locator, Passage, content_id

locators = st.builds(
    Locator,
    page=st.none() | st.integers(1, 500),
    heading=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    lines=st.none() | st.tuples(st.integers(1, 99), st.integers(1, 99)),
    cells=st.none() | st.just("Sheet1!A2:D30"),
    chars=st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99)),
    computed=st.none() | st.just("mean(co2)"),
)
parts = st.tuples(st.text(max_size=20), locators, st.text(max_size=40))


@pytest.mark.slow
@given(parts)
def test_a_passage_is_known_by_its_content(part: tuple[str, Locator, str]) -> None:
    """The same source, place and text always have the same id, also after a trip through JSON."""
    one = Passage.make(*part)
    again = Passage.model_validate_json(one.model_dump_json())
    assert again == one
    assert Passage.make(again.source_id, again.locator, again.text).id == one.id
    assert re.fullmatch(r"p[0-9a-f]{16}", one.id)


@pytest.mark.slow
@given(parts, parts)
def test_other_content_has_another_id(one: tuple[str, Locator, str], other: tuple[str, Locator, str]) -> None:
    """Passages that differ in source, place or text differ in their id."""
    assert (Passage.make(*one).id == Passage.make(*other).id) == (one == other)


def test_half_a_surrogate_pair_has_an_id_too() -> None:
    """Text that no encoding allows, as a broken file may hold, is told apart as any other."""
    ids = {content_id("p", text) for text in ("\ud800", "\udc00", "", "?")}
    assert len(ids) == 4
    assert content_id("p", "é") == "p" + hashlib.sha256("é".encode()).hexdigest()[:16]


def test_parts_do_not_run_together() -> None:
    """Moving a letter from one part to the next makes another id."""
    assert content_id("c", "ab", "c") != content_id("c", "a", "bc")
    assert content_id("c", "ab", "c").startswith("c")


def test_records_do_not_change() -> None:
    """A record cannot be written to, and takes no field that it does not know."""
    passage = Passage.make("s", Locator(), "text")
    with pytest.raises(ValidationError, match="frozen"):
        passage.text = "other"  # type: ignore[misc] # the very thing that is refused
    with pytest.raises(ValidationError, match="extra"):
        Locator.model_validate({"pages": 3})


def test_confidence_is_a_share() -> None:
    """A finding cannot be more than certain."""
    with pytest.raises(ValidationError):
        Finding(text="x", passages=("p",), confidence=1.1)


@pytest.mark.parametrize(
    ("locator", "label"),
    [
        (Locator(), ""),
        (Locator(page=3), "p. 3"),
        (Locator(page=3, heading=("Results", "Trend")), "p. 3, Results › Trend"),
        (Locator(cells="Sheet1!A2:D30"), "cells Sheet1!A2:D30"),
        (Locator(lines=(4, 9)), "lines 4–9"),
        (Locator(lines=(4, 4)), "line 4"),
        (Locator(computed="mean(co2)", chars=(0, 9)), "computed by mean(co2)"),
    ],
)
def test_labels_are_for_people(locator: Locator, label: str) -> None:
    """A locator says in words what it knows, and nothing else."""
    assert locator.label() == label
