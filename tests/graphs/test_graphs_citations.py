"""What a writing model gets wrong does not reach the report: the compiled graph with models that are scripted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chains.fake.script import FakeScript
from chains.models import ModelDoor
from state.context import ApprovalPolicy, RunContext, TimeLimits
from state.ports import Sent, Turn
from state.research import ResearchState, Sentence
from tests.graphs.research_runs import MemoryRun, passage_with, write_sources

pytestmark = pytest.mark.slow

ALPHA = "The Alpha Bridge is 134 m high and was opened in May 1932. Nobody paid a toll for the Alpha Bridge."
BETA = "The Beta Bridge is 49 m high and was opened in June 1973."
QUESTION = "How high is the Alpha Bridge, and when was the Beta Bridge opened?"
RIGHT = "The Alpha Bridge is 134 m high."
LOWER = "The Alpha Bridge is 120 m high."
PARTLY = "The Alpha Bridge is 134 m high, which made engineers from many countries travel there."


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """Two notes about bridges."""
    return write_sources(tmp_path / "bridges", {"alpha.md": ALPHA, "beta.md": BETA})


def script(*steps: dict[str, Any]) -> FakeScript:
    return FakeScript.model_validate({"steps": list(steps)})


def report(*sentences: tuple[str, list[str]], heading: str = "Key findings") -> dict[str, Any]:
    """The step that writes a report of one section."""
    told = [{"text": text, "passages": passages} for text, passages in sentences]
    draft = {"title": "Bridges", "sections": [{"heading": heading, "sentences": told}]}
    return {"when": "ReportDraft", "structured": {"ReportDraft": draft}}


def repair(*texts: tuple[str, list[str]]) -> dict[str, Any]:
    told = [{"text": text, "passages": passages} for text, passages in texts]
    return {"when": "RepairDraft", "structured": {"RepairDraft": {"sentences": told}}}


def judgements(*verdicts: tuple[int, str]) -> dict[str, Any]:
    told = [{"number": number, "verdict": verdict, "why": "so"} for number, verdict in verdicts]
    return {"when": "JudgementsDraft", "structured": {"JudgementsDraft": {"judgements": told}}}


REVIEWED: dict[str, Any] = {"when": "ReviewDraft", "structured": {"ReviewDraft": {}}, "repeat": "always"}


def findings(state: ResearchState) -> list[Sentence]:
    sections = {section.heading: section for section in state["draft"].sections}
    return list(sections["Key findings"].sentences) if "Key findings" in sections else []


@pytest.mark.parametrize(
    "wrong",
    [
        "The Alpha Bridge is 999 m high.",
        "The Alpha Bridge is 134 km high.",
        "The Alpha Bridge is not 134 m high.",
        "The Alpha Bridge is 134 m high and was opened in May 1933.",
        "The Alpha Bridge is 134 m high and was opened in June 1932.",
        "The Gamma Bridge is 134 m high.",
        "Everybody says: “The Alpha Bridge is the finest of them all.”",
        "Somebody paid a toll for lighthouses, harbours, ferries and railways.",
    ],
)
async def test_a_wrong_fact_does_not_reach_the_report(sources: list[str], wrong: str) -> None:
    """Wrong number, unit, negation, year, month, name, quotation, or source: the sentence is dropped and counted."""
    passage = await passage_with(sources, "134 m")
    model = script(report((RIGHT, [passage.id]), (wrong, [passage.id])), repair())
    run = MemoryRun(RunContext(models={"writer": "fake/liar"}), {"liar": model})
    state = await run.ask(QUESTION, sources)
    assert [sentence.text for sentence in findings(state)] == [RIGHT]
    assert state["draft"].dropped == 1
    assert state["citation_accuracy"] == 1.0
    assert wrong not in await run.report()
    assert "Sentences left out because no passage supports them: 1." in await run.report()


async def test_what_belongs_to_the_other_thing_does_not_reach_the_report(sources: list[str]) -> None:
    """Citing both passages does not help a figure that one of them states of something else."""
    keys = [(await passage_with(sources, words)).id for words in ("134 m", "49 m")]
    model = script(report((RIGHT, keys), ("The Alpha Bridge is 49 m high.", keys)), repair())
    run = MemoryRun(RunContext(models={"writer": "fake/liar"}), {"liar": model})
    assert [sentence.text for sentence in findings(await run.ask(QUESTION, sources))] == [RIGHT]


async def test_every_claim_cites_a_passage_that_was_found(sources: list[str]) -> None:
    """A sentence without a passage, or with one that no branch found, is dropped; one passage that exists is enough."""
    passage = await passage_with(sources, "134 m")
    told = report(
        (RIGHT, []),
        ("The Alpha Bridge was opened in May 1932.", ["p0123456789abcdef"]),
        (RIGHT, ["pfedcba9876543210", passage.id, passage.id]),
    )
    run = MemoryRun(RunContext(models={"writer": "fake/liar"}), {"liar": script(told, repair())})
    state = await run.ask(QUESTION, sources)
    (kept,) = findings(state)
    assert (kept.text, kept.passages) == (RIGHT, (passage.id,))
    assert state["draft"].dropped == 2
    assert all(sentence.passages for sentence in findings(state))


async def test_a_claim_is_repaired_once(sources: list[str]) -> None:
    """A sentence that is mended stays; one that is wrong again, or has lost its passage, is dropped."""
    key = (await passage_with(sources, "134 m")).id
    told = report(*((f"The Alpha Bridge is {height} m high.", [key]) for height in (999, 998, 997)))
    mended = repair((RIGHT, [key]), ("The Alpha Bridge is 133 m high.", [key]), (RIGHT, []))
    run = MemoryRun(RunContext(models={"writer": "fake/liar"}), {"liar": script(told, mended)})
    state = await run.ask(QUESTION, sources)
    assert [sentence.text for sentence in findings(state)] == [RIGHT]
    assert state["draft"].dropped == 2


async def test_without_a_model_partial_support_is_not_judged_and_said_so(sources: list[str]) -> None:
    """The sentence is marked, an open defect, and no citation that counts as accurate."""
    key = (await passage_with(sources, "134 m")).id
    run = MemoryRun(
        RunContext(models={"writer": "fake/vague"}), {"vague": script(report((RIGHT, [key]), (PARTLY, [key])))}
    )
    state = await run.ask(QUESTION, sources)
    assert [sentence.verdict for sentence in findings(state)] == ["supported", "partly"]
    assert state["citation_accuracy"] == 0.5
    text = await run.report()
    assert "takes a language model, and none was used. Not judged: 1." in text
    assert "*(partly supported)*" in text
    assert "Open defect: Only partly supported by its passage" in text


@pytest.mark.parametrize(
    ("verdict", "left", "accuracy"),
    [("supported", "supported", 1.0), ("partly", "partly", 0.5), ("unsupported", None, 1.0)],
)
async def test_a_model_judges_what_the_check_leaves_open(
    sources: list[str], verdict: str, left: str | None, accuracy: float
) -> None:
    """Only the sentence that is supported in part is asked about; the verdict counts, and is told as the model's."""
    key = (await passage_with(sources, "134 m")).id
    writer = script(report((RIGHT, [key]), (PARTLY, [key]), ("The Alpha Bridge is 999 m high.", [key])), repair())
    critic = script(judgements((1, verdict), (2, "unsupported"), (3, "supported")), REVIEWED)
    run = MemoryRun(RunContext(models={"writer": "fake/w", "critic": "fake/c"}), {"w": writer, "c": critic})
    state = await run.ask(QUESTION, sources)
    known = {sentence.text: sentence for sentence in findings(state)}
    assert RIGHT in known
    assert "The Alpha Bridge is 999 m high." not in known, "a model cannot make good what the check found wrong"
    assert (known[PARTLY].verdict if PARTLY in known else None) == left
    assert all(sentence.by_model == (sentence.text == PARTLY) for sentence in known.values())
    assert state["citation_accuracy"] == accuracy
    assert state["draft"].dropped == 1 + (left is None)
    assert "found supported in part: 1. Judged by the model: 1;" in await run.report()


