"""A real `langgraph dev` as a process, for tests: whom it takes people for is what a header says."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from run_workflow.cli.studio import write_files
from run_workflow.workflow_catalog import WorkflowCatalog

ROOT = Path(__file__).parents[2]
_AUTH = """
from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def who(headers):
    name = (headers.get(b"x-name") or b"").decode()
    return {"identity": name, "is_authenticated": bool(name)}
"""


@dataclass
class StudioServer:
    """A server in a folder of its own, with its state beside it; its graphs are those of the project and of a user."""

    folder: Path
    dsn: str
    port: int = 0
    by_command: bool = False
    """Whether it is started by our own command: it has no authentication then."""

    def start(self) -> None:
        """Starts it and waits until it answers; fails with its log if it ends before."""
        self.port = _free_port()
        python = [sys.executable, "-m"]
        served = ["run_workflow", "studio"] if self.by_command else [*self._langgraph(), "--n-jobs-per-worker", "4"]
        with self._log.open("a") as output:
            self._process = subprocess.Popen(
                [*python, *served, "--port", str(self.port)],
                cwd=self.folder,
                env=os.environ
                | {"DATABASE_URL": self.dsn, "STRETTO_HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
                | {"STRETTO_WORKFLOWS": str(self.workflows)}
                | {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def _langgraph(self) -> list[str]:
        """`langgraph dev` on the graphs of the project and those of the user, with people who have names."""
        settings = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
        settings |= {"dependencies": [str(ROOT)], "auth": {"path": "./auth.py:auth"}}
        config, _ = write_files(WorkflowCatalog(self.workflows), self.folder / "studio")
        settings["graphs"] = json.loads(config.read_text(encoding="utf-8"))["graphs"] | settings["graphs"]
        (self.folder / "auth.py").write_text(_AUTH, encoding="utf-8")
        (self.folder / "langgraph.json").write_text(json.dumps(settings), encoding="utf-8")
        return ["langgraph_cli", "dev", "--no-browser", "--no-reload"]

    @property
    def workflows(self) -> Path:
        """The folder with workflows of the user's own."""
        return self.folder / "workflows"

    def client(self, name: str = "") -> LangGraphClient:
        """Somebody of this name; without one, somebody whom the server does not know."""
        return get_client(url=f"http://127.0.0.1:{self.port}", headers={"x-name": name} if name else None)

    def stop(self) -> None:
        """Ends it in good order."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _wait(self) -> None:
        for _ in range(480):
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/ok").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.25)
        pytest.fail(f"the server does not answer:\n{self._log.read_text(encoding='utf-8')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def thread_of(client: LangGraphClient) -> str:
    """A new thread's id."""
    return str((await client.threads.create())["thread_id"])


async def shown(client: LangGraphClient, thread: str) -> tuple[str, str, str]:
    """What is asked now: the request's id, its action, and the words."""
    (waiting,) = (await client.threads.get_state(thread))["interrupts"]
    action = waiting["value"]["action_requests"][0]
    return waiting["id"], action["name"], action["description"]


def hanging_model(folder: Path) -> dict[str, Any]:
    """A context with a planner that never answers."""
    script = folder / "hanging.json"
    script.write_text(json.dumps({"steps": [{"hang": 3600, "repeat": "always"}]}), encoding="utf-8")
    return {"models": {"planner": f"fake/{script}"}}


def command_line(server: StudioServer, *words: str) -> str:
    """What a command says, on the server's database."""
    environment = {"DATABASE_URL": server.dsn, "STRETTO_HOME": str(server.folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "run_workflow", *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr
