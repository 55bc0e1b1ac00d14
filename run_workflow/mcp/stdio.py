"""The MCP server over standard input and output, for a client that starts it as a child."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # slow to import
    from mcp.server.lowlevel import Server

_CHUNK = 65_536


@contextmanager
def protocol_only() -> Iterator[int]:
    """Keeps standard output for the protocol: gives it back as a file descriptor, to be closed by who takes it.

    What is printed inside the block, by this process or its children, goes to standard error.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield os.dup(kept)
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


async def serve(server: "Server[Any, Any]", out: int, stopped: asyncio.Event) -> None:
    """Answers on `out`, which is closed, until the client closes its end, or the event is set."""
    import anyio
    from mcp.server.stdio import stdio_server

    lines = _Lines()
    stop = asyncio.create_task(_stop(lines, stopped))
    try:
        with os.fdopen(out, "w", encoding="utf-8") as file:
            given: Any = lines  # all that is asked of it is that one can iterate over its lines
            async with stdio_server(given, anyio.wrap_file(file)) as (read, write):
                await server.run(read, write, server.create_initialization_options())
    except* BrokenPipeError:  # the client is gone, and so is whoever could be told
        pass
    finally:
        stop.cancel()


async def _stop(lines: "_Lines", stopped: asyncio.Event) -> None:
    await stopped.wait()
    lines.end()


class _Lines:
    """The lines of standard input, as the server iterates over them.

    A thread of our own reads: one of a pool would hold up the end of the process until the client sends a line.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        Thread(target=self._read, name="standard input", daemon=True).start()

    def end(self) -> None:
        """No line comes any more."""
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (line := await self._queue.get()) is not None:
            yield line

    def _read(self) -> None:
        rest = b""
        while data := os.read(0, _CHUNK):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._put(line.decode(errors="replace"))
        self._put(None)

    def _put(self, line: str | None) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for lines
            self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