async def test_a_judge_that_fails_changes_nothing(sources: list[str]) -> None:
    """The sentence stays marked, and the report says why it was not judged."""
    key = (await passage_with(sources, "134 m")).id
    writer = script(report((RIGHT, [key]), (PARTLY, [key])))
    critic = script({"when": "JudgementsDraft", "reply": "Fine, all of it.", "repeat": "always"}, REVIEWED)
    run = MemoryRun(RunContext(models={"writer": "fake/w", "critic": "fake/c"}), {"w": writer, "c": critic})
    state = await run.ask(QUESTION, sources)
    assert [sentence.verdict for sentence in findings(state)] == ["supported", "partly"]
    assert "The model could not judge all" in await run.report()


async def test_judging_is_bounded(sources: list[str]) -> None:
    """At most so many sentences are asked about, in batches, however many the writer leaves open."""
    key = (await passage_with(sources, "134 m")).id
    told = [(f"{PARTLY[:-1]} {'again ' * place}.", [key]) for place in range(30)]
    batch = {**judgements(*((number, "supported") for number in range(1, 9))), "repeat": "always"}
    run = MemoryRun(
        RunContext(models={"writer": "fake/w", "critic": "fake/c"}),
        {"w": script(report(*told)), "c": script(batch, REVIEWED)},
    )
    state = await run.ask(QUESTION, sources)
    assert sum(sentence.by_model for sentence in findings(state)) == 24
    assert "in part: 30. Judged by the model: 24;" in await run.report()


