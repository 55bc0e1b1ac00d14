"""Search in steps: what a title, a mention or a shared name leads to, and where they must not matter."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.evidence import Locator, Passage
from tools.search.hops import Choice
from tools.search.index import build_index
from tools.search.links import MOST_LINKED, Links
from tools.search.mentions import TitleFinder, proper_names, split

WORDS = "lamp bell Bell Rock tower keeper oil fog signal of the He Mary Hill reef harbour".split()


def passage(source: str, text: str, *heading: str) -> Passage:
    """A passage of this source under these headings."""
    return Passage.make(source, Locator(heading=heading), text)


def found(passages: Sequence[Passage], titles: dict[str, str], query: str, limit: int = 10) -> list[Passage]:
    """The passages that a search gives."""
    by_id = {each.id: each for each in passages}
    return [by_id[hit.passage_id] for hit in build_index(passages, titles).search(query, limit)]


BEACON = passage("beacon", "The beacon at Hook Sand was put up by Orley in 1822, and burns paraffin.")
ORLEY = passage("orley", "She was born in Tenby, the daughter of a harbour master.")
OTHERS = [
    passage(f"town{n}", f"A daughter of the town of Wick{n} was born to a merchant and a weaver.") for n in range(8)
]
TITLES = {"beacon": "Hook Sand Beacon", "orley": "Orley"} | {f"town{n}": f"Wick{n}" for n in range(8)}
QUESTION = "Where was the woman born who put up the Hook Sand Beacon?"


def test_a_passage_leads_to_the_one_whose_title_it_mentions() -> None:
    """The answer shares but one word with the question, as many others do; the named title leads to it."""
    assert found([BEACON, ORLEY, *OTHERS], TITLES, QUESTION)[:2] == [BEACON, ORLEY]


def test_without_the_mention_nothing_leads_there() -> None:
    """It is the mention that does it: with another name in the text the answer is one of many."""
    other = BEACON.model_copy(update={"text": BEACON.text.replace("Orley", "a widow")})
    assert found([other, ORLEY, *OTHERS], TITLES, QUESTION, 2)[1] != ORLEY


def test_a_step_goes_backward_too() -> None:
    """From the passage whose title is mentioned to the one that mentions it."""
    named = passage("orley", "She was an engineer of beacons.")
    mentions = passage("list", "In 1822 Orley chose the reef for a tower of 30 metres.")
    towers = [passage(f"t{n}", f"The tower of church {n} has a height that many have measured.") for n in range(8)]
    query = "How tall is the tower of the engineer of beacons?"
    titles = {"orley": "Orley", "list": "Notes"} | {f"t{n}": f"Church {n}" for n in range(8)}
    assert found([named, mentions, *towers], titles, query)[:2] == [named, mentions]


def test_scores_never_rise() -> None:
    """A passage that a link lifts above the one that leads to it has that one's score."""
    query = "Hook Sand Beacon paraffin; a daughter of the master of Tenby"
    hits = build_index([BEACON, ORLEY, *OTHERS], TITLES).search(query, 10)
    assert [hit.passage_id for hit in hits[:2]] == [BEACON.id, ORLEY.id]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


def test_a_name_that_everybody_mentions_leads_nowhere() -> None:
    """A subject of the whole collection is no reference."""
    few = [f"Note {n} on Orley." for n in range(5)]
    many = [f"Note {n} on Orley." for n in range(MOST_LINKED + 1)]
    for notes, leads in ((few, True), (many, False)):
        carried = [("Orley",), *[(f"n{n}",) for n in range(len(notes))]]
        links = Links(carried, ["Born in Tenby.", *notes], [str(n) for n in range(len(notes) + 1)])
        assert bool(len(links.around(0)[0])) is leads
        assert bool(len(links.around(1)[0])) is leads


def test_a_rare_name_that_two_passages_share_is_a_step() -> None:
    """No title is mentioned; both speak of the same person."""
    star = passage("a", "The paper Polar Lamp was published by Frederick Dale from 1847 on.")
    wife = passage("b", "Helen Dale was the second wife of Frederick Dale.")
    wives = [passage(f"w{n}", f"The wife of merchant number {n} was painted in oil.") for n in range(8)]
    query = "Who was the wife of the publisher of the paper Polar Lamp?"
    titles = {"a": "n1", "b": "n2"} | {f"w{n}": f"m{n}" for n in range(8)}
    assert found([star, wife, *wives], titles, query)[:2] == [star, wife]


def test_the_passages_of_a_long_document_share_a_mention() -> None:
    """Four passages under one title have half the strength each of one alone."""
    for parts, strength in ((1, 1.0), (4, 0.5)):
        carried = [("Notes",), *[("Orley",)] * parts]
        rest = [(f"n{n}",) for n in range(2000)]
        names = [*carried, *rest]
        texts = ["She is Orley.", *["A part."] * parts, *["Fog."] * 2000]
        links = Links(names, texts, ["notes", *["orley"] * parts, *map(str, range(2000))])
        assert links.around(0)[0].tolist() == list(range(1, parts + 1))
        assert links.around(0)[1] == pytest.approx([strength] * parts, rel=0.2)


def test_passages_of_one_source_do_not_lead_to_each_other() -> None:
    """A manual that names its own headings is no web of references; another document that is named is one step away."""
    oiling = passage("manual", "How to oil a valve: see Spindle.", "Oiling")
    spindle = passage("manual", "It is of steel that was hardened in oil, and long.", "Spindle")
    tins = passage("tins", "Oil comes in tins, and oil is sold by weight.")
    titles = {"manual": "Pumps", "tins": "Trade"}
    assert found([oiling, spindle, tins], titles, "how to oil a valve") == [oiling, tins, spindle]
    apart = spindle.model_copy(update={"source_id": "part"})
    assert found([oiling, apart, tins], {**titles, "part": "Parts"}, "how to oil a valve") == [oiling, apart, tins]


def test_a_neighbour_that_says_nothing_to_the_question_stays_out() -> None:
    """A link alone is not enough: the passage must share a word with the query."""
    silent = passage("orley", "Mother of five.")
    assert silent not in found([BEACON, silent, *OTHERS], TITLES, "paraffin beacon")


def test_words_of_a_title_count_more_than_words_of_a_text() -> None:
    """What a passage is about stands in its title."""
    meant = passage("a", "It was printed twice, in a small town by the sea.")
    other = passage("b", "White paint, white wood and a lamp, a lamp that was white.")
    assert found([meant, other], {"a": "White Lamp", "b": "Colours of the house"}, "white lamp")[0] == meant


def test_a_title_that_stands_in_the_question_counts_as_a_whole() -> None:
    """Of two titles of the same words, the one that is written in the query."""
    meant = passage("a", "It is made of soot and ground.")
    other = passage("b", "It is made of soot.")
    titles = {"a": "Lamp White", "b": "White Lamp"}
    assert found([meant, other], titles, "What is lamp white made of?")[0] == meant
    assert found([meant, other], titles, "What is a white lamp made of?")[0] == other


def test_a_word_counts_less_once_a_chosen_passage_holds_it() -> None:
    """Of two passages that are nearly as good, the one that adds a word comes first."""
    words = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.95]])
    choice = Choice(
        words=words,
        own=np.zeros(3),
        best=1.0,
        covered=np.zeros(2),
        linked=np.zeros(3),
        taken=np.zeros(3, dtype=bool),
        candidates=np.arange(3),
    )
    assert choice.next() == (0, 1.0)
    choice.take(0, words.max(axis=1))
    assert choice.next() == (2, 0.95)


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


@pytest.mark.slow
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
