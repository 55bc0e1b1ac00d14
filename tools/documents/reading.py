"""Files, folders and addresses into a collection of sources and passages, stored as they are read."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from state.errors import SourceError
from state.evidence import Collection, Passage, SkippedSource, Source, content_id
from state.ports import Artifacts, Library, Pages
from tools.addresses import shown_address
from tools.documents.files import MAX_BYTES, find_files, is_address
from tools.documents.formats import PDF, Format, format_of, format_of_page
from tools.documents.isolation import PROCESSES, Outcome, Readers, outcome_of, refusal
from tools.documents.ocr import engine

READING = "3"
"""Part of every source's id; raised when readers or passages change, so that old and new passages never
mix.
"""
_PAGES_AT_ONCE = 4
_UNSTORED = 100
"""Documents that may wait to be stored; reading waits for storing beyond that."""
_FEW = 30
"""Files up to which starting a process for small ones takes longer than reading them here."""

OnFile = Callable[[int, int, str], None]
"""Told after each file: how many are done, of how many, and the uri of this one."""


@dataclass(frozen=True)
class Document:
    """A document that was read: its source and passages."""

    source: Source
    passages: Sequence[Passage]


@dataclass(frozen=True)
class _Found:
    """A document before it is read."""

    uri: str
    sha256: str
    format: Format
    place: Path
    """Where its bytes are; those of a page wait in a file for their turn: many pages fill the memory."""

    @property
    def id(self) -> str:
        return _id(self.uri, self.sha256, self.format)


async def read_sources(
    names: Sequence[str],
    library: Library,
    artifacts: Artifacts,
    *,
    pages: Pages | None = None,
    on_file: OnFile | None = None,
) -> Collection:
    """Reads all that `names` (paths and addresses) name and stores their passages, and the bytes of what has tables.

    A document that is in the library, by its uri and bytes, is not read again; each is stored when it was read, so
    that a reading that is broken off and begun again goes on where it was. What cannot be read is in the
    collection's `skipped`, each with the reason. Documents with the same content count once: a copy would look
    like a second witness. Raises SourceError if a path does not exist or an address holds a password, before anything
    is read.
    """
    addresses = {name: shown_address(name) for name in names if is_address(name)}
    files, skipped = await asyncio.to_thread(find_files, [name for name in names if not is_address(name)])
    seen = [await asyncio.to_thread(_look, file.path, file.uri) for file in files]
    folder = await asyncio.to_thread(TemporaryDirectory)
    try:
        gate = asyncio.Semaphore(_PAGES_AT_ONCE)
        fetched = (
            _fetch(address, uri, pages, gate, Path(folder.name, str(n)))
            for n, (address, uri) in enumerate(addresses.items())
        )
        seen += await asyncio.gather(*fetched)
        return await _gathered(seen, skipped, library, artifacts, on_file)
    finally:
        await asyncio.to_thread(folder.cleanup)


async def _gathered(
    seen: Sequence["_Found | SkippedSource"],
    skipped: list[SkippedSource],
    library: Library,
    artifacts: Artifacts,
    on_file: OnFile | None,
) -> Collection:
    """The collection of what was found, once it is read."""
    skipped += [found for found in seen if isinstance(found, SkippedSource)]
    found = [each for each in seen if isinstance(each, _Found)]
    known = {source.id: source for source in await library.find([each.id for each in found])}
    work = _Work(found, known, library, artifacts, on_file or (lambda done, total, name: None))
    await work.do()
    parts = [
        SkippedSource(uri=source.uri, reason=each, status="no_text")
        for source in work.sources
        for each in source.unread
    ]
    skipped = sorted([*skipped, *work.skipped, *parts], key=lambda skip: skip.uri)
    return await library.gather(work.sources, skipped)


def _look(path: Path, uri: str) -> _Found | SkippedSource:
    try:
        format_ = format_of(uri)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SourceError(f"the file is too large: {size:,} bytes; the limit is {MAX_BYTES:,}")
        with path.open("rb") as file:
            return _Found(uri, hashlib.file_digest(file, "sha256").hexdigest(), format_, path)
    except SourceError as error:
        return SkippedSource(uri=uri, reason=error.message)
    except OSError as error:
        return _unopened(uri, error)


def _unopened(uri: str, error: OSError) -> SkippedSource:
    return SkippedSource(uri=uri, reason=f"the file cannot be opened: {error.strerror or error}")


async def _fetch(
    address: str, uri: str, pages: Pages | None, gate: asyncio.Semaphore, place: Path
) -> _Found | SkippedSource:
    if pages is None:
        return SkippedSource(uri=uri, reason="this run has no way to the web")
    try:
        async with gate:
            page = await pages.fetch(address, named=True)
            format_ = format_of_page(page.media_type, page.url)
            await asyncio.to_thread(place.write_bytes, page.data)
    except SourceError as error:
        return SkippedSource(uri=uri, reason=error.message)
    return _Found(uri, hashlib.sha256(page.data).hexdigest(), format_, place)


class _Work:
    """The reading of what was found: a few documents at a time, each stored as soon as it was read."""

    def __init__(
        self,
        found: Sequence[_Found],
        known: dict[str, Source],
        library: Library,
        artifacts: Artifacts,
        on_file: OnFile,
    ) -> None:
        self.sources: list[Source] = []
        self.skipped: list[SkippedSource] = []
        self._known = known
        self._library = library
        self._artifacts = artifacts
        self._on_file = on_file
        self._done, self._total = 0, len(found)
        self._unstored: asyncio.Queue[Document | None] = asyncio.Queue(_UNSTORED)
        self._new = sum(each.id not in known for each in found)
        self._same: dict[str, list[_Found]] = {}
        for each in found:
            self._same.setdefault(each.sha256, []).append(each)

    async def do(self) -> None:
        """Reads and stores at the same time; an error of either ends both."""
        await _together(self._read_all(), self._store())

    async def _read_all(self) -> None:
        waiting = iter(self._same.values())
        async with Readers(many=self._new > _FEW) as readers:
            await _together(*(self._some(waiting, readers) for _ in range(PROCESSES)))
        await self._unstored.put(None)

    async def _store(self) -> None:
        """Stores what was read by the time that the last of it was stored, in one transaction."""
        document = await self._unstored.get()
        while document is not None:
            batch = []
            while document is not None:
                batch.append((document.source, document.passages))
                if self._unstored.empty():
                    break
                document = self._unstored.get_nowait()
            await self._library.add_all(batch)
            document = document and await self._unstored.get()

    async def _some(self, waiting: Iterator[list[_Found]], readers: Readers) -> None:
        for same in waiting:
            first: Source | None = None
            for found in same:
                if first is not None:
                    reason = f"the same content as {first.uri}"
                    self.skipped.append(SkippedSource(uri=found.uri, reason=reason, status="copy"))
                else:
                    first = self._known.get(found.id) or await self._read(found, readers)
                    self.sources += [first] if first else []
                self._done += 1
                self._on_file(self._done, self._total, found.uri)

    async def _read(self, found: _Found, readers: Readers) -> Source | None:
        """The stored source, or None if the document cannot be read."""
        try:
            data = await asyncio.to_thread(found.place.read_bytes)
        except OSError as error:
            self.skipped.append(_unopened(found.uri, error))
            return None
        outcome = await readers.read(data, found.uri, found.format)
        if outcome.problem:
            self.skipped.append(SkippedSource(uri=found.uri, reason=outcome.reason, status=outcome.problem))
            return None
        document = await asyncio.to_thread(_document, data, found.uri, found.format, outcome)
        if document.source.tables:  # first the bytes: what the library has is whole
            await self._artifacts.put(data, found.format.media_type, PurePosixPath(found.uri).name)
        await self._unstored.put(document)
        return document.source


async def _together(*work: Coroutine[None, None, None]) -> None:
    """Does all of it at the same time; the first error ends the rest."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def read_document(data: bytes, uri: str, format_: Format) -> Document:
    """The bytes of one document as a source with passages, read in this process.

    Raises SourceError, or one of its kinds, with a plain reason if they cannot be read.
    """
    outcome = outcome_of(data, uri, format_)
    if outcome.problem:
        raise refusal(outcome)
    return _document(data, uri, format_, outcome)


async def read_page(data: bytes, uri: str, format_: Format) -> Document:
    """As `read_document`, where neither the bytes nor the time that they take can be trusted."""
    async with Readers() as readers:
        outcome = await readers.read(data, uri, format_)
    if outcome.problem:
        raise refusal(outcome)
    return await asyncio.to_thread(_document, data, uri, format_, outcome)


def _id(uri: str, sha256: str, format_: Format) -> str:
    """Of the source. A PDF is read again once there is an engine for its pictures."""
    return content_id("s", uri, sha256, READING + "ocr" * (format_ is PDF and engine() is not None))


def _document(data: bytes, uri: str, format_: Format, outcome: Outcome) -> Document:
    sha256 = hashlib.sha256(data).hexdigest()
    source = Source(
        id=_id(uri, sha256, format_),
        uri=uri,
        title=outcome.title[:300] or PurePosixPath(uri).stem,
        kind=format_.kind,
        sha256=sha256,
        size=len(data),
        date=outcome.date,
        tables=outcome.tables,
        unread=outcome.unread,
    )
    return Document(source, [Passage.make(source.id, locator, text) for locator, text in outcome.parts])
