"""A server on loopback that says exactly the bytes that a test gives it, in pieces and as slowly as it likes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Pieces = Callable[[], AsyncIterator[bytes]]


@dataclass
class RawServer:
    """What was asked, and what is answered by path."""

    answers: dict[str, Pieces] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """Method, target, headers by small names, body."""
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, path: str, *pieces: bytes) -> str:
        """Sets the whole answer to a path; its address."""

        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        self.answers[path] = stream
        return self.base + path

    def answer(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Sets a plain answer; `_` in names of headers stands for `-`."""
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} X", *lines, f"Content-Length: {len(body)}", "", ""])
        return self.says(path, head.encode() + body)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, target, _ = first.split(" ")
            self.asked.append((method, target, headers, body))
            async for piece in self.answers[target.partition("?")[0]]():
                writer.write(piece)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def raw_server() -> AsyncIterator[RawServer]:
    """A server for as long as the block lasts."""
    made = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await made.handle(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
