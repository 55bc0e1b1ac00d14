"""What runs and steps share in the stores: outputs kept for other runs, and commits of the ledger."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from run_workflow.postgres.database import Database
from run_workflow.stores.cache import PostgresCache
from run_workflow.stores.ledger import PostgresLedger
from state.errors import LeaseLost
from state.ports import StepCache
from tests.run_workflow.engine_graphs import change, fenced
from tools.memory import MemoryCache

Caches = tuple[StepCache, StepCache]


@pytest.fixture
def caches_in_memory() -> Caches:
    """One for all runs of a process."""
    cache = MemoryCache()
    return cache, cache


@pytest.fixture
async def caches_in_postgres(database: Database) -> Caches:
    """Those of two runs."""
    return PostgresCache(await fenced(database)), PostgresCache(await fenced(database))


@pytest.fixture(params=["caches_in_memory", pytest.param("caches_in_postgres", marks=pytest.mark.slow)])
def caches(request: pytest.FixtureRequest) -> Caches:
    """One pair after the other."""
    found: Caches = request.getfixturevalue(request.param)
    return found


async def test_outputs_of_steps_are_kept_for_a_time(caches: Caches) -> None:
    """All runs find them until then; a newer one takes the place of an older, and what is over is cleared away."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    soon, later = start + timedelta(seconds=60), start + timedelta(seconds=120)
    one, other = caches
    await one.keep("a", {"output": [1, {"b": None}]}, soon, start)
    assert await other.find("a", start) == {"output": [1, {"b": None}]}
    assert await other.find("b", start) is None
    assert await other.find("a", soon) is None
    await other.keep("a", {"output": 2}, later, start)
    assert await one.find("a", soon) == {"output": 2}
    await one.keep("b", {"output": 3}, later + timedelta(seconds=1), later)
    assert await one.find("a", start) is None


async def test_a_run_that_was_taken_over_keeps_nothing(database: Database) -> None:
    """What a stalled process made is not handed to other runs."""
    fence = await fenced(database)
    await change(database, "UPDATE runs SET fence = fence + 1 WHERE id = %s", fence.run_id)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(LeaseLost):
        await PostgresCache(fence).keep("a", {}, now + timedelta(seconds=1), now)


class Commits:
    """Counts the rows of each commit of a ledger."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        store = PostgresLedger._store

        async def counted(ledger: PostgresLedger, found: Any) -> None:
            self.rows.append(len(found))
            await store(ledger, found)

        monkeypatch.setattr(PostgresLedger, "_store", counted)


async def test_steps_that_write_at_once_share_a_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that wait while another commit is under way go together; a step's second row is of the next commit."""
    ledger, commits = PostgresLedger(await fenced(database)), Commits(monkeypatch)
    await asyncio.gather(*(ledger.begin(f"s{n}") for n in range(40)))
    assert commits.rows == [40]
    commits.rows.clear()
    await asyncio.gather(
        *(ledger.end(f"s{n}", "completed", result={"n": n}) for n in range(40)), ledger.begin("s0"), ledger.begin("t")
    )
    assert commits.rows == [40, 2]
    found = {step.path: step for step in await ledger.steps()}
    assert [found[f"s{n}"].result for n in range(1, 40)] == [{"n": n} for n in range(1, 40)]
    assert (found["s0"].status, found["s0"].attempts) == ("running", 2)


async def test_a_cancelled_write_is_left_out_or_waited_for(database: Database) -> None:
    """A caller that is cancelled takes its row along as long as nobody writes it; those beside it are written."""
    ledger = PostgresLedger(await fenced(database))
    kept, left = asyncio.create_task(ledger.begin("kept")), asyncio.create_task(ledger.begin("left"))
    await asyncio.sleep(0)
    left.cancel()
    await kept
    assert left.cancelled()
    assert [step.path for step in await ledger.steps()] == ["kept"]


async def test_after_a_lost_commit_nothing_more_is_written(database: Database) -> None:
    """What comes after a row is written only if that row was: else a step could stand there without its cause."""
    ledger = PostgresLedger(await fenced(database))
    bad = asyncio.create_task(ledger.end("a", "nonsense"))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    good = asyncio.create_task(ledger.begin("b"))
    with pytest.raises(psycopg.errors.CheckViolation):
        await bad
    with pytest.raises(psycopg.errors.CheckViolation):
        await good
    with pytest.raises(psycopg.errors.CheckViolation):
        await ledger.begin("c")
    assert not await ledger.steps()
