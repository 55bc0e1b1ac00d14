"""The ports over Postgres and their twins in memory: one test body for both; and what only Postgres refuses."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import pytest

from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from run_workflow.stores.artifacts import PostgresArtifacts
from run_workflow.stores.journal import PostgresJournal
from run_workflow.stores.ledger import PostgresLedger
from run_workflow.stores.passages import PostgresPassages
from state.errors import LeaseLost
from state.evidence import Around, Locator, Passage, SkippedSource, Source
from state.ports import Artifacts, CallJournal, Ledger, Passages
from state.runs import CallKey, CallRecord, Usage
from tests.run_workflow.engine_graphs import NO_MODELS, change, fenced, rows
from tools.memory import memory_ports


@dataclass
class Stores:
    """The four stores of one run."""

    ledger: Ledger
    journal: CallJournal
    passages: Passages
    artifacts: Artifacts


@pytest.fixture
def in_memory() -> Stores:
    """The twins."""
    ports = memory_ports(NO_MODELS)
    return Stores(ports.ledger, ports.journal, ports.passages, ports.artifacts)


@pytest.fixture
async def in_postgres(database: Database) -> Stores:
    """The stores of a new run."""
    return over(await fenced(database))


@pytest.fixture(params=["in_memory", pytest.param("in_postgres", marks=pytest.mark.slow)])
def stores(request: pytest.FixtureRequest) -> Stores:
    """One after the other."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Stores)
    return found


def over(fence: Fence) -> Stores:
    """The stores under a fence."""
    return Stores(PostgresLedger(fence), PostgresJournal(fence), PostgresPassages(fence), PostgresArtifacts(fence))


def source(name: str, tables: int = 0) -> Source:
    """A source that is told apart by its name."""
    return Source(id=f"s{name}", uri=f"{name}.txt", title=name, kind="text", sha256=name, size=1, tables=tables)


def passages_of(of: Source, *texts: str, computed: str | None = None) -> list[Passage]:
    """Passages of a source, in order."""
    return [
        Passage.make(of.id, Locator(lines=(n, n), heading=("H",), computed=computed), text)
        for n, text in enumerate(texts, start=1)
    ]


@pytest.mark.slow
async def test_steps_begin_and_end(stores: Stores) -> None:
    """A step runs, ends with its result, and counts its attempts when it begins again."""
    await stores.ledger.begin("plan")
    (running,) = await stores.ledger.steps()
    assert (running.status, running.attempts, running.ended_at) == ("running", 1, None)
    assert isinstance(running.started_at, datetime)
    assert running.started_at.tzinfo is not None
    await stores.ledger.end("plan", "failed", error="no\x00thing", result={"n": 1, "text": "a\x00b"})
    (failed,) = await stores.ledger.steps()
    assert (failed.status, failed.error, failed.result) == ("failed", "no\ufffdthing", {"n": 1, "text": "a\x00b"})
    assert failed.ended_at is not None
    assert failed.ended_at >= failed.started_at
    await stores.ledger.begin("plan")
    (again,) = await stores.ledger.steps()
    assert (again.status, again.attempts, again.error, again.result, again.ended_at) == ("running", 2, None, None, None)


async def test_steps_by_prefix_and_iteration(stores: Stores) -> None:
    """Iterations are steps of their own; a prefix is taken literally; the order is that of the starts."""
    for path, iteration in (("b/x", 0), ("a", 0), ("b/x", 1), ("b%", 0)):
        await stores.ledger.begin(path, iteration)
        await asyncio.sleep(0.001)
    assert [(s.path, s.iteration) for s in await stores.ledger.steps()] == [("b/x", 0), ("a", 0), ("b/x", 1), ("b%", 0)]
    assert [s.path for s in await stores.ledger.steps("b%")] == ["b%"]
    await stores.ledger.end("b/x", "completed", iteration=1)
    assert [s.status for s in await stores.ledger.steps("b/")] == ["running", "completed"]


async def test_compensated_step_ended_when_it_completed(stores: Stores) -> None:
    """Undoing a step changes its status and nothing of its times."""
    await stores.ledger.begin("pay")
    await stores.ledger.end("pay", "completed", result={"n": 1})
    (before,) = await stores.ledger.steps()
    await asyncio.sleep(0.001)
    await stores.ledger.end("pay", "compensated", result={"n": 1})
    (after,) = await stores.ledger.steps()
    assert after == before.model_copy(update={"status": "compensated"})


async def test_step_that_never_began(stores: Stores) -> None:
    """A step may end as skipped without having begun; it has no attempts."""
    await stores.ledger.end("late", "skipped")
    (step,) = await stores.ledger.steps()
    assert (step.status, step.attempts) == ("skipped", 0)


