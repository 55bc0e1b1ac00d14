"""What people ask of a writer without a model: what it can do, what it cannot, and what was so already."""

from typing import Any

import pytest

from chains.extractive.heeding import unheeded
from chains.extractive.requests import of_the_writing
from chains.extractive.writing import report

LONG = "The bridge, which a firm designed after the flood had destroyed the older one, is 412 metres long."
TEXTS = {
    LONG: 0.95,
    "The bridge is 412 metres long.": 0.9,
    "The bridge cost 3 million pounds.": 0.85,
    "The toll was abolished in 1954.": 0.8,
    "Visitors can walk over it.": 0.7,
}


def brief(*requests: str) -> dict[str, Any]:
    """A brief with five claims, the longest of which answers best."""
    claims = [
        {
            "id": f"c{number}",
            "text": text,
            "topic": "Q?",
            "passages": [f"p{number}"],
            "relevance": relevance,
            "computed": False,
        }
        for number, (text, relevance) in enumerate(TEXTS.items())
    ]
    return {"question": "How long is the bridge?", "claims": claims, "requests": list(requests)}


def summary(*requests: str) -> list[str]:
    """The sentences of the summary."""
    wanted = brief(*requests)
    outline = [{"topic": "Q?", "claims": [claim["id"] for claim in wanted["claims"]]}]
    return [part.text for part in report(wanted, outline, []).sections[0].sentences]


@pytest.mark.parametrize(
    ("request_", "first", "without"),
    [
        ("Make the first sentence shorter.", "The bridge is 412 metres long.", LONG),
        ("Please cut the first sentence", "The bridge cost", LONG),
        ("Start with the cost.", "The bridge cost", ""),
        ("Start the report with the price", "The bridge cost", ""),
        ("The toll should come first.", "The toll", ""),
        ("More about the toll", "The toll", ""),
        ("Don't mention the visitors.", LONG, "Visitors"),
        ("Remove the last sentence", LONG, "Visitors"),
        ("Drop the second sentence and start with the toll.", "The toll", "The bridge cost"),
        ("Leave out the toll and make the first sentence shorter", "The bridge is", "The toll"),
        ("Only the toll, please", "The toll", "The bridge"),
    ],
)
def test_what_needs_no_model_is_done(request_: str, first: str, without: str) -> None:
    """Sentences are chosen, left out and put first; whoever asked is told nothing then."""
    told = summary(request_)
    assert told[0].startswith(first)
    assert not without or not any(each.startswith(without) for each in told)
    assert unheeded(brief(request_)) == ([], [])


@pytest.mark.parametrize(
    "request_",
    [
        "Make it rhyme.",
        "Write it in a friendlier tone",
        "Translate it into German",
        "The first sentence is wrong",
        "Make the second sentence shorter",
        "Make the part about the toll shorter",
        "Add the names of the engineers' children",
        "Don't mention the tunnel",
        "Put the cost before the toll",
        "Drop the fifth sentence",
        "No.",
    ],
)
def test_what_needs_a_model_is_named(request_: str) -> None:
    """The report stays as it was, and the request is given back."""
    assert summary(request_) == summary()
    assert unheeded(brief(request_)) == ([request_], [])


def test_what_was_so_already_is_no_change() -> None:
    """The part that changes nothing is told from that which does, and from that which cannot be done."""
    said = "Say how long the bridge is in the first sentence. Shorter. Shorter, please. Leave out the recommendations"
    assert unheeded(brief(said, "Make it rhyme")) == (
        ["Make it rhyme"],
        ["Say how long the bridge is in the first sentence.", "Shorter.", "Shorter, please."],
    )


def test_a_place_is_that_in_the_report_which_was_seen() -> None:
    """What was said later of the second sentence means that of the report as it was written then."""
    told = summary("Start with the toll.", "Drop the second sentence.")
    assert told[0].startswith("The toll")
    assert not {LONG, "The bridge is 412 metres long."} & set(told)
    assert summary("Drop the second sentence.", "Drop the second sentence.") == [LONG, "Visitors can walk over it."]


def test_wishes_in_a_list_are_each_for_itself() -> None:
    """What is said of one sentence is not taken for what is said of another thing, whatever stands between them."""
    said = "Make the first sentence shorter, leave out the toll, use a warmer tone, and drop the recommendations."
    told = summary(said)
    assert told[0] == "The bridge is 412 metres long."
    assert len(told) == 3
    assert unheeded(brief(said)) == (["use a warmer tone"], [])


def test_sections_can_be_left_out() -> None:
    """The findings are no part of the report when they are not wanted; what is asked of its form is no question."""
    wanted = brief()
    wanted["claims"] += [{**wanted["claims"][0], "id": "c9", "text": "Its towers are of granite.", "relevance": 0.1}]
    outline = [{"topic": "Q?", "claims": [claim["id"] for claim in wanted["claims"]]}]
    headings = [
        [section.heading for section in report({**wanted, "requests": requests}, outline, []).sections]
        for requests in ([], ["Leave out the key findings section."])
    ]
    assert headings == [["Executive summary", "Key findings"], ["Executive summary"]]
    assert all(of_the_writing(each) for each in ("The toll should come first.", "Start the report with the toll"))
