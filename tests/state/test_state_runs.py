"""Answers to approval requests, and the sum of what was used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from state.runs import Answer, Approve, Edit, EditedAction, Reject, Respond, Usage


@pytest.mark.parametrize(
    ("given_decision", "expected"),
    [
        ({"type": "approve"}, Approve()),
        ({"type": "reject", "message": "no sources"}, Reject(message="no sources")),
        ({"type": "respond", "message": "mind the year"}, Respond(message="mind the year")),
        (
            {"type": "edit", "edited_action": {"name": "approve_plan", "args": {"plan": 1}}},
            Edit(edited_action=EditedAction(name="approve_plan", args={"plan": 1})),
        ),
    ],
)
def test_the_four_decisions(given_decision: dict, expected: object) -> None:
    """Each of LangChain's four shapes is read by its type, from JSON lists too."""
    answer = Answer.model_validate({"decisions": [given_decision], "by": "ann"})
    assert answer.decision == expected
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


@pytest.mark.parametrize(
    "decisions",
    [
        [],
        [{"type": "approve"}, {"type": "approve"}],
        [{"type": "perhaps"}],
        [{"message": "no type"}],
        [{"type": "reject"}],
        [{"type": "reject", "message": ""}],
        [{"type": "respond", "message": ""}],
        [{"type": "edit"}],
        [{"type": "edit", "edited_action": {"name": "approve_plan"}}],
        [{"type": "approve", "message": "no sources"}],
        "approve",
        "no",
    ],
)
def test_what_is_no_answer(decisions: object) -> None:
    """Exactly one decision, of a known type, whole, with nothing that its type does not know: never a guess."""
    with pytest.raises(ValidationError):
        Answer.model_validate({"decisions": decisions})


@given(st.text(max_size=60))
def test_words_alone_approve_nothing(words: str) -> None:
    """A text is no answer, whatever words it holds."""
    with pytest.raises(ValidationError):
        Answer.model_validate(words)
    with pytest.raises(ValidationError):
        Answer.model_validate({"decisions": [words]})


counts = st.integers(0, 10**6)
usages = st.builds(Usage, model_calls=counts, tool_calls=counts, input_tokens=counts, output_tokens=counts)


@given(usages, usages)
def test_usage_adds_up(one: Usage, other: Usage) -> None:
    """Sums are taken field by field, in either order, and nothing added changes nothing."""
    total = one + other
    assert total == other + one
    assert total.tokens == one.tokens + other.tokens
    assert total.tool_calls == one.tool_calls + other.tool_calls
    assert one + Usage() == one
