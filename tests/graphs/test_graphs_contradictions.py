"""Contradictions: figures and negations that cannot both hold, few false alarms, and which side is preferred."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.coordination.contradictions import compare_claims, find_contradictions
from state.evidence import Claim, Contradiction, Verdict, content_id
from tests.graphs.evidence_samples import Corpus
from tools.facts import find_quantities

MEAN = "The annual mean concentration of CO2 at Mauna Loa in 2022 was {} ppm."

LATELY = "the annual mean concentration of CO2 at Mauna Loa was {} ppm."


class Claims:
    """Claims, each in a source of its own unless it is named."""

    def __init__(self) -> None:
        self.corpus = Corpus()
        self.claims: list[Claim] = []

    def add(
        self,
        text: str,
        *,
        source: str = "",
        date: str | None = None,
        weight: float = 0.5,
        computed: str | None = None,
        verdict: Verdict = "supported",
        topic: str = "",
    ) -> Claim:
        name = source or f"source-{len(self.claims)}.txt"
        key = self.corpus.passage(name, f"{text} (It says.)", date=date, computed=computed)
        claim = Claim(
            id=content_id("c", text, name),
            text=text,
            passages=(key,),
            topic=topic,
            quantities=tuple(find_quantities(text)),
            weight=weight,
            confidence=0.5,
            verdict=verdict,
        )
        self.claims.append(claim)
        return claim

    def found(self) -> tuple[Contradiction, ...]:
        return find_contradictions(self.claims, self.corpus.passages, self.corpus.sources)


def between(*texts: str) -> tuple[Contradiction, ...]:
    claims = Claims()
    for text in texts:
        claims.add(text)
    return claims.found()


def test_two_figures_for_one_thing() -> None:
    """Both sides are kept with claim, source, passage, value and date; the more recent source is preferred."""
    claims = Claims()
    old = claims.add(MEAN.format("417.06"), date="2023-04-14", weight=0.9)
    new = claims.add(MEAN.format("418.53"), date="2025-03")
    (found,) = claims.found()
    sides = {side.claim_id: side for side in found.sides}
    assert {side.value for side in found.sides} == {"417.06 ppm", "418.53 ppm"}
    assert sides[old.id].passage_id == old.passages[0]
    assert sides[old.id].date == "2023-04-14"
    assert sides[new.id].statement == new.text
    assert found.preferred == new.id
    assert found.why == "its source is more recent: 2025-03 against 2023-04-14"
    assert "concentration" in found.subject


def test_a_statement_and_its_negation() -> None:
    """The same words, once negated, contradict each other."""
    (found,) = between(
        "Serializable transactions prevent every anomaly in PostgreSQL.",
        "Serializable transactions do not prevent every anomaly in PostgreSQL.",
    )
    assert {side.value for side in found.sides} == {"stated", "denied"}
    assert found.subject == "whether Serializable transactions prevent every anomaly in PostgreSQL"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MEAN.format("418.53"), MEAN.format("418.5")),
        (MEAN.format("418.53"), MEAN.format("419")),
        (MEAN.format("418.53"), MEAN.format("417.06").replace("2022", "2021")),
        (MEAN.format("418.53"), MEAN.format("414.2").replace("Mauna Loa", "Barrow")),
        (MEAN.format("418.53"), MEAN.format("414.2").replace("mean", "minimum")),
        (MEAN.format("418.53"), MEAN.format("more than 350")),
        (MEAN.format("418.53"), MEAN.format("417.06").replace("was", "was not")),
        (f"Records fell in 2022; {LATELY.format('418.53')}", f"Records fell in 2021; {LATELY.format('416.41')}"),
        (MEAN.format("418.53"), MEAN.format("about 420")),
        (MEAN.format("418.53"), MEAN.format("400")),
        (MEAN.format("418.53"), MEAN.format("417.06").replace("ppm", "%")),
        (MEAN.format("418.53"), MEAN.format("417.06").replace(" in 2022", "")),
        ("Paris city had 2.1 million inhabitants in all.", "London city had 8.9 million inhabitants in all."),
        ("CO2 rose from 315.98 ppm in 1959 to 424.61 ppm in 2024.", "CO2 rose by 108.63 ppm from 1959 to 2024."),
        ("The limit is 10 connections.", "The cat sat on 20 mats."),
        ("Read committed does not allow dirty reads.", "Read uncommitted allows dirty reads in other systems."),
        ("The index is used.", "The table is not used by any of the queries of the report."),
        ("A table of Postgres without an index is small.", "A table of Postgres, an index is small."),
        ("It is not only fast but also safe to use.", "It is fast but also safe to use."),
        ("Serializable does not lock tables in 2020.", "Serializable does lock tables in 2021."),
    ],
)  # fmt: skip
def test_what_is_no_contradiction(one: str, other: str) -> None:
    """Roundings, bounds, and statements on other times, places, kinds of figure or things are not reported."""
    assert between(one, other) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The limit of the pool is 100 connections a server.", "The limit of the pool is 200 connections a server."),
        ("The city of Lund had 94,400 inhabitants in 2020.", "In 2020 the city of Lund had 91,940 inhabitants."),
        ("Revenue of Acme in 2021 was $5.4 million.", "Revenue of Acme in 2021 was $6.1 million."),
        (MEAN.format("418.53"), MEAN.format("about 380")),
    ],
)  # fmt: skip
def test_what_is_one(one: str, other: str) -> None:
    """Plainly different figures for the same thing at the same time are reported, in either order."""
    assert len(between(one, other)) == 1
    assert len(between(other, one)) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("The population was 1,413 at the 2010 census.", "The population was 7,974 at the 2010 census."),
        ("The old film was released by Paramount in May 1941.", "The old film was released by Paramount in 1918."),
    ],
)
def test_what_a_statement_leaves_to_its_title(texts: tuple[str, str]) -> None:
    """Statements that do not name what they are of are compared only where their titles name the same."""
    for names, expected in ((["Adams.txt", "Allen.txt"], 0), (["Adams.txt", "Adams 2.txt"], 1)):
        claims = Claims()
        for text, name in zip(texts, names, strict=True):
            claims.add(text, source=name)
        assert len(claims.found()) == expected


LONG = (
    "The bridge is 412 metres long, and its deck carries four lanes to Nordby. It was opened in 1987.",
    "The bridge is 438 metres long, which Sorby is proud of, and it is lit at night.",
)
KNOWN = "How long is the bridge?"


@pytest.mark.parametrize(
    ("other", "names", "topic", "expected"),
    [
        (LONG[1], ["Notes on the Kalvan bridge", "A guide to Kalvan"], KNOWN, 1),
        (LONG[1], ["first", "second"], "How long is the old bridge?", 1),
        ("The bridge is 438 metres long and carries trams.", ["first", "second"], KNOWN, 1),
        ("The bridge has a length of 438 metres and is 20 metres wide.", ["first", "second"], KNOWN, 1),
        ("The bridge is 412 metres long, and opened in 1990.", ["first", "second"], KNOWN, 0),
        ("The railway bridge is 438 metres long.", ["first", "second"], KNOWN, 0),
        (LONG[1], ["Notes on the Alpha bridge", "Notes on the Beta bridge"], KNOWN, 0),
        (LONG[1], ["first", "second"], "Is the Alpha bridge longer than the Beta bridge?", 0),
        (LONG[1], ["first", "second"], "What is known of Kalvan?", 0),
    ],
)
def test_what_a_question_takes_for_known(other: str, names: list[str], topic: str, expected: int) -> None:
    """`The bridge` of two sources is one where a question speaks of it so, and no title or question names two; what
    longer sentences say besides makes no difference."""
    claims = Claims()
    claims.add(LONG[0], source=names[0], topic=topic)
    claims.add(other, source=names[1], topic=topic)
    found = claims.found()
    assert len(found) == expected
    assert all({side.value for side in each.sides} == {"412 metres", "438 metres"} for each in found)


def test_what_was_compared_is_told() -> None:
    """Claims on one measure are compared whether they agree or not; that others agree is not known."""
    claims = Claims()
    one, two = claims.add(MEAN.format("418.53")), claims.add(MEAN.format("418.5"))
    claims.add("The observatory of Mauna Loa stands at a height of 3,397 m.")
    told = compare_claims(claims.claims, claims.corpus.passages, claims.corpus.sources)
    assert told.contradictions == ()
    assert told.compared == {one.id: frozenset({two.id}), two.id: frozenset({one.id})}


def test_one_source_does_not_contradict_itself() -> None:
    """Claims on the same source, or on copies of it, are not set against each other."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), source="a.txt")
    claims.add(MEAN.format("418.53"), source="a.txt")
    assert claims.found() == ()


