"""The merge: weights, deduplication, attribution, confidence, verdicts, estimates, and what is missing."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.coordination.intervals import t_interval
from graphs.coordination.merge import merge_results
from state.evidence import ArtifactRef, Chart
from state.research import BranchResult, Merged, Plan
from tests.graphs.evidence_samples import (
    CORPUS,
    FIRST,
    SECOND,
    THIRD,
    Corpus,
    branch,
    by_id,
    finding,
    findings,
    plan,
    plans,
    result,
    results,
    shuffled,
)

MEAN = "The annual mean concentration of CO2 at Mauna Loa in 2022 was 418.53 ppm."
PHANTOM = "Read committed allows phantom reads in PostgreSQL."
PLAN = plan(branch("a", FIRST), branch("b", SECOND), branch("c", THIRD))


def merged(corpus: Corpus, *found: BranchResult, under: Plan = PLAN) -> Merged:
    return merge_results(by_id(*found), corpus.passages, corpus.sources, under)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


# --- weights --------------------------------------------------------------------------------------------------


def test_weight_is_quality_and_speed(corpus: Corpus) -> None:
    """0.7 times (supported share times mean confidence) plus 0.3 times the share of the time that is left."""
    key = corpus.passage("a.txt", MEAN)
    good = finding(MEAN, key, confidence=0.9)
    bad = finding("The concentration was 999 ppm.", key, confidence=0.5)
    weights = merged(corpus, result("a", good, bad, seconds=150, limit_seconds=300)).weights
    assert weights["a"] == pytest.approx(0.7 * (1 / 2) * 0.7 + 0.3 * 0.5)


def test_partly_supported_counts_half(corpus: Corpus) -> None:
    """A finding that its passage supports only partly counts half for the quality of its branch."""
    key = corpus.passage("a.txt", PHANTOM)
    partly = finding("Read committed allows phantom reads in PostgreSQL and Oracle.", key, confidence=1)
    found = merged(corpus, result("a", partly, seconds=300, limit_seconds=300))
    assert found.claims[0].verdict == "partly"
    assert found.weights["a"] == pytest.approx(0.7 * 0.5)


def test_noise_in_timing_changes_nothing(corpus: Corpus) -> None:
    """A branch that took some seconds more or less weighs the same."""
    key = corpus.passage("a.txt", MEAN)
    runs = [merged(corpus, result("a", finding(MEAN, key), seconds=s)) for s in (0.2, 3.7, 14.9)]
    assert runs[0] == runs[1] == runs[2]


def test_a_branch_that_found_nothing_weighs_nothing(corpus: Corpus) -> None:
    """Failing fast is no merit."""
    assert merged(corpus, result("a", status="failed", seconds=0)).weights == {"a": 0.0}


# --- claims ---------------------------------------------------------------------------------------------------


def test_the_same_text_is_one_claim(corpus: Corpus) -> None:
    """The same statement of two branches is one claim with both passages, shared by the branches' weights."""
    one, two = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", f"As measured: {MEAN}")
    slow = {"seconds": 300.0, "limit_seconds": 300.0}
    found = merged(
        corpus,
        result("a", finding(MEAN, one)),
        result("b", finding(f"  {MEAN.upper()[:-1]}", two), **slow),
    )
    assert len(found.claims) == 1
    claim = found.claims[0]
    assert set(claim.passages) == {one, two}
    assert claim.attribution["a"] > claim.attribution["b"] > 0
    assert claim.weight == max(found.weights.values())
    weights = found.weights
    assert claim.attribution["a"] == pytest.approx(weights["a"] / (weights["a"] + weights["b"]))


def test_nearly_the_same_words_on_one_passage_are_one_claim(corpus: Corpus) -> None:
    """Findings that differ in small words only, on the same passage, are one claim."""
    key = corpus.passage("a.txt", MEAN)
    other = "In 2022 the annual mean CO2 concentration at Mauna Loa was 418.53 ppm."
    assert len(merged(corpus, result("a", finding(MEAN, key), finding(other, key))).claims) == 1


