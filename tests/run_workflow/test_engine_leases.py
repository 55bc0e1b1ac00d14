"""Leases and what a dead process leaves behind, moment by moment, without a real kill."""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress

import pytest

from run_workflow.engine import endings
from run_workflow.engine.driving import Outcome
from run_workflow.engine.engine import Engine
from run_workflow.engine.entries import EditCheck, Remark
from run_workflow.engine.leases import LeaseTimes
from run_workflow.engine.rows import transaction
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from state.errors import LeaseLost, RunHeld
from state.runs import Answer, Approve, Json
from tests.run_workflow.engine_graphs import ASKS, PLAIN, QUICK, change, engine_on, rows, trial_graph, until

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))
LEFT = (
    "UPDATE runs SET status = 'running', output = NULL, waiting_for = '{}', "
    "lease_owner = 'dead:1', lease_until = now() + '1 min'"
)

LOCKS = """
SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


async def events_of(engine: Engine, run_id: str) -> list[str]:
    return [entry.event.event for entry in await engine.timeline(run_id) if entry.event]


async def test_killed_before_the_first_checkpoint(database: Database) -> None:
    """A run whose holder died before anything was stored begins with its input."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await change(database, LEFT)
    assert (await engine.advance(run.id)).status == "completed"
    assert "lease.taken_over" in await events_of(engine, run.id)


OVER = "UPDATE runs SET lease_until = now() - interval '1 s'"


@pytest.mark.parametrize("status", ["running", "initializing"])
async def test_a_dead_process_is_seen_at_once(database: Database, status: str) -> None:
    """A run whose process is gone stands as interrupted, before its lease is over and after, also if it never began."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    assert run.standing == "initializing"
    await change(database, LEFT.replace("'running'", f"'{status}', fence = 1"))
    for _lease in ("runs", "is over"):
        assert (await engine.show(run.id)).run.standing == "interrupted"
        assert [each.id for each in await engine.list_runs(standing="interrupted")] == [run.id]
        assert [await engine.list_runs(standing=other) for other in ("running", "initializing")] == [(), ()]
        await change(database, OVER)


async def test_the_run_is_held_while_its_graph_is_loaded(database: Database) -> None:
    """Loading takes seconds: others see meanwhile who begins, and a run that dies then was interrupted."""
    loading = threading.Event()

    class Slow:
        name, build = "trial", staticmethod(trial_graph)
        validators: Mapping[str, EditCheck] = {}
        remarks: Mapping[str, Remark] = {}

        def check_input(self, given: Json) -> None:
            """Anything will do."""

        @property
        def definition(self) -> str:
            loading.wait(5)
            return "d1"

    engine = engine_on(database, Slow())
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))

    async def held() -> bool:
        return (await engine.show(run.id)).run.holder is not None

    await until(held)
    assert (await engine.show(run.id)).run.standing == "initializing"
    working.cancel()
    loading.set()
    with suppress(asyncio.CancelledError):
        await working
    assert (await engine.show(run.id)).run.standing == "interrupted"
    assert (await engine.advance(run.id)).status == "completed"


async def test_killed_after_the_last_checkpoint(database: Database) -> None:
    """A run whose graph had ended is only settled: same output, no step or call again."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    output = (await engine.advance(run.id)).output
    steps = (await engine.show(run.id)).steps
    await change(database, LEFT)
    assert (await engine.advance(run.id)).output == output
    assert (await engine.show(run.id)).steps == steps


async def test_killed_before_the_request_was_stored(database: Database) -> None:
    """A run whose graph already waited asks again, under the same id, and asks once."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, ASKS, actor="ann")
    await engine.advance(run.id)
    asked = (await engine.show(run.id)).approvals
    await change(database, "DELETE FROM approvals")
    await change(database, LEFT)
    assert (await engine.advance(run.id)).status == "waiting_approval"
    assert [approval.id for approval in (await engine.show(run.id)).approvals] == [asked[0].id]


async def test_killed_between_answer_and_work(database: Database) -> None:
    """An answer that was stored just before the process died is taken up."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, ASKS, actor="ann")
    await engine.advance(run.id)
    await engine.answer(run.id, None, YES, "bob")
    await change(database, LEFT)
    assert (await engine.advance(run.id)).status == "completed"


async def test_killed_before_a_cancel_was_seen(database: Database) -> None:
    """A cancel that the dead process did not see is carried out before any more work."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, PLAIN, actor="ann")
    await change(database, "UPDATE runs SET cancel_requested_by = 'bob'")
    await change(database, LEFT)
    assert (await engine.advance(run.id)).status == "cancelled"
    assert (await engine.show(run.id)).steps == ()


async def test_lock_shows_that_the_holder_lives(database: Database) -> None:
    """As long as a process works on a run its session holds one lock, and none afterwards."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.5}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: rows(database, "SELECT 1 FROM step_runs"))
    assert len(await rows(database, LOCKS)) == 1
    with pytest.raises(RunHeld):
        await engine_on(database).advance(run.id)
    await working
    assert await rows(database, LOCKS) == []


async def test_late_settlement_is_refused(database: Database) -> None:
    """A process that was replaced cannot say how the run ended, not even as its last word."""
    run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
    await change(database, "UPDATE runs SET fence = 1")
    before = await rows(database, "SELECT * FROM runs")
    fence = Fence(database.pool, run.id, 0)
    with pytest.raises(LeaseLost):
        async with transaction(database.pool) as connection:
            await endings.settle(connection, fence, Outcome("completed", output={"report": "late"}), "late")
    assert fence.lost.is_set()
    assert await rows(database, "SELECT * FROM runs") == before


async def test_lease_is_renewed(database: Database) -> None:
    """A run that takes longer than a lease stays with its holder."""
    engine = engine_on(database, times=LeaseTimes(lease=0.5, renew=0.1, watch=0.05))
    run = await engine.start("trial", {"pause": 0.4}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    for _ in range(10):
        await asyncio.sleep(0.1)
        row = await rows(database, "SELECT lease_until > clock_timestamp() AS runs FROM runs WHERE status = 'running'")
        assert all(each["runs"] for each in row)
    assert (await working).status == "completed"


async def test_cut_connections_are_made_anew(database: Database) -> None:
    """When the server ends all connections, the holder opens new ones, shows its lock again, and keeps the run."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.8}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: rows(database, "SELECT 1 FROM step_runs"))
    await change(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await until(lambda: rows(database, LOCKS))
    with pytest.raises(RunHeld):
        await engine_on(database).advance(run.id)
    assert (await working).status == "completed"


async def test_replaced_holder_notices_without_writing(database: Database) -> None:
    """A holder that writes nothing for a while learns that it was replaced when it looks after its lease."""
    engine = engine_on(database, times=QUICK)
    run = await engine.start("trial", {"pause": 30.0}, PLAIN, actor="ann")
    working = asyncio.create_task(engine.advance(run.id))
    await until(lambda: rows(database, "SELECT 1 FROM step_runs"))
    await change(database, "UPDATE runs SET fence = fence + 1, lease_owner = 'other:1'")
    async with asyncio.timeout(5):
        with pytest.raises(LeaseLost):
            await working
    assert (await rows(database, "SELECT status, lease_owner FROM runs"))[0] == {
        "status": "running",
        "lease_owner": "other:1",
    }