def judging(
    batch: dict[str, Any], *more: dict[str, Any], sentences: list[tuple[str, list[str]]]
) -> dict[str, FakeScript]:
    """A writer of these sentences, and a critic that answers a batch, and then does something else."""
    return {"w": script(report(*sentences)), "c": script(batch, *more)}


async def test_what_was_judged_in_time_counts(sources: list[str]) -> None:
    """A batch that was answered before the time was over is kept; the report says that the rest was not judged."""
    key = (await passage_with(sources, "134 m")).id
    told = [(f"{PARTLY[:-1]} {'again ' * place}.", [key]) for place in range(12)]
    batch = judgements(*((number, "supported") for number in range(1, 9)))
    roles: Any = {"writer": "fake/w", "critic": "fake/c"}
    run = MemoryRun(
        RunContext(models=roles, time=TimeLimits(reviewing=0.5)),
        judging(batch, {"hang": 600, "repeat": "always"}, sentences=told),
    )
    state = await run.ask(QUESTION, sources)
    assert sum(sentence.by_model for sentence in findings(state)) == 8
    text = await run.report()
    assert "in part: 12. Judged by the model: 8;" in text
    assert "The model could not judge all: reviewing took longer than 0.5 s." in text


class _QueueingDoor(ModelDoor):
    """Whoever asks the critic waits for its turn for longer than its work may take."""

    def rates(self, name: str) -> Any:
        """A queue for the critic, none for the others."""
        return self if name == "fake/c" else super().rates(name)

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[Sent]:
        """Lets it go after half a second."""
        with turn.waiting():
            await asyncio.sleep(0.5)
        yield Sent(turn.clock.elapsed(), turn.tokens)


async def test_the_time_of_judging_stands_still_in_the_queue(sources: list[str]) -> None:
    """Waiting for a turn at the provider makes no judge too slow."""
    key = (await passage_with(sources, "134 m")).id
    fakes = judging(judgements((1, "supported")), REVIEWED, sentences=[(PARTLY, [key])])
    roles: Any = {"writer": "fake/w", "critic": "fake/c"}
    context = RunContext(models=roles, time=TimeLimits(reviewing=0.3))
    run = MemoryRun(context, models=_QueueingDoor({}, {}, fakes))
    assert [sentence.by_model for sentence in findings(await run.ask(QUESTION, sources))] == [True]


