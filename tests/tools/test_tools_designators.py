"""Numbers that belong to a noun: what they tell apart, and which numbers are values instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Locator, Passage
from tools.designators import of_others, split_words
from tools.facts import find_quantities
from tools.naming import of_figures
from tools.witnesses import witnesses

NINE = "Station 9 recorded 43 mm of rainfall in week 5."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NINE, ["Station 9", "week 5"]),
        ("In week 5 rainfall at Station 9 was 43 mm.", ["week 5", "Station 9"]),
        ("Room 12 lies behind room 3, and Flight 370 left.", ["Room 12", "room 3", "Flight 370"]),
        ("It was founded 1931, and in 1959 it had a population 500.", []),
        ("The bridge carries 4 lanes, was opened 5 March and cost Alpha 5 million.", []),
        ("By noon it had warmed 5 °C, and the ice lost 12 cm or 3.5 percent.", []),
        ("Of these only 5 are open, on March 5 as in about 12 others.", []),
    ],
)
def test_a_number_after_a_noun_belongs_to_it(text: str, expected: list[str]) -> None:
    """Years, days, counts and values with a unit are not the numbers of a noun."""
    assert [word for word in split_words(text) if " " in word] == expected


@given(st.text(alphabet="ab 19.,%-Z", max_size=40))
def test_no_word_is_lost(text: str) -> None:
    """The words are those of the text in their order, and no text is of others than itself."""
    assert " ".join(split_words(text)).split() == text.split()
    assert not of_others(text, text)


@pytest.mark.parametrize(
    ("statement", "text", "says"),
    [
        (NINE, "Station 5 recorded 2 mm of rainfall in week 9.", False),
        (NINE, "Station 9 recorded 2 mm of rainfall in week 6.", False),
        (NINE, "Station 9 recorded 2 mm of rainfall in week 5.", True),
        (NINE, "In week 5 the rainfall at Station 9 was 2 mm.", True),
        ("In week 5 the depth of Lake Tana was 10 m.", "In week 6 the depth of Lake Tana was 12 m.", False),
        ("In week 5 the depth of Lake Tana was 10 m.", "In week 5 the depth of Lake Tana was 12 m.", True),
        ("The valve of Room 9 in Block 5 is safe.", "The valve of Room 5 in Block 9 is not safe.", False),
        ("The valve of Room 9 in Block 5 is safe.", "The valve of Room 9 in Block 5 is not safe.", True),
        ("The population of Lund is 500.", "The population of Lund is 600.", True),
        ("The Alpha Bridge carries 4 lanes, and is 412 m long.", "The Alpha Bridge is 438 m long.", True),
    ],
)
def test_other_numbered_things_are_not_compared(statement: str, text: str, says: bool) -> None:
    """Only a figure of the same station in the same week contradicts another."""
    (found,) = witnesses(statement, [Passage.make("s", Locator(), text)])
    assert (found.says == "contradicts") is says


def test_a_label_keeps_the_number_with_its_noun() -> None:
    """A row of shared words never ends between a noun and its number."""
    other = "The gauge had rainfall in week 6 of 2 mm."
    one = "The gauge had rainfall in week 5 of 43 mm."
    (left,), (right,) = find_quantities(one), find_quantities(other)
    assert of_figures(one, left, other, right) == "gauge had rainfall"
