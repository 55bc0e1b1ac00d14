"""One session with an MCP server: opened when it is first needed, kept for the process, opened anew when it has ended.

The session lives in a task of its own, as its streams must be closed where they were opened. A call ends when that
task ends: a server that has died answers nobody.
"""

import asyncio
import os
from asyncio import FIRST_COMPLETED, CancelledError, Future, Task
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from state.errors import SetupError, StrettoError, ToolFailed
from tools.extras import install
from tools.http.answers import masked
from tools.mcp.server import McpServer
from tools.network import Clients

if TYPE_CHECKING:  # slow to import
    from mcp import ClientSession
    from mcp.types import CallToolResult, InitializeResult, Tool

_OPENING_SECONDS = 30.0
"""What a server may take to start, and to say which tools it has."""
_KEPT_BYTES = 4000
"""Of what a server writes to its standard error."""
_SHOWN_LINES = 5
_MOST_TOOLS = 1000
_CLOSED = (-32000, 32600)
"""The codes by which the client says that the connection has ended, or that the server no longer knows the session."""
_Given = TypeVar("_Given")


@dataclass(frozen=True)
class Opened:
    """A session that stands."""

    session: "ClientSession"
    about: "InitializeResult"
    tools: "Sequence[Tool]"


class Connection:
    """The session with one server."""

    def __init__(self, server: McpServer, clients: Clients) -> None:
        self.server = server
        self._clients = clients
        self._opening = asyncio.Lock()
        self._opened: Opened | None = None
        self._task: Task[None] | None = None
        self._said = bytearray()

    async def opened(self) -> Opened:
        """The session. Raises ToolFailed with what the server said last where it cannot be had."""
        async with self._opening:
            if self._opened is None or self._task is None or self._task.done():
                self._opened = await self._open()
            return self._opened

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> "CallToolResult":
        """What the tool gave back. Raises ToolFailed where the server answers with an error, or not at all."""
        from mcp.shared.exceptions import McpError

        session, task = (await self.opened()).session, self._task
        assert task is not None  # it is there as long as a session is
        wait = timedelta(seconds=self.server.timeout)
        try:
            return await _while(task, session.call_tool(tool, dict(arguments), read_timeout_seconds=wait))
        except McpError as error:
            if error.error.code in _CLOSED:
                if self._task is task:  # another call may have opened the session anew
                    await self.aclose()
                raise self._lost(error) from error
            kind = "timeout" if error.error.code == 408 else "refused"
            raise ToolFailed(self._shown(error.error.message), kind, place=self._place(tool)) from error  # type: ignore[arg-type]
        except _Ended as error:
            raise self._lost(error.cause) from error.cause
        except RuntimeError as error:  # how the client says that an answer does not fit its schema
            raise ToolFailed(self._shown(str(error)), "bad_output", place=self._place(tool)) from error

    async def aclose(self) -> None:
        """Ends the session and the program; the next call opens them anew."""
        task, self._task, self._opened = self._task, None, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _open(self) -> Opened:
        await asyncio.to_thread(refuse_without_package)  # it is slow to import
        self._said.clear()
        ready: Future[Opened] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._serve(ready), name=f"mcp {self.server.name}")
        self._task.add_done_callback(_seen)
        try:
            async with asyncio.timeout(_OPENING_SECONDS):
                return await _while(self._task, ready)
        except _Ended as error:
            raise self._lost(error.cause) from error.cause
        except TimeoutError as error:
            await self.aclose()
            said = f"It did not begin to answer within {_OPENING_SECONDS:g} s.{self._last_words()}"
            raise ToolFailed(said, "unavailable", place=self._place()) from error
        except CancelledError:
            await self.aclose()
            raise

    async def _serve(self, ready: "Future[Opened]") -> None:
        """Holds the session until the task is cancelled, or the server ends."""
        from mcp import ClientSession

        async with self._streams() as (read, write), ClientSession(read, write) as session:
            about = await session.initialize()
            ready.set_result(Opened(session, about, await _listed(session)))
            await asyncio.Event().wait()

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[tuple[Any, Any]]:
        server = self.server
        if server.url:
            from mcp.client.streamable_http import streamable_http_client

            headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
            async with (
                self._clients.conversation(headers, server.timeout) as client,
                streamable_http_client(server.url, http_client=client) as (read, write, _),
            ):
                yield read, write
            return
        from mcp.client.stdio import StdioServerParameters, stdio_client

        program, *arguments = server.command
        wanted = StdioServerParameters(command=program, args=arguments, env=dict(server.environment))
        with self._listening() as file:
            async with stdio_client(wanted, errlog=file) as (read, write):
                yield read, write

    @contextmanager
    def _listening(self) -> Iterator[Any]:
        """A file for the program's standard error, of which the end is kept."""
        loop = asyncio.get_running_loop()
        out, into = os.pipe()
        os.set_blocking(out, False)

        def take() -> None:
            data = os.read(out, 65_536)
            self._said.extend(data)
            del self._said[:-_KEPT_BYTES]
            if not data:
                loop.remove_reader(out)

        loop.add_reader(out, take)
        try:
            with os.fdopen(into, "w") as file:
                yield file
        finally:
            with suppress(BlockingIOError):
                take()
            loop.remove_reader(out)
            os.close(out)

    def _lost(self, cause: BaseException | None) -> ToolFailed:
        """What to say of a session that has ended, or never stood."""
        reasons = _leaves(cause)
        known = next((each for each in reasons if isinstance(each, StrettoError)), None)
        if isinstance(known, ToolFailed):
            return ToolFailed(known.message, known.error, place=self._place(), remedy=known.remedy)
        missing = next((each for each in reasons if isinstance(each, FileNotFoundError | PermissionError)), None)
        if missing is not None:
            said = f"The program cannot be started: {missing.strerror}: {self.server.command[0]}."
            return ToolFailed(said, "unavailable", place=self._place(), remedy="Correct its command in the settings.")
        why = next((str(each) for each in reasons if str(each)), "")
        told = f" ({self._shown(why)})" if why else ""
        return ToolFailed(f"The server has ended{told}.{self._last_words()}", "unavailable", place=self._place())

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._said.decode(errors="replace").splitlines() if line.strip()]
        said = " / ".join(lines[-_SHOWN_LINES:])
        return f" It said last: {self._shown(said)}" if said else ""

    def _shown(self, text: str) -> str:
        return masked(" ".join(text.split()), self.server.secrets)[:1000]

    def _place(self, tool: str = "") -> str:
        return f"{self.server.name}.{tool}" if tool else f"MCP server {self.server.name}"


