"""The HTTP tools of a process, and what tests ask of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from state.errors import ToolFailed
from state.ports import Clock
from tests.tools.clocks import MovedClock
from tools.breaker import Breakers
from tools.http.api import HttpApi
from tools.http.messages import OUTPUT
from tools.network import Clients
from tools.registry import Registry, registered

JSON = "application/json"


@asynccontextmanager
async def http_tools(secrets: Mapping[str, str], clock: MovedClock | None = None) -> AsyncIterator[Registry]:
    """The tools, which may ask loopback by its IPv4 address."""
    async with Clients(["127.0.0.1"]) as clients:
        yield registry_of(clients, secrets, clock or MovedClock())


def registry_of(clients: Clients, secrets: Mapping[str, str], clock: Clock) -> Registry:
    """The HTTP tools alone, which are made sooner than the whole toolbox; no circuit opens."""
    tools = HttpApi(clients, secrets, clock).tools()
    return Registry([registered(tool, category="web", output=OUTPUT) for tool in tools], Breakers(clock))


async def refused(tools: Registry, name: str = "http_get", **given: Any) -> ToolFailed:
    """The failure of a call."""
    with pytest.raises(ToolFailed) as raised:
        await tools.call(name, given)
    return raised.value
