"""Runs of the research graph in processes that can be killed: `python -m tests.end_to_end.research_process`.

The graph runs by itself, or as the step of a workflow.

It imports everything once. Then each line of its input is a `Job`, done in a fork of its own, so that a process
starts in a fraction of a second. For a job it prints a line with the number of the fork, and a `Done` when that ends.
"""

import asyncio
import importlib
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
from run_workflow.logs import configure_logs
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from run_workflow.stores.artifacts import PostgresArtifacts
from run_workflow.workflow_catalog import WorkflowCatalog
from state.context import RunContext
from state.errors import RunHeld
from state.evidence import ArtifactRef
from state.ports import Network
from state.runs import Json, Progress, RunRecord, Usage
from tools.memory import SystemClock
from tools.network import Clients
from tools.toolbox import Toolbox
from tools.web.searxng import SearxNG
from tools.web.web import EngineWeb

LATE = ("graphs.workflow.compiler", "graphs.workflow.bodies", "graphs.workflow.steps.doers", "graphs.research")
"""What a run imports when it first needs it: here before the forks."""
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
    files: Path | None = None
    """Where a workflow writes whose step is the research; None where it runs by itself."""
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
        toolbox = Toolbox(clients, files=job.files, folders=(Path("/"),)) if job.files else None
        engine = Engine(database.pool, models, SystemClock(), CATALOG, network=Network(web, toolbox=toolbox))
        return await _advanced(database, engine, job)


async def _advanced(database: Database, engine: Engine, job: Job) -> Done:
    events = 0

    def watch(_event: Progress) -> None:
        nonlocal events
        events += 1
        if events == job.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    run = await _started(engine, job)
    async with asyncio.timeout(30):
        while True:
            try:
                run = await engine.advance(run.id, watch=watch)
                break
            except RunHeld:  # the server has not noticed yet that the process before is gone
                await asyncio.sleep(0.02)
    outcome, report = await _made(database, run, job.files)
    return Done(
        killed=False,
        status=run.status,
        outcome=outcome,
        report=report.replace(run.id, "RUN"),
        bad_audit=await engine.verify_audit(run.id),
        usage=(await engine.show(run.id)).usage,
        events=events,
    )


async def _started(engine: Engine, job: Job) -> RunRecord:
    if job.files is None:
        return await engine.start("research", job.input, job.context, actor="ann", dedup_key=KEY)

    async def nothing(_: str, __: str) -> None:
        return None

    wanted = await WorkflowCatalog(None).pin("research_report", nothing)
    return await engine.workflows.start(wanted, job.input, job.context, actor="ann", dedup_key=KEY)


async def _made(database: Database, run: RunRecord, files: Path | None) -> tuple[str, str]:
    """The outcome of the research, and its report."""
    output = run.output or {}
    if files is not None:
        given = output["outputs"]
        return given["outcome"], (files / run.id / given["report"]).read_text(encoding="utf-8")
    stored = PostgresArtifacts(Fence(database.pool, run.id, -1))
    report = await stored.get(ArtifactRef.model_validate(output["report"]).sha256)
    return output["outcome"], report.decode()


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
    for late in LATE:
        importlib.import_module(late)
    configure_logs("error")  # what a workflow logs must not come between the answers
    for each in sys.stdin:
        fork(each)
