"""A run that is killed in its first moments is listed, and `resume` says which run it goes on with."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from run_workflow.cli import options
from run_workflow.cli.answers import resume
from run_workflow.cli.session import Desk, Shell
from run_workflow.console.screen import Screen
from run_workflow.postgres.database import Database
from run_workflow.services import open_services
from run_workflow.settings import load_settings
from tests.run_workflow.test_cli_services import url_of

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
SLOW = ("langgraph", "langchain_core", "pandas", "scipy", "matplotlib", "bm25s", "bs4")
KILLED = f"""
import os, signal, sys
from run_workflow.cli.app import app
from run_workflow.engine.engine import Engine

make = Engine.start

async def start(*args, **more):
    run = await make(*args, **more)
    print(run.id, *sorted(set({SLOW!r}) & set(sys.modules)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

Engine.start = start
app()
"""


async def test_a_run_that_is_killed_at_once_is_there(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row is written before anything slow is imported; `resume last` names the run, and takes it to its end."""
    (tmp_path / "note.md").write_text("# Lakes\n\nLake Baikal is 1,642 metres deep.\n", encoding="utf-8")
    environ = {"DATABASE_URL": url_of(database.dsn), "STRETTO_HOME": str(tmp_path), "STRETTO_USER": "ann"}
    question = "How deep is Lake Baikal?"
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, "run", "research", question, "--sources", str(tmp_path / "note.md")],
        env={**os.environ, **environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run_id, *imported = killed.stdout.split()
    assert imported == []

    shell = Shell(load=lambda: load_settings(environ), open=open_services, screen=Screen.of_process)
    code = await resume(Desk(shell, Screen.of_process(False)), options.Resume(run="last", out=tmp_path / "out"))
    assert code == 0
    assert capsys.readouterr().err.startswith(f"Run {run_id}: {question}\n")
    assert (tmp_path / "out" / run_id / "report.md").exists()
