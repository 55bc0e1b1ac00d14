"""Search in steps: what a title, a mention or a shared name leads to, and where they must not matter."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.evidence import Locator, Passage
from tools.search.index import build_index
from tools.search.mentions import TitleFinder, proper_names, split

WORDS = "lamp bell Bell Rock tower keeper oil fog signal of the He Mary Hill reef harbour".split()


def passage(source: str, text: str, *heading: str) -> Passage:
    """A passage of this source under these headings."""
    return Passage.make(source, Locator(heading=heading), text)


def found(passages: Sequence[Passage], titles: dict[str, str], query: str, limit: int = 10) -> list[Passage]:
    """The passages that a search gives."""
    by_id = {each.id: each for each in passages}
    return [by_id[hit.passage_id] for hit in build_index(passages, titles).search(query, limit)]


BEACON = passage("beacon", "The beacon at Hook Sand was put up by Ann Orley in 1822, and burns paraffin.")
ORLEY = passage("orley", "She was born in Tenby, the daughter of a harbour master.")
OTHERS = [
    passage(f"town{n}", f"A daughter of the town of Wick{n} was born to a merchant and a weaver.") for n in range(8)
]
TITLES = {"beacon": "Hook Sand Beacon", "orley": "Ann Orley"} | {f"town{n}": f"Wick{n}" for n in range(8)}
QUESTION = "Where was the woman born who put up the Hook Sand Beacon?"


def test_a_passage_leads_to_the_one_whose_title_it_mentions() -> None:
    """The answer shares but one word with the question, as many others do; the named title leads to it."""
    assert found([BEACON, ORLEY, *OTHERS], TITLES, QUESTION)[:2] == [BEACON, ORLEY]


def test_without_the_mention_nothing_leads_there() -> None:
    """It is the mention that does it: with another name in the text the answer is one of many."""
    other = BEACON.model_copy(update={"text": BEACON.text.replace("Ann Orley", "a widow")})
    assert found([other, ORLEY, *OTHERS], TITLES, QUESTION, 2)[1] != ORLEY


def test_a_step_goes_backward_too() -> None:
    """From the passage whose title is mentioned to the one that mentions it."""
    named = passage("orley", "Ann Orley was an engineer of beacons.")
    mentions = passage("list", "In 1822 Ann Orley chose the reef for a tower of 30 metres.")
    towers = [passage(f"t{n}", f"The tower of church {n} has a height that many have measured.") for n in range(8)]
    query = "How tall is the tower of the engineer of beacons?"
    titles = {"orley": "Ann Orley", "list": "Notes"} | {f"t{n}": f"Church {n}" for n in range(8)}
    assert found([named, mentions, *towers], titles, query)[:2] == [named, mentions]


def test_a_rare_name_that_two_passages_share_is_a_step() -> None:
    """No title is mentioned; both speak of the same person."""
    star = passage("a", "The paper Polar Lamp was published by Frederick Dale from 1847 on.")
    wife = passage("b", "Helen Dale was the second wife of Frederick Dale.")
    wives = [passage(f"w{n}", f"The wife of merchant number {n} was painted in oil.") for n in range(8)]
    query = "Who was the wife of the publisher of the paper Polar Lamp?"
    titles = {"a": "n1", "b": "n2"} | {f"w{n}": f"m{n}" for n in range(8)}
    assert found([star, wife, *wives], titles, query)[:2] == [star, wife]


def test_passages_of_one_source_do_not_lead_to_each_other() -> None:
    """A manual that names its own title on each page is no web of references."""
    pages = [
        passage("manual", text, "Manual")
        for text in ("The Pump Manual tells how to oil a valve.", "The Pump Manual lists parts.", "A valve is a part.")
    ]
    assert found(pages, {"manual": "Pump Manual"}, "how to oil a valve") == [pages[0], pages[2]]


def test_a_neighbour_that_says_nothing_to_the_question_stays_out() -> None:
    """A link alone is not enough: the passage must share a word with the query."""
    silent = passage("orley", "Mother of five.")
    assert silent not in found([BEACON, silent, *OTHERS], TITLES, "paraffin beacon")


def test_a_title_in_the_question_counts_as_a_whole() -> None:
    """`The White Lamp` asks for the text of that title, not for others that speak of white lamps."""
    meant = passage("a", "It was written in 1901 and printed twice.")
    other = passage("b", "White lamps, and lamps that are white: each lamp was painted white in 1901.")
    assert found([meant, other], {"a": "The White Lamp", "b": "Paint"}, "When was The White Lamp written?")[0] == meant


def test_words_that_are_not_covered_yet_come_first() -> None:
    """Of two passages as good for the query, the one that adds a word comes before a copy of the first."""
    first = passage("a", "lamp oil lamp oil")
    copy = passage("b", "lamp oil lamp oil also")
    adds = passage("c", "lamp fog signal house wall")
    index = found([first, copy, adds], {}, "lamp oil fog")
    assert index.index(adds) < 2


@pytest.mark.parametrize(
    ("title", "text", "is_there"),
    [
        ("Bell Rock", "Near Bell Rock there is a reef.", True),
        ("Bell Rock", "a bell rock is no name", False),
        ("Bell Rock (lighthouse)", "Bell Rock burns.", True),
        ("pg_dump", "Use pg_dump for copies.", True),
        ("Home", "They went home.", False),
        ("The", "The lamp.", False),
        ("Rock", "Bell Rock and other places", True),
        ("", "Nothing.", False),
    ],
)
def test_titles_are_found_as_they_are_written(title: str, text: str, is_there: bool) -> None:
    """A title in a text begins as the title does, or with a capital."""
    assert bool(TitleFinder([title]).in_text(split(text))) is is_there


def test_the_longest_title_is_meant() -> None:
    """Where one title holds another, only the longer one is mentioned."""
    finder = TitleFinder(["New York", "New York City", "York"])
    assert finder.in_text(split("In New York City it rains.")) == {("new", "york", "city")}
    assert finder.in_query("new york or york") == {("new", "york"), ("york",)}


def test_proper_names_are_pairs_of_capitals() -> None:
    """Function words are no part of a name, even with a capital after a full stop."""
    assert proper_names(split("Frederick Dale sailed. He met Ann Orley In May")) == {
        ("frederick", "dale"),
        ("ann", "orley"),
    }


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
collections = st.lists(st.tuples(st.integers(0, 4), texts), min_size=0, max_size=12)


@settings(max_examples=25, deadline=None)
@given(collections, texts, st.integers(-1, 15), st.randoms(use_true_random=False))
def test_a_search_keeps_its_promises(rows: list[tuple[int, str]], query: str, limit: int, random: Random) -> None:
    """At most `limit` passages, each once and known, scores never rising, whatever order they came in."""
    passages = list({each.id: each for each in (passage(f"s{source}", text) for source, text in rows)}.values())
    titles = {f"s{n}": f"{WORDS[n]} {WORDS[n + 3]}" for n in range(5)}
    hits = build_index(passages, titles).search(query, limit)
    assert len(hits) <= max(0, limit)
    ids = [hit.passage_id for hit in hits]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {each.id for each in passages}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.score > 0 for hit in hits)
    random.shuffle(passages)
    assert build_index(passages, titles).search(query, limit) == hits


@settings(max_examples=15, deadline=None)
@given(collections, texts)
def test_a_longer_list_begins_with_the_shorter_one(rows: list[tuple[int, str]], query: str) -> None:
    """Asking for more never changes what came first."""
    passages = list({each.id: each for each in (passage(f"s{source}", text) for source, text in rows)}.values())
    index = build_index(passages, {"s0": "Bell Rock", "s1": "Mary Hill"})
    assert index.search(query, 12)[:3] == index.search(query, 3)