def test_other_numbers_or_negation_are_other_claims(corpus: Corpus) -> None:
    """Findings on the same passage that differ in a number or in negation are never one claim."""
    key = corpus.passage("a.txt", f"{MEAN} In 2021 it was 416.41 ppm. {PHANTOM}")
    texts = [
        MEAN,
        MEAN.replace("2022", "2021").replace("418.53", "416.41"),
        PHANTOM,
        "Read committed does not allow phantom reads in PostgreSQL.",
    ]
    assert len(merged(corpus, result("a", *(finding(text, key) for text in texts))).claims) == 4


def test_a_passage_that_does_not_hold_is_not_cited(corpus: Corpus) -> None:
    """Of findings with the same text those that are checked worse neither cite nor share."""
    good, wrong = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", "The cat sat on the mat.")
    claim = merged(corpus, result("a", finding(MEAN, good)), result("b", finding(MEAN, wrong))).claims[0]
    assert claim.verdict == "supported"
    assert claim.passages == (good,)
    assert claim.attribution == {"a": 1.0}


def test_a_claim_without_a_known_passage_is_unsupported(corpus: Corpus) -> None:
    """A finding whose passages do not exist is unsupported, says why, and cites nothing."""
    claim = merged(corpus, result("a", finding(MEAN, "pmadeup"))).claims[0]
    assert (claim.verdict, claim.passages) == ("unsupported", ())
    assert claim.reason == "none of the passages that it names exists"


def test_the_verdict_is_the_check(corpus: Corpus) -> None:
    """A number that does not stand in the passage makes the claim unsupported."""
    claim = merged(corpus, result("a", finding(MEAN.replace("418", "481"), corpus.passage("a", MEAN)))).claims[0]
    assert claim.verdict == "unsupported"
    assert "481.53" in claim.reason


def test_every_claim_says_how_sure_it_is_and_why(corpus: Corpus) -> None:
    """The confidence of a merged claim is computed, with its grounds; what its branch said of it is its relevance."""
    claim = merged(corpus, result("a", finding(MEAN, corpus.passage("a.txt", MEAN), confidence=0.3))).claims[0]
    assert claim.relevance == 0.3
    assert claim.grounds is not None
    assert claim.confidence > 0.3


def test_order_is_topic_weight_text(corpus: Corpus) -> None:
    """Claims stand in the order of the plan's questions, the weightier branch first, then by text."""
    key = corpus.passage("a.txt", f"{MEAN} {PHANTOM} The record is kept by NOAA. A record is long.")
    heavy = result(
        "a",
        finding("A record is long.", key, topic=THIRD),
        finding(PHANTOM, key, topic=SECOND),
        finding("The cat is out.", key, topic="no question"),
    )
    light = result(
        "c",
        finding("The record is kept by NOAA.", key, topic=THIRD, confidence=1),
        finding(MEAN, key, topic=FIRST, confidence=1),
        seconds=0,
    )
    found = merged(corpus, heavy, light)
    assert found.weights["c"] > found.weights["a"]
    assert [claim.topic for claim in found.claims] == [FIRST, SECOND, THIRD, THIRD, "no question"]
    assert found.claims[2].text == "The record is kept by NOAA."


def test_topics_are_the_plans_questions(corpus: Corpus) -> None:
    """A topic in nearly the plan's words, or none where the branch has one question, becomes that question."""
    key = corpus.passage("a.txt", f"{MEAN} {PHANTOM}")
    found = merged(
        corpus,
        result("a", finding(MEAN, key, topic="")),
        result("b", finding(PHANTOM, key, topic="which anomalies does each isolation level prevent")),
    )
    assert [claim.topic for claim in found.claims] == [FIRST, SECOND]