async def test_the_report_names_the_models_that_answered(sources: list[str]) -> None:
    """A fallback that wrote in place of the writer is named, and the writer that refused is not."""
    key = (await passage_with(sources, "134 m")).id
    fakes = {
        "w": script({"error": {"kind": "auth"}, "repeat": "always"}),
        "f": script(report((RIGHT, [key]))),
    }
    run = MemoryRun(RunContext(models={"writer": "fake/w"}, fallback_models=("fake/f", "fake/w")), fakes)
    await run.ask(QUESTION, sources)
    text = await run.report()
    assert "extractive, fake/f" in text
    assert "fake/w" not in text


async def test_what_is_disputed_is_no_fact_in_the_summary(tmp_path: Path) -> None:
    """Where nothing decides, the summary says that the sources disagree."""
    notes = {"a.md": RIGHT, "b.md": LOWER}
    run = MemoryRun(RunContext())
    state = await run.ask("How high is the Alpha Bridge?", write_sources(tmp_path / "notes", notes))
    (found,) = state["merged"].contradictions
    assert found.preferred == ""
    sections = {section.heading: section.sentences for section in state["draft"].sections}
    (summary,) = sections["Executive summary"]
    assert summary.text.startswith("The sources disagree on the height of the Alpha Bridge: ")
    assert "nothing decides between them" in found.why
    assert {"134 m", "120 m"} <= {side.value for side in found.sides}
    assert len(summary.passages) == 2


async def both_sides(sources: list[str]) -> MemoryRun:
    """A run whose writer states both heights as findings."""
    high, low = [await passage_with(sources, height) for height in ("134 m", "120 m")]
    writer = script(report((RIGHT, [high.id]), (LOWER, [low.id])))
    return MemoryRun(RunContext(models={"writer": "fake/w"}), {"w": writer})


async def test_disputed_findings_are_marked(tmp_path: Path) -> None:
    """Outside of the summary both sides stand, each marked as disputed."""
    sources = write_sources(tmp_path / "notes", {"a.md": RIGHT, "b.md": LOWER})
    run = await both_sides(sources)
    state = await run.ask("How high is the Alpha Bridge?", sources)
    assert [sentence.disputed for sentence in findings(state)] == [True, True]
    assert "*(disputed)*" in await run.report()


async def test_the_side_with_a_reason_may_be_stated(tmp_path: Path) -> None:
    """The more recent source is preferred, and its claim surer; both sides are marked where they are told."""
    notes = {
        "a.md": f"Published: 1 May 2024\n\n{RIGHT}",
        "b.md": f"Published: 1 May 2010\n\n{LOWER}",
    }
    sources = write_sources(tmp_path / "notes", notes)
    run = await both_sides(sources)
    state = await run.ask("How high is the Alpha Bridge?", sources)
    (found,) = state["merged"].contradictions
    assert found.why == "its source is more recent: 2024-05-01 against 2010-05-01"
    told = {sentence.text: sentence for sentence in findings(state)}
    assert told[RIGHT].disputed
    assert told[LOWER].disputed
    claims = {claim.text: claim for claim in state["merged"].claims}
    assert claims[RIGHT].confidence > claims[LOWER].confidence
    assert "How sure each finding is" in await run.report()


async def test_an_edit_does_not_undo_what_was_judged(sources: list[str]) -> None:
    """A person who adds a sentence leaves the others' verdicts; what is theirs alone is no citation that is wrong."""
    key = (await passage_with(sources, "134 m")).id
    context = RunContext(models={"writer": "fake/w", "critic": "fake/c"}, approvals={"report": ApprovalPolicy()})
    critic = script(judgements((1, "supported")), REVIEWED)
    run = MemoryRun(context, {"w": script(report((PARTLY, [key]))), "c": critic})
    await run.ask(QUESTION, sources)
    action = await run.pending()
    assert action is not None
    wrong = {"text": "The Alpha Bridge is 133 m high.", "passages": [key]}
    next(each for each in action["args"]["sections"] if each["heading"] == "Key findings")["sentences"].append(wrong)
    args = {**action["args"], "as_own_words": True}
    state = await run.answer({"type": "edit", "edited_action": {"name": action["name"], "args": args}})
    assert state["outcome"] == "published"
    assert state["citation_accuracy"] == 1.0
    text = await run.report()
    assert PARTLY in text
    assert "The Alpha Bridge is 133 m high. *(the editor's own words, no source)*" in text