def test_only_supported_claims_count() -> None:
    """A claim that its passage does not support contradicts nothing."""
    claims = Claims()
    claims.add(MEAN.format("417.06"))
    claims.add(MEAN.format("418.53"), verdict="unsupported")
    assert claims.found() == ()


def test_a_computed_side_is_preferred_to_a_quoted_one() -> None:
    """A figure that was computed from data here is a better witness than a note that gives it."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), date="2025")
    computed = claims.add(MEAN.format("418.53"), computed="mean(co2)")
    (found,) = claims.found()
    assert found.preferred == computed.id
    assert found.why == "its source is better: a computation from the data against a note"


def test_more_sources_that_agree_are_a_reason() -> None:
    """Two independent sources with one figure stand against one with another; a copy of a file adds nothing."""
    claims = Claims()
    alone = claims.add(MEAN.format("417.06"))
    many = [claims.add(MEAN.format("418.53")), claims.add(MEAN.format("418.5").replace("was", "reached"))]
    found = claims.found()
    assert {contradiction.preferred for contradiction in found} <= {claim.id for claim in many}
    assert {contradiction.why for contradiction in found} == {"more sources agree with it: 2 against 1"}
    assert all(alone.id in {side.claim_id for side in contradiction.sides} for contradiction in found)


def test_where_nothing_decides_neither_side_is_preferred() -> None:
    """Neither branch weights nor ids are a reason, and reasons that speak for both sides are none."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), weight=0.2)
    claims.add(MEAN.format("418.53"), weight=0.9)
    (found,) = claims.found()
    assert found.preferred == ""
    assert found.why.startswith("nothing decides between them: not both sources are dated")

    claims = Claims()
    claims.add(MEAN.format("417.06"), date="2025")
    claims.add(MEAN.format("418.53"), date="2020")
    claims.add(MEAN.format("418.53"), date="2020")
    for contradiction in claims.found():
        assert contradiction.preferred == ""
        assert "different sides" in contradiction.why
        assert "2025 against 2020" in contradiction.why
        assert "2 against 1" in contradiction.why


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        (
            "The Alpha Bridge of Lund was opened in 1932.",
            "The Alpha Bridge of Lund was opened in 1936.",
            {"1932", "1936"},
        ),
        (
            "The Alpha Bridge of Lund was opened on 5 May 1932.",
            "In June 1932 the Alpha Bridge of Lund was inaugurated.",
            {"5 May 1932", "June 1932"},
        ),
    ],
)
def test_two_dates_of_what_happens_once(one: str, other: str, values: set[str]) -> None:
    """A thing is opened once: another date for it contradicts."""
    (found,) = between(one, other)
    assert {side.value for side in found.sides} == values
    assert found.subject in (
        "when the Alpha Bridge of Lund was opened",
        "when the Alpha Bridge of Lund was inaugurated",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Alpha Bridge of Lund was opened in 1932.", "The Alpha Bridge of Lund was opened in May 1932."),
        ("The Alpha Bridge of Lund was opened in 1932.", "The Beta Bridge of Lund was opened in 1936."),
        ("The Alpha Bridge of Lund was opened in 1932.", "The Alpha Bridge of Lund was opened by 1936."),
        ("The Alpha Bridge of Lund was opened in 1932.", "The Alpha Bridge of Lund was reopened in 1936."),
        ("The team of Lund won the Alpha Cup in 1932.", "The team of Lund won the Alpha Cup in 1936."),
    ],
)
def test_dates_that_may_both_hold(one: str, other: str) -> None:
    """Less precise dates, other things, bounds, and what may happen again."""
    assert between(one, other) == ()


