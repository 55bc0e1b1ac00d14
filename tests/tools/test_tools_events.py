"""What a dated event is called without its date."""

import pytest

from tools.events import event_in


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("X Mill was founded in 1923 by Ada Finch in Ober.", "X Mill was founded by Ada Finch in Ober"),
        ("X Mill was founded in the year 1923 in Ober.", "X Mill was founded in Ober"),
        ("X Mill was founded in Ober, in 1923, by Ada Finch.", "X Mill was founded in Ober, by Ada Finch"),
        ("X Mill was opened on 4 May 1931 by Ada Finch.", "X Mill was opened by Ada Finch"),
        ("X Mill was opened on 4 May 1931.", "X Mill was opened"),
        ("In 1923, the mill was founded by Ada Finch.", "the mill was founded by Ada Finch"),
        ("In 1923 the mill was founded by Ada Finch.", "the mill was founded by Ada Finch"),
        ("X Mill (opened in 1932) is long.", "X Mill (opened) is long"),
        ("X Mill was founded (in 1923) by Ada Finch.", "X Mill was founded by Ada Finch"),
    ],
)
def test_a_date_goes_with_the_preposition_before_it(text: str, subject: str) -> None:
    """Nothing that led to the date is left; the prepositions of other words stay."""
    event = event_in(text)
    assert event is not None
    assert event.subject == subject
