"""Runs that are killed again and again, and what they come to beside runs that nobody kills."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.kills.cases import CASES, inputs_of, workflow
from benchmarks.kills.outcomes import Moment, Outcome, is_over, moment_of, outcome_of
from benchmarks.kills.process import Ended, Job, engine_on
from examples.services.server import Server, running
from examples.services.shop import Shop
from graphs.workflow.pinned import Pinned
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import DatabaseSettings, open_database
from state.context import RunContext
from tests.postgres_fixtures import PROJECT
from tools.network import Clients

ANSWER_SECONDS = 0.015
"""What each answer of the services takes: who is killed meanwhile never learns that the work was done."""
_MOST_PROCESSES = 100
"""Of one run; one that needs more does not get on."""


@dataclass(frozen=True)
class Trial:
    """One run to its end."""

    outcome: Outcome
    moments: tuple[Moment, ...]
    """Where it stood at each kill."""
    repeated: int
    """Requests that came again for what a service had done."""
    seconds: float
    """What all its processes worked."""


class Workers:
    """The process that forks those that work."""

    def __init__(self, parent: "subprocess.Popen[str]") -> None:
        self._parent = parent

    def do(self, job: Job) -> Ended:
        """Waits until the job has ended, or was killed."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{job.model_dump_json()}\n")
        self._parent.stdin.flush()
        return Ended.model_validate_json(self._parent.stdout.readline())


@contextmanager
def workers() -> Iterator[Workers]:
    """Where processes come from."""
    # What is forked may have no threads.
    command = ["env", "OPENBLAS_NUM_THREADS=1", sys.executable, "-m", "benchmarks.kills.process"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        yield Workers(parent)
        assert parent.stdin is not None
        parent.stdin.close()


@dataclass(frozen=True)
class Bench:
    """What all runs here share."""

    dsn: str
    engine: Engine
    server: Server
    workers: Workers
    files: Path
    chance: random.Random

    async def trial(self, name: str, pinned: Pinned, kills: int = 0, life: float = 0.0) -> Trial:
        """One run, whose processes are killed at up to `kills` random moments of the `life` that it has otherwise."""
        self.server.shop = Shop(troubles=[replace(each) for each in CASES[name].troubles])
        run = await self.engine.workflows.start(pinned, inputs_of(name, self.server.address), RunContext(), actor="ann")
        job = Job(dsn=self.dsn, run_id=run.id, files=self.files)
        moments: list[Moment] = []
        at, seconds = sorted(self.chance.uniform(0, life) for _ in range(kills)), 0.0
        view = await self.engine.show(run.id)
        for _ in range(_MOST_PROCESSES):
            if is_over(view):
                break
            left = max(at[len(moments)] - seconds, 0) if len(moments) < kills else None
            ended = self.workers.do(job.model_copy(update={"kill_after": left}))
            seconds += ended.seconds
            view = await self.engine.show(run.id)
            if ended.killed:
                moments.append(moment_of(view))
        outcome = await outcome_of(self.engine, view, self.server.shop, self.files)
        repeated = sum(each["repeated"] for each in self.server.shop.counts().values())
        return Trial(outcome, tuple(moments), repeated, seconds)


@asynccontextmanager
async def bench(dsn: str, seed: int) -> AsyncIterator[Bench]:
    """Services, processes and an engine on a migrated database."""
    with running(seconds=ANSWER_SECONDS) as server, workers() as parent, TemporaryDirectory() as folder:
        async with Clients(["127.0.0.1"]) as clients, open_database(DatabaseSettings(dsn, Path())) as database:
            files = Path(folder)
            engine = engine_on(database, clients, files)
            yield Bench(dsn, engine, server, parent, files, random.Random(seed))


@dataclass
class Row:
    """One workflow, over all its killed runs."""

    name: str
    runs: int = 0
    moments: Counter[Moment] = field(default_factory=Counter)
    """How many kills came where."""
    effects: int = 0
    """What the services hold after one run."""
    repeated: int = 0
    different: list[str] = field(default_factory=list)
    """How those runs ended that did not end as the one that nobody killed."""
    off: int = 0
    """Effects that were not there exactly as in that one."""

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return self.moments.total()


async def killed(made: Bench, name: str, kills: int, in_a_row: int) -> Row:
    """Runs of one workflow until so many processes were killed, each run's up to `in_a_row` times."""
    pinned, row = await workflow(name), Row(name)
    await made.trial(name, pinned)  # the first one imports what the others have
    calm = await made.trial(name, pinned)
    row.effects, wanted = len(calm.outcome.effects), Counter(calm.outcome.effects)
    while row.kills < kills:
        trial = await made.trial(name, pinned, min(made.chance.randint(1, in_a_row), kills - row.kills), calm.seconds)
        row.runs += 1
        row.moments.update(trial.moments)
        row.repeated += trial.repeated - calm.repeated
        row.different += trial.outcome.differences(calm.outcome)
        found = Counter(trial.outcome.effects)
        row.off += ((found - wanted) + (wanted - found)).total()
    return row
