"""Processes that work on runs of workflows and are killed: `python -m benchmarks.kills.process`.

Each line of its input is a `Job`, done in a fork; each line of its output says how that ended. What one of the forks
had to import is imported here, so that the next one starts in a fraction of a second.
"""

import asyncio
import importlib
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel

from chains.models import ModelDoor
from run_workflow.engine.engine import Engine
from run_workflow.engine.views import RunView
from run_workflow.logs import configure_logs
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from state.errors import RunHeld
from state.ports import Network
from state.runs import Answer, Approve
from tests.postgres_fixtures import PROJECT
from tools.memory import SystemClock
from tools.network import Clients
from tools.toolbox import Toolbox

_BEGUN = b"."
PEOPLE = ("ann", "bob")
"""Who answers a step that asks, in this order."""


class Job(BaseModel):
    """Answer what a run waits for, and take it on until it waits again or ends."""

    dsn: str
    run_id: str
    files: Path
    """Where its tools write."""
    kill_after: float | None = None
    """Seconds of work after which the process is killed, if it still lives."""


class Ended(BaseModel):
    """How the process ended: killed, or by itself."""

    killed: bool
    seconds: float
    """How long it worked, from when it had the database open."""


def engine_on(database: Database, clients: Clients, files: Path) -> Engine:
    """An engine whose runs can call services on this machine."""
    toolbox = Toolbox(clients, files=files, folders=(PROJECT,))
    return Engine(database.pool, ModelDoor({}, {}), SystemClock(), {}, network=Network(toolbox=toolbox))


async def _stretch(engine: Engine, run_id: str) -> None:
    """What a second terminal does: it says yes, sends the events that are waited for, and goes on with the run."""
    view = await engine.show(run_id)
    for each in view.approvals:
        if each.status == "pending":
            await engine.answer(run_id, each.id, Answer(decisions=(Approve(),)), _person(view, each.point))
    for wait in view.waits:
        if wait.event is not None:
            await engine.send_event(run_id, wait.event, {"received": True}, actor=PEOPLE[0])
    while True:
        try:
            await engine.advance(run_id)
        except RunHeld:  # the server has not noticed yet that the process before is gone
            await asyncio.sleep(0.005)
        else:
            return


def _person(view: RunView, point: str) -> str:
    """The next of those who are asked at a point."""
    return PEOPLE[sum(each.status == "answered" and each.point == point for each in view.approvals)]


async def _work(job: Job, tell: int) -> None:
    async with Clients(["127.0.0.1"]) as clients, open_database(DatabaseSettings(job.dsn, Path())) as database:
        os.write(tell, _BEGUN)
        await _stretch(engine_on(database, clients, job.files), job.run_id)


def fork(job: Job) -> Ended:
    """Does a job in a process of its own, and kills that when its time has come."""
    result, tell = os.pipe()
    known = set(sys.modules)
    child = os.fork()
    if child == 0:
        os.close(result)
        asyncio.run(_work(job, tell))
        os.write(tell, "\n".join(sys.modules.keys() - known).encode())
        os._exit(0)
    os.close(tell)
    os.read(result, len(_BEGUN))
    started = SystemClock().elapsed()
    watched = os.pidfd_open(child)
    if not select.select([watched], [], [], job.kill_after)[0]:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(result) as pipe:
        imported = pipe.read().split()
    _, status = os.waitpid(child, 0)
    seconds = SystemClock().elapsed() - started
    os.close(watched)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if status and not killed:
        raise RuntimeError(f"the process ended with {status}")
    for name in imported:
        with suppress(ImportError):
            importlib.import_module(name)
    return Ended(killed=killed, seconds=seconds)


if __name__ == "__main__":
    configure_logs("error", steps=False)
    for line in sys.stdin:
        sys.stdout.write(f"{fork(Job.model_validate_json(line)).model_dump_json()}\n")
        sys.stdout.flush()
