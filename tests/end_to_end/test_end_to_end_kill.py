"""Research that is killed again and again, and taken on by other processes: by itself, or as a workflow's step.

Real graph, engine, PostgreSQL and processes. Calls are counted where they arrive: each call of the model writes a line
to a file, and the web is a server that counts.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from chains.fake.script import FakeScript
from chains.models import ModelDoor
from state.context import GatePolicy, RunContext
from tests.end_to_end.research_process import Done, Job
from tests.end_to_end.web_server import WebServer, web_server
from tests.postgres_fixtures import PROJECT, ServerForTests
from tools.documents.reading import read_sources
from tools.memory import memory_ports
from tools.network import Clients
from tools.web.searxng import SearxNG
from tools.web.web import EngineWeb

pytestmark = pytest.mark.slow

QUESTION = "How has CO2 at Mauna Loa changed, and what happened to the observatory?"
LEVEL = "What was the annual mean concentration of CO2 at Mauna Loa in 2022?"
CLOSED = "When was the Mauna Loa observatory closed by lava?"
TREND = "How fast has the annual mean of CO2 risen?"
CONTEXT = RunContext(
    models={"planner": "fake/team", "researcher": "fake/team"}, mode="parallel", gate=GatePolicy(max_revisions=0)
)
EVENTS = 16
"""Moments at which a process kills itself, evenly over the events of a run."""
RUNS = 4
"""Runs that share these moments: each is killed at every fourth."""
CALLS = (1, 3, 5, 7)
"""Moments at which it is killed from outside: while it waits for the answer to the so-many-th call of the model."""
TEAM = {
    "analyze_task/0": [0],
    "branches/level/0": [1, 2, 3],
    "branches/observatory/0": [4, 5, 6],
}
"""By path of the journal: the steps of the script, in the order in which that conversation takes them."""


STEP = "findings."
"""Begins the paths of research that is a step of the workflow research_report."""


@dataclass(frozen=True)
class Case:
    """What every run here is given."""

    sources: str
    script: list[dict[str, Any]]
    web: WebServer


@dataclass
class Processes:
    """The process that forks those that work on runs."""

    parent: "subprocess.Popen[str]"

    def begin(self, job: Job) -> int:
        """Starts the job; the number of its process."""
        assert self.parent.stdin is not None
        self.parent.stdin.write(f"{job.model_dump_json()}\n")
        self.parent.stdin.flush()
        return int(self._line())

    def end(self) -> Done:
        """Waits for the job that was begun."""
        return Done.model_validate_json(self._line())

    def do(self, job: Job) -> Done:
        """Both."""
        self.begin(job)
        return self.end()

    def _line(self) -> str:
        assert self.parent.stdout is not None
        return self.parent.stdout.readline()


@dataclass
class Trial:
    """One run in a database of its own, with its calls counted."""

    case: Case
    dsn: str
    log: Path
    as_step: bool = False
    """Whether the research is the step of a workflow."""
    kept: dict[str, int] = field(default_factory=dict)
    """How often each call was made that is recorded."""
    in_flight: set[str] = field(default_factory=set)
    """The calls that a kill cut off."""
    asked_before: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.asked_before = Counter(self.case.web.asked)

    def job(self, kill_at: int | None = None) -> Job:
        """The job to take the run on."""
        script = FakeScript.model_validate({"steps": self.case.script, "log": self.log})
        given = {"question": QUESTION, "sources": [self.case.sources]}
        job = Job(dsn=self.dsn, input=given, context=CONTEXT, script=script, web=self.case.web.url, kill_at=kill_at)
        return job.model_copy(update={"files": self.log.parent / "files"}) if self.as_step else job

    def steps(self) -> Counter[int]:
        """How often each step of the script was asked for."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(json.loads(line)["step"] for line in lines)

    def made(self) -> Counter[str]:
        """All calls that arrived at the model and at the web, by what names them."""
        return Counter({f"step {step}": count for step, count in self.steps().items()}) + (
            self.case.web.asked - self.asked_before
        )

    def journaled(self) -> set[str]:
        """The calls in the table `calls`, by the same names."""
        with psycopg.connect(self.dsn, row_factory=dict_row) as connection:
            rows = connection.execute("SELECT * FROM calls ORDER BY recorded_at").fetchall()
        names = set()
        for path, steps in TEAM.items():
            journal = f"{STEP if self.as_step else ''}{path}"
            there = [row for row in rows if row["path"] == journal and row["name"] == "fake/team"]
            names |= {f"step {step}" for step, _ in zip(steps, there, strict=False)}
        names |= {row["response"]["artifact"]["searched"][0] for row in rows if row["name"] == "search_web"}
        return names | {"/observatory" for row in rows if row["name"] == "read_page"}

    def note_kill(self) -> None:
        """Notes what a process that was killed leaves behind. What others had left there before has stayed."""
        made, kept = self.made(), self.journaled()
        self.check_kept(made)
        self.kept = {name: made[name] for name in kept}
        self.in_flight |= set(made) - kept

    def check_kept(self, made: Counter[str]) -> None:
        """What was recorded is not asked for again."""
        assert {name: made[name] for name in self.kept} == self.kept, "a recorded call came again"

    def calls(self) -> int:
        """How many calls the journal holds."""
        with psycopg.connect(self.dsn) as connection:
            (row,) = connection.execute("SELECT count(*) FROM calls")
        return int(row[0])