async def test_calls_are_found_again(stores: Stores) -> None:
    """A recorded call comes back whole; the first record of a key stays; other keys are other calls."""
    key = CallKey(path="branches/a", request_hash="h", occurrence=0)
    assert await stores.journal.find(key) is None
    used = Usage(model_calls=1, input_tokens=10, output_tokens=5, money=0.25)
    response = {"text": "x\x00\ud800", "n": [1, 1.5, None], "nan": float("nan")}
    call = CallRecord(kind="model", name="fake/one", response=response, usage=used, seconds=1.5)
    await stores.journal.record(key, call)
    await stores.journal.record(key, call.model_copy(update={"name": "fake/two"}))
    assert await stores.journal.find(key) == call.model_copy(update={"response": {**response, "nan": None}})
    assert await stores.journal.find(key.model_copy(update={"occurrence": 1})) is None
    await stores.journal.record(key.model_copy(update={"path": "branches/b"}), call)
    assert await stores.journal.usage("branches/a") == used
    assert await stores.journal.usage() == used + used
    assert await stores.journal.usage("none") == Usage()


async def test_the_models_that_answered_are_known(stores: Stores) -> None:
    """Each once, in the order of the alphabet; tools are none."""
    for place, name in enumerate(("fake/b", "fake/a", "Fake/c", "fake/b")):
        key = CallKey(path="p", request_hash="h", occurrence=place)
        await stores.journal.record(key, CallRecord(kind="model", name=name, response={}))
    tool = CallRecord(kind="tool", name="search_documents", response={})
    await stores.journal.record(CallKey(path="p", request_hash="t", occurrence=0), tool)
    assert await stores.journal.models() == ["Fake/c", "fake/a", "fake/b"]


async def test_collection_of_sources(stores: Stores) -> None:
    """A collection has its sources by uri and their passages by place; made twice it is the same."""
    b, a, table = source("b"), source("a"), source("t", tables=2)
    for each in (b, a, table):
        await stores.passages.add(each, passages_of(each, f"z {each.id}", f"y {each.id}", f"x {each.id}"))
    skipped = SkippedSource(uri="broken.pdf", reason="no text")
    collection = await stores.passages.gather([b, table, a], [skipped])
    assert (collection.sources, collection.passages) == (3, 9)
    assert (collection.tables, collection.skipped) == (("t.txt",), (skipped,))
    assert [each.uri for each in await stores.passages.sources(collection.id)] == ["a.txt", "b.txt", "t.txt"]
    texts = [passage.text for passage in await stores.passages.passages(collection.id)]
    assert texts == [f"{letter} s{name}" for name in "abt" for letter in "zyx"]
    assert await stores.passages.gather([a, b, table], [skipped]) == collection
    assert (await stores.passages.gather([a], [])).id != collection.id
    assert list(await stores.passages.passages("c0")) == []


async def test_sources_are_found_again(stores: Stores) -> None:
    """What is stored is found by its id, whole; several are stored together, with their passages."""
    a, b = source("a"), source("b", tables=2)
    assert list(await stores.passages.find([a.id, b.id])) == []
    await stores.passages.add_all([(b, passages_of(b, "one")), (a, passages_of(a, "two", "three"))])
    assert sorted(await stores.passages.find([b.id, "s0", a.id, a.id]), key=lambda each: each.id) == [a, b]
    assert list(await stores.passages.find([])) == []
    collection = await stores.passages.gather([a, b], [])
    texts = [passage.text for passage in await stores.passages.passages(collection.id)]
    assert texts == ["two", "three", "one"]
    await stores.passages.add_all([])


async def test_locators_come_back_whole(stores: Stores) -> None:
    """Whatever a format knows of a place is kept."""
    one = source("a")
    locator = Locator(
        page=1, slide=2, notebook_cell=3, path="$.a[0]", heading=("H",), lines=(1, 2), cells="T!A1:B2", chars=(0, 9)
    )
    made = Passage.make(one.id, locator, "text")
    await stores.passages.add(one, [made])
    assert list(await stores.passages.get([made.id])) == [made]


async def test_what_stands_around_passages(stores: Stores) -> None:
    """A passage has the one before and the one after it in its source; what was computed has and is no neighbour."""
    a, b = source("a"), source("b")
    first, second, last = passages_of(a, "first", "second", "last")
    (alone,) = passages_of(b, "alone")
    (made,) = passages_of(a, "mean 3", computed="mean(x)")
    await stores.passages.add_all([(a, [first, second, last]), (b, [alone]), (a, [made])])
    ids = [made.id, last.id, alone.id, "p0", first.id]
    assert await stores.passages.around(ids) == {
        first.id: Around(after=second.id),
        last.id: Around(before=second.id),
        alone.id: Around(),
    }


