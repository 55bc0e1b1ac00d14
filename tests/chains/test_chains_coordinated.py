"""What a question asks in one breath becomes a question each, with the subject named that a later part points at."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.extractive.questions import split_question
from chains.extractive.researching import findings
from state.evidence import Locator, Passage, Source
from tools.evidence_text import parse_evidence, render_evidence


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What is the length and cost of X Bridge?", "What is the length of X Bridge? What is the cost of X Bridge?"),
        (
            "Tell me the length, the height and the total cost of X Bridge",
            "What is the length of X Bridge? What is the height of X Bridge? What is the total cost of X Bridge?",
        ),
        (
            "What is the length of X Bridge and its cost?",
            "What is the length of X Bridge? What is the cost of X Bridge?",
        ),
        (
            "What are the length and the cost of X Bridge?",
            "What is the length of X Bridge? What is the cost of X Bridge?",
        ),
        ("What are the GDP and total area of X?", "What is the GDP of X? What is the total area of X?"),
        ("What are X Mill’s length and costs?", "What is X Mill’s length? What are X Mill’s costs?"),
        ("How long and how wide is X Bridge?", "How long is X Bridge? How wide is X Bridge?"),
        ("Who designed and built X Bridge?", "Who designed X Bridge? Who built X Bridge?"),
        ("When was X Bridge designed and built?", "When was X Bridge designed? When was X Bridge built?"),
        ("When and where was X Bridge built?", "When was X Bridge built? Where was X Bridge built?"),
        ("When was X Bridge built and by whom?", "When was X Bridge built? By whom was X Bridge built?"),
        ("Who wrote Hamlet and when?", "Who wrote Hamlet? When was Hamlet written?"),
        ("When was X Bridge built and who designed it?", "When was X Bridge built? Who designed X Bridge?"),
        ("Who designed the bridge and what is its length?", "Who designed the bridge? What is the bridge’s length?"),
        ("When was Ada Finch born and where did she die?", "When was Ada Finch born? Where did Ada Finch die?"),
        ("What is the difference between a nut and a bolt?", "What is a nut? What is a bolt?"),
        ("How does a nut differ from a bolt?", "What is a nut? What is a bolt?"),
    ],
)
def test_what_is_asked_in_one_breath_is_asked_one_by_one(question: str, parts: str) -> None:
    """Each part has the subject and its own word for what is asked."""
    assert " ".join(split_question(question)) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What do bread and butter cost?",
        "Who founded Finch and Sons?",
        "What is the distance between Ober and Ostrau?",
        "What is the length of the bridges of Ober and Ostrau?",
        "Who married and killed John and Mary?",
        "What is the Food and Agriculture Organization of the United Nations?",
        "What is the Truth and Reconciliation Commission of South Africa?",
        "What is the Rock and Roll Hall of Fame?",
        "What is the research and development budget of X?",
        "Tell me the research and development costs of X?",
        "What is X’s research and development budget?",
        "When was the film Blessed and Armed?",
        "What is the difference between the prices of 1990 and 1995?",
    ],
)
def test_what_belongs_together_stays_together(question: str) -> None:
    """Names with `and`, two subjects, and a difference of figures are one question."""
    assert split_question(question) == [question]


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("Who directed Big Sky and where was he born?", "Where was he born?"),
        ("Which company built X Bridge and where is it based?", "Where is it based?"),
        ("Who built X Mill, where did Ada Finch die, and what did it cost?", "What did it cost?"),
    ],
)
def test_a_pronoun_that_may_mean_another_stays(question: str, last: str) -> None:
    """`he` of somebody who is asked for, and `it` after two subjects, are left as they are."""
    assert split_question(question)[-1] == last


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("When was the Finch bakery founded and who supplies its sugar?", "Who supplies the Finch bakery’s sugar?"),
        ("Who owns the Finch bakery and who supplies its sugar?", "Who supplies the Finch bakery’s sugar?"),
        ("What is the Finch bakery and who supplies its sugar?", "Who supplies the Finch bakery’s sugar?"),
        ("What is the length of the Harrow bridge and who designed it?", "Who designed the Harrow bridge?"),
        ("When did the Titanic sink and who was its captain?", "Who was the Titanic’s captain?"),
        ("When was the Titanic first launched and who was its captain?", "Who was the Titanic’s captain?"),
        ("What is the Titanic famous for and who was its captain?", "Who was the Titanic’s captain?"),
        ("When was the Louvre built and who designed it?", "Who designed the Louvre?"),
    ],
)
def test_a_name_keeps_the_noun_that_it_stands_before(question: str, last: str) -> None:
    """`it` stands for the Finch bakery, not for the Finch; a verb after a name is no part of it."""
    assert split_question(question)[-1] == last


def test_spaces_and_line_breaks_count_as_one_space() -> None:
    """A pasted question is split like a typed one, and thousands of spaces cost no more than one."""
    assert split_question("What is the length\nand cost\n of X Bridge?") == split_question(
        "What is the length and cost of X Bridge?"
    )
    assert split_question("Who is" + " " * 4000 + "Ada Finch" + " " * 4000) == ["Who is Ada Finch?"]


@settings(max_examples=30)
@given(st.text(alphabet=st.sampled_from("abwhoniti XYs,?' and"), max_size=60))
def test_parts_are_questions_whatever_was_typed(question: str) -> None:
    """There are one to six parts, all different."""
    parts = split_question(question)
    assert 1 <= len(parts) <= 6
    assert len(set(parts)) == len(parts)
    assert all(part.endswith("?") for part in parts)


def test_half_an_answer_is_not_taken_for_a_whole_one() -> None:
    """Of length and cost the sources say the length: the cost has no finding."""
    source = Source(id="s", uri="a.md", title="Harrow Bridge", kind="markdown", sha256="0" * 64, size=1)
    text = "The Harrow Bridge is a road bridge in Tamworth. It is 312 metres long and was opened on 4 May 1931."
    evidence = parse_evidence(render_evidence([Passage.make("s", Locator(), text)], [source]))
    parts = split_question("What is the length and cost of the Harrow Bridge?")
    assert {each.topic for each in findings(parts, evidence, {}).findings} == {
        "What is the length of the Harrow Bridge?"
    }