def test_findings_that_differ_in_topic_alone_merge_the_same_in_any_order(corpus: Corpus) -> None:
    """A branch that tells one statement under two topics makes the same claim, whichever it told first."""
    key = corpus.passage("a.txt", MEAN)
    told = [finding(MEAN, key, topic=topic) for topic in (FIRST, SECOND)]
    assert merged(corpus, result("a", *told)) == merged(corpus, result("a", *reversed(told)))


def test_claim_ids_survive_a_later_round(corpus: Corpus) -> None:
    """What a later round adds to a claim does not change its id or its words."""
    one, two = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", MEAN)
    first = merged(corpus, result("a", finding(MEAN, one))).claims[0]
    louder = finding(MEAN.upper(), two, confidence=1)
    later = merged(corpus, result("a", finding(MEAN, one)), result("b", louder, round=1)).claims[0]
    assert (first.id, first.text) == (later.id, later.text)
    assert later.passages != first.passages


# --- estimates, missing, the rest -----------------------------------------------------------------------------


def test_t_interval_against_a_textbook() -> None:
    """Mean and 95 % interval of a sample whose interval is known: n = 5, mean 10, s = 1.5811, t = 2.7764."""
    mean, low, high = t_interval([8, 9, 10, 11, 12])
    assert mean == 10
    assert (low, high) == (pytest.approx(8.0368, abs=1e-4), pytest.approx(11.9632, abs=1e-4))
    assert t_interval([7, 7]) == (7, 7, 7)


def test_a_figure_found_twice_has_an_interval(corpus: Corpus) -> None:
    """A figure for the same thing in two passages has a mean and an interval; one found once has none."""
    one, two = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", MEAN.replace("418.53", "418.5"))
    found = merged(corpus, result("a", finding(MEAN, one), finding(MEAN.replace("418.53", "418.5"), two)))
    assert len(found.estimates) == 1
    estimate = found.estimates[0]
    assert (estimate.n, estimate.unit, estimate.mean) == (2, "ppm", pytest.approx(418.515))
    assert estimate.high - estimate.mean == pytest.approx(12.7062 * 0.015, rel=1e-3)
    assert set(estimate.claims) == {claim.id for claim in found.claims}
    assert not merged(corpus, result("a", finding(MEAN, one))).estimates


def test_figures_that_contradict_each_other_are_not_averaged(corpus: Corpus) -> None:
    """Two values that cannot both hold are a contradiction, and their mean means nothing."""
    other = MEAN.replace("418.53", "417.06")
    one, two = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", other)
    found = merged(corpus, result("a", finding(MEAN, one), finding(other, two)))
    assert len(found.contradictions) == 1
    assert not found.estimates


def test_figures_of_other_years_are_not_averaged(corpus: Corpus) -> None:
    """Values for different years are no estimate of one thing."""
    other = MEAN.replace("2022", "2021").replace("418.53", "416.41")
    one, two = corpus.passage("a.txt", MEAN), corpus.passage("b.txt", other)
    assert not merged(corpus, result("a", finding(MEAN, one), finding(other, two))).estimates


def test_missing_names_who_did_not_deliver(corpus: Corpus) -> None:
    """Branches that failed, found nothing, or were never sent are named with the reason and their questions."""
    found = merged(corpus, result("a", status="timed_out", reason="its time limit of 300 s was over"), result("b"))
    assert [(each.branch_id, each.status, each.reason) for each in found.missing] == [
        ("a", "timed_out", "its time limit of 300 s was over"),
        ("b", "completed", "it found nothing that answers its questions"),
        ("c", "failed", "it was not sent"),
    ]
    assert found.missing[0].questions == (FIRST,)


