"""Contradictions: figures and negations that cannot both hold, few false alarms, and which side is preferred."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.coordination.contradictions import find_contradictions
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
    ) -> Claim:
        name = source or f"source-{len(self.claims)}.txt"
        key = self.corpus.passage(name, f"{text} (It says.)", date=date, computed=computed)
        claim = Claim(
            id=content_id("c", text, name),
            text=text,
            passages=(key,),
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
    assert found.subject == "Serializable transactions prevent every anomaly in PostgreSQL."


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
        (MEAN.format("418.53"), MEAN.format("417.06").replace("ppm", "ppb")),
        (MEAN.format("418.53"), MEAN.format("417.06").replace(" in 2022", "")),
        ("Paris city had 2.1 million inhabitants in all.", "London city had 8.9 million inhabitants in all."),
        ("CO2 rose from 315.98 ppm in 1959 to 424.61 ppm in 2024.", "CO2 rose by 108.63 ppm from 1959 to 2024."),
        ("The limit is 10 connections.", "The cat sat on 20 mats."),
        ("Read committed does not allow dirty reads.", "Read uncommitted allows dirty reads in other systems."),
        ("The index is used.", "The table is not used by any of the queries of the report."),
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


def test_what_a_statement_leaves_to_its_title() -> None:
    """Statements that do not name what they are of are compared only where their titles name the same."""
    texts = ["The population was 1,413 at the 2010 census.", "The population was 7,974 at the 2010 census."]
    for names, expected in ((["Adams.txt", "Allen.txt"], 0), (["Adams.txt", "Adams 2.txt"], 1)):
        claims = Claims()
        for text, name in zip(texts, names, strict=True):
            claims.add(text, source=name)
        assert len(claims.found()) == expected


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


def test_preference_by_weight_then_computation_then_id() -> None:
    """Without a later date the weightier claim is preferred, then the computed one, then the first by id."""
    claims = Claims()
    claims.add(MEAN.format("417.06"), date="2023", weight=0.4)
    heavy = claims.add(MEAN.format("418.53"), date="2023-05-01", weight=0.8)
    assert claims.found()[0].preferred == heavy.id
    assert claims.found()[0].why == "it has more weight: 0.80 against 0.40"

    claims = Claims()
    claims.add(MEAN.format("417.06"), date="2025")
    computed = claims.add(MEAN.format("418.53"), computed="mean(co2)")
    assert claims.found()[0].preferred == computed.id
    assert claims.found()[0].why == "it was computed from data, the other is quoted"

    claims = Claims()
    pair = claims.add(MEAN.format("417.06")), claims.add(MEAN.format("418.53"))
    assert claims.found()[0].preferred == min(claim.id for claim in pair)


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
