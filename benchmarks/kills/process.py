"""Processes that work on runs of workflows and are killed: `python -m benchmarks.kills.process`.

It imports everything once. Each line of its input is a `Job`, done in a fork, so that a process starts in a fraction
of a second; each line of its output says how that ended.
"""

import asyncio
import importlib
import os
import select
import signal
import sys
from pathlib import Path

from pydantic import BaseModel

from benchmarks.kills.cases import cases
from chains.models import ModelDoor
from run_workflow.engine.engine import Engine
from run_workflow.logs import configure_logs
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from state.errors import RunHeld
from state.ports import Network
from state.runs import ENDED, Answer, Approve, RunRecord
from tools.memory import SystemClock
from tools.network import Clients
from tools.toolbox import Toolbox

LATE = ("graphs.workflow.compiler", "graphs.workflow.bodies", "graphs.workflow.steps.doers", "run_workflow.checkpoints")
"""What a run imports when it first needs it: here before the forks, as is what reads a workflow."""


class Job(BaseModel):
    """Take a run on to its end, from wherever it stands."""

    dsn: str
    run_id: str
    kill_after: float | None = None
    """Seconds of work after which the process is killed, if it still lives."""


class Ended(BaseModel):
    """How the process ended: killed, or with the run."""

    killed: bool
    seconds: float = 0.0
    """What it worked."""


def engine_on(database: Database, clients: Clients) -> Engine:
    """An engine whose runs can call services on this machine."""
    network = Network(toolbox=Toolbox(clients))
    return Engine(database.pool, ModelDoor({}, {}), SystemClock(), {}, network=network)


async def take_on(engine: Engine, run_id: str) -> RunRecord:
    """Works until the run has ended; says yes to whatever a person is asked, and waits for times."""
    while (run := (await engine.show(run_id)).run).status not in ENDED:
        try:
            run = await engine.advance(run_id)
        except RunHeld:  # the server has not noticed yet that the process before is gone
            await asyncio.sleep(0.005)
            continue
        if run.status == "waiting_approval":
            asked = [each for each in (await engine.show(run_id)).approvals if each.status == "pending"]
            for each in asked:
                await engine.answer(run_id, each.id, Answer(decisions=(Approve(),)), "ann")
        elif run.status == "paused":
            await asyncio.sleep(0.005)
    return run


async def _work(job: Job, begun: int) -> None:
    async with Clients(["127.0.0.1"]) as clients, open_database(DatabaseSettings(job.dsn, Path())) as database:
        os.write(begun, b".")
        await take_on(engine_on(database, clients), job.run_id)


def fork(job: Job) -> Ended:
    """Does a job in a process of its own, and kills that when its time has come."""
    begun, tell = os.pipe()
    child = os.fork()
    if child == 0:
        asyncio.run(_work(job, tell))
        os._exit(0)
    os.close(tell)
    os.read(begun, 1)
    started = SystemClock().elapsed()
    watched = os.pidfd_open(child)
    if not select.select([watched], [], [], job.kill_after)[0]:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(watched)
    os.close(begun)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if status and not killed:
        raise RuntimeError(f"the process ended with {status}")
    return Ended(killed=killed, seconds=SystemClock().elapsed() - started)


if __name__ == "__main__":
    configure_logs("error")
    for late in LATE:
        importlib.import_module(late)
    cases()
    for line in sys.stdin:
        sys.stdout.write(f"{fork(Job.model_validate_json(line)).model_dump_json()}\n")
        sys.stdout.flush()
