"""The citation check: verdicts on small cases, and how it does on sentences of Wikipedia with their cited pages."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.evidence import Locator, Passage
from tools.facts import MIN_COVER, Check, check_statement, split_sentences

DATA = Path(__file__).parents[3] / "shared" / "data" / "citation"
LEVELS = (
    "The SQL standard defines four levels of transaction isolation. The most strict is Serializable. "
    "In PostgreSQL, Read Committed is the default isolation level. "
    "PostgreSQL's Repeatable Read implementation does not allow phantom reads."
)
CO2 = (
    "The annual mean CO2 concentration at Mauna Loa was 418.53 ppm in 2022, up from 416.41 ppm. "
    "About 5,412,345 people live on 28,311 square kilometres. "
    "Keeling said: “The rise is plain to see,” on 22 August 1997. "
    "The growth rate increased from 1.5 ppm to 2.4 ppm per year."
)


def check(statement: str, *texts: str, heading: tuple[str, ...] = ()) -> Check:
    """The check of a statement against passages with these texts."""
    return check_statement(statement, [Passage.make("s1", Locator(heading=heading), text) for text in texts])


@pytest.mark.parametrize(
    "statement",
    [
        "Read Committed is the default isolation level in PostgreSQL.",
        "The SQL standard defines 4 levels of transaction isolation.",
        "Repeatable Read in PostgreSQL does not allow phantom reads.",
    ],
)
def test_what_a_passage_says_is_supported(statement: str) -> None:
    """Other order, other form of words, digits for words: the statement stands."""
    found = check(statement, LEVELS)
    assert found.verdict == "supported"
    assert found.cover >= 0.6


@pytest.mark.parametrize(
    "statement",
    [
        "The annual mean CO2 concentration at Mauna Loa was 418.5 ppm in 2022.",
        "In 2022 the mean CO2 concentration at Mauna Loa was about 419 ppm.",
        "About 5.4 million people live on 28,311 square kilometres.",
        "About 5412345 people live there on 28311 square kilometres.",
        "Keeling said on August 22, 1997 that “the rise is plain to see”.",
        "“The rise … to see,” Keeling said on 22 August.",
        "The growth rate increased from 1.5 to 2.4 ppm per year.",
    ],
)
def test_numbers_dates_and_quotations_may_be_written_otherwise(statement: str) -> None:
    """Correct rounding, other separators, other forms of a date, a shortened quotation."""
    assert check(statement, CO2).verdict == "supported"


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("The annual mean CO2 concentration at Mauna Loa was 418.6 ppm in 2022.", ("418.6",)),
        ("The annual mean CO2 concentration at Mauna Loa was 418.533 ppm in 2022.", ("418.533",)),
        ("The annual mean CO2 concentration at Mauna Loa was 418.53 ppm in 2021.", ("2021",)),
        ("About 5.5 million people live on 28,311 square kilometres.", ("5.5 million",)),
        ("About 5,412,346 people live on 28,311 square kilometres.", ("5,412,346",)),
        ("Keeling said that the rise is plain to see on 23 August 1997.", ("23 August 1997",)),
        ("Keeling said that the rise is plain to see on 22 August 1998.", ("22 August 1998",)),
        ("The growth rate increased from 1.5 ppm to 2 ppm per year.", ("2",)),
    ],
)
def test_a_wrong_number_or_date_is_unsupported_and_named(statement: str, missing: tuple[str, ...]) -> None:
    """However much else agrees, the number that no passage states is the reason."""
    found = check(statement, CO2)
    assert found.verdict == "unsupported"
    assert found.missing_numbers == missing
    assert missing[0] in found.reason


def test_digits_in_groups_are_one_number_or_several() -> None:
    """`5 412 345` is read as a spreadsheet's row and as one number: whichever reading the statement has, stands."""
    assert check("About 5 412 345 people live on it.", CO2).missing_numbers == ()
    assert check("About 5412345 people live on it.", "About 5 412 345 people live on it.").missing_numbers == ()
    assert check("The figures are 5, 412 and 345.", "The figures are 5 412 345.").missing_numbers == ()
    assert check("About 5 412 346 people live on it.", CO2).missing_numbers == ("5", "412", "346")


def test_a_second_year_of_a_range_is_the_year_it_means() -> None:
    """`2018–19` is 2018 and 2019."""
    assert (
        check(
            "The name changed in the academic year 2018–19.", "The name changed in the academic year 2018-2019."
        ).verdict
        == "supported"
    )


def test_an_invented_quotation_is_unsupported() -> None:
    """Words in quotation marks must stand there; a short term in quotation marks that does not, weakens only."""
    found = check("Keeling said: “The rise is beyond any doubt now.”", CO2)
    assert found.verdict == "unsupported"
    assert found.missing_quotes == ("The rise is beyond any doubt now.",)
    assert check('The most strict level is "Serialised".', LEVELS).verdict == "partly"


