"""Which passages the model without a key takes for evidence, how it quotes them, and what its report leads with."""

import pytest

from chains.extractive.asked import enumerations
from chains.extractive.questions import query_for, split_question
from chains.extractive.quoting import pick_quotes
from chains.extractive.relevance import choose
from chains.extractive.requests import heard
from chains.extractive.wishes import asked_for, for_the_writer
from chains.extractive.wording import is_heading
from chains.extractive.writing import report
from tools.evidence_text import ShownPassage

FILM = ShownPassage(
    "p1", "film.md", "The Grey Heron", "", "", "The Grey Heron is a 1962 film directed by Ann Tarn. It won a prize."
)
DIRECTOR = ShownPassage(
    "p2", "tarn.md", "Ann Tarn", "", "", "Ann Tarn was a director. She was born in the town of Lowmere in 1921."
)
BIRD = ShownPassage("p3", "bird.md", "Heron", "", "", "Herons are long-legged birds. They are born in spring.")
TOWN = ShownPassage("p4", "town.md", "Ostrau", "", "", "Ostrau is a town with a mill. The mill was built in 1890.")
FOUND = [FILM, BIRD, DIRECTOR, TOWN]
QUESTION = "Where was the director of the film The Grey Heron born?"


def test_evidence_is_what_answers_and_what_that_leads_to() -> None:
    """The passage that the question names, and the one it names in turn; neither a namesake nor a stranger."""
    assert [chosen.passage.id for chosen in choose(QUESTION, FOUND)][:2] == ["p1", "p2"]
    assert "p4" not in [chosen.passage.id for chosen in choose(QUESTION, FOUND)]


def test_a_question_about_something_else_has_no_evidence() -> None:
    """Passages that share a word each with a question establish nothing, however many there are."""
    asked = "Considering the report by Northern Gazette on Velmor Shipping, which town gave the film director a prize?"
    assert choose(asked, FOUND) == []
    assert choose("What is the airspeed of a swallow?", []) == []


def test_each_passage_is_quoted_in_its_words_and_nothing_twice() -> None:
    """Quotes are stretches of their passages; a passage shown twice under two ids is quoted once."""
    twin = ShownPassage("p9", "copy.md", FILM.title, "", "", FILM.text)
    quotes = pick_quotes(QUESTION, [FILM, twin, DIRECTOR])
    texts = {passage.id: passage.text for passage in (FILM, twin, DIRECTOR)}
    assert all(quote.text in texts[quote.passage_id] for quote in quotes)
    assert len({quote.text for quote in quotes}) == len(quotes)
    assert any("Lowmere" in quote.text for quote in quotes)


def test_half_a_question_is_no_question() -> None:
    """A part that goes on about the same, a title in quotes and an alternative stay with their question."""
    for whole in (
        "Which company bought the mill and is also accused of closing it?",
        "Did the report praise the bridge, or does it blame its builders?",
        'Who wrote the song "Stay and what are you waiting for" in 1971?',
    ):
        assert split_question(whole) == [whole]


def test_a_question_that_stands_alone_is_searched_alone() -> None:
    """Only a question that points back takes words of the whole along."""
    whole = "How high is the alpha bridge, and which isolation levels does PostgreSQL offer?"
    assert query_for("How high is the alpha bridge?", whole) == "How high is the alpha bridge?"


def claim(key: str, passage: str, relevance: float, place: int) -> dict[str, object]:
    """A claim as the writer is told it."""
    text = f"Sentence {key} is about {key * 4}."
    return {
        "id": key, "text": text, "topic": "Q?", "passages": [passage], "confidence": 0.6, "relevance": relevance,
        "computed": False, "place": place,
    }  # fmt: skip


def test_a_report_leads_with_the_best_of_each_passage_and_repeats_nothing() -> None:
    """The summary has one sentence of each strong passage; the rest follows by passage, in the passage's order."""
    claims = [
        claim("a", "p1", 0.9, 40), claim("b", "p2", 0.8, 0), claim("c", "p1", 0.5, 90), claim("d", "p1", 0.6, 0),
        claim("e", "p3", 0.3, 0),
    ]  # fmt: skip
    outline = [{"topic": "Q?", "claims": ["a", "b", "d", "c", "e"]}]
    written = report({"question": "Q?", "claims": claims}, outline, [])
    told = {section.heading: [sentence.text[9] for sentence in section.sentences] for section in written.sections}
    assert told == {"Executive summary": ["a", "b"], "Key findings": ["d", "c", "e"]}


