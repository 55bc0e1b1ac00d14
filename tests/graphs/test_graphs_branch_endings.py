"""How a branch ends that nobody foresaw: what it found and used is kept, and what is not its own to end passes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command, interrupt

from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from graphs.coordination import nodes
from state.context import BranchLimits, GatePolicy, RunContext
from state.errors import LeaseLost
from state.evidence import Passage, Source
from state.ports import WebHit
from state.research import BranchResult
from tests.graphs.research_runs import ALPHA, MemoryRun, write_sources

PAGE = "http://bridges.example/alpha"
QUESTION = f"How high is the alpha bridge ({PAGE})?"
SEARCH: dict[str, Any] = {
    "turn": 0,
    "tool_calls": [{"name": "search_documents", "args": {"query": "alpha bridge high"}}],
}
READ: dict[str, Any] = {"turn": 1, "tool_calls": [{"name": "read_page", "args": {"url": PAGE}}]}
NOTHING: dict[str, Any] = {"turn": 2, "structured": {"FindingsDraft": {"findings": []}}}


class BrokenWeb:
    """A web whose pages cannot be read, for a reason that no tool foresaw."""

    def __init__(self, fails: Callable[[], None]) -> None:
        self._fails = fails

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        return []

    async def read(self, url: str) -> tuple[Source, Sequence[Passage]]:
        self._fails()
        return Source(id="sw", uri=url, title="A page", kind="html", sha256="1" * 64, size=1), []


def rises(error: Exception) -> Callable[[], None]:
    def fails() -> None:
        raise error

    return fails


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """A note about a bridge."""
    return write_sources(tmp_path / "bridges", {"alpha.md": ALPHA})


def run_of(*steps: dict[str, Any], fails: Callable[[], None] = lambda: None, seconds: float = 60) -> MemoryRun:
    """A run whose researcher follows these steps, with pages that fail so."""
    context = RunContext(
        models={"researcher": "fake/team"}, gate=GatePolicy(max_revisions=0), limits=BranchLimits(seconds=seconds)
    )
    return MemoryRun(context, {"team": FakeScript.model_validate({"steps": steps})}, BrokenWeb(fails))


def only(results: dict[str, BranchResult]) -> BranchResult:
    (result,) = results.values()
    return result


@pytest.mark.slow
async def test_a_bug_in_a_tool_costs_the_branch_nothing_that_it_had(
    sources: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Findings, calls, money and real seconds are kept; the reason names the error, the log has where it was."""
    state = await run_of(SEARCH, READ, fails=rises(ZeroDivisionError("a bug"))).ask(QUESTION, sources)
    result = only(state["results"])
    assert (result.status, result.reason, result.transient) == ("failed", "ZeroDivisionError: a bug", False)
    assert [finding.text for finding in result.findings] == [ALPHA]
    assert (result.model_calls, result.tool_calls, result.searched) == (2, 1, ("alpha bridge high",))
    assert result.tokens > 0
    assert result.money == pytest.approx(result.tokens / 1e6)
    assert result.seconds < result.limit_seconds == 60
    assert state["outcome"] == "published"
    (record,) = (record for record in caplog.records if record.name == "agents.branch")
    assert "ZeroDivisionError" in caplog.text
    assert record.exc_info is not None


@pytest.mark.slow
async def test_the_time_limit_of_the_engine_keeps_what_was_found(
    sources: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A branch that its own limit did not end is ended from outside, as timed out, with its findings and its costs."""
    monkeypatch.setattr(nodes, "_BACKSTOP_SECONDS", -599.2)
    hangs: dict[str, Any] = {"turn": 1, "hang": 600}
    state = await run_of(SEARCH, hangs).ask(QUESTION, sources)
    result = only(state["results"])
    assert (result.status, result.transient) == ("timed_out", True)
    assert [finding.text for finding in result.findings] == [ALPHA]
    assert result.model_calls == 1
    assert result.money > 0
    assert 0.5 < result.seconds < 30
    assert not [record for record in caplog.records if record.name == "agents.branch"]


async def test_a_fault_in_gathering_keeps_what_was_spent(sources: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """If the findings themselves cannot be gathered, the branch still says what it cost."""

    async def fails(*_given: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("agents.branch.accepted", fails)
    result = only((await run_of(SEARCH, {**NOTHING, "turn": 1}).ask(QUESTION, sources))["results"])
    assert (result.status, result.reason) == ("failed", "KeyError: 'x'")
    assert (result.findings, result.model_calls, result.tool_calls) == ((), 2, 1)


async def test_a_lost_lease_ends_the_run(sources: list[str]) -> None:
    """A process that no longer owns the run makes no result of it."""
    run = run_of(SEARCH, READ, fails=rises(LeaseLost("another process has the run")))
    with pytest.raises(LeaseLost):
        await run.ask(QUESTION, sources)


@pytest.mark.slow
async def test_a_question_to_a_person_stops_the_branch_and_is_no_failure(sources: list[str]) -> None:
    """A tool that asks a person stops the run; with the answer the branch goes on and completes."""
    run = run_of(SEARCH, READ, NOTHING, fails=lambda: interrupt("may I?"))
    await run.ask(QUESTION, sources)
    (asked,) = (await run.app.aget_state(run.config)).interrupts
    assert asked.value == "may I?"
    await run.app.ainvoke(Command(resume="yes"), run.config, context=run.context)
    state = (await run.app.aget_state(run.config)).values
    assert only(state["results"]).status == "completed"


async def test_a_cancelled_run_makes_no_result(sources: list[str]) -> None:
    """Stopping the run is not an ending of its branches: they run again when it goes on."""
    run = run_of(SEARCH, {"turn": 1, "hang": 600}, {**NOTHING, "turn": 1})
    task = asyncio.create_task(run.ask(QUESTION, sources))
    model = run.ports.models.chat("fake/team")
    assert isinstance(model, FakeChatModel)
    while len(model.calls) < 2:  # noqa: ASYNC110 - the fake model has no event to wait for
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (await run.app.aget_state(run.config)).values.get("results")
    await run.app.ainvoke(None, run.config, context=run.context)
    state = (await run.app.aget_state(run.config)).values
    assert only(state["results"]).status == "completed"
