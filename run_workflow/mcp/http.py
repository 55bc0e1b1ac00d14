"""The MCP server over HTTP on this machine: other machines cannot reach it, and no page of a browser may use it."""

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from state.errors import SetupError

if TYPE_CHECKING:  # slow to import
    import uvicorn
    from mcp.server.lowlevel import Server

HOST = "127.0.0.1"
PATH = "/mcp"
_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]
_App = Callable[[Any, _Receive, _Send], Awaitable[None]]


def listening(port: int) -> socket.socket:
    """A socket on this machine; of 0 the system chooses a free port. Raises SetupError where the port is taken."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        said = f"The port {port} cannot be used: {error.strerror or error}."
        raise SetupError(said, place="--port", remedy="Choose another.") from error


def address_of(listener: socket.socket) -> str:
    """What a client asks."""
    return f"http://{HOST}:{listener.getsockname()[1]}{PATH}"


async def serve(server: "Server[Any, Any]", listener: socket.socket, token: str, stopped: asyncio.Event) -> None:
    """Answers requests with this bearer token, or all where it is empty, until the event is set."""
    import uvicorn
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    names = [f"{host}:{listener.getsockname()[1]}" for host in (HOST, "localhost")]
    security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names])
    manager = StreamableHTTPSessionManager(server, stateless=True, security_settings=security)

    class Quiet(uvicorn.Server):
        """Leaves signals to the command."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    app = _guarded(manager.handle_request, token)
    web = Quiet(uvicorn.Config(app, lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1))
    stop = asyncio.create_task(_stop(web, stopped))
    try:
        async with manager.run():
            await web.serve([listener])
    finally:
        stop.cancel()


async def _stop(web: "uvicorn.Server", stopped: asyncio.Event) -> None:
    await stopped.wait()
    web.should_exit = True


def _guarded(app: _App, token: str) -> _App:
    """The application behind its path, and behind the token where there is one."""
    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: _Receive, send: _Send) -> None:
        from starlette.responses import PlainTextResponse

        given = dict(scope["headers"]).get(b"authorization", b"")
        if scope["path"] != PATH:
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif token and not hmac.compare_digest(given, wanted):
            await PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        else:
            await app(scope, receive, send)

    return guarded
