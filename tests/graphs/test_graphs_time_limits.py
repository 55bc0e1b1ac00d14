"""Work outside the branches ends in time, and its end is said: no run hangs on a reader, planner, writer or critic."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chains.fake.script import FakeScript
from state.context import Role, RunContext, TimeLimits
from state.errors import SourceError
from tests.graphs.research_runs import ALPHA, MemoryRun, passage_with, write_sources

QUESTION = "How high is the alpha bridge?"
HANGS: dict[str, Any] = {"hang": 600, "repeat": "always"}


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """A note about a bridge."""
    return write_sources(tmp_path / "bridges", {"alpha.md": ALPHA})


def hanging(role: Role, time: TimeLimits, *before: dict[str, Any]) -> MemoryRun:
    """A run in which one role hangs, after these steps."""
    script = FakeScript.model_validate({"steps": [*before, HANGS]})
    return MemoryRun(RunContext(models={role: "fake/slow"}, time=time), {"slow": script})


@pytest.mark.slow
async def test_a_planner_that_hangs_is_replaced_by_rules(sources: list[str]) -> None:
    """The plan is the simple one and says why; the run goes on to its report."""
    run = hanging("planner", TimeLimits(planning=0.2))
    state = await run.ask(QUESTION, sources)
    assert state["plan"].why.endswith(" It was planned by rule, because planning took longer than 0.2 s")
    assert state["outcome"] == "published"


@pytest.mark.slow
async def test_a_critic_that_hangs_leaves_a_report_that_says_so(sources: list[str]) -> None:
    """That no review could be made is an open defect of the report."""
    run = hanging("critic", TimeLimits(reviewing=0.2))
    state = await run.ask(QUESTION, sources)
    assert state["outcome"] == "published"
    assert "The draft could not be reviewed by a model: reviewing took longer than 0.2 s" in await run.report()


@pytest.mark.slow
async def test_a_writer_that_hangs_costs_the_prose(sources: list[str]) -> None:
    """The report is put together by extraction, and says why."""
    run = hanging("writer", TimeLimits(writing=0.2))
    assert (await run.ask(QUESTION, sources))["outcome"] == "published"
    assert "The writing model failed (writing took longer than 0.2 s)" in await run.report()


@pytest.mark.slow
async def test_a_repair_that_hangs_costs_the_sentence(sources: list[str]) -> None:
    """A sentence that is not mended in time is dropped; the others go out."""
    passage = await passage_with(sources, "134 m")
    texts = ["The alpha bridge is 134 m high.", "The alpha bridge is 999 m high."]
    sentences = [{"text": text, "passages": [passage.id]} for text in texts]
    report = {"title": "Bridges", "sections": [{"heading": "Key findings", "sentences": sentences}]}
    run = hanging("writer", TimeLimits(writing=1), {"when": "ReportDraft", "structured": {"ReportDraft": report}})
    state = await run.ask(QUESTION, sources)
    assert (state["outcome"], state["draft"].dropped) == ("published", 1)
    assert "134 m" in await run.report()


async def test_sources_that_take_too_long_end_the_run_with_a_remedy(
    sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what was not done in time, and what to do."""

    async def never(*_given: object, **_named: object) -> None:
        await asyncio.sleep(600)

    monkeypatch.setattr("agents.reading.read_sources", never)
    run = MemoryRun(RunContext(time=TimeLimits(reading=0.1)))
    with pytest.raises(SourceError, match=r"reading took longer than 0.1 s Name fewer sources, or .* time\.reading"):
        await run.ask(QUESTION, sources)
