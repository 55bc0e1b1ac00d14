"""Contradictions in other words and in other units, and between a draft and what is none."""

import pytest

from tests.graphs.test_graphs_contradictions import MEAN, Claims, between

HARROW = "The Harrow Bridge is 412 metres long."


@pytest.mark.parametrize(
    ("one", "other", "subject"),
    [
        (
            HARROW,
            "With a length of 438 metres, the Harrow Bridge is the longest of the county, which draws many visitors.",
            "length of the Harrow Bridge",
        ),
        (HARROW, "The length of the Harrow Bridge is 438 metres, says the guide.", "length of the Harrow Bridge"),
        (HARROW, "The Harrow Bridge, 438 metres long, carries four lanes.", "length of the Harrow Bridge"),
        (HARROW, "At 438 metres, the Harrow Bridge is the longest of all.", "length of the Harrow Bridge"),
        (HARROW, "The 438-metre-long Harrow Bridge crosses the Aire near Selby.", "length of the Harrow Bridge"),
        (HARROW, "The Harrow Bridge has a length of 1,500 ft, and is lit at night.", "length of the Harrow Bridge"),
        (
            "The population of Lund was 94,400 in 2020.",
            "In 2020 Lund had 81,940 inhabitants, more than ever before in its history as a town of scholars.",
            "population of Lund in 2020",
        ),
        (
            "The Alpha Tower cost $5 million.",
            "The Alpha Tower was built at a cost of $7 million by the heirs of its owner.",
            "cost of the Alpha Tower",
        ),
        (
            "Nitrate in Lake Tana reaches 5 mg/L.",
            "Nitrate in Lake Tana reaches 9 g/m³.",
            "Nitrate in Lake Tana",
        ),
        (
            "The Alpha Bridge of Lund was opened in April 2019.",
            "The opening of the Alpha Bridge of Lund was on 14 March 2019.",
            "when the Alpha Bridge of Lund was opened",
        ),
    ],
)
def test_the_same_measure_in_other_words(one: str, other: str, subject: str) -> None:
    """What is measured, and of what, is read from how a sentence is built; the contradiction is named by it."""
    (found,) = between(one, other)
    assert found.subject == subject


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HARROW, "The Harrow Bridge is 0.412 km long."),
        (HARROW, "With a length of 1,352 ft, the Harrow Bridge is the longest of the county."),
        (HARROW, "The Harrow Bridge is 120 metres high."),
        (HARROW, "The Harrow Bridge was moved 20 metres."),
        (
            "Station 9 recorded 43 mm of rainfall in week 5.",
            "Station 5 recorded 2 mm of rainfall in week 9.",
        ),
        ("The Alpha valve of Room 9 in Block 5 is safe.", "The Alpha valve of Room 5 in Block 9 is not safe."),
        (
            "The Alpha valve of Room 9 in Block 5 was opened in May 1931.",
            "The Alpha valve of Room 5 in Block 9 was opened in June 1936.",
        ),
        (HARROW, "The Selby Bridge is 438 metres long."),
        (HARROW, "With a length of 438 metres, the Selby Bridge is longer than the Harrow Bridge."),
        (HARROW, "The Harrow Bridge has a total length of 438 metres with its ramps."),
        (HARROW, "The Harrow Bridge is expected to be 438 metres long."),
        ("The population of Lund was 94,400 in 2020.", "The population of Lund was 91,940 in 2019."),
        ("The Alpha Tower cost $5 million.", "The Alpha Tower was built at a cost of €7 million."),
        ("The water of Lake Tana has 20 °C.", "The water of Lake Tana has 68 °F."),
        ("Lake Tana warmed by 2 °C since the dam.", "Lake Tana warmed by 3.6 °F since the dam."),
        ("Nitrate in Lake Tana reaches 5 mg/L.", "Nitrate in Lake Tana reaches 5 g/m³."),
        ("The city of Lund has 5 million trees.", "The city of Lund has 5,000,000 trees."),
        ("The Alpha Bridge of Lund was opened in March 2019.", "The Alpha Bridge of Lund was opened on 14 March 2019."),
    ],
)
def test_no_pair_of_other_measures_things_or_units(one: str, other: str) -> None:
    """The height of a bridge, another bridge, another year, another currency; and the same in another unit."""
    assert between(one, other) == ()


def test_a_draft_is_the_lesser_witness() -> None:
    """A source that calls itself a first draft loses against one that does not, also if that is on a draft."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), source="A note, first draft")
    final = claims.add(MEAN.format("418.53"), source="The draft of the Alpha treaty")
    (found,) = claims.found()
    assert (found.preferred, found.why) == (
        final.id,
        "its source is better: a note against a note that calls itself a first draft",
    )


def test_a_passage_that_says_all_of_it_is_a_reason() -> None:
    """Of two sides the one that the check supports in full is preferred to one that it supports in part."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), verdict="partly")
    whole = claims.add(MEAN.format("418.53"))
    (found,) = claims.found()
    assert (found.preferred, found.why) == (whole.id, "its passage says all of it, that of the other only a part")
