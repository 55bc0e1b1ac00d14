"""Pronouns at the start of a sentence, read as the subject of the sentence before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.pronouns import subject_of, with_subjects


@pytest.mark.parametrize(
    ("text", "passage", "read"),
    [
        ("The dam of Aswan is old. It holds much.", "", "The dam of Aswan is old. The dam of Aswan holds much."),
        (
            "Its length is 2 km.",
            "The Alpha Bridge crosses the bay. It is high. Its length is 2 km.",
            "The Alpha Bridge’s length is 2 km.",
        ),
        (
            "Ada Lovelace (born 1815), a mathematician, was English. She wrote notes.",
            "",
            "Ada Lovelace (born 1815), a mathematician, was English. Ada Lovelace wrote notes.",
        ),
        ("It is high.", "Nobody says what. Something else.", "It is high."),
        ("Itself it stands.", "The dam is old. Itself it stands.", "Itself it stands."),
    ],
)
def test_a_pronoun_is_the_subject_before(text: str, passage: str, read: str) -> None:
    """In the text itself, else in the passage that holds the sentence; where no subject is found it stays."""
    assert with_subjects(text, [passage]) == read


def test_a_subject_is_a_name_or_a_noun_before_a_verb() -> None:
    """A sentence without a verb that is known, or with a pronoun for its subject, has none."""
    assert subject_of("The old town of Lund has a cathedral.") == "The old town of Lund"
    assert subject_of("They are old.") == ""
    assert subject_of("Hardly a day.") == ""


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_read(text: str, passage: str) -> None:
    """No text fails, and one without a pronoun keeps its words."""
    read = with_subjects(text, [passage])
    assert read.split() == text.split() or any(word in text.lower() for word in ("it", "he", "she", "they", "her"))
