"""An embedding model that is paid for: its requests are counted, priced, limited, tried again, and wait."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chains.embedding import GovernedEmbedder
from chains.models import ModelDoor, ProviderSettings
from chains.retrying import MAX_TRIES
from chains.scope import CallScope
from state.errors import ToolError
from state.ports import MeteredEmbedder, Vector
from state.runs import Usage
from tests.chains.model_doubles import Bench
from tests.openai_server import Reply, Server, failure, openai_server

OPENED: list[ModelDoor] = []


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """One on loopback; the doors that a test opened to it are closed."""
    with openai_server() as running:
        yield running
        while OPENED:
            await OPENED.pop().close()


def bench(server: Server, price: float | None = 2.0, **limits: float) -> Bench:
    """A run whose provider `local` is that server; `price` is what a million tokens cost."""
    settings = ProviderSettings(base_url=server.url, api_key="k", requests_per_minute=limits.get("a_minute"))
    door = ModelDoor({"local": settings}, {} if price is None else {"local/e": (price, 0.0)})
    OPENED.append(door)
    return Bench(door)


async def embedded(run: Bench, scope: CallScope, *texts: str) -> list[Vector]:
    """What the governed model gives, asked as a search does: in a thread."""
    assert isinstance(run.models, ModelDoor)
    bare = run.models.embedder("local/e")
    assert isinstance(bare, MeteredEmbedder)
    return await asyncio.to_thread(GovernedEmbedder(bare, scope).embed, list(texts))


def vectors(count: int = 1, tokens: int = 1000) -> Reply:
    """So many vectors, and what they are said to have used."""
    data = [{"object": "embedding", "index": at, "embedding": [1.0, 0.0]} for at in range(count)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return Reply(body={"object": "list", "data": data, "model": "e", "usage": usage})


@pytest.mark.slow
async def test_tokens_and_money_are_counted(server: Server) -> None:
    """Each request is recorded with what the server counted and what that costs, and is part of the run's spending."""
    run = bench(server)
    server.say(vectors(2), vectors(2))
    scope = run.scope("search")
    for _ in range(2):
        assert len(await embedded(run, scope, "a", "b")) == 2
    assert await run.spending.total() == Usage(input_tokens=2000, money=0.004)
    assert await run.resumed().spending.total() == Usage(input_tokens=2000, money=0.004)
    assert {(key.path, call.name) for key, call in run.journal.calls.items()} == {("search", "local/e")}
    assert server.count == 2


async def test_a_budget_holds_for_embeddings(server: Server) -> None:
    """What is expected to cost more than is left is not asked; without a price no budget can be kept."""
    for run, said in ((bench(server), "budget of"), (bench(server, price=None), "price of the model is not known")):
        with pytest.raises(ToolError, match=said):
            await embedded(run, run.scope(budget=1e-6), "many words " * 100)
    assert server.count == 0


@pytest.mark.slow
async def test_what_is_unavailable_is_asked_again(server: Server) -> None:
    """By our layer alone: after as long as the server says, and only so often; a refusal is final at once."""
    run = bench(server)
    server.say(failure(429, "slow down", retry_after="7"), failure(500, "oh"), vectors())
    assert len(await embedded(run, run.scope(), "a")) == 1
    assert server.count == 3
    assert run.clock.seconds >= 7
    for status, tries in ((500, MAX_TRIES), (401, 1)):
        server.forget()
        server.say(failure(status, "broken"))
        run = bench(server)
        with pytest.raises(ToolError, match=r"local/e did not do its work: .*broken"):
            await embedded(run, run.scope(), "a")
        assert (server.count, run.journal.calls) == (tries, {})


async def test_a_useless_answer_is_not_asked_for_again(server: Server) -> None:
    """What the answer lacks is told."""
    run = bench(server)
    server.say(vectors(1))
    with pytest.raises(ToolError, match="1 vectors for 2 texts"):
        await embedded(run, run.scope(), "a", "b")
    assert server.count == 1


async def test_requests_wait_for_their_turn(server: Server) -> None:
    """Embeddings keep the rate of their provider, which chat models share."""
    run = bench(server, a_minute=2)
    server.say(vectors(), vectors(), vectors())
    for _ in range(3):
        await embedded(run, run.scope(), "a")
    assert run.clock.seconds >= 60
    assert any("waits for its turn at local" in (told.wait or "") for told in run.progress)
