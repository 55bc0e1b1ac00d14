"""Several processes and one run: two at once, one stopped and woken, one killed at many moments."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database
from state.errors import RunHeld
from state.runs import Answer, Approve, RunRecord
from tests.run_workflow.engine_graphs import ASKS, PLAIN, engine_on, lines, rows, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]

PROJECT = Path(__file__).parents[2]
LONG = 60.0
TABLES = (
    "step_runs",
    "calls",
    "approvals",
    "audit",
    "passages",
    "checkpoints",
    "checkpoint_blobs",
    "checkpoint_writes",
)


@asynccontextmanager
async def process(database: Database, run_id: str, lease: float = LONG) -> AsyncIterator[Process]:
    """A process that advances the run; it is killed at the end of the block."""
    command = [sys.executable, "-m", "tests.run_workflow.engine_process", database.dsn, run_id, str(lease)]
    started = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=PIPE)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def last_line(running: Process) -> str:
    """What the process says at its end."""
    output, _ = await running.communicate()
    return output.decode().splitlines()[-1]


async def said(running: Process, beginning: str) -> str:
    """The next line of the process that begins so."""
    assert running.stdout is not None
    async for line in running.stdout:
        if line.decode().startswith(beginning):
            return line.decode().strip()
    raise AssertionError(f"the process ended without saying {beginning!r}")


async def contents(database: Database) -> dict[str, object]:
    """All that is stored of the runs, but the renewal of the lease."""
    found: dict[str, object] = {
        table: await rows(database, f"SELECT md5(t::text) AS row FROM {table} t ORDER BY 1") for table in TABLES
    }
    found["run"] = await rows(database, "SELECT id, status, fence, output::text, error, audit_seq FROM runs")
    return found


async def taken_over(engine: Engine, run: RunRecord) -> tuple[RunRecord, float]:
    """Advances the run as soon as that is allowed; the seconds until it was."""
    begun = monotonic()
    seconds: list[float] = []
    while True:
        try:
            return await engine.advance(run.id, watch=lambda _event: seconds.append(monotonic() - begun)), (
                seconds[0] if seconds else monotonic() - begun
            )
        except RunHeld:
            assert monotonic() - begun < 10
            await asyncio.sleep(0.05)


async def test_two_processes_at_once(database: Database, tmp_path: Path) -> None:
    """One of two processes does the work, the other is told who does; every call is made once."""
    given = {"calls": str(tmp_path / "calls"), "pause": 1.0}
    run = await engine_on(database).start("trial", given, PLAIN, actor="ann")
    async with process(database, run.id) as one, process(database, run.id) as two:
        ended = sorted(await asyncio.gather(last_line(one), last_line(two)))
    assert ended[0].startswith("RunHeld")
    assert ended[1] == "completed"
    assert int(ended[0].split(":")[2].split()[0]) in {one.pid, two.pid}
    assert lines(tmp_path / "calls").count("made plan") == 1
    assert len(lines(tmp_path / "calls")) == 10


async def test_stopped_process_writes_nothing_when_woken(database: Database, tmp_path: Path) -> None:
    """SIGSTOP past the lease, replaced, SIGCONT: the woken process says LeaseLost and leaves every row as it is."""
    engine = engine_on(database)
    given = {"calls": str(tmp_path / "calls"), "pause": 1.0}
    run = await engine.start("trial", given, PLAIN, actor="ann")
    async with process(database, run.id, lease=2.0) as stopped:
        await until(lambda: "made branches/b" in lines(tmp_path / "calls"))
        stopped.send_signal(signal.SIGSTOP)
        with pytest.raises(RunHeld):
            await engine.advance(run.id)
        ended, seconds = await taken_over(engine, run)
        assert ended.status == "completed"
        assert seconds < 4
        before = await contents(database)
        stopped.send_signal(signal.SIGCONT)
        assert (await last_line(stopped)).startswith("LeaseLost")
    assert await contents(database) == before
    assert await engine.verify_audit(run.id) is None
    events = await rows(database, "SELECT data ->> 'from' AS owner FROM audit WHERE event = 'lease.taken_over'")
    assert [event["owner"].split(":")[1] for event in events] == [str(stopped.pid)]


async def test_killed_process_is_replaced_at_once(database: Database) -> None:
    """After SIGKILL nobody waits for the end of the lease, which has a minute to go."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 0.5}, PLAIN, actor="ann")
    async with process(database, run.id) as killed:
        await said(killed, "working branches/")
        assert (await engine.show(run.id)).run.holder is not None
        killed.kill()
        await killed.wait()

        async def nobody_works() -> bool:
            return (await engine.show(run.id)).run.holder is None

        await until(nobody_works, seconds=1)
        ended, seconds = await taken_over(engine, run)
    assert ended.status == "completed"
    assert seconds < 2


async def killed_at(moment: str, database: Database, run: RunRecord, calls: Path) -> None:
    """Lets a process work on the run until its calls come to the moment, and kills it there."""
    async with process(database, run.id) as running:
        await until(lambda: moment in lines(calls))
        running.kill()
        await running.wait()


async def test_killed_at_many_moments(database: Database, tmp_path: Path) -> None:
    """Killed again and again, the run ends with the same output, and no call that was recorded is made again."""
    engine, calls = engine_on(database), tmp_path / "calls"
    run = await engine.start("trial", {"calls": str(calls), "pause": 0.2}, ASKS, actor="ann")
    for moment in ("made plan", "recorded plan"):
        await killed_at(moment, database, run, calls)
    waiting, _ = await taken_over(engine, run)
    assert waiting.status == "waiting_approval"
    await engine.answer(run.id, None, Answer(decisions=(Approve(),)), "bob")
    for moment in ("made branches/a", "recorded branches/c", "made finish", "recorded finish"):
        await killed_at(moment, database, run, calls)
    view = await engine.show(run.id)
    ended = view.run if view.run.status == "completed" else (await taken_over(engine, run))[0]
    assert (ended.output or {})["report"] == (
        "said plan: approve by bob, said branches/a, said branches/b, said branches/c"
    )
    recorded = [line for line in lines(calls) if line.startswith("recorded")]
    assert len(recorded) == len(set(recorded))
    assert view.usage.model_calls == 5
    assert max(step.attempts for step in view.steps) > 1
    assert len([approval for approval in view.approvals if approval.status == "answered"]) == 1
    assert await engine.verify_audit(run.id) is None


async def test_cancel_reaches_another_process(database: Database) -> None:
    """A cancel is seen by the process that works on the run, within a moment; a dead one is not waited for."""
    engine = engine_on(database)
    run = await engine.start("trial", {"pause": 60.0}, PLAIN, actor="ann")
    async with process(database, run.id) as working:
        await said(working, "working plan")
        assert (await engine.cancel(run.id, "bob")).status == "running"
        async with asyncio.timeout(5):
            assert await last_line(working) == "cancelled"
    other = await engine.start("trial", {"pause": 60.0}, PLAIN, actor="ann")
    async with process(database, other.id) as killed:
        await said(killed, "working plan")
        killed.kill()
        await killed.wait()

        async def is_cancelled() -> bool:
            return (await engine.cancel(other.id, "bob")).status == "cancelled"

        await until(is_cancelled, seconds=2)
