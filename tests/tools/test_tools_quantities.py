"""Quantities and dates in text, and when two quantities are of the same thing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Quantity
from tools.dates import find_dates, iso_date, stated_date
from tools.facts import find_quantities, same_subject


def quantity(text: str) -> Quantity:
    """The first quantity of a text."""
    return find_quantities(text)[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The mean was 418.53 ppm in 2022.", [(418.53, "ppm", "418.53 ppm")]),
        ("It fell to 3.2 % in March 2021, then to 5 percent.", [(3.2, "%", "3.2 %"), (5, "%", "5 percent")]),
        ("It is 1,200 km long and 1 250 m high.", [(1200, "km", "1,200 km"), (1250, "m", "1 250 m")]),
        ("5 million people spent $1.2 billion.", [(5e6, "", "5 million"), (1.2e9, "$", "$1.2 billion")]),
        (
            "At night it was −5 °C, or 23 degrees Fahrenheit.",
            [(-5, "°C", "−5 °C"), (23, "°F", "23 degrees Fahrenheit")],
        ),
        (
            "It grew by 2.4 ppm per year, or 1.5 GB/s.",
            [(2.4, "ppm/year", "2.4 ppm per year"), (1.5, "GB/s", "1.5 GB/s")],
        ),
        ("It takes 5ms.", [(5, "ms", "5ms")]),
        ("The school has 400 students.", [(400, "", "400")]),
        ("See Table 3, section 13.2.1, COVID-19 and version 15.", []),
        ("It opened on 22 August 2017, in its 3rd year, in the 1990s.", []),
        ("1. The first item", []),
        ("The Heinkel HD 38, two Boeing 747s, an iPhone 12 and Python 3.11.", []),
        ("See Chapter 3, version 15.2, [12] and 3) below, at 10 Downing Street.", []),
        ("He died in 983, and 400 people came.", [(400, "", "400")]),
        ("Some 400 students of Lund wrote 94,400 words.", [(400, "", "400"), (94400, "", "94,400")]),
        ("It has an apparent magnitude of − 4.6.", [(-4.6, "", "− 4.6")]),
        ("between 1960 and 1990", []),
    ],
)
def test_quantities_are_numbers_with_a_unit_and_no_dates_or_labels(
    text: str, found: list[tuple[float, str, str]]
) -> None:
    """Value, unit in its usual form, and the words of the text; years, ordinals, codes and references are left out."""
    assert [(each.value, each.unit, each.text) for each in find_quantities(text)] == found


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("The annual mean CO2 concentration was 418.5 ppm in 2022.", "annual mean CO2 concentration in 2022"),
        ("Inflation fell to 3.2 %, while unemployment rose to 5 %.", "Inflation"),
        ("year: 2022; station: Mauna Loa; mean: 418.53; unc: 0.12", "mean 2022 Mauna Loa"),
    ],
)
def test_a_subject_says_what_the_number_is_of(text: str, subject: str) -> None:
    """The words of its clause, or its column and the row's names."""
    assert quantity(text).subject == subject


MEAN = "The annual mean CO2 concentration at Mauna Loa was 418.53 ppm in 2022."


@pytest.mark.parametrize(
    "other",
    [
        "In 2022 the annual mean CO2 concentration at Mauna Loa reached 421 ppm.",
        "Mauna Loa annual mean CO2 for 2022: 421.08 ppm.",
    ],
)
def test_the_same_thing_in_other_words(other: str) -> None:
    """Order and small words make no difference."""
    assert same_subject(quantity(MEAN), quantity(other))
    assert same_subject(quantity(other), quantity(MEAN))


@pytest.mark.parametrize(
    "other",
    [
        "In 2021 the annual mean CO2 concentration at Mauna Loa was 416 ppm.",
        "In 2022 the annual mean CO2 concentration at Cape Grim was 415 ppm.",
        "In 2022 the maximum CO2 concentration at Mauna Loa was 421 ppm.",
        "In 2022 the annual growth of CO2 concentration at Mauna Loa was 2 ppm.",
        "In May 2022 the mean CO2 concentration at Mauna Loa was 421 ppm.",
        "In 2022 the annual mean CO2 concentration at Mauna Loa was 0.04 %.",
        "It was 421 ppm.",
    ],
)
def test_another_time_place_measure_or_unit_is_another_thing(other: str) -> None:
    """A contradiction is only claimed between values of one thing."""
    assert not same_subject(quantity(MEAN), quantity(other))


@given(st.text(max_size=200))
def test_any_text_is_searched_for_quantities(text: str) -> None:
    """No text fails, values are finite, and each quantity stands in the text."""
    for each in find_quantities(text):
        assert math.isfinite(each.value)
        assert each.text in text
        assert each.unit == "" or same_subject(each, each) in (True, False)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2022-03-01T10:00:00Z", "2022-03-01"),
        ("22 August 2017", "2017-08-22"),
        ("August 22nd, 2017", "2017-08-22"),
        ("Sept. 2017", "2017-09"),
        ("3/4/2021", "2021-03-04"),
        ("3.4.2021", "2021-04-03"),
        ("2021", "2021"),
        ("Mayor 2021", None),
        ("31st place", None),
    ],
)
def test_dates_are_brought_into_one_form(text: str, iso: str | None) -> None:
    """Year, month or day, as far as the text says it."""
    assert iso_date(text) == iso


def test_a_date_counts_only_on_a_line_that_states_it() -> None:
    """A date in a sentence is not the document's."""
    assert stated_date("Title\nPublished on: 12 March 2022\nText") == "2022-03-12"
    assert stated_date("It was published on a cold day, 12 March 2022, in Rome.") is None


def test_two_dates_agree_where_neither_says_otherwise() -> None:
    """A date without a year agrees with one that has it."""
    first, second, third = find_dates("On 22 August, on 22 August 2017 and on 22 August 2018.")
    assert first.agrees(second)
    assert first.agrees(third)
    assert not second.agrees(third)