def test_opposite_words_contradict() -> None:
    """The same words but for one and its opposite."""
    (found,) = between(
        "The water level of Lake Tana rose sharply after the dam was closed.",
        "The water level of Lake Tana fell sharply after the dam was closed.",
    )
    assert found.preferred == ""


def test_a_pronoun_is_read_as_the_subject_before_it() -> None:
    """`It is 120 m high.` is of what the sentence before is of, in the claim or in its passage."""
    claims = Claims()
    claims.add("The Alpha Bridge of Lund is a road bridge. It is 134 m high.")
    key = claims.corpus.passage("b.txt", "The Alpha Bridge of Lund crosses the bay. It is 120 m high.")
    text = "It is 120 m high."
    said = Claim(
        id=content_id("c", text), text=text, passages=(key,), weight=0.5, confidence=0.5, verdict="supported",
        quantities=tuple(find_quantities(text)),
    )  # fmt: skip
    claims.claims.append(said)
    (found,) = claims.found()
    sides = {side.claim_id: side for side in found.sides}
    assert sides[said.id].statement == text, "what was found is shown as it was found"
    assert {side.value for side in found.sides} == {"134 m", "120 m"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Heinkel HD 38 was a fighter built in Germany.", "The Heinkel HD 39 was a fighter built in Germany."),
        ("Chapter 3 of the Postgres manual is on types.", "Chapter 8 of the Postgres manual is on types."),
        ("After the call to Postgres 47 more rows were read.", "After the call to Postgres 97 more rows were read."),
    ],
)
def test_designations_are_no_figures(one: str, other: str) -> None:
    """A number that names something, or only adds to another, contradicts nothing."""
    assert between(one, other) == ()


