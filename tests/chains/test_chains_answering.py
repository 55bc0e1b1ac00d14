"""What is asked of a subject must be said of it: the model without a key does not answer with neighbouring facts."""

import pytest
from langchain_core.messages import HumanMessage

from chains.extractive.attributed import attributed
from chains.extractive.model import ExtractiveChatModel
from chains.extractive.questions import query_for, split_question
from chains.extractive.quoting import pick_quotes
from chains.extractive.researching import findings
from state.evidence import Locator, Passage, Source
from tools.evidence_text import ShownPassage, parse_evidence, render_evidence

BRIDGE = (
    "The Harrow Bridge is a road bridge in Tamworth. It is 312 metres long and was opened on 4 May 1931 by the mayor. "
    "The bridge carries two lanes of traffic and a footpath."
)
HALL = "The Tamworth Hall was designed by Ada Finch in 1902 and cost 40,000 pounds. It is 21 metres high."
MILL = (
    "Obel Mill was built by Finch and Sons in 1874 because the town needed flour. The owner is Mary Stone. "
    "The mill stands near Ober and has a price of 2 million pounds. Its tower rises 18 metres."
)


def shown(**texts: str) -> list[ShownPassage]:
    """A passage of a source each, titled by its name, as a search shows them."""
    sources = [
        Source(id=name, uri=f"{name}.md", title=name.replace("_", " "), kind="markdown", sha256="0" * 64, size=1)
        for name in texts
    ]
    return parse_evidence(render_evidence([Passage.make(key, Locator(), text) for key, text in texts.items()], sources))


EVIDENCE = shown(Harrow_Bridge=BRIDGE, Tamworth_Hall=HALL, Obel_Mill=MILL)


@pytest.mark.parametrize(
    "question",
    [
        "Who designed the Harrow Bridge?",
        "who designed the harrow bridge",
        "Who was the architect of the Harrow Bridge?",
        "What did the Harrow Bridge cost?",
        "How much did the Harrow Bridge cost?",
        "How high is the Harrow Bridge?",
        "How wide is the Harrow Bridge?",
        "How many pillars does the Harrow Bridge have?",
        "When was the Harrow Bridge closed?",
        "Why was the Harrow Bridge built?",
        "Is the Harrow Bridge made of steel?",
        "What colour is the Harrow Bridge?",
        "Who designed Obel Mill?",
        "Who owns the Tamworth Hall?",
        "Please tell me who designed the Harrow Bridge",
    ],
)
def test_neighbouring_facts_are_no_answer(question: str) -> None:
    """The sources speak of the subject, or say of another thing what is asked: nothing is quoted."""
    assert pick_quotes(question, EVIDENCE) == []


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How long is the Harrow Bridge?", "312 metres"),
        ("What is the length of the Harrow Bridge?", "312 metres"),
        ("When was the Harrow Bridge opened?", "4 May 1931"),
        ("When was the opening of the Harrow Bridge?", "4 May 1931"),
        ("Who opened the Harrow Bridge?", "by the mayor"),
        ("How many lanes does the Harrow Bridge carry?", "two lanes"),
        ("Who was the architect of the Tamworth Hall?", "Ada Finch"),
        ("What was the price of the Tamworth Hall?", "40,000 pounds"),
        ("How tall is the Tamworth Hall?", "21 metres high"),
        ("Who constructed Obel Mill?", "Finch and Sons"),
        ("Why was Obel Mill built?", "because the town needed flour"),
        ("Who owns Obel Mill?", "Mary Stone"),
        ("Where is Obel Mill?", "near Ober"),
        ("What is Obel Mill worth?", "2 million pounds"),
    ],
)
def test_what_is_asked_may_be_said_in_other_words(question: str, said: str) -> None:
    """A derivation or a common synonym of what is asked, with an answer of its type, answers; and leads."""
    quotes = pick_quotes(question, EVIDENCE)
    assert quotes
    assert said in quotes[0].text


def test_another_thing_of_the_same_passage_is_no_answer() -> None:
    """A sentence on a second building of the page says nothing of the first."""
    page = shown(Harrow_Bridge=f"{BRIDGE} The Tamworth Hall was designed by Ada Finch.")
    assert pick_quotes("Who designed the Harrow Bridge?", page) == []


