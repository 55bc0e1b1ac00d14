"""The command mcp: our tools and workflows for clients of the Model Context Protocol."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from run_workflow.cli.mcp_options import Mcp
from run_workflow.cli.session import DONE, Desk
from run_workflow.cli.signals import stopped_by_signal
from run_workflow.workflow_documents import OfferedBody, OffersDocument

if TYPE_CHECKING:  # slow to import
    from mcp.server.lowlevel import Server
    from mcp.types import Tool

    from run_workflow.settings import Settings

TOKEN = "mcp"
"""The secret that clients over HTTP must send, where there is one."""


async def mcp(desk: Desk, wanted: Mcp) -> int:
    """Serves until the client is gone, or a signal comes. SetupError where MCP is not installed."""
    from tools.mcp.connection import refuse_without_package

    await asyncio.to_thread(refuse_without_package)
    if wanted.show:
        return await _show(desk, wanted)
    if wanted.port is None:
        await _over_stdio(desk, wanted)
    else:
        await _over_http(desk, wanted, wanted.port)
    return DONE


async def _over_stdio(desk: Desk, wanted: Mcp) -> None:
    from run_workflow.mcp import stdio

    if sys.stdin.isatty():
        desk.screen.note("An MCP client starts this command and speaks with it; docs/mcp.md says how. Ctrl-C ends it.")
    with stdio.protocol_only() as out, stopped_by_signal() as stopped:
        async with _server(desk, wanted) as server:
            await stdio.serve(server, out, stopped)


async def _over_http(desk: Desk, wanted: Mcp, port: int) -> None:
    from run_workflow.mcp import http

    token = desk.settings.secret_values().get(TOKEN, "")
    with http.listening(port) as listener, stopped_by_signal() as stopped:
        async with _server(desk, wanted) as server:
            desk.screen.note(f"Serving {http.address_of(listener)}. Ctrl-C ends it.")
            if not token:
                desk.screen.note("Every program on this machine may ask it: STRETTO_SECRET_MCP sets a token.", "yellow")
            await http.serve(server, listener, token, stopped)


@asynccontextmanager
async def _server(desk: Desk, wanted: Mcp) -> "AsyncIterator[Server[Any, Any]]":
    from run_workflow.mcp.offers import RegistryOffer
    from run_workflow.mcp.server import server_of
    from run_workflow.mcp.workflows import WorkflowOffer, listed

    _, left_out = await listed(desk.settings, wanted.wait)
    _tell(desk, left_out)
    async with desk.shell.open(_without_here(desk.settings)) as services:
        assert services.served is not None  # only tests of other commands leave it out
        async with aclosing(services.served()) as registry:
            workflows = WorkflowOffer(desk.settings, services.engine, wanted.wait)
            yield server_of([RegistryOffer(registry, wanted.allow_write or ()), workflows])


def _without_here(settings: "Settings") -> "Settings":
    """The settings, without the folder in which the process works as one that may be read: a client chose it, and often
    it holds everything.
    """
    from tools.toolbox import SERVED

    return settings.model_copy(update={"folders": settings.folders or (settings.home / "files" / SERVED,)})


async def _show(desk: Desk, wanted: Mcp) -> int:
    """What would be offered; no database is needed for that."""
    from run_workflow.console.tables import offer_table
    from run_workflow.mcp.offers import RegistryOffer
    from run_workflow.mcp.workflows import listed
    from tools.toolbox import Toolbox

    tools = await RegistryOffer(Toolbox().shown(), wanted.allow_write or ()).tools()
    workflows, left_out = await listed(desk.settings, wanted.wait)
    offered = tuple(map(_body, [*tools, *workflows]))
    desk.screen.show(offer_table(offered))
    _tell(desk, left_out)
    desk.screen.document(OffersDocument(tools=offered, left_out=tuple(left_out)))
    return DONE


def _tell(desk: Desk, left_out: list[str]) -> None:
    for line in left_out:
        desk.screen.note(f"Left out: {line}", "yellow")


def _body(tool: "Tool") -> OfferedBody:
    writes = tool.annotations is None or not tool.annotations.readOnlyHint
    return OfferedBody(name=tool.name, description=tool.description or "", writes=writes, parameters=tool.inputSchema)