def test_a_passage_about_something_else_is_unsupported() -> None:
    """Too few words in common: the source is the wrong one."""
    found = check("Lighthouses were lit by whale oil until kerosene replaced it.", LEVELS)
    assert found.verdict == "unsupported"
    assert found.cover < MIN_COVER


def test_words_far_apart_do_not_support() -> None:
    """Words count only within three sentences in a row."""
    filler = "Nothing of note happened then. " * 5
    scattered = f"Lamps stood there. {filler}Whale bones lay about. {filler}Oil was sold nightly."
    assert check("Lamps burn whale oil nightly.", scattered).cover < 0.45
    assert check("Lamps burn whale oil nightly.", scattered.replace(filler, "")).cover > 0.75


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("PostgreSQL's Repeatable Read implementation allows phantom reads.", LEVELS),
        ("Read Committed is not the default isolation level in PostgreSQL.", LEVELS),
        ("The growth rate decreased from 1.5 ppm to 2.4 ppm per year.", CO2),
        ("The library never closes on Sunday.", "The library closes on Sunday, but the cafe does not."),
    ],
)
def test_the_opposite_is_contradicted(statement: str, text: str) -> None:
    """A negation or an opposite word on one side only; the clause that says otherwise is named."""
    found = check(statement, text)
    assert found.verdict == "contradicted"
    assert found.opposed_by in text
    assert found.opposed_by


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("The library closes on Sunday.", "The library closes on Sunday, but the cafe does not."),
        ("The cafe does not close.", "The library closes on Sunday, but the cafe does not close."),
        ("Prices did not increase in spring.", "Prices decreased in spring, so they did not increase in spring."),
        ("It is not only fast but also safe to use here.", "It is fast, and it is also safe to use here."),
        ("Station No. 5 opened in spring.", "Station 5 opened in spring."),
    ],
)
def test_a_negation_elsewhere_is_no_contradiction(statement: str, text: str) -> None:
    """The clause that the statement is about decides."""
    assert check(statement, text).verdict != "contradicted"


def test_a_name_that_is_not_there_weakens_the_support() -> None:
    """The statement may be right, but not by this passage."""
    found = check("Read Committed, the default isolation level, is what most users of Oracle have.", LEVELS)
    assert found.verdict == "partly"
    assert found.missing_names == ("Oracle",)


BRIDGES = (
    "The Alpha Bridge is 134 m high and was opened in May 1932. It cost $5 million. "
    "The Beta Bridge is 49 m high and was opened in June 1973. Mary Keller designed it. By 1932 nobody knew of it."
)


@pytest.mark.parametrize(
    ("statement", "said", "stands"),
    [
        ("The Gamma Bridge is 134 m high.", "gamma", "alpha"),
        ("The Alpha Bridge is 49 m high.", "49", "134"),
        ("The Alpha Bridge is 134 m high and was opened in May 1973.", "1973", "1932"),
        ("The Beta Bridge was opened in May 1973.", "", ""),
    ],
)
def test_a_fact_of_something_else_is_unsupported(statement: str, said: str, stands: str) -> None:
    """A number, date or name may stand in the passage: in the place of another it is wrong all the same."""
    found = check(statement, BRIDGES)
    assert found.verdict == "unsupported"
    if said:
        assert found.replaced is not None
        assert (found.replaced.said, found.replaced.stands) == (said, stands)


def test_another_word_in_its_place_is_supported_in_part() -> None:
    """A common word for another may mean the same, or not: the check leaves that open."""
    text = "The old lighthouse of the northern harbour burns whale oil."
    assert check("The old lighthouse of the northern harbour burns mineral oil.", text).verdict == "partly"
    assert check("The old lighthouse of the northern harbour burns whale oil nowadays.", text).verdict == "supported"


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("The Alpha Bridge is 134 km high.", "unsupported"),
        ("The Alpha Bridge is 134 metres high.", "supported"),
        ("The Alpha Bridge cost €5 million.", "unsupported"),
        ("The Alpha Bridge cost 5 million dollars.", "supported"),
    ],
)
def test_a_number_is_compared_with_its_unit(statement: str, verdict: str) -> None:
    """Other spellings of a unit are the same unit; another unit is another number."""
    assert check(statement, BRIDGES).verdict == verdict


def test_a_figure_without_a_unit_may_have_any() -> None:
    """In a row of a table the unit stands in the head of the column, or nowhere."""
    assert check("The bridge Alpha has a height of 134 m.", "bridge: Alpha; height: 134").missing_numbers == ()
    assert check("It is 134 km long.", BRIDGES).missing_numbers == ("134 km",)


def test_a_year_is_no_number_of_things() -> None:
    """`2,016` is not what a passage says with `2016`, unless it is of the same thing."""
    assert check("They married in December 2,016.", "They married in December 2016.").missing_numbers == ("2,016",)
    assert check("It has 2,016 seats.", "It has 2016 seats.").missing_numbers == ()
    assert check("It opened in 2016.", "It has 2,016 seats.").missing_numbers == ("2016",)