def test_a_branch_that_was_made_good_is_not_missing(corpus: Corpus) -> None:
    """A branch that failed is not missing when the one sent in its place has delivered; its findings stay."""
    key = corpus.passage("a.txt", f"{MEAN} {PHANTOM}")
    again = plan(branch("a", FIRST, SECOND), branch("a-r2", SECOND))
    lost = result("a", finding(MEAN, key), status="cut_off")
    made_good = result("a-r2", finding(PHANTOM, key, topic=SECOND), round=1)
    found = merged(corpus, lost, made_good, under=again)
    assert found.missing == ()
    assert [claim.topic for claim in found.claims] == [FIRST, SECOND]
    failed_again = result("a-r2", status="failed", round=1)
    assert [each.branch_id for each in merged(corpus, lost, failed_again, under=again).missing] == ["a-r2"]


def test_a_branch_left_out_is_a_note(corpus: Corpus) -> None:
    """A branch that an adaptive plan did not need is not missing; the reader is told."""
    key = corpus.passage("a.txt", MEAN)
    found = merged(
        corpus,
        result("a", finding(MEAN, key)),
        under=plan(branch("a", FIRST), branch("b", FIRST), mode="adaptive"),
    )
    assert found.missing == ()
    assert found.notes == ("The branch 'b' was not sent: others had found answers to all its questions.",)


def test_charts_notes_and_searches_are_united(corpus: Corpus) -> None:
    """Charts, notes and the search trail of all branches stand in plan order, each once."""
    image = ArtifactRef(sha256="1", media_type="image/png", name="c.png", size=1)
    chart = Chart(image=image, data=image, title="t", alt="a", passage_id="p")
    found = merged(
        corpus,
        result("b", charts=(chart,), searched=("x", "y"), notes=("n",)),
        result("a", charts=(chart,), searched=("z", "x"), notes=("n", "m")),
    )
    assert (found.charts, found.searched, found.notes) == ((chart,), ("z", "x", "y"), ("n", "m"))


# --- properties -----------------------------------------------------------------------------------------------


def merge(given_results: Mapping[str, BranchResult], under: Plan) -> Merged:
    return merge_results(given_results, CORPUS.passages, CORPUS.sources, under)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(results, plans, st.permutations(range(5)))
def test_order_makes_no_difference(found: dict[str, BranchResult], under: Plan, order: list[int]) -> None:
    """The same results in any order, with their findings in any order, make the same evidence."""
    one, other = merge(found, under), merge(shuffled(found, order), under)
    assert one.model_dump_json() == other.model_dump_json()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(results, plans)
def test_what_always_holds(found: dict[str, BranchResult], under: Plan) -> None:
    """Ids are unique, attributions sum to 1, every cited passage exists, and none means unsupported."""
    evidence = merge(found, under)
    assert len({claim.id for claim in evidence.claims}) == len(evidence.claims)
    for claim in evidence.claims:
        assert sum(claim.attribution.values()) == pytest.approx(1)
        assert set(claim.attribution) <= set(found)
        assert set(claim.passages) <= set(CORPUS.passages)
        assert claim.passages or claim.verdict == "unsupported"
        assert claim.weight == max(evidence.weights[name] for name in claim.attribution)
    ids = {claim.id for claim in evidence.claims}
    for contradiction in evidence.contradictions:
        sides = {side.claim_id for side in contradiction.sides}
        assert len(sides) == 2
        assert sides <= ids
        assert contradiction.preferred in {*sides, ""}
    for estimate in evidence.estimates:
        assert estimate.low <= estimate.mean <= estimate.high
        assert estimate.n >= 2


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(results, plans, st.sampled_from("abcd"), findings)
def test_a_finding_told_twice_counts_once(found: dict[str, BranchResult], under: Plan, name: str, told: object) -> None:
    """A branch that says the same thing twice makes the same evidence as one that says it once."""
    base = found.get(name) or result(name)
    once = {**found, name: base.model_copy(update={"findings": (*base.findings, told)})}
    twice = {**found, name: base.model_copy(update={"findings": (told, *base.findings, told)})}
    assert merge(once, under) == merge(twice, under)
