"""The command line as people use it: processes, a database, files, exit codes and signals, nothing replaced."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.shells import Shell, ended, environment
from tests.postgres_fixtures import PROJECT, ServerForTests, open_folder

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]

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
    assert shlex.split(program)[0].endswith("python")
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
