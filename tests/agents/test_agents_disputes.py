"""Disputed statements: no fact in the summary, marked elsewhere; and what an edit leaves as it was."""

import pytest

from agents.citations import unchanged
from agents.disputes import with_disputes
from state.evidence import Claim, Contradiction, Side
from state.research import Draft, Merged, Section, Sentence

ONE, OTHER = "The Alpha Bridge is 134 m high.", "The Alpha Bridge is 120 m high."
ALLOWED, DENIED = "Cyclists may cross the Alpha Bridge.", "Cyclists may not cross the Alpha Bridge."


def merged(one: str, other: str, values: tuple[str, str], preferred: str = "") -> Merged:
    """Two claims that contradict each other; the first has a second passage."""
    claims = [
        Claim(id="c1", text=one, passages=("p1", "p1b"), weight=0.5, confidence=0.5, verdict="supported"),
        Claim(id="c2", text=other, passages=("p2",), weight=0.5, confidence=0.5, verdict="partly"),
    ]
    sides = [
        Side(claim_id=each.id, source_id="s", passage_id=each.passages[0], statement=each.text, value=value)
        for each, value in zip(claims, values, strict=True)
    ]
    found = Contradiction(id="x", subject="s", sides=(sides[0], sides[1]), preferred=preferred, why="it is newer")
    return Merged(claims=tuple(claims), contradictions=(found,))


def draft(heading: str, *sentences: tuple[str, str]) -> Draft:
    """A draft of one section, whose sentences each cite one passage."""
    told = tuple(Sentence(text=text, passages=(key,), verdict="supported") for text, key in sentences)
    return Draft(title="t", sections=(Section(heading=heading, sentences=told),))


def told(found: Draft) -> tuple[Sentence, ...]:
    return found.sections[0].sentences


FIGURES = merged(ONE, OTHER, ("134 m", "120 m"))


def test_the_summary_says_that_the_sources_disagree() -> None:
    """Both sides in one sentence, once, with both passages, and no better a verdict than the weaker of them."""
    (sentence,) = told(with_disputes(draft("Executive summary", (ONE, "p1b"), (OTHER, "p2")), FIGURES))
    assert sentence.text == f"The sources disagree: {ONE[:-1]}; against that: {OTHER[:-1]} (it is newer)."
    assert (sentence.passages, sentence.verdict, sentence.disputed) == (("p1", "p2"), "partly", True)


def test_a_preferred_side_may_be_stated() -> None:
    """Only the other side is told as disputed; the preferred one comes first."""
    known = merged(ONE, OTHER, ("134 m", "120 m"), preferred="c2")
    first, second = told(with_disputes(draft("Executive summary", (OTHER, "p2"), (ONE, "p1")), known))
    assert (first.text, first.disputed) == (OTHER, False)
    assert second.text.startswith("The sources disagree: The Alpha Bridge is 120 m high; against that")
    assert "the first is preferred: it is newer" in second.text


def test_other_sections_mark_what_is_disputed() -> None:
    """The sentence stays as it is, with a mark."""
    (sentence,) = told(with_disputes(draft("Key findings", (ONE, "p1")), FIGURES))
    assert (sentence.text, sentence.disputed) == (ONE, True)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (ONE, "p9"),
        ("The Alpha Bridge is painted red and was built by hand.", "p1"),
        ("The Alpha Bridge is high.", "p1"),
        ("One source says that the Alpha Bridge is 134 m high, another 120 m high.", "p1"),
    ],
)
def test_what_states_no_side_is_left_alone(text: str, key: str) -> None:
    """Another passage, other words, no value, or both values."""
    (sentence,) = told(with_disputes(draft("Executive summary", (text, key)), FIGURES))
    assert (sentence.text, sentence.disputed) == (text, False)


def test_a_denial_is_the_other_side() -> None:
    """Of two opposite statements a sentence states the one that it agrees with."""
    known = merged(ALLOWED, DENIED, ("stated", "denied"), preferred="c1")
    for text, key, disputed in ((ALLOWED, "p1", False), (DENIED, "p2", True)):
        (sentence,) = told(with_disputes(draft("Key findings", (text, key)), known))
        assert sentence.disputed is disputed


def test_an_edit_leaves_the_rest_as_it_was() -> None:
    """A sentence with the same words and passages keeps its verdict; any other has none."""
    before = draft("Key findings", (ONE, "p1"), (OTHER, "p2"))
    edited = (
        Section(
            heading="Key findings",
            sentences=(
                Sentence(text=ONE, passages=("p1",)),
                Sentence(text=OTHER, passages=("p1",)),
                Sentence(text="New.", passages=("p2",)),
            ),
        ),
    )
    (section,) = unchanged(before, edited)
    assert [sentence.verdict for sentence in section.sentences] == ["supported", None, None]