def team(level: dict[str, str], closed: str, page: str, tables: list[str]) -> list[dict[str, Any]]:
    """The script: a planner and two researchers, each step for one call, whenever and in whichever process it comes."""
    plan = {
        "sub_questions": [LEVEL, CLOSED, TREND],
        "branches": [
            {"kind": "research", "focus": "level", "questions": [LEVEL]},
            {"kind": "research", "focus": "observatory", "questions": [CLOSED]},
            {"kind": "analysis", "focus": "figures", "questions": [TREND], "tables": tables},
        ],
    }
    levels = [{"text": text, "passages": [key], "topic": LEVEL, "confidence": 0.9} for text, key in level.items()]
    closing = {
        "text": "The Mauna Loa observatory was closed by a lava flow on 27 November 2022.",
        "passages": [closed],
        "topic": CLOSED,
        "confidence": 0.8,
    }
    documents = {"name": "search_documents", "args": {"query": "annual mean concentration CO2 2022"}}
    read = [
        {"name": "read_source", "args": {"source": "briefing-2023.md"}},
        {"name": "read_source", "args": {"source": "record.md"}},
        {"name": "search_web", "args": {"query": "co2 level 2022"}},
    ]
    conversations: dict[str, list[dict[str, Any]]] = {
        '"focus": "level"': [
            {"tool_calls": [documents, {"name": "search_web", "args": {"query": "mauna loa co2"}}]},
            {"tool_calls": read},
            {"structured": {"FindingsDraft": {"findings": levels}}},
        ],
        '"focus": "observatory"': [
            {"tool_calls": [{"name": "search_web", "args": {"query": "mauna loa observatory lava"}}]},
            {"tool_calls": [{"name": "read_page", "args": {"url": page}}]},
            {"structured": {"FindingsDraft": {"findings": [closing]}}},
        ],
    }
    steps: list[dict[str, Any]] = [{"when": "PlanDraft", "structured": {"PlanDraft": plan}}]
    for about, answers in conversations.items():
        steps += [{"about": about, "turn": turn, **answer} for turn, answer in enumerate(answers)]
    return [{**step, "repeat": "always", "delay": 0.04} for step in steps]


async def scripted(sources: str, web: WebServer) -> list[dict[str, Any]]:
    """The script, with the ids that the passages of the sources and of the page will have."""
    ports = memory_ports(ModelDoor({}, {}))
    collection = await read_sources([sources], ports.passages, ports.artifacts)
    texts = {
        f"The annual mean concentration of CO2 at Mauna Loa in 2022 was {ppm} ppm.": f"in 2022 was {ppm}"
        for ppm in ("417.06", "418.53")
    }
    passages = await ports.passages.passages(collection.id)
    level = {
        text: next(each.id for each in passages if words in " ".join(each.text.split()))
        for text, words in texts.items()
    }
    async with Clients(["127.0.0.1"]) as clients:
        _, read = await EngineWeb(clients, SearxNG(clients, web.url)).read(web.page)
    closed = next(each.id for each in read if "lava flow" in each.text)
    return team(level, closed, web.page, [uri for uri in collection.tables if "mean" in uri])


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Sources, the script of the models, and a web."""
    folder = tmp_path_factory.mktemp("co2") / "sources"
    shutil.copytree(PROJECT / "examples" / "co2" / "sources", folder)
    with web_server() as web:
        yield Case(str(folder), asyncio.run(scripted(str(folder), web)), web)


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """Where processes come from."""
    command = [sys.executable, "-m", "tests.end_to_end.research_process"]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=PROJECT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        yield Processes(parent)
        assert parent.stdin is not None
        parent.stdin.close()


@contextmanager
def trial_of(case: Case, server: ServerForTests, folder: Path) -> Iterator[Trial]:
    """A fresh database and log."""
    with server.migrated_database() as dsn:
        yield Trial(case, dsn, folder / "calls.jsonl")


@dataclass(frozen=True)
class Undisturbed:
    """What a run is that nobody kills."""

    done: Done
    made: Counter[str]
    calls: int


@pytest.fixture(scope="module")
def undisturbed(
    case: Case, processes: Processes, postgres_server: ServerForTests, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    """The run that all others are measured by."""
    with trial_of(case, postgres_server, tmp_path_factory.mktemp("undisturbed")) as trial:
        done = processes.do(trial.job())
        return Undisturbed(done, trial.made(), trial.calls())


@pytest.fixture
def trial(case: Case, postgres_server: ServerForTests, tmp_path: Path) -> Iterator[Trial]:
    """A run to be killed."""
    with trial_of(case, postgres_server, tmp_path) as fresh:
        yield fresh


def check_ended(done: Done, trial: Trial, undisturbed: Undisturbed) -> None:
    """Compares a run that was killed, at its end, with the one that nobody killed."""
    assert (done.status, done.outcome) == ("completed", "published"), done.report
    assert done.report == undisturbed.done.report
    assert done.bad_audit is None
    made = trial.made()
    trial.check_kept(made)
    assert set(made) == set(undisturbed.made)
    assert set(made - undisturbed.made) <= trial.in_flight, "a call that was not in flight came again"
    assert done.usage == undisturbed.done.usage
    assert trial.calls() == undisturbed.calls


def test_the_undisturbed_run(undisturbed: Undisturbed) -> None:
    """The run that the others are compared with does all that it is meant to, each call once."""
    assert (undisturbed.done.status, undisturbed.done.outcome) == ("completed", "published")
    report = undisturbed.done.report
    assert all(words in report for words in ("418.53 ppm", "417.06 ppm", "27 November 2022", "## Contradictions"))
    assert ".png" in report, "the analysis drew no chart"
    steps = {f"step {step}" for steps in TEAM.values() for step in steps}
    searched = {"mauna loa co2", "co2 level 2022", "mauna loa observatory lava"}
    assert undisturbed.made == Counter(steps | searched | {"/observatory"})


@pytest.mark.parametrize("first", range(1, RUNS + 1))
def test_killed_at_events(first: int, trial: Trial, processes: Processes, undisturbed: Undisturbed) -> None:
    """Killed after events, the run ends in a new process as if nothing had been; no recorded call is repeated.

    In one of the runs the research is a step, with the same calls and the same report.
    """
    trial.as_step = first == RUNS
    moments = iter(range(first, 10 * EVENTS, RUNS))  # later in each process: what is begun anew tells of it anew
    kills = 0
    while (done := processes.do(trial.job(next(moments) * undisturbed.done.events // (EVENTS + 1) or 1))).killed:
        kills += 1
        trial.note_kill()
    assert kills > 1
    check_ended(done, trial, undisturbed)


@pytest.mark.parametrize("as_step", [False, True], ids=["by itself", "as a step"])
def test_killed_in_calls(as_step: bool, trial: Trial, processes: Processes, undisturbed: Undisturbed) -> None:
    """Killed while a model is being asked, only the calls that were under way are made again; of a step as well."""
    trial.as_step = as_step
    for number in CALLS:
        process = processes.begin(trial.job())
        deadline = time.monotonic() + 30
        while len(trial.steps()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process, signal.SIGKILL)
        assert processes.end().killed
        trial.note_kill()
    check_ended(processes.do(trial.job()), trial, undisturbed)