def test_requests_are_acted_on_as_far_as_leaving_out_goes() -> None:
    """`Only X` and `without X` choose among the claims, `shorter` is a summary; the rest is given back unheard."""
    claims = [{"text": "The alpha bridge is 134 m high."}, {"text": "The beta bridge was opened in 1973."}]
    assert heard(["Only the alpha bridge, please."], claims).claims == claims[:1]
    assert heard(["Leave out the alpha"], claims).claims == claims[1:]
    assert heard(["Shorter, please."], claims).shorter
    assert heard(["Add the price of tickets.", "Only tunnels."], claims).unheard == (
        "Add the price of tickets.",
        "Only tunnels.",
    )


def test_what_is_to_be_said_first_is_put_first() -> None:
    """A request for the first sentence is one for claims that say it; what no claim says is given back."""
    claims = [
        {"id": "c1", "text": "Visitors can walk over it.", "relevance": 0.9},
        {"id": "c2", "text": "The bridge is 412 metres long.", "relevance": 0.7},
    ]
    told = heard(["Say how long the bridge is in the first sentence and drop the visitors"], claims)
    assert (told.first, told.claims, told.unheard) == (("c2",), claims[1:], ())
    asked = "Begin with the price of a ticket."
    assert heard([asked], claims).unheard == (asked,)


def test_the_report_begins_with_what_was_asked_to_be_first() -> None:
    """What people want first leads the summary, however weighty the rest."""
    claims = [claim("a", "p1", 0.9, 0), claim("b", "p2", 0.3, 0)]
    brief = {"question": "Q?", "claims": claims, "requests": ["Start with bbbb."]}
    written = report(brief, [{"topic": "Q?", "claims": ["a", "b"]}], [])
    assert written.sections[0].sentences[0].text.startswith("Sentence b")


def test_nothing_is_said_twice_across_sections() -> None:
    """A claim that adds nothing to one before it is left out, and its passage cited with that; other figures stay."""
    texts = {
        "a": "The annual mean of CO2 rose from 316 ppm in 1959 to 425 ppm in 2024.",
        "b": "From 316 ppm in 1959 the annual mean of CO2 rose to 425 ppm in 2024.",
        "c": "The annual mean of CO2 rose from 316 ppm in 1959 to 417 ppm in 2022.",
    }
    claims = [{**claim(key, f"p{key}", 0.9, 0), "text": text} for key, text in texts.items()]
    trend = {**claim("t", "pt", 0.9, 0), "text": "Annual mean CO2 rises by 1.66 ppm per year.", "computed": True}
    written = report(
        {"question": "Q?", "claims": [*claims, trend]}, [{"topic": "Q?", "claims": ["a", "b", "c", "t"]}], []
    )
    told = {section.heading: [sentence.text for sentence in section.sentences] for section in written.sections}
    assert told["Executive summary"] == [texts["a"], texts["c"]]
    assert written.sections[0].sentences[0].passages == ["pa", "pb"]
    assert told["Analysis"] == ["Annual mean CO2 rises by 1.66 ppm per year."]


