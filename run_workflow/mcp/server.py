"""The MCP server: it lists what is offered, and answers calls. `stdio.py` and `http.py` say how it is reached."""

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from run_workflow.mcp.offers import Offer, not_offered
from state.errors import StrettoError
from state.runs import Json

if TYPE_CHECKING:  # slow to import
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolRequest, ServerResult

NAME = "stretto"
_ABOUT = (
    "Durable workflows, and tools for files, data, databases and the web. A run that was started is kept when this "
    "server ends, and workflow_status goes on with it. What it waits for is approved by a person at a terminal, by the "
    "commands that the answer names."
)


def server_of(offers: Sequence[Offer]) -> "Server[Any, Any]":
    """A server with the tools of these parts; where two have one of a name, that of the first is called."""
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolRequest, ListToolsRequest, ListToolsResult, ServerResult

    server: Server[Any, Any] = Server(NAME, version=_version(), instructions=_ABOUT)

    async def listed(_: "ListToolsRequest | None") -> ServerResult:
        return ServerResult(ListToolsResult(tools=[tool for offer in offers for tool in await offer.tools()]))

    async def called(request: "CallToolRequest") -> ServerResult:
        return await _called(offers, request)

    server.request_handlers[ListToolsRequest] = listed
    server.request_handlers[CallToolRequest] = called
    return server


async def _called(offers: Sequence[Offer], request: "CallToolRequest") -> "ServerResult":
    """The answer to a call. A failure is an answer, too: the model that called can mind what it says."""
    from mcp.types import CallToolResult, ServerResult, TextContent

    try:
        output = await _output(offers, request.params.name, request.params.arguments or {})
    except StrettoError as error:
        return ServerResult(CallToolResult(content=[TextContent(type="text", text=str(error))], isError=True))
    text = TextContent(type="text", text=json.dumps(output, ensure_ascii=False))
    return ServerResult(CallToolResult(content=[text], structuredContent=output))


async def _output(offers: Sequence[Offer], name: str, given: Json) -> Json:
    for offer in offers:
        if (output := await offer.call(name, given)) is not None:
            return output
    raise not_offered(name)


def _version() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown"
