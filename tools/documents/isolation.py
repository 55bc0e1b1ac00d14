"""Documents are read in processes of their own: one that hangs or eats memory costs that process, never ours.

A thread that hangs in a parser cannot be stopped; a process can. Small files whose bytes are text need no such care
and no time to start one: their readers take a second or two of the worst that they can hold.
"""

import asyncio
import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Literal

from pydantic import TypeAdapter

from state.errors import EncryptedSource, NoText, SourceError
from state.evidence import Locator, SourceKind
from tools.documents import picture
from tools.documents.extracted import PARSER_ERRORS, Reading, squeeze
from tools.documents.formats import BY_KIND, Format
from tools.documents.grids import Tables, loaded, read_grid, table_names
from tools.storable import storable

READ_SECONDS = 120.0
"""What one file may take."""
READ_MEMORY = 1_000_000_000
"""Bytes of address space that a reading process may have, where the system holds it to that (Linux does)."""
SMALL_TEXT = 20_000
"""Bytes up to which text is read without a process of its own."""
PROCESSES = 2
HEAD = struct.Struct("!II")
"""Before a request: its length, and that of the bytes that follow it. Before an answer: its length, and nothing."""


@dataclass(frozen=True)
class Request:
    """What is wanted of a file."""

    kind: SourceKind
    uri: str
    want: Literal["document", "table names", "table"] = "document"
    table: str | None = None
    """The sheet of a workbook or the table of a document; the first with content otherwise."""
    language: str = ""
    """Of the text in a picture, as tesseract calls it; those that are installed otherwise."""


REQUEST = TypeAdapter(Request)


@dataclass(frozen=True)
class Outcome:
    """What is kept of a reading, or why there is none."""

    title: str = ""
    date: str | None = None
    parts: tuple[tuple[Locator, str], ...] = ()
    tables: int = 0
    unread: tuple[str, ...] = ()
    problem: Literal["", "encrypted", "no_text", "error"] = ""
    reason: str = ""


OUTCOME = TypeAdapter(Outcome)


def outcome_of(data: bytes, uri: str, format_: Format, language: str = "") -> Outcome:
    """Reads the bytes here; what cannot be read is an outcome too. `language` is for pictures."""
    try:
        reading = _read(data, uri, format_, language)
    except SourceError as error:
        problem: Literal["encrypted", "no_text", "error"] = (
            "encrypted" if isinstance(error, EncryptedSource) else "no_text" if isinstance(error, NoText) else "error"
        )
        return Outcome(problem=problem, reason=storable(error.message))
    parts = tuple((_storable(locator), storable(text)) for locator, text in reading.parts)
    unread = tuple(map(storable, reading.unread))
    return Outcome(storable(reading.title), reading.date, parts, len(reading.tables) - len(reading.texts), unread)


def _storable(locator: Locator) -> Locator:
    """The locator without what neither JSON nor a database holds: JSON and notebooks can write half a character."""
    heading = tuple(map(storable, locator.heading))
    cells, path = (value and storable(value) for value in (locator.cells, locator.path))
    if (heading, cells, path) == (locator.heading, locator.cells, locator.path):
        return locator
    return locator.model_copy(update={"heading": heading, "cells": cells, "path": path})


def _read(data: bytes, uri: str, format_: Format, language: str) -> Reading:
    with _parsing(data, format_):
        reading = picture.read(data, uri, language) if language else format_.read(data, uri)
    if not reading.parts:
        raise NoText("the file holds no text")
    return reading


def tables_of(data: bytes, request: Request) -> Tables:
    """Reads the tables here; what cannot be read is an outcome too."""
    format_ = BY_KIND[request.kind]
    try:
        with _parsing(data, format_):
            if request.want == "table":
                return Tables(grid=read_grid(data, request.uri, format_, request.table))
            return Tables(table_names(data, request.uri, format_))
    except SourceError as error:
        return Tables(problem=storable(error.message), remedy=storable(error.remedy or Tables.remedy))


@contextmanager
def _parsing(data: bytes, format_: Format) -> Iterator[None]:
    """Whatever a parser raises becomes a SourceError that says what is wrong."""
    if not data:
        raise SourceError("the file is empty")
    try:
        yield
    except MemoryError as error:
        raise SourceError("reading it takes too much memory") from error
    except PARSER_ERRORS as error:
        detail = squeeze(f"{type(error).__name__}: {error}")[:200]
        raise SourceError(f"the {format_.kind} is broken: {detail}") from error


