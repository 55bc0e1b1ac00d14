"""Commands typed as people type them: processes, a working folder, an environment, and no terminal."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres_fixtures import PROJECT


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


def environment(folder: Path, **values: str) -> dict[str, str]:
    """This process's environment without anybody's settings, and with these."""
    config = str(folder / "config")
    return {**os.environ, "PYTHONPATH": str(PROJECT), "XDG_CONFIG_HOME": config, "NO_COLOR": "1", **values}
