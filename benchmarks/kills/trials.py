"""Runs that are killed again and again, and what they come to beside runs that nobody kills."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.kills.process import Ended, Job, engine_on
from benchmarks.kills.service import Service, service
from graphs.workflow.pinned import Pinned
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import DatabaseSettings, open_database
from state.context import RunContext
from tools.network import Clients

PROJECT = Path(__file__).parents[2]
ITEMS = ["x", "y", "z", "v"]


@dataclass(frozen=True)
class Outcome:
    """All that must be the same, whatever became of the processes."""

    status: str
    output: Any
    error: str | None
    steps: dict[str, str]
    """The status of each step by its path."""
    effects: Counter[str]
    """What the service did, and how often."""
    first_bad: int | None
    """The first event of the audit that does not verify."""


@dataclass(frozen=True)
class Trial:
    """One run to its end."""

    outcome: Outcome
    kills: int
    repeated: int
    """Requests beyond one for each effect that came although their answer was lost, refused ones left out."""
    seconds: float
    """What the process worked that came to the end."""


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
    command = [sys.executable, "-m", "benchmarks.kills.process"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        yield Workers(parent)
        assert parent.stdin is not None
        parent.stdin.close()


@dataclass(frozen=True)
class Bench:
    """What all runs here share."""

    dsn: str
    engine: Engine
    service: Service
    workers: Workers
    chance: random.Random

    async def trial(self, wanted: Pinned, kills: int = 0, within: float = 0.0) -> Trial:
        """One run, killed up to `kills` times at random moments `within` so many seconds of work."""
        self.service.forget()
        given = {"url": self.service.url, "items": ITEMS}
        run = await self.engine.workflows.start(wanted, given, RunContext(), actor="ann")
        done = 0
        while done < kills:
            if not self.workers.do(self._job(run.id, self.chance.uniform(0, within))).killed:
                break
            done += 1
        ended = self.workers.do(self._job(run.id)) if done == kills else Ended(killed=False)
        outcome = await self._outcome(run.id)
        return Trial(outcome, done, self.service.requests - outcome.effects.total(), ended.seconds)

    def _job(self, run_id: str, kill_after: float | None = None) -> Job:
        return Job(dsn=self.dsn, run_id=run_id, kill_after=kill_after)

    async def _outcome(self, run_id: str) -> Outcome:
        view = await self.engine.show(run_id)
        return Outcome(
            status=view.run.status,
            output=view.run.output,
            error=view.run.error,
            steps={step.path: step.status for step in view.steps},
            effects=self.service.effects,
            first_bad=await self.engine.verify_audit(run_id),
        )


@asynccontextmanager
async def bench(dsn: str, seed: int) -> AsyncIterator[Bench]:
    """A service, processes and an engine on a migrated database."""
    with service() as made, workers() as parent:
        async with Clients(["127.0.0.1"]) as clients, open_database(DatabaseSettings(dsn, Path())) as database:
            yield Bench(dsn, engine_on(database, clients), made, parent, random.Random(seed))


@dataclass
class Row:
    """One workflow, over all its killed runs."""

    runs: int = 0
    kills: int = 0
    repeated: int = 0
    different: list[Outcome] = field(default_factory=list)
    """How those runs ended that did not end as the one that nobody killed."""
    doubled: int = 0
    """Effects that were not done exactly as often as there."""


async def killed(made: Bench, wanted: Pinned, kills: int, in_a_row: int) -> Row:
    """Runs of one workflow until so many processes were killed, each run's up to `in_a_row` times."""
    row, calm = Row(), await made.trial(wanted)
    while row.kills < kills:
        trial = await made.trial(wanted, min(in_a_row, kills - row.kills), calm.seconds)
        row.runs += 1
        row.kills += trial.kills
        row.repeated += trial.repeated - calm.repeated
        if trial.outcome != calm.outcome:
            row.different.append(trial.outcome)
        effects = trial.outcome.effects
        row.doubled += sum(((effects - calm.outcome.effects) + (calm.outcome.effects - effects)).values())
    return row
