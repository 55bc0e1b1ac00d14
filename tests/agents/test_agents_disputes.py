"""Disputed statements: no fact in the summary, marked elsewhere."""

import pytest

from agents.disputes import with_disputes
from state.evidence import Claim, Contradiction, Locator, Passage, Side
from state.research import Draft, Merged, Section, Sentence

ONE, OTHER = "The Alpha Bridge is 134 m high.", "The Alpha Bridge is 120 m high."
SUBJECT = "height of the Alpha Bridge"
ALLOWED, DENIED = "Cyclists may cross the Alpha Bridge.", "Cyclists may not cross the Alpha Bridge."


def merged(one: str, other: str, values: tuple[str, str], preferred: str = "", subject: str = SUBJECT) -> Merged:
    """Two claims that contradict each other; the first has a second passage."""
    claims = [
        Claim(id="c1", text=one, passages=("p1", "p1b"), weight=0.5, confidence=0.5, verdict="supported"),
        Claim(id="c2", text=other, passages=("p2",), weight=0.5, confidence=0.5, verdict="partly"),
    ]
    sides = [
        Side(claim_id=each.id, source_id="s", passage_id=each.passages[0], statement=each.text, value=value)
        for each, value in zip(claims, values, strict=True)
    ]
    found = Contradiction(id="x", subject=subject, sides=(sides[0], sides[1]), preferred=preferred, why="it is newer")
    return Merged(claims=tuple(claims), contradictions=(found,))


def draft(heading: str, *sentences: tuple[str, str]) -> Draft:
    """A draft of one section, whose sentences each cite one passage."""
    told = tuple(Sentence(text=text, passages=(key,), verdict="supported") for text, key in sentences)
    return Draft(title="t", sections=(Section(heading=heading, sentences=told),))


def told(found: Draft) -> tuple[Sentence, ...]:
    return found.sections[0].sentences


FIGURES = merged(ONE, OTHER, ("134 m", "120 m"))
PASSAGES = {
    key: Passage(id=key, source_id="s", locator=Locator(), text=text)
    for key, text in (("p1", ONE), ("p1b", ONE), ("p2", OTHER))
}


def test_what_the_passages_do_not_bear_out_is_not_told() -> None:
    """A sentence on the dispute that the check rejects is none: the side stays, marked."""
    (sentence,) = told(with_disputes(draft("Executive summary", (ONE, "p1")), FIGURES, {}))
    assert (sentence.text, sentence.disputed) == (ONE, True)


def test_the_summary_says_that_the_sources_disagree() -> None:
    """What they disagree on in one sentence, once, with both values and passages, and the verdict of the check."""
    (sentence,) = told(with_disputes(draft("Executive summary", (ONE, "p1b"), (OTHER, "p2")), FIGURES, PASSAGES))
    assert sentence.text == "The sources disagree on the height of the Alpha Bridge: 134 m or 120 m."
    assert (sentence.passages, sentence.verdict, sentence.disputed) == (("p1", "p2"), "supported", True)


def test_what_a_sentence_says_beside_the_dispute_is_not_lost() -> None:
    """A date that was asked for as well stays in the summary, marked, behind what is disputed."""
    more = "The Alpha Bridge is 134 m high and was opened for trains in May 1931."
    known = merged(more, OTHER, ("134 m", "120 m"))
    passages = {**PASSAGES, "p1": PASSAGES["p1"].model_copy(update={"text": more})}
    first, second = told(with_disputes(draft("Executive summary", (more, "p1"), (OTHER, "p2")), known, passages))
    assert first.text == "The sources disagree on the height of the Alpha Bridge: 134 m or 120 m."
    assert (second.text, second.disputed) == (more, True)


def test_a_preferred_side_may_be_stated() -> None:
    """It stays, marked, and its value comes first where the other side would be told."""
    known = merged(ONE, OTHER, ("134 m", "120 m"), preferred="c2")
    first, second = told(with_disputes(draft("Executive summary", (OTHER, "p2"), (ONE, "p1")), known, PASSAGES))
    assert (first.text, first.disputed) == (OTHER, True)
    assert second.text.endswith("the height of the Alpha Bridge: 120 m or 134 m; the first is preferred.")


def test_other_sections_mark_what_is_disputed() -> None:
    """The sentences of both sides stay as they are, each with a mark, whichever is preferred."""
    for preferred in ("", "c1", "c2"):
        known = merged(ONE, OTHER, ("134 m", "120 m"), preferred=preferred)
        found = told(with_disputes(draft("Key findings", (ONE, "p1"), (OTHER, "p2")), known, PASSAGES))
        assert [(sentence.text, sentence.disputed) for sentence in found] == [(ONE, True), (OTHER, True)]


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
    (sentence,) = told(with_disputes(draft("Executive summary", (text, key)), FIGURES, PASSAGES))
    assert (sentence.text, sentence.disputed) == (text, False)


def test_a_denial_is_the_other_side() -> None:
    """Of two opposite statements a sentence states the one that it agrees with; the summary says what differs."""
    subject = "whether cyclists may cross the Alpha Bridge"
    known = merged(ALLOWED, DENIED, ("stated", "denied"), preferred="c1", subject=subject)
    passages = {
        key: Passage(id=key, source_id="s", locator=Locator(), text=text)
        for key, text in (("p1", ALLOWED), ("p2", DENIED))
    }
    summary = draft("Executive summary", (ALLOWED, "p1"), (DENIED, "p2"))
    stated, denied = told(with_disputes(summary, known, passages))
    assert (stated.text, stated.disputed) == (ALLOWED, True)
    assert denied.text == f"The sources disagree on {subject}."
