"""The research graph with the real client of a provider, which speaks to a scripted server of its protocol."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chains.models import ModelDoor, ProviderSettings
from graphs.catalog import CATALOG
from run_workflow.engine.engine import Engine
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from run_workflow.stores.artifacts import PostgresArtifacts
from state.context import ApprovalPolicy, GatePolicy, Point, RunContext
from state.evidence import ArtifactRef
from state.runs import Answer, Approve, RunRecord
from tests.graphs.research_runs import ALPHA, passage_with, write_sources
from tests.openai_server import Reply, Server, answer, failure, openai_server
from tools.memory import SystemClock

QUESTION = "How high is the alpha bridge?"
MODEL = "served/model"
PRICE = (1.0, 2.0)
PER_CALL = (100 * PRICE[0] + 20 * PRICE[1]) / 1e6
"""US dollars: what the server says that one call used, at that price."""


class NotedClock(SystemClock):
    """The machine's clock, and how long it was asked to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        self.waits.append(seconds)
        await super().sleep(seconds)


@pytest.fixture
def server() -> Iterator[Server]:
    """The provider."""
    with openai_server() as serving:
        yield serving


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """A note about a bridge."""
    return write_sources(tmp_path / "bridges", {"alpha.md": f"# Alpha\n\n{ALPHA}\n"})


@asynccontextmanager
async def engine_of(database: Database, server: Server) -> AsyncIterator[tuple[Engine, NotedClock]]:
    """An engine and a door to the models that know nothing of those before."""
    models = ModelDoor({"served": ProviderSettings(base_url=server.url)}, {MODEL: PRICE})
    clock = NotedClock()
    try:
        yield Engine(database.pool, models, clock, CATALOG), clock
    finally:
        await models.close()


def told(name: str, **arguments: Any) -> Reply:
    """An answer that calls one tool, or fills one form in."""
    return answer(calls=[(name, json.dumps(arguments))])


def plan() -> Reply:
    """A plan of one branch."""
    branch = {"kind": "research", "focus": "bridge", "questions": [QUESTION]}
    return told("PlanDraft", sub_questions=[QUESTION], branches=[branch])


def context(*points: Point, budget: float | None = None) -> RunContext:
    """All roles are played by the provider's model; it waits at these points."""
    return RunContext(
        default_model=MODEL,
        gate=GatePolicy(max_revisions=0),
        budget=budget,
        approvals={point: ApprovalPolicy() for point in points},
    )


async def go_on(database: Database, server: Server, run: RunRecord) -> tuple[RunRecord, NotedClock]:
    """Approves what the run waits for, and takes it on, with everything opened anew."""
    async with engine_of(database, server) as (engine, clock):
        await engine.answer(run.id, None, Answer(decisions=(Approve(),)), "ann")
        return await engine.advance(run.id), clock


async def report_of(database: Database, run: RunRecord) -> str:
    """The report of a run that has ended."""
    assert run.output is not None, run.error
    stored = PostgresArtifacts(Fence(database.pool, run.id, -1))
    return (await stored.get(ArtifactRef.model_validate(run.output["report"]).sha256)).decode()


async def test_a_run_with_a_provider_that_stumbles(database: Database, server: Server, sources: list[str]) -> None:
    """Plan, search, findings, report and review come through a 429, which says when to come back, and a 500.

    The run stops twice on its way. What its calls used is counted once, and kept.
    """
    passage = await passage_with(sources, "134 m")
    finding = {"text": ALPHA, "passages": [passage.id], "topic": QUESTION, "confidence": 0.9}
    sentence = {"text": "The alpha bridge is 134 m high.", "passages": [passage.id]}
    server.say(
        failure(429, "slow down", Retry_After="1"),
        plan(),
        told("search_documents", query="alpha bridge high"),
        failure(500, "oops"),
        told("FindingsDraft", findings=[finding]),
        told("ReportDraft", title="The alpha bridge", sections=[{"heading": "Key findings", "sentences": [sentence]}]),
        told("ReviewDraft", defects=[], revise=False),
    )
    async with engine_of(database, server) as (engine, clock):
        asked = {"question": QUESTION, "sources": sources}
        run = await engine.start("research", asked, context("plan", "report"), actor="ann")
        run = await engine.advance(run.id)
        assert (run.status, server.count) == ("waiting_approval", 2), run.error
        assert any(1 <= seconds <= 1.5 for seconds in clock.waits), "Retry-After was not kept"
    run, clock = await go_on(database, server, run)
    assert (run.status, server.count) == ("waiting_approval", 7), run.error
    assert any(0.25 <= seconds <= 0.75 for seconds in clock.waits), "after a 500 there was no pause"
    run, _ = await go_on(database, server, run)
    assert (run.status, server.count) == ("completed", 7), run.error
    report = await report_of(database, run)
    assert "# The alpha bridge" in report
    assert "The alpha bridge is 134 m high. [" in report
    async with engine_of(database, server) as (engine, _):
        used = (await engine.show(run.id)).usage
    assert (used.model_calls, used.tool_calls, used.unpriced_calls) == (5, 1, 0)
    assert (used.input_tokens, used.output_tokens) == (500, 100)
    assert used.money == pytest.approx(5 * PER_CALL)


async def test_the_budget_is_kept_over_a_resume(database: Database, server: Server, sources: list[str]) -> None:
    """A process that goes on with a run knows what the one before has spent, and asks nothing more."""
    dear = plan()
    dear.body["usage"] = {"prompt_tokens": 100_000, "completion_tokens": 20, "total_tokens": 100_020}
    server.say(dear)
    async with engine_of(database, server) as (engine, _):
        asked = {"question": QUESTION, "sources": sources}
        run = await engine.start("research", asked, context("plan", budget=0.1), actor="ann")
        run = await engine.advance(run.id)
        assert run.status == "waiting_approval", run.error
    run, _ = await go_on(database, server, run)
    assert server.count == 1
    assert run.status == "completed", run.error
    assert "the run's budget of $0.1 is reached" in await report_of(database, run)
