"""`langgraph dev` serves the research graph, and a client drives it through a whole run with an approval."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client

from run_workflow.postgres.database import DatabaseSettings, open_database
from tests.postgres_fixtures import ServerForTests

pytestmark = [pytest.mark.studio, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
QUESTION = "How fast has atmospheric CO2 at Mauna Loa risen?"
CONTEXT: dict[str, Any] = {"approvals": {"plan": {}}}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(postgres_server: ServerForTests, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a running `langgraph dev`, and the database that it works on."""
    pytest.importorskip("langgraph_api", reason="the Studio server is an extra: pip install -e '.[studio]'")
    port = free_port()
    settings = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    config, log = tmp_path / "langgraph.json", tmp_path / "server.log"  # its state is written beside the first
    config.write_text(json.dumps(settings | {"dependencies": [str(ROOT)]}), encoding="utf-8")
    command = [Path(sys.executable).with_name("langgraph"), "dev", "--config", config, "--port", str(port)]
    with postgres_server.migrated_database() as dsn, log.open("w") as output:
        process = subprocess.Popen(
            [*map(str, command), "--no-browser", "--no-reload", "--n-jobs-per-worker", "4"],
            cwd=tmp_path,
            env=os.environ
            | {"DATABASE_URL": dsn, "STRETTO_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
            | {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/ok", process, log)
            yield f"http://127.0.0.1:{port}", dsn
        finally:
            _end(process)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Waits until the server answers; fails with its log if it ends before."""
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.25)
    pytest.fail(f"the server does not answer:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def test_a_client_runs_streams_approves_and_reads(server: tuple[str, str], tmp_path: Path) -> None:
    """Run, stream, see the interrupt, resume, read the state and the drawn graph, all over the server's API."""
    url, dsn = server
    async with get_client(url=url) as client:
        (assistant,) = await client.assistants.search(graph_id="research")
        drawn = await client.assistants.get_graph(assistant["assistant_id"])
        assert {"research_branch", "approve_plan", "publish"} <= {str(node["id"]) for node in drawn["nodes"]}

        thread = (await client.threads.create())["thread_id"]
        given: dict[str, Any] = {"question": QUESTION, "sources": [str(ROOT / "examples/co2/sources")]}
        stream = client.runs.stream(thread, "research", input=given, context=CONTEXT, stream_mode=["custom"])
        paths = [part.data["path"] async for part in stream if part.event == "custom"]
        assert "analyze_task" in paths, "progress is streamed"

        (waiting,) = (await client.threads.get_state(thread))["interrupts"]
        assert waiting["value"]["action_requests"][0]["name"] == "approve_plan"
        answer = {waiting["id"]: {"decisions": [{"type": "approve"}], "by": "ann"}}
        await client.runs.wait(thread, "research", command={"resume": answer}, context=CONTEXT)

        values: Any = (await client.threads.get_state(thread))["values"]
    assert values["outcome"] == "published"
    assert values["citation_accuracy"] == 1.0
    assert (await _report(dsn, values["report"]["sha256"], tmp_path)).startswith("# How fast")


async def _report(dsn: str, sha256: str, home: Path) -> str:
    """The report, where the command line finds it too."""
    async with open_database(DatabaseSettings(dsn, home)) as database, database.pool.connection() as connection:
        cursor = await connection.execute("SELECT bytes FROM artifacts WHERE sha256 = %s", (sha256,))
        row = await cursor.fetchone()
    assert row is not None
    return bytes(row["bytes"]).decode()
