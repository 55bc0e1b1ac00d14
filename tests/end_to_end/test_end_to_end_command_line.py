"""The command line as people use it: processes, a database, files, exit codes and signals, nothing replaced."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_fixtures import PROJECT, ServerForTests, open_folder

pytestmark = pytest.mark.slow

QUESTION = "What was the annual mean concentration of CO2 at Mauna Loa in 2022?"
OTHER = "Which isolation levels does PostgreSQL offer?"
SOURCES = str(PROJECT / "examples" / "co2" / "sources")
DONE, WRONG_USE, WAITS, NOT_ESTABLISHED, INTERRUPTED = 0, 2, 3, 4, 130
PLAN: dict[str, Any] = {
    "when": "PlanDraft",
    "structured": {
        "PlanDraft": {
            "sub_questions": [QUESTION],
            "branches": [{"kind": "research", "focus": "level", "questions": [QUESTION]}],
        }
    },
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Where commands are typed: a working folder and an environment, and no terminal."""

    folder: Path
    env: dict[str, str]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """The command, running; it is in a group of its own, as a job of a real shell is."""
        return subprocess.Popen(
            [sys.executable, "-m", "run_workflow", *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Ended:
        """The command, ended."""
        return ended(self.start(*arguments))

    def script(self, step: dict[str, Any]) -> str:
        """The option for a planner that answers by this step; its calls are logged in `calls.jsonl`."""
        path = self.folder / "planner.json"
        path.write_text(json.dumps({"steps": [step], "log": "calls.jsonl"}))
        return f"planner=fake/{path}"

    def calls(self) -> int:
        """How many calls of the planner began."""
        log = self.folder / "calls.jsonl"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def reports(self) -> list[str]:
        """The reports below the folder `output`."""
        return [path.read_text() for path in sorted((self.folder / "output").glob("*/report.md"))]


def ended(process: "subprocess.Popen[str]") -> Ended:
    """Waits for the command."""
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


@contextmanager
def running(shell: Shell, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command, at the moment when its planner is asked; it is killed at the end of the block."""
    process = shell.start(*arguments)
    try:
        deadline = time.monotonic() + 60
        while not shell.calls():
            assert process.poll() is None, ended(process)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def environment(folder: Path, **values: str) -> dict[str, str]:
    """This process's environment without anybody's settings, and with these."""
    config = str(folder / "config")
    return {**os.environ, "PYTHONPATH": str(PROJECT), "XDG_CONFIG_HOME": config, "NO_COLOR": "1", **values}


@pytest.fixture
def shell(postgres_server: ServerForTests, tmp_path: Path) -> Iterator[Shell]:
    """A shell with a database server."""
    with postgres_server.migrated_database() as dsn:
        yield Shell(tmp_path, environment(tmp_path, DATABASE_URL=dsn, STRETTO_HOME=str(tmp_path / "home")))


@pytest.fixture
def lone_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell without a database server: the program brings its own."""
    with open_folder() as home:
        yield Shell(tmp_path, environment(tmp_path, STRETTO_HOME=str(home / "home")))


def test_an_approval_from_a_second_process(shell: Shell) -> None:
    """A run that waits for its plan ends with code 3 and what to type; typed elsewhere, that leads to the report."""
    waits = shell.run("run", "research", QUESTION, "--sources", SOURCES, "--approve", "plan")
    assert waits.code == WAITS, waits
    (line,) = [line.strip() for line in waits.out.splitlines() if " approve " in line]
    assert shell.reports() == []
    program, arguments = line.split(" -m run_workflow ")
    assert program == "python"
    done = shell.run(*arguments.split(), "--json")
    assert done.code == DONE, done
    document = json.loads(done.out)
    assert document["outcome"] == "published"
    assert "418.53 ppm" in Path(shell.folder, document["files"]["report"]).read_text()
    assert "418.53 ppm" in Path(shell.folder, document["files"]["page"]).read_text()
    assert arguments.split()[1] == document["id"]


def test_nobody_at_the_terminal(shell: Shell) -> None:
    """With `--if-unattended continue` a run goes on alone, and its report says that nobody approved."""
    done = shell.run(
        "run", "research", QUESTION, "--sources", SOURCES, "--approve", "plan", "--if-unattended", "continue", "--json"
    )
    assert done.code == DONE, done
    assert json.loads(done.out)["exit_code"] == DONE
    (report,) = shell.reports()
    assert "Approval of the plan: the run went on without one, because nobody was at the terminal." in report


def test_a_question_that_the_sources_do_not_answer(shell: Shell) -> None:
    """It ends with code 4, and with a report that claims nothing and says where was looked."""
    done = shell.run("run", "research", OTHER, "--sources", SOURCES)
    assert done.code == NOT_ESTABLISHED, done
    (report,) = shell.reports()
    assert "do not establish an answer" in report
    assert "isolation levels" in report


def test_a_missing_source(shell: Shell) -> None:
    """A path that is not there: what, where and what to do on standard error, and code 2."""
    done = shell.run("run", "research", QUESTION, "--sources", "no/such/folder")
    assert done.code == WRONG_USE, done
    assert done.out == ""
    what, where, remedy = done.err.splitlines()
    assert what.startswith("Error: ")
    assert where.endswith("no/such/folder")
    assert remedy.strip().startswith("do:")


def test_killed_and_resumed_with_the_local_database(lone_shell: Shell) -> None:
    """`kill -9` in the middle of a call; `resume last` finds the local database and the run, and ends it."""
    planner = lone_shell.script({"hang": 600})
    with running(lone_shell, "run", "research", QUESTION, "--sources", SOURCES, "--model-for", planner) as process:
        os.kill(process.pid, signal.SIGKILL)
        assert ended(process).code == -signal.SIGKILL
    lone_shell.script(PLAN)
    done = lone_shell.run("resume", "last", "--json")
    assert done.code == DONE, done
    assert json.loads(done.out)["status"] == "completed"
    assert lone_shell.calls() == 2
    (report,) = lone_shell.reports()
    assert "418.53 ppm" in report


def test_interrupted_and_resumed(shell: Shell) -> None:
    """Ctrl-C lets the call under way finish, ends with code 130, and `resume` goes on without asking again."""
    planner = shell.script({**PLAN, "delay": 1.5})
    with running(shell, "run", "research", QUESTION, "--sources", SOURCES, "--model-for", planner) as process:
        os.kill(process.pid, signal.SIGINT)
        stopped = ended(process)
    assert stopped.code == INTERRUPTED, stopped
    assert "Traceback" not in stopped.err
    assert " resume " in stopped.out
    assert shell.reports() == []
    done = shell.run("resume", "last")
    assert done.code == DONE, done
    assert shell.calls() == 1
    (report,) = shell.reports()
    assert "418.53 ppm" in report
