"""What each of several texts says of a statement, and what a source says against itself."""

import pytest

from state.evidence import Locator, Passage, Source
from tools.reservations import reservation
from tools.witnesses import witnesses

TEXTS = (
    "The Alpha Bridge is 412 metres long, and was opened in 1932. Cyclists may cross the Alpha Bridge at night.",
    "With a length of 438 metres, the Alpha Bridge is the longest of all. It was opened in May 1936.",
    "The Alpha Bridge is a bridge. It has a length of 1,352 feet. Cyclists may not cross the Alpha Bridge at night.",
    "Rivers flow to the sea.",
)


SOME = "supports in part"
"""What speaks of the same things and does not say it."""


@pytest.mark.parametrize(
    ("statement", "says", "against"),
    [
        ("The Alpha Bridge is 0.412 km long.", ["supports", "contradicts", "supports", "nothing"], {1: "438 metres"}),
        ("The Alpha Bridge was opened in 1932.", ["supports", "contradicts", "nothing", "nothing"], {1: "May 1936"}),
        (
            "Cyclists may cross the Alpha Bridge at night.",
            ["supports", SOME, "contradicts", "nothing"],
            {2: "Cyclists may not cross the Alpha Bridge at night."},
        ),
    ],
)
def test_each_text_supports_contradicts_or_says_nothing(
    statement: str, says: list[str], against: dict[int, str]
) -> None:
    """Values are compared with their units, dates as dates, and both values are told."""
    found = witnesses(statement, [Passage.make("s", Locator(), text) for text in TEXTS])
    assert [each.says for each in found] == says
    assert {each.index: each.against for each in found if each.against} == against
    assert all(each.value for each in found if each.says == "contradicts")


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("Briefing on carbon dioxide, first draft", "It rose.", "a first draft"),
        ("Figures (preliminary)", "It rose.", "preliminary"),
        ("Preliminary results of 2024", "It rose.", "preliminary"),
        ("A note", "This note has been superseded by another.", "superseded"),
        ("A note", "Status: draft\n\nIt rose.", "a draft"),
        ("A note", "It rose; figures are to be checked against the record.", "still to be checked"),
        ("2003 NBA draft picks", "The first draft of the treaty was superseded.", ""),
        ("The draft of a treaty", "The preliminary round was won. The law was corrected.", ""),
    ],
)
def test_a_source_that_calls_itself_a_draft(title: str, text: str, said: str) -> None:
    """Only what it says of itself counts."""
    source = Source(id="s", uri="n", title=title, kind="text", sha256="0", size=1)
    assert reservation(Passage.make("s", Locator(), text), source) == said
