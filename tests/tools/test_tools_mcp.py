"""Tools of MCP servers: a real server process as child, one that dies, one behind an address that is not asked."""

import sys
import time
from pathlib import Path

import pytest

from state.errors import ToolFailed
from tools.breaker import Breakers
from tools.mcp.offers import McpServers, service
from tools.mcp.server import McpServer
from tools.memory import SystemClock
from tools.network import Clients
from tools.registry import Registry

SERVER = Path(__file__).with_name("mcp_weather.py")
SECRET = {"KEY": "hush-hush"}


def registry(*servers: McpServer) -> tuple[Registry, McpServers]:
    found = McpServers(servers, Clients())
    return Registry([], Breakers(SystemClock()), None, found), found


def of_file(name: str, *arguments: str, trusted: bool = False) -> McpServer:
    return McpServer(name, (sys.executable, str(SERVER), *arguments), environment=SECRET, trusted=trusted)


async def failure(tools: Registry, name: str, **given: object) -> ToolFailed:
    with pytest.raises(ToolFailed) as failed:
        await tools.call(name, given)
    return failed.value


@pytest.mark.slow
async def test_tools_of_a_server_are_called_by_the_registry() -> None:
    """One process answers all calls; what it says is checked, bounded and screened; when it dies it is started anew."""
    tools, servers = registry(of_file("weather", trusted=True))
    try:
        assert tools.names() == []  # nobody was asked yet
        assert await tools.call("weather.now", {"city": "Rome", "config": "!"}) == {"temp": 21.5, "city": "Rome!"}
        assert await tools.call("weather.report", {"size": 3}) == {"text": "xxx", "left_out": []}
        kinds = {name: tools.find(name).side_effects for name in tools.names()}
        assert kinds == {
            "weather.die": "read",
            "weather.now": "read",
            "weather.report": "read",
            "weather.siren": "write",
        }
        assert "instructions" not in tools.find("weather.siren").description
        assert tools.find("weather.now").tool.name == "weather__now"  # a name that models' providers take
        assert (await failure(tools, "weather.now", town="Rome")).error == "bad_input"
        wrong = await failure(tools, "weather.now", city="Atlantis")
        assert wrong.error == "refused"
        assert "no city Atlantis (***)" in wrong.message  # a secret that comes back is masked
        assert (await failure(tools, "weather.report", size=1_000_001)).error == "bad_output"
        dead = await failure(tools, "weather.die")
        assert (dead.error, dead.message.endswith("weather station ready / out of memory")) == ("unavailable", True)
        assert (await tools.call("weather.now", {"city": "Oslo"}))["city"] == "Oslo"
    finally:
        await servers.aclose()


@pytest.mark.slow
async def test_a_server_that_cannot_be_asked_is_unavailable_and_says_why() -> None:
    """What it wrote last is told without its secrets; after some failures it is left alone for a while."""
    tools, servers = registry(
        of_file("dead", "--dies"),
        McpServer("missing", ("/no/such/program",)),
        McpServer("inner", url="http://127.0.0.1:9/mcp", token="hush-hush"),
    )
    said = await failure(tools, "dead.now")
    assert said.error == "unavailable"
    assert said.message.endswith("It said last: weather station ready / no licence ***")
    assert "/no/such/program" in (await failure(tools, "missing.now")).message
    private = await failure(tools, "inner.now")
    assert (private.error, "private network" in private.message) == ("refused", True)
    began = time.perf_counter()
    for _ in range(4):
        await failure(tools, "missing.now")
    assert (await failure(tools, "missing.now")).place == service("missing")
    assert time.perf_counter() - began < 5
    await servers.aclose()


async def test_only_names_of_servers_lead_to_servers() -> None:
    """A tool of our own, and one of a server that nobody named, are looked up as ever."""
    tools, servers = registry(McpServer("weather", ("/no/such/program",)))
    assert [servers.server_of(name) for name in ("set", "weather", "weather.now", "other.now")] == [
        None,
        None,
        "weather",
        None,
    ]
    assert (await failure(tools, "other.now")).error == "bad_input"
