"""Limits on rate and money, through the real client and the whole research graph.

A minute here is one of a clock that stands still while anything is done; server and program share it.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from state.context import BranchLimits, GatePolicy, RunContext
from state.research import BranchResult
from tests.end_to_end.served_research import MODEL, IdleClock, ServedRun, Team
from tests.graphs.research_runs import ALPHA, passage_with, write_sources
from tests.openai_server import Limit, Server, openai_server

TWENTY = [f"topic {number}" for number in range(20)]
TEN = TWENTY[:10]
PRICE = (10.0, 10.0)
CHEAP = "served/cheap"
CAUTION = 10 * 256 * PRICE[1] / 1e6
"""What is set aside for the answers of ten calls at once, in US dollars."""


def cost(tokens: list[tuple[int, int]]) -> float:
    """What calls with these tokens cost."""
    return sum(given * PRICE[0] + taken * PRICE[1] for given, taken in tokens) / 1e6


@pytest.fixture
def server() -> Iterator[Server]:
    """The provider."""
    with openai_server() as serving:
        yield serving


def note_in(folder: Path) -> list[str]:
    """A note about a bridge."""
    return write_sources(folder / "bridges", {"alpha.md": f"# Alpha\n\n{ALPHA}\n"})


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    """A note about a bridge."""
    return note_in(tmp_path)


async def team_of(sources: list[str], names: list[str], **more: Any) -> Team:
    """All roles, with a branch for each name."""
    return Team((await passage_with(sources, "134 m")).id, names, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, float]:
    """What the run of ten costs without a budget, and its dearest call, in US dollars."""

    async def tokens(server: Server) -> list[tuple[int, int]]:
        sources = note_in(tmp_path_factory.mktemp("whole"))
        server.decide = team = await team_of(sources, TEN)
        await ServedRun(server, context(), prices={MODEL: PRICE}).ask("How high is the alpha bridge?", sources)
        return team.tokens

    with openai_server() as serving:
        used = asyncio.run(tokens(serving))
    return cost(used), max(cost([each]) for each in used)


def context(**more: Any) -> RunContext:
    """Twenty branches at most, one round; more as the test has it."""
    told: dict[str, Any] = {"default_model": MODEL, "max_branches": 20, "gate": GatePolicy(max_revisions=0)}
    return RunContext(**(told | more))


@pytest.mark.slow
@pytest.mark.parametrize("known", ["in the settings", "from headers", "by refusals"])
async def test_twenty_branches_under_sixty_a_minute(server: Server, sources: list[str], known: str) -> None:
    """103 requests of 20 branches take two minutes of sixty, and no branch is lost; what waits says so, and ends.

    A limit that is known is not run into. Each branch has 30 s, less than it waits for its turn.
    """
    clock = IdleClock()
    server.limit = Limit(60, clock.elapsed, tells=known == "from headers")
    server.decide = team = await team_of(sources, TWENTY, searches=4)
    settings = {"requests_per_minute": 60} if known == "in the settings" else {}
    run = ServedRun(server, context(limits=BranchLimits(seconds=30)), clock, settings)
    await run.ask("How high is the alpha bridge?", sources)
    assert set(run.ended.values()) == {"completed"}, [each.reason for each in run.state["missing"]]
    assert team.asked.total() == 20 * 5 + 3
    assert run.state["missing"] == ()
    waits = [event.wait for event in run.events if event.wait]
    assert "waits for its turn at served" in waits
    assert len(waits) == sum(event.wait == "" for event in run.events), "a wait was not taken back"
    assert 60 < clock.elapsed() < 90
    assert (server.limit.refused > 0) == (known == "by refusals")


@pytest.mark.slow
async def test_the_budget_ends_within_one_call(server: Server, sources: list[str], whole: tuple[float, float]) -> None:
    """Whenever the money ends, also with ten branches at once, the run keeps to it and delivers what it has.

    What it says that it cost is what the provider was asked for.
    """
    all_of_it, dearest = whole
    published = []
    for share in (0.02, 0.4, 0.7, 0.97):
        server.decide = team = await team_of(sources, TEN)
        budget = share * all_of_it
        run = ServedRun(server, context(budget=budget), prices={MODEL: PRICE})
        await run.ask("How high is the alpha bridge?", sources)
        spent = (await run.ports.journal.usage()).money
        assert spent == pytest.approx(cost(team.tokens))
        assert budget - 2 * dearest - CAUTION < spent <= budget + dearest or share < 0.05
        assert f"The run cost ${spent:.4f} of its budget of ${budget:.4g}" in await run.report()
        results: list[BranchResult] = list(run.state["results"].values())
        cut = [result.reason for result in results if result.status != "completed"]
        assert cut or share > 0.9
        assert all("the run's budget" in reason for reason in cut)
        published.append(run.state["outcome"] == "published")
    assert published == [False, True, True, True], "money was left, and nothing was made of it"


async def test_past_the_soft_limit_a_cheaper_model_takes_over(
    server: Server, sources: list[str], whole: tuple[float, float]
) -> None:
    """The last fifth of the budget goes to the cheaper model, and the report says so; nothing is lost."""
    budget = 0.6 * whole[0]
    server.decide = team = await team_of(sources, TEN)
    saving = context(budget=budget, cheaper_model=CHEAP, mode="sequential")
    run = ServedRun(server, saving, prices={MODEL: PRICE, CHEAP: (1.0, 1.0)})
    await run.ask("How high is the alpha bridge?", sources)
    asked = [request["model"] for request in server.requests][-team.asked.total() :]
    dear = asked.count("model")
    assert asked == ["model"] * dear + ["cheap"] * asked.count("cheap"), "it went back to the dear one"
    assert cost(team.tokens[: dear - 1]) < 0.8 * budget
    assert 0 < dear < len(asked)
    assert set(run.ended.values()) == {"completed"}, [each.reason for each in run.state["missing"]]
    assert "past 80 % of it, served/cheap plays all roles" in await run.report()


async def test_without_a_cheaper_model_the_same_run_is_cut_off(
    server: Server, sources: list[str], whole: tuple[float, float]
) -> None:
    """With nobody cheaper to ask, that budget does not reach for all branches; the report tells of those it did."""
    budget = 0.6 * whole[0]
    server.decide = await team_of(sources, TEN)
    run = ServedRun(server, context(budget=budget, mode="sequential"), prices={MODEL: PRICE})
    await run.ask("How high is the alpha bridge?", sources)
    assert "cut_off" in run.ended.values()
    assert run.state["outcome"] == "published"