def test_headings_and_several_passages_carry_a_statement_together() -> None:
    """What a passage stands under counts, and so does a second passage that is cited."""
    statement = "Serializable prevents dirty reads, phantom reads and serialization anomalies."
    one, other = "It prevents dirty reads.", "Phantom reads and serialization anomalies are prevented too."
    assert check(statement, one).verdict == "partly"
    assert check(statement, one).cover < check(statement, one, heading=("Serializable",)).cover < 0.6
    found = check(statement, one, other, heading=("Serializable",))
    assert (found.verdict, found.cover) == ("supported", 1.0)


def test_nothing_cited_or_nothing_said_is_unsupported() -> None:
    """No passage, or no words to compare."""
    assert check("The lake is deep.").reason == "It cites no passage."
    assert check("It is so.", LEVELS).reason == "It has no words that can be checked."


@pytest.mark.slow
@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3))
def test_any_statement_gets_a_verdict(statement: str, texts: Sequence[str]) -> None:
    """The check never fails, and its cover is a share."""
    assert 0 <= check(statement, *texts).cover <= 1


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is deep. It is cold! Is it? Yes.", ["It is deep.", "It is cold!", "Is it?", "Yes."]),
        (
            "Dr. J. R. Smith met Mrs. Jones at 5 p.m. in St. Ives.",
            ["Dr. J. R. Smith met Mrs. Jones at 5 p.m. in St. Ives."],
        ),
        ("It rose by 3.5 % to 4.2. Then it fell.", ["It rose by 3.5 % to 4.2.", "Then it fell."]),
        ("See Fig. 3, e.g. the U.S. data. They fit.", ["See Fig. 3, e.g. the U.S. data.", "They fit."]),
        ("It was made in the U.S. The rest is not.", ["It was made in the U.S.", "The rest is not."]),
        ("He said “Stop.” Then he left (in 1990). Good.", ["He said “Stop.”", "Then he left (in 1990).", "Good."]),
        ("13.2. Transaction Isolation\n1. First item", ["13.2. Transaction Isolation", "1. First item"]),
        ("Wait... what? no. 5 is next", ["Wait... what? no. 5 is next"]),
        (
            "If ALTER TYPE ... ADD VALUE runs, wait... Then go.",
            ["If ALTER TYPE ... ADD VALUE runs, wait...", "Then go."],
        ),
        (
            "Sie wurde am 4. Mai 1931 eröffnet. Es war 4. Ende.",
            ["Sie wurde am 4. Mai 1931 eröffnet.", "Es war 4.", "Ende."],
        ),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    """Abbreviations, initials, decimals, numbered headings, days and dots for what is left out do not end one."""
    assert split_sentences(text) == sentences


@given(st.text(st.characters(categories=("L", "P", "Zs", "N"), include_characters="\n. "), max_size=200))
def test_no_word_is_lost_between_sentences(text: str) -> None:
    """Joined again, the sentences are the text, white space aside."""
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


# --- real sentences and the pages that they cite --------------------------------------------------------------


def rows(name: str) -> list[dict]:
    """The rows of a data file."""
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive scores above a negative, ties counted half."""
    wins = sum((one > other) + 0.5 * (one == other) for one in positive for other in negative)
    return wins / (len(positive) * len(negative))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the WiCE data are not on this machine")
def test_wrong_pages_and_wrong_numbers_are_found_in_real_citations() -> None:
    """On WiCE: right page against wrong page, planted wrong numbers, and supported against the rest.

    A drawn third of the citations, and all that was planted; `benchmarks.citations` takes all.
    """
    drawn, whole = random.Random(7), rows("wice.jsonl")
    data = drawn.sample(whole, len(whole) // 3)
    pages = {row["id"]: Passage.make(row["id"], Locator(), "\n".join(row["evidence"])) for row in whole}
    right = {row["id"]: check_statement(row["claim"], [pages[row["id"]]]) for row in data}
    shuffled = drawn.sample(data, len(data))
    wrong = [check_statement(a["claim"], [pages[b["id"]]]) for a, b in zip(data, shuffled, strict=True) if a is not b]
    assert area_under_curve([each.support for each in right.values()], [each.support for each in wrong]) >= 0.98
    assert sum(each.verdict in ("supported", "partly") for each in wrong) <= 0.03 * len(wrong)
    label = {row["id"]: row["label"] for row in data}
    supported = [each for key, each in right.items() if label[key] == "supported"]
    rest = [each for key, each in right.items() if label[key] != "supported"]
    assert area_under_curve([each.support for each in supported], [each.support for each in rest]) >= 0.8
    assert sum(each.verdict in ("supported", "partly") for each in supported) >= 0.85 * len(supported)
    planted, claims = rows("mutated.jsonl"), {row["id"]: row["claim"] for row in whole}
    caught = [bool(check_statement(row["claim"], [pages[row["base"]]]).missing_numbers) for row in planted]
    alarms = [bool(check_statement(claims[row["base"]], [pages[row["base"]]]).missing_numbers) for row in planted]
    assert sum(caught) >= 0.95 * len(planted)
    assert sum(alarms) <= 0.05 * len(planted)
