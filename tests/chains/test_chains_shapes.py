"""How the model without a key reads manuals: entries of lists, definitions, instructions, tables, code."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.extractive.asked import is_told, named, told
from chains.extractive.entries import told_sentences
from chains.extractive.quoting import pick_quotes
from chains.extractive.shapes import fit, is_apparatus, is_choice
from chains.extractive.wording import is_code, leans, refers
from chains.extractive.writing import report
from tools.evidence_text import ShownPassage

OPTIONS = (
    "cache_size (integer): Sets how much memory a query may use. If it has no unit, it is taken as kilobytes. "
    "The default value is four megabytes.\n"
    "cache_factor (number): Multiplies the memory of hash tables. The default value is 2, twice the usual cache_size."
)


def page(text: str, title: str = "Options", name: str = "p") -> ShownPassage:
    """A passage of a source of its own."""
    return ShownPassage(name, f"{title}.md", title, "", "", text)


def test_a_sentence_of_an_entry_is_quoted_with_its_term() -> None:
    """The default of one option is not taken for another's, and the option that is named leads."""
    told_of = [each.whole for each in told_sentences(OPTIONS)]
    assert "cache_size: The default value is four megabytes." in told_of
    assert "cache_factor: The default value is 2, twice the usual cache_size." in told_of
    first = pick_quotes("What is the default value of cache_size?", [page(OPTIONS)])[0]
    assert first.text == "cache_size: The default value is four megabytes."


@pytest.mark.parametrize(
    "text",
    [
        "Note: Mind the gap. It is wide.",
        "The minister unveils a new plan: Nobody liked it. It was dropped.",
        "cache_size: Sets the memory. The default of cache_size is four.",
        "cache_size: Sets the memory.\nAnother paragraph says more.",
        f"Bridges: They span rivers. {'Many a word is said of them in the news. ' * 40}",
    ],
)
def test_other_colons_open_no_entry(text: str) -> None:
    """A box, a headline, a sentence with the term, the next paragraph and a whole article get no term before them."""
    assert not any(each.entry for each in told_sentences(text))


def test_a_row_goes_on_under_its_first_cell() -> None:
    """What is said after the first sentence of a cell is about what the row is about."""
    row = "Name: xmin; Description: Lowest number still active. All below are done."
    assert told_sentences(row)[-1].whole == "xmin: All below are done."


@settings(max_examples=30)
@given(st.text(st.characters(categories=("L", "P", "Zs", "N"), include_characters="\n. :;"), max_size=120))
def test_every_sentence_is_told_once(text: str) -> None:
    """No text breaks it, and no word is lost."""
    assert "".join("".join(each.text for each in told_sentences(text)).split()) == "".join(text.split())


def test_a_row_is_told_with_its_headers() -> None:
    """A row becomes a sentence; one with values that are sentences stays as it is."""
    row = "Level: Serializable; Dirty read: Not possible; Phantom read: Not possible"
    sentence = "For Level Serializable: Dirty read is Not possible and Phantom read is Not possible."
    assert told(row) == sentence
    assert is_told(sentence)
    long = f"Level: Low; Meaning: {'word ' * 9}"
    assert told(long) == long
    assert told("No row.") == "No row."


def test_each_thing_of_a_table_is_told_in_the_summary() -> None:
    """Of a table that tells of each thing that is asked for the list leads, and each of its rows follows."""
    texts = ["For Level Low: Cost is 4.", "Level: Low, High.", "For Level High: Cost is 9."]
    claims = [
        {"id": str(place), "text": text, "topic": "Q?", "passages": ["p"], "relevance": 0.9, "computed": False}
        for place, text in enumerate(texts)
    ]
    written = report({"question": "Q?", "claims": claims}, [{"topic": "Q?", "claims": ["0", "1", "2"]}], [])
    assert [each.text for each in written.sections[0].sentences] == [texts[1], texts[0], texts[2]]


@pytest.mark.parametrize(("rows", "shown"), [(4, 6), (7, 9), (12, 5)])
def test_a_table_is_not_cut_in_the_summary(rows: int, shown: int) -> None:
    """The sentence before it, its list and all its rows stand there, unless that would be a long table."""
    texts = [
        "Each level has a cost.",
        "Level: Low, High.",
        *(f"For Level L{row}: Cost is {row}." for row in range(rows)),
    ]
    claims = [
        {"id": str(place), "text": text, "topic": "Q?", "passages": ["p" if place else "o"], "relevance": 0.9}
        | {"computed": False}
        for place, text in enumerate(texts)
    ]
    outline = [{"topic": "Q?", "claims": [claim["id"] for claim in claims]}]
    written = report({"question": "Q?", "claims": claims}, outline, [])
    assert len(written.sections[0].sentences) == shown


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("What is a pier?", "A pier is a support of a bridge.", "The pier of the bridge was repaired."),
        ("What is a pier?", "pier: A support of a bridge.", "Each pier stands on rock."),
        ("What is a pier?", "pier: A support of a bridge.", "pier_name: The name of a pier that is built."),
        ("What is a pier?", "A pier is a support of a bridge.", "A pier bears the deck of a bridge."),
        ("What does a pier do?", "Piers carry the deck of a bridge.", "A bridge has piers and cables."),
        ("How do I tune a pump?", "To adjust the pump, open the valve.", "The pump was tuned in May."),
        ("How can I tune a pump?", "The pump can be tuned by turning the valve.", "Pumps that are tuned last."),
        ("Which parts can be hired?", "Hired are pumps, valves, and pipes.", "Parts can be hired on Monday."),
        ("What is the range of max_flow?", "max_flow (number): Limits the flow.", "The range of max_flow was set."),
    ],
)
def test_a_sentence_that_is_built_as_an_answer_counts_more(question: str, better: str, worse: str) -> None:
    """Definitions, instructions, lists and the entry of what is named stand out for the questions that they suit."""
    assert fit(question, better) > fit(question, worse)
    assert fit("When was it built?", better) == 0