async def test_computed_passages_are_found_by_id_only(stores: Stores) -> None:
    """What was computed during a run does not change what is searched."""
    table = source("t", tables=2)
    await stores.passages.add(table, passages_of(table, "one"))
    collection = await stores.passages.gather([table], [])
    (made,) = passages_of(table, "mean 3", computed="mean(x)")
    await stores.passages.add(table, [made])
    assert [passage.text for passage in await stores.passages.passages(collection.id)] == ["one"]
    assert (await stores.passages.gather([table], [])).passages == 1
    assert list(await stores.passages.get([made.id])) == [made]


async def test_passages_are_stored_once(stores: Stores) -> None:
    """The same passage added again stays; ids come back in the order asked for, unknown ones are left out."""
    one = source("a")
    first, second = passages_of(one, "first", "second")
    await stores.passages.add(one, [first, second])
    await stores.passages.add(one, [second, first])
    collection = await stores.passages.gather([one], [])
    assert [passage.text for passage in await stores.passages.passages(collection.id)] == ["first", "second"]
    assert list(await stores.passages.get([second.id, "p0", first.id])) == [second, first]
    assert list(await stores.passages.get([])) == []


async def test_text_that_postgres_cannot_hold(stores: Stores) -> None:
    """NUL and halves of surrogate pairs in a passage become U+FFFD; its id stays."""
    one = source("a")
    odd = Passage(id="p1", source_id=one.id, locator=Locator(heading=("H\x00",)), text="a\x00b\ud800c")
    await stores.passages.add(one, [odd])
    (found,) = await stores.passages.get([odd.id])
    assert (found.id, found.text) == (odd.id, "a\ufffdb\ufffdc")


async def test_files_by_hash(stores: Stores) -> None:
    """Bytes are stored once and come back; the name is the asker's; what was never stored is a KeyError."""
    one = await stores.artifacts.put(b"\x00data\xff", "image/png", "chart.png")
    two = await stores.artifacts.put(b"\x00data\xff", "image/png", "other.png")
    assert (one.sha256, one.size, one.name, two.name) == (two.sha256, 6, "chart.png", "other.png")
    assert await stores.artifacts.get(one.sha256) == b"\x00data\xff"
    with pytest.raises(KeyError):
        await stores.artifacts.get("0" * 64)


async def test_many_writers_add_the_same(database: Database) -> None:
    """Two runs that add the same passages in other orders neither wait for ever nor store them twice."""
    one = source("a")
    found = passages_of(one, *(f"text {n}" for n in range(3000)))
    writers = [over(await fenced(database)) for _ in range(4)]
    await writers[0].passages.add(one, [])
    orders = [found, found[::-1], found[1500:] + found[:1500], found]
    await asyncio.gather(*(w.passages.add(one, order) for w, order in zip(writers, orders, strict=True)))
    assert len(await rows(database, "SELECT 1 FROM passages")) == 3000


async def test_every_write_under_an_old_fence_is_refused(database: Database) -> None:
    """Once the run has another holder, no store writes for the old one, and its fence is marked as lost."""
    fence = await fenced(database)
    old = over(fence)
    await old.ledger.begin("plan")
    await change(database, "UPDATE runs SET fence = fence + 1")
    one, key = source("a"), CallKey(path="p", request_hash="h", occurrence=0)
    refused = (
        old.ledger.begin("late"),
        old.ledger.end("plan", "completed"),
        old.journal.record(key, CallRecord(kind="tool", name="t", response={})),
        old.passages.add(one, passages_of(one, "text")),
        old.passages.add_all([(one, passages_of(one, "text"))]),
        old.passages.gather([], []),
        old.artifacts.put(b"data", "text/plain", "name"),
    )
    for write in refused:
        fence.lost.clear()
        with pytest.raises(LeaseLost, match="taken this run over"):
            await write
        assert fence.lost.is_set()
    assert [step.status for step in await old.ledger.steps()] == ["running"]
    for table in ("calls", "sources", "passages", "collections", "artifacts"):
        assert await rows(database, f"SELECT 1 FROM {table}") == []


async def test_new_holder_waits_for_a_write_that_was_let_through(database: Database) -> None:
    """A write that passed the fence commits before the fence changes; renewing the lease does not wait for it."""
    fence = await fenced(database)
    async with fence.writing():
        await change(database, "UPDATE runs SET lease_until = now()")
        taking = asyncio.create_task(change(database, "UPDATE runs SET fence = fence + 1"))
        await asyncio.sleep(0.1)
        assert not taking.done()
    await taking


async def test_stopped_writer_does_not_hold_the_run_for_ever(database: Database) -> None:
    """The server ends a transaction that stands still, so that a stopped process cannot block its successor."""
    async with (await fenced(database)).writing() as connection:
        row = await (await connection.execute("SHOW idle_in_transaction_session_timeout")).fetchone()
    assert row == {"idle_in_transaction_session_timeout": "10s"}
