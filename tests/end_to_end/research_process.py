"""Runs of the research graph in processes that can be killed: `python -m tests.end_to_end.research_process`.

It imports everything once. Then each line of its input is a `Job`, done in a fork of its own, so that a process
starts in a fraction of a second. For a job it prints a line with the number of the fork, and a `Done` when that ends.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from pydantic import BaseModel

import graphs.research  # noqa: F401 - what a run imports when it needs it: here once, not in each fork
import tools.analysis_tools  # noqa: F401
from chains.fake.script import FakeScript
from chains.models import ModelDoor
from graphs.catalog import CATALOG
from run_workflow.engine.engine import Engine
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from run_workflow.stores.artifacts import PostgresArtifacts
from state.context import RunContext
from state.errors import RunHeld
from state.evidence import ArtifactRef
from state.ports import Network
from state.runs import Json, Progress, Usage
from tools.memory import SystemClock
from tools.network import Clients
from tools.web.searxng import SearxNG
from tools.web.web import EngineWeb

KEY = "the one run of the database"


class Job(BaseModel):
    """Take the one run of the database on, from wherever it stands."""

    dsn: str
    input: Json
    context: RunContext
    script: FakeScript
    """The model `fake/team`."""
    web: str
    """Address of the web search."""
    kill_at: int | None = None
    """The process kills itself at the so-many-th event that it sees, counted from 1."""


class Done(BaseModel):
    """How the process ended: by a signal, or with the run."""

    killed: bool
    status: str = ""
    outcome: str = ""
    report: str = ""
    """The report as Markdown, the run's id taken out."""
    bad_audit: int | None = None
    usage: Usage = Usage()
    events: int = 0


async def work(job: Job) -> Done:
    """Does the job in this process."""
    async with Clients(["127.0.0.1"]) as clients, open_database(DatabaseSettings(job.dsn, Path())) as database:
        models = ModelDoor({}, {}, {"team": job.script})
        web = EngineWeb(clients, SearxNG(clients, job.web))
        engine = Engine(database.pool, models, SystemClock(), CATALOG, network=Network(web))
        return await _advanced(database, engine, job)


async def _advanced(database: Database, engine: Engine, job: Job) -> Done:
    events = 0

    def watch(_event: Progress) -> None:
        nonlocal events
        events += 1
        if events == job.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    run = await engine.start("research", job.input, job.context, actor="ann", dedup_key=KEY)
    async with asyncio.timeout(30):
        while True:
            try:
                run = await engine.advance(run.id, watch=watch)
                break
            except RunHeld:  # the server has not noticed yet that the process before is gone
                await asyncio.sleep(0.02)
    output = run.output or {}
    stored = PostgresArtifacts(Fence(database.pool, run.id, -1))
    report = (await stored.get(ArtifactRef.model_validate(output["report"]).sha256)).decode()
    return Done(
        killed=False,
        status=run.status,
        outcome=output["outcome"],
        report=report.replace(run.id, "RUN"),
        bad_audit=await engine.verify_audit(run.id),
        usage=(await engine.show(run.id)).usage,
        events=events,
    )


def say(line: str) -> None:
    """Writes a line for the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fork(line: str) -> None:
    """Does the job of a line in a fork, and says how that ended."""
    result, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(result)
        done = asyncio.run(work(Job.model_validate_json(line)))
        os.write(into, done.model_dump_json().encode())
        os._exit(0)
    os.close(into)
    say(str(child))
    with os.fdopen(result) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    say(told or Done(killed=killed, status="" if killed else f"the process ended with {status}").model_dump_json())


if __name__ == "__main__":
    for each in sys.stdin:
        fork(each)