def test_parts_that_lead_to_others_are_known_by_their_headings() -> None:
    """An index and a list of references are told from a chapter on indexes."""
    assert is_apparatus("Index › D")
    assert is_apparatus("Bridges › See also")
    assert not is_apparatus("Chapter 11. Indexes › Types")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$ run --all", True),
        ("SELECT name FROM bridges WHERE built < 1900;", True),
        ("int find(char *name);", True),
        ("It can be called as follows", True),
        ("ONE, TWO, THREE, FOUR, FIVE, SIX value: These do the same.", True),
        ("NASA built the tower (in 1962).", False),
        ("Use the command SELECT to read a table.", False),
    ],
)
def test_code_is_told_from_prose(line: str, code: bool) -> None:
    """Lines of programs, and sentences that were cut before them, are not quoted."""
    assert is_code(line) == code


def test_what_needs_its_neighbours_is_known() -> None:
    """A sentence about `this option` leans on what is before it, one that points to another section refers."""
    assert leans("Setting this option to false may be useful.")
    assert leans("If this value has no unit, it is taken as kilobytes.")
    assert not leans("PROCESS: Setting this option to false may be useful.")
    assert not leans("In 1902 this bridge was closed.")
    assert refers("More is told in Section 13.2 of the manual.")
    assert not refers("The section of the bridge is 13 m long.")


def test_list_marks_are_not_quoted() -> None:
    """A bullet that the reader of a document left before a sentence is no part of what it says."""
    quotes = pick_quotes("How long is the Kalvan Bridge?", [page("* The Kalvan Bridge is 412 metres long.", "Bridge")])
    assert [quote.text for quote in quotes] == ["The Kalvan Bridge is 412 metres long."]


def test_names_of_programs_are_names() -> None:
    """What is written with an underscore is what a question is about, as what has a capital letter."""
    assert named("What is the default value of cache_size?") == {"cach", "size"}


def test_where_all_sentences_lean_they_are_quoted_with_less_confidence() -> None:
    """Confidence stays between 0 and 1 whatever is quoted."""
    things = "mill tower wheel dam bridge weir".split()
    text = " ".join(f"However, the {thing} is drawn in Section {number}." for number, thing in enumerate(things))
    quotes = pick_quotes(f"Does it have a {' or a '.join(things)}?", [page(text, "Kalvan")])
    assert quotes
    assert all(0 <= quote.confidence <= 1 for quote in quotes)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (
            "Which ferry classes does Osa offer?",
            "With Osa, you can book or select any of the three usual ferry classes.",
        ),
        ("Which ferry classes does Osa offer?", "The rules of Osa define four classes of ferry."),
        ("What ferry classes are there?", "Osa comes with several ferry classes."),
        ("Which ferry classes are supported?", "Osa supports a number of ferry classes."),
    ],
)
def test_what_there_is_to_choose_from_comes_before_one_of_it(question: str, sentence: str) -> None:
    """Where people ask what there is of a kind, the sentence on several of it leads, not one on a member."""
    member = "The slow ferry class is implemented like other classes that some offer."
    assert is_choice(question, sentence)
    assert not is_choice(question, member)
    picked = pick_quotes(question, [page(f"{member} Seats are wide.", "Osa: slow"), page(sentence, "Osa", "q")])
    assert picked[0].text == sentence


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Which towns did Ada Finch visit?", "Ada Finch visited several towns and has many friends."),
        ("Which ferry classes does Osa offer?", "Osa offers three meals in all ferry classes."),
        ("How many ferry classes does Osa offer?", "Osa offers three ferry classes."),
    ],
)
def test_several_of_something_else_is_no_choice(question: str, sentence: str) -> None:
    """Other questions, and a number of other things, are not raised."""
    assert not is_choice(question, sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "For a full treatment of the Osa ferry, please see [finch95].",
        "For more information about the Osa ferry see the next page.",
        "The classes of the Osa ferry are detailed in the following subsections.",
        "All of the Osa ferry is described in Table 13.1.",
    ],
)
def test_what_only_sends_the_reader_elsewhere_is_not_quoted(sentence: str) -> None:
    """A reference answers nothing, wherever in the sentence it stands."""
    fact = "The Osa ferry carries cars in the first of three classes, as listed in Table 4."
    assert [each.text for each in pick_quotes("Osa ferry classes", [page(f"{sentence} {fact}")])] == [fact]


def test_where_the_kind_is_told_whole_a_member_is_not_quoted() -> None:
    """Beside the sentence on all of a kind, a passage on one of them, which also says `offer`, is left out."""
    whole = page("Osa offers three ferry classes, but seats are sold in two.", "Osa")
    member = page("Some may offer the slow ferry class of Osa as a ferry class of its own.", "Osa: slow", "q")
    quotes = pick_quotes("Which ferry classes does Osa offer?", [member, whole])
    assert {each.passage_id for each in quotes} == {"p"}


def test_beside_an_answer_what_has_no_word_of_the_question_is_not_quoted() -> None:
    """That a sentence stands under a heading of the subject does not make it an answer where there is one."""
    text = "Osa is a ferry. Tickets are printed on paper. Osa offers three classes to all."
    quotes = pick_quotes("Which classes does Osa offer?", [page(text, "Osa")])
    assert not any("Tickets" in each.text for each in quotes)
    assert any("three classes" in each.text for each in quotes)
