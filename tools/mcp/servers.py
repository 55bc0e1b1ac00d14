"""The MCP servers of a process: each is asked what it offers when a tool of it is first needed."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from state.errors import ToolFailed
from state.tools import RegisteredTool
from tools.mcp.connection import Connection
from tools.mcp.server import McpServer
from tools.network import Clients

SIGN = "."
"""Stands between a server's name and that of its tool."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Offer:
    """What a server has."""

    tools: tuple[RegisteredTool, ...]
    left_out: tuple[str, ...]
    """Tools that cannot be used, each with the reason."""


@dataclass
class McpServers:
    """The servers of a process, by name; each is asked when a tool of it is first needed."""

    servers: Sequence[McpServer] = ()
    clients: Clients = field(default_factory=Clients)
    _connections: dict[str, Connection] = field(default_factory=dict)
    _offers: dict[str, tuple[object, Offer]] = field(default_factory=dict)
    """By server: its session, and what it offered then."""

    def __post_init__(self) -> None:
        self._connections = {server.name: Connection(server, self.clients) for server in self.servers}

    @property
    def names(self) -> Sequence[str]:
        """The servers, in the order of the alphabet."""
        return sorted(self._connections)

    def server_of(self, tool: str) -> str | None:
        """The server that a tool's name begins with; None where it is no tool of a server."""
        server, sign, _ = tool.partition(SIGN)
        return server if sign and server in self._connections else None

    async def offer(self, server: str) -> Offer:
        """The tools of a server. Raises ToolFailed where it cannot be asked."""
        from tools.mcp.offers import offered  # slow to import

        connection = self._connections[server]
        opened = await connection.opened()
        known = self._offers.get(server)
        if known is None or known[0] is not opened:
            version = str(opened.about.serverInfo.version)
            version = version if _VERSION.fullmatch(version) else "1.0.0"
            known = self._offers[server] = opened, offered(connection, opened.tools, version, self.names)
        return known[1]

    async def offers(self, names: Sequence[str]) -> tuple[Mapping[str, Offer], Mapping[str, ToolFailed]]:
        """The tools of these servers, and why some could not be asked, both by the name of the server."""
        asked = dict(zip(names, await asyncio.gather(*map(self._asked, names)), strict=True))
        offered = {name: each for name, each in asked.items() if isinstance(each, Offer)}
        return offered, {name: each for name, each in asked.items() if isinstance(each, ToolFailed)}

    async def _asked(self, server: str) -> Offer | ToolFailed:
        try:
            return await self.offer(server)
        except ToolFailed as error:
            return error

    async def aclose(self) -> None:
        """Ends all sessions, and the programs that were started for them."""
        await asyncio.gather(*(connection.aclose() for connection in self._connections.values()))
