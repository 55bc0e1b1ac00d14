"""What people said at the approval points, as far as it concerns the writer."""

from agents.synthesis import requests_in
from state.research import Feedback


def test_the_writer_is_told_what_was_said_of_the_writing_at_the_plan() -> None:
    """Of what was said of the plan only wishes about the writing go to the writer; later messages go whole."""
    said = (
        Feedback(point="plan", type="reject", message="Look at the costs. Say how long it is in the first sentence."),
        Feedback(point="plan", type="approve"),
        Feedback(point="gate", type="respond", message="Mind the units."),
    )
    assert requests_in(said) == ["Say how long it is in the first sentence.", "Mind the units."]
