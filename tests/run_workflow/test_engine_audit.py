"""The audit chain: it verifies, cannot be changed, and shows where somebody did all the same."""

import psycopg
import pytest

from run_workflow.engine import audit
from run_workflow.engine.engine import Engine
from run_workflow.engine.rows import transaction
from run_workflow.postgres.database import Database
from state.errors import UnknownRun
from tests.run_workflow.engine_graphs import PLAIN, change, engine_on

pytestmark = pytest.mark.slow


async def ended_run(engine: Engine) -> str:
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await engine.advance(run.id)
    return run.id


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_audit_is_append_only(database: Database, statement: str) -> None:
    """No row can be changed or deleted."""
    await ended_run(engine_on(database))
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        await change(database, statement)


@pytest.mark.parametrize(
    ("tampering", "first_bad"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 2", 2),
        ("UPDATE audit SET data = '{}' WHERE seq = 1", 1),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("UPDATE runs SET audit_hash = 'x'", 4),
    ],
)
async def test_tampering_is_found(database: Database, tampering: str, first_bad: int) -> None:
    """Whatever a superuser changes or takes out, the first bad event is named; a missing last one too."""
    engine = engine_on(database)
    run = await ended_run(engine)
    assert await engine.verify_audit(run) is None
    await change(database, "ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    await change(database, tampering)
    assert await engine.verify_audit(run) == first_bad


async def test_rewritten_event_breaks_the_next(database: Database) -> None:
    """Who changes an event and computes its hash anew is found at the event after it."""
    engine = engine_on(database)
    run = await ended_run(engine)
    event = (await engine.timeline(run))[1].event
    assert event is not None
    forged = event.model_copy(update={"actor": "eve"})
    await change(database, "ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    hashed = audit.digest(forged)
    await change(database, "UPDATE audit SET actor = 'eve', hash = %s WHERE seq = %s", hashed, event.seq)
    assert await engine.verify_audit(run) == event.seq + 1


async def test_chains_are_of_one_run(database: Database) -> None:
    """Each run has a chain of its own, counted from 1."""
    engine = engine_on(database)
    for run in (await ended_run(engine), await ended_run(engine)):
        events = [entry.event for entry in await engine.timeline(run) if entry.event]
        assert [event.seq for event in events] == [1, 2, 3]
        assert events[0].previous == ""
        assert [event.previous for event in events[1:]] == [event.hash for event in events[:-1]]
    with pytest.raises(UnknownRun):
        await engine.verify_audit("r0")


async def test_any_data_verifies(database: Database) -> None:
    """Data with NUL, lone surrogates, huge numbers and NaN is stored so that its hash can be recomputed."""
    engine = engine_on(database)
    run = (await engine.start("trial", {}, PLAIN, actor="an\x00n")).id
    odd = {"nul": "a\x00b", "half": "\ud800", "big": 1e22, "nan": float("nan"), "small": 1e-7, "ü": [1, 1.0, True]}
    async with transaction(database.pool) as connection:
        await audit.append(connection, run, "odd", actor="ann", data=odd)
    assert await engine.verify_audit(run) is None
    event = (await engine.timeline(run))[-1].event
    assert event is not None
    assert event.data == {**odd, "nan": None}