def test_a_summary_leads_with_what_can_be_read_alone() -> None:
    """`This is stronger` has lost what it points at; another sentence of the passage leads."""
    claims = [
        {**claim("a", "p1", 0.9, 40), "text": "This is a stronger guarantee than the standard asks for."},
        {**claim("b", "p1", 0.7, 0), "text": "Repeatable read sees one snapshot."},
    ]
    written = report({"question": "Q?", "claims": claims}, [{"topic": "Q?", "claims": ["a", "b"]}], [])
    assert [sentence.text for sentence in written.sections[0].sentences] == ["Repeatable read sees one snapshot."]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A survey of bridges in the Kalvan valley", True),
        ("3.2 Length of the bridge ........ 14", True),
        ("3.2 Length of the bridge 14", True),
        ("Traffic and costs", True),
        ("8. Traffic: a survey of the bridge: 8.1.", True),
        ("7.2. Traffic on the bridge: It is counted", True),
        ("<< The bridge is open | Up | 1.", True),
        ("The length of the bridge rose: 4.2.", False),
        ("10.5 million cars crossed the bridge", False),
        ("The bridge carries four lanes of road traffic", False),
        ("The bridge is long", False),
        ("The bridge, 412 metres.", False),
        ("phantom read: a transaction finds other rows", False),
        ("Level: Serializable; Dirty read: Not possible", False),
    ],
)
def test_titles_and_lines_of_contents_are_told_from_sentences(line: str, expected: bool) -> None:
    """A heading says of what a text is and states nothing: it is not quoted."""
    assert is_heading(line) == expected
    passage = ShownPassage("p", "u", "Bridge", "", "", f"{line}\nThe bridge of Kalvan is 412 metres long.")
    quoted = [quote.text for quote in pick_quotes("How long is the bridge of Kalvan?", [passage])]
    assert "The bridge of Kalvan is 412 metres long." in quoted
    assert not (expected and line in quoted)


def test_an_aside_stays_between_what_it_parts() -> None:
    """What `This` points at stands before the brackets: the three are quoted together."""
    text = "Repeatable read sees one snapshot. (It sees its own changes too.) This prevents phantom reads."
    passage = ShownPassage("p", "u", "Isolation", "", "", text)
    (quote,) = pick_quotes("Which isolation level prevents phantom reads?", [passage])
    assert quote.text == text


def test_a_table_lists_what_a_question_asks_for() -> None:
    """`Which levels` is answered by the names in the column of that name; other tables and questions get no list."""
    rows = "Level: Read committed; Phantom read: Possible\nLevel: Serializable; Phantom read: Not possible"
    assert enumerations("Which levels are there?", rows) == ["Level: Read committed, Serializable."]
    assert enumerations("Which bridges are there?", rows) == enumerations("How high is the level?", rows) == []


def test_a_shorter_report_is_its_summary() -> None:
    """What a person finds too long loses the findings that the summary does not need."""
    claims = [claim("a", "p1", 0.9, 0), claim("b", "p1", 0.5, 30)]
    brief = {"question": "Q?", "claims": claims, "requests": ["It is too long."]}
    written = report(brief, [{"topic": "Q?", "claims": ["a", "b"]}], [])
    assert [section.heading for section in written.sections] == ["Executive summary"]


def test_what_answers_the_question_leads_also_where_it_is_disputed() -> None:
    """Of a passage that sentence leads which answers best, not the one that weighs most for being undisputed."""
    claims = [claim("a", "p1", 0.66, 40), claim("b", "p1", 0.94, 0), claim("c", "p2", 0.87, 0)]
    written = report({"question": "Q?", "claims": claims}, [{"topic": "Q?", "claims": ["a", "b", "c"]}], [])
    assert [sentence.text[9] for sentence in written.sections[0].sentences] == ["b", "c"]


@pytest.mark.parametrize(
    ("said", "asked", "written"),
    [
        (
            "Say how long the bridge is in the first sentence.",
            [],
            ["Say how long the bridge is in the first sentence."],
        ),
        ("Shorter, please. Without the toll.", [], ["Shorter, please.", "Without the toll."]),
        ("Put it in a table.", [], ["Put it in a table."]),
        ("Look more at the costs and drop the visitors", ["What about the costs?"], ["drop the visitors"]),
        ("Also say when the bridge was opened.", ["When was the bridge opened?"], []),
        ("Say whether the Harrow Bridge is safe", ["Is the Harrow Bridge safe?"], []),
        ("Say who designed the bridge.", ["Who designed the bridge?"], []),
        ("Also say what the bridge cost.", ["What about what the bridge cost?"], []),
    ],
)
def test_wishes_about_the_writing_are_no_questions(said: str, asked: list[str], written: list[str]) -> None:
    """What is about the form of the report is kept for its writer; a question that is told is asked as one."""
    assert (asked_for(said), for_the_writer(said)) == (asked, written)