def test_the_same_conflict_is_told_once() -> None:
    """Two claims of one source against one of another, over the same figures, are one contradiction."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), source="a.txt", weight=0.3)
    other_words = "In 2022 the annual mean concentration of CO2 at Mauna Loa was 417.06 ppm."
    heavy = claims.add(other_words, source="a.txt", weight=0.9)
    claims.add(MEAN.format("418.53"), source="b.txt")
    assert len({claim.passages for claim in claims.claims}) == 3
    (found,) = claims.found()
    assert heavy.id in {side.claim_id for side in found.sides}


_TEXTS = st.one_of(
    st.builds(MEAN.format, st.sampled_from(["417.06", "418.53", "418.5", "about 380", "1,000"])),
    st.builds("Serializable transactions {} every anomaly.".format, st.sampled_from(["prevent", "never prevent"])),
)
_KINDS = st.tuples(_TEXTS, st.sampled_from([None, "2021", "2022-05"]), st.sampled_from([0.2, 0.7]))


@pytest.mark.slow
@given(st.lists(_KINDS, max_size=6), st.randoms())
def test_order_and_side_make_no_difference(kinds: list[tuple[str, str | None, float]], random: object) -> None:
    """The same claims in any order show the same contradictions, with the same side preferred."""
    claims = Claims()
    for text, date, weight in kinds:
        claims.add(text, date=date, weight=weight)
    first = claims.found()
    random.shuffle(claims.claims)  # type: ignore[attr-defined] # a random.Random
    assert claims.found() == first
    assert all(found.sides[0].claim_id < found.sides[1].claim_id for found in first)
    assert all(found.sides[0].source_id != found.sides[1].source_id for found in first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "The Harrow Bridge is 412 metres long, and it carries two lanes of traffic.",
            "The Harrow Bridge is 0.412 kilometres long, and the Selby Bridge is 438 metres long, which makes it the"
            " longest in the county.",
        ),
        (
            "The Harrow Bridge is 412 metres long.",
            "While the Harrow Bridge is 0.412 kilometres long, the Selby Bridge is 438 metres long.",
        ),
        (
            "The Harrow Bridge was opened in 1934.",
            "The Harrow Bridge is long, and the Selby Bridge was opened in 1951.",
        ),
    ],
)
def test_a_figure_belongs_to_the_subject_of_its_clause(one: str, other: str) -> None:
    """A figure of what another clause names is none of the first subject, whose names differ by their first word."""
    assert not between(one, other)
    assert between("The Harrow Bridge is 412 metres long.", "The Harrow Bridge is 438 metres long, and wide enough.")