def test_an_answer_may_stand_in_a_source_that_the_subjects_names() -> None:
    """A question by way of another thing is answered from that thing's source."""
    pages = shown(
        Harrow_Bridge="The Harrow Bridge was built by Finch and Sons.",
        Finch_and_Sons="Finch and Sons of Ober was founded in 1851 by Ada Finch.",
    )
    assert pick_quotes("Who founded the builder of the Harrow Bridge?", pages)


PUMPS = shown(
    Kalvan_Pump=(
        "The Kalvan Pump works for GIN wells and for inventing better MRX pumps. NASA tested it in 1962. The average "
        "number of wheels of a Kalvan Pump is 3. When the road was open again and the snow in the valley had melted, "
        "40 guests came to see it. It is greased when it is dry. Its data are on disk by default."
    )
)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who invented the Kalvan Pump?", ""),
        ("Who tested the Kalvan Pump?", "NASA"),
        ("What is the maximum number of wheels of a Kalvan Pump?", ""),
        ("What is the average number of wheels of a Kalvan Pump?", "is 3"),
        ("What is the mean number of wheels of a Kalvan Pump?", "is 3"),
        ("What is the median number of wheels of a Kalvan Pump?", ""),
        ("How many guests saw the Kalvan Pump?", "40 guests"),
        ("How many roads lead to the Kalvan Pump?", ""),
        ("When was the Kalvan Pump tested?", "1962"),
        ("When was the Kalvan Pump greased?", ""),
        ("When is the Kalvan Pump greased?", "when it is dry"),
        ("Does the Kalvan Pump encrypt data on disk by default?", ""),
    ],
)
def test_an_answer_has_what_the_question_turns_on(question: str, said: str) -> None:
    """A person is no abbreviation but one that acts, a number stands beside what is counted, a maximum is no average,
    an occasion is no date, and what is asked whether it does must be said.
    """
    quotes = " ".join(quote.text for quote in pick_quotes(question, PUMPS))
    assert said in quotes
    assert bool(quotes) == bool(said)


def test_the_parts_of_a_question_are_answered_each_for_itself() -> None:
    """`it` is the subject of the first part; the part that no source answers has no finding."""
    question = "Who designed the Harrow Bridge, when was it opened, and what did it cost?"
    parts = split_question(question)
    queries = {part: query_for(part, question) for part in parts}
    assert query_for("What did it cost?", question) == "What did it cost? Harrow Bridge"
    found = findings(parts, EVIDENCE, queries).findings
    assert {finding.topic for finding in found} == {"When was the Harrow Bridge opened?"}


async def test_without_a_form_it_does_not_answer_with_what_stands_beside() -> None:
    """The plain prompt of a chat has the same rule."""
    sources = [Source(id="s1", uri="a.md", title="Harrow Bridge", kind="markdown", sha256="0" * 64, size=1)]
    evidence = render_evidence([Passage.make("s1", Locator(), BRIDGE)], sources)
    answer = await ExtractiveChatModel().ainvoke(
        [HumanMessage(evidence), HumanMessage("Who designed the Harrow Bridge?")]
    )
    assert answer.text == "The evidence shown does not answer this."


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("Considering an article by The Verge and a Bloomberg report, who leads?", [("bloomberg",), ("verg",)]),
        ("Who leads the company, according to the Financial Times?", [("financi", "time")]),
        ("Who built the Harrow Bridge in Tamworth?", []),
    ],
)
def test_publications_that_a_question_names(question: str, named: list[tuple[str, ...]]) -> None:
    """They are told from the names that the question is about."""
    assert sorted(attributed(question)) == named


def test_a_question_about_a_report_is_not_answered_by_other_sources() -> None:
    """Passages that share the words of the question, of another publication, establish nothing."""
    words = "which group launched initiatives and adopted techniques to support local papers while revenues decline?"
    page = shown(
        One="The club has launched a new support line for local people, a group of friends said of the initiatives.",
        Two="Techniques to support a choir were the subject of news online. The association met on Monday.",
    )
    assert pick_quotes(f"In the county, {words}", page)
    assert (
        pick_quotes(f"In an article of the Digital Press Bureau website as reported by Delta Weekly, {words}", page)
        == []
    )