def refuse_without_package() -> None:
    """Raises SetupError where what speaks MCP is not installed."""
    try:
        import mcp  # noqa: F401
    except ImportError as error:
        remedy = install("mcp")
        raise SetupError("MCP is not installed.", remedy=remedy) from error


class _Ended(Exception):
    """The session's task ended first, and why."""

    def __init__(self, cause: BaseException | None) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _while(task: "Task[None]", wanted: "Coroutine[Any, Any, _Given] | Future[_Given]") -> _Given:
    """What is wanted, if it comes before the task ends. Raises _Ended."""
    work: Future[_Given] = asyncio.ensure_future(wanted)
    either: list[Future[Any]] = [work, task]
    try:
        await asyncio.wait(either, return_when=FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise _Ended(None if task.cancelled() else task.exception())
    finally:
        if not work.done():
            work.cancel()


async def _listed(session: "ClientSession") -> "Sequence[Tool]":
    """All tools of a server, page by page."""
    from mcp.types import PaginatedRequestParams

    page = await session.list_tools()
    found = list(page.tools)
    while page.nextCursor and len(found) < _MOST_TOOLS:
        page = await session.list_tools(params=PaginatedRequestParams(cursor=page.nextCursor))
        found += page.tools
    return found[:_MOST_TOOLS]


def _leaves(error: BaseException | None) -> list[BaseException]:
    """The errors in a group, at any depth."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [] if error is None else [error]


def _seen(task: "Task[None]") -> None:
    """Its error is told to whoever calls next, and to nobody else."""
    if not task.cancelled():
        task.exception()