def refusal(outcome: Outcome) -> SourceError:
    """The error that a problem stands for."""
    kinds = {"encrypted": EncryptedSource, "no_text": NoText}
    return kinds.get(outcome.problem, SourceError)(outcome.reason)


class Readers:
    """Up to two processes that read documents, started when they are needed; leaving the block ends them.

    Where `many` documents are to be read, the small ones go there too: two processes are faster than two threads,
    which wait for each other, and leave the event loop free.
    """

    def __init__(self, *, many: bool = False) -> None:
        self._many = many
        self._idle: list[_Process] = []
        self._gate = asyncio.Semaphore(PROCESSES)

    async def __aenter__(self) -> "Readers":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._idle:
            process.kill()

    async def read(self, data: bytes, uri: str, format_: Format, language: str = "") -> Outcome:
        """What the document holds, or why it cannot be read. `language` is that of a picture."""
        async with self._gate:
            if self._is_light(data, format_):
                return await asyncio.to_thread(outcome_of, data, uri, format_)
            answer = await self._asked(Request(format_.kind, uri, language=language), data)
        return OUTCOME.validate_json(answer) if isinstance(answer, bytes) else Outcome(problem="error", reason=answer)

    async def tables(self, data: bytes, request: Request) -> Tables:
        """What the file holds of tables, or why they cannot be read."""
        async with self._gate:
            if self._is_light(data, BY_KIND[request.kind]):
                return await asyncio.to_thread(tables_of, data, request)
            answer = await self._asked(request, data)
        return await asyncio.to_thread(loaded, answer) if isinstance(answer, bytes) else Tables(problem=answer)

    def _is_light(self, data: bytes, format_: Format) -> bool:
        return format_.is_text and len(data) <= SMALL_TEXT and not self._many

    async def _asked(self, request: Request, data: bytes) -> bytes | str:
        """The answer of a process, or in words why there is none."""
        async with self._process() as process:
            return await process.ask(request, data)

    @asynccontextmanager
    async def _process(self) -> AsyncIterator["_Process"]:
        process = self._idle.pop() if self._idle else _Process()
        try:
            yield process
        finally:
            if process.is_fit:
                self._idle.append(process)
            else:
                process.kill()  # here and now: what is left to a thread may itself be cancelled


class _Process:
    """A process that reads one document after another."""

    def __init__(self) -> None:
        self.is_fit = True
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._is_ended = False

    def _started(self) -> "subprocess.Popen[bytes] | None":
        """The process, started now if it was not; None once it was ended: a start that is late must leave nothing."""
        start = f"from tools.documents.worker import serve; serve({READ_MEMORY}, {READ_SECONDS})"
        with self._lock:
            if self._running is None and not self._is_ended:
                self._running = subprocess.Popen(
                    [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {start}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C at the terminal is for us alone: we end it
                )
            return None if self._is_ended else self._running

    async def ask(self, request: Request, data: bytes) -> bytes | str:
        """The answer, or why there is none. Whatever does not end in an answer makes the process unfit for another."""
        self.is_fit = False
        try:
            async with asyncio.timeout(READ_SECONDS):
                answer = await asyncio.to_thread(self._exchange, data, REQUEST.dump_json(request))
        except TimeoutError:
            return f"reading it took longer than {READ_SECONDS:g} s"
        if answer is None:
            return "the process that read it broke off"
        self.is_fit = True
        return answer

    def _exchange(self, data: bytes, request: bytes) -> bytes | None:
        """The answer, or None if there is none because the process ended."""
        running = self._started()
        if running is None:
            return None
        try:
            pipe = _open(running.stdin)
            pipe.write(HEAD.pack(len(request), len(data)) + request)
            pipe.write(data)
            pipe.flush()
            return receive(_open(running.stdout))
        except (BrokenPipeError, ConnectionResetError, ValueError):  # ValueError: closed by `kill` meanwhile
            return None

    def kill(self) -> None:
        """Ends the process at once, whatever it does; it takes a few milliseconds."""
        with self._lock:
            self._is_ended, running = True, self._running
        if running is None:
            return
        if running.returncode is None:  # its number is not another's yet
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)  # with what it started itself
        running.wait()
        for pipe in (running.stdin, running.stdout):
            with contextlib.suppress(OSError):
                _open(pipe).close()


def _open(pipe: object) -> BinaryIO:
    return pipe  # type: ignore[return-value] # Popen was asked for both pipes


def receive(pipe: BinaryIO) -> bytes | None:
    """The bytes after their length, or None at the end of the pipe."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    length, _ = HEAD.unpack(head)
    data = pipe.read(length)
    return data if len(data) == length else None
