"""The store of vectors over Postgres and its twin in memory: one test body for both; and what only Postgres refuses."""

import pytest

from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from run_workflow.stores.passages import PostgresPassages
from run_workflow.stores.vectors import PostgresVectors
from state.errors import LeaseLost
from state.evidence import Locator, Passage, Source
from state.ports import Vectors
from tests.run_workflow.engine_graphs import PLAIN, engine_on
from tools.memory import MemoryVectors

SOURCE = Source(id="s1", uri="a.txt", title="A", kind="text", sha256="0" * 64, size=1)
ONE, TWO = (Passage.make("s1", Locator(), text) for text in ("one", "two"))


async def fenced(database: Database) -> Fence:
    """A fence of a new run that has read both passages."""
    run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
    fence = Fence(database.pool, run.id, 0)
    await PostgresPassages(fence).add(SOURCE, [ONE, TWO])
    return fence


@pytest.fixture
def in_memory() -> Vectors:
    """The twin."""
    return MemoryVectors()


@pytest.fixture
async def in_postgres(database: Database) -> Vectors:
    """The store of a new run."""
    return PostgresVectors(await fenced(database))


@pytest.fixture(params=["in_memory", pytest.param("in_postgres", marks=pytest.mark.slow)])
def vectors(request: pytest.FixtureRequest) -> Vectors:
    """One after the other."""
    found: Vectors = request.getfixturevalue(request.param)
    return found


async def test_vectors_are_kept_by_model_and_passage(vectors: Vectors) -> None:
    """The first vector of a passage and a model stays; other models have their own."""
    await vectors.put("m", {ONE.id: b"\x00\xff12"})
    await vectors.put("m", {ONE.id: b"5678", TWO.id: b"abcd"})
    await vectors.put("n", {ONE.id: b"wxyz"})
    assert await vectors.get("m", [TWO.id, "unknown", ONE.id]) == {ONE.id: b"\x00\xff12", TWO.id: b"abcd"}
    assert await vectors.get("n", [ONE.id, TWO.id]) == {ONE.id: b"wxyz"}
    assert await vectors.get("other", [ONE.id]) == {}


async def test_a_process_that_lost_the_run_stores_no_vectors(database: Database) -> None:
    """Every write carries the fence."""
    fence = await fenced(database)
    with pytest.raises(LeaseLost):
        await PostgresVectors(Fence(database.pool, fence.run_id, 7)).put("m", {ONE.id: b"1234"})
