"""Files and folders into a collection of sources and passages."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from state.errors import SourceError
from state.evidence import Collection, Passage, SkippedSource, Source, content_id
from state.ports import Artifacts, Passages
from tools.documents.extracted import PARSER_ERRORS, squeeze
from tools.documents.files import FoundFile, find_files
from tools.documents.formats import FORMATS, Format

MAX_BYTES = 50_000_000
READ_SECONDS = 120.0
"""What one file may take; its thread cannot be stopped, but the run goes on without it."""
READING = "1"
"""Part of every source's id; raised when readers or passages change, so that old and new passages never
mix.
"""
_READERS_AT_ONCE = 2
"""Readers hold the interpreter's lock most of the time; more of them would only delay the event loop."""


@dataclass(frozen=True)
class Document:
    """A document that was read: its source and passages; of tables the bytes too, for the analysis."""

    source: Source
    passages: Sequence[Passage]
    data: bytes
    format: Format


async def read_sources(paths: Sequence[str], passages: Passages, artifacts: Artifacts) -> Collection:
    """Reads all files that `paths` name and stores their passages, and the bytes of tables.

    What cannot be read is in the collection's `skipped`, each with the reason. Files with the same content
    count once: a copy would look like a second witness. Raises SourceError if a path does not exist, before
    anything is read.
    """
    files, skipped = await asyncio.to_thread(find_files, paths)
    sources: dict[str, Source] = {}
    tables = []
    for outcome in await _read_all(files):
        if isinstance(outcome, SkippedSource):
            skipped.append(outcome)
            continue
        source = outcome.source
        if source.sha256 in sources:
            reason = f"the same content as {sources[source.sha256].uri}"
            skipped.append(SkippedSource(uri=source.uri, reason=reason))
            continue
        sources[source.sha256] = source
        await passages.add(source, outcome.passages)
        if outcome.format.is_table:
            await artifacts.put(outcome.data, outcome.format.media_type, PurePosixPath(source.uri).name)
            tables.append(source.uri)
    skipped.sort(key=lambda skip: skip.uri)
    collection = await passages.gather(list(sources.values()), skipped)
    return collection.model_copy(update={"tables": tuple(tables)})


async def _read_all(files: Sequence[FoundFile]) -> list[Document | SkippedSource]:
    gate = asyncio.Semaphore(_READERS_AT_ONCE)

    async def read(file: FoundFile) -> Document | SkippedSource:
        async with gate:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    return await asyncio.to_thread(_read_file, file)
            except TimeoutError:
                return SkippedSource(uri=file.uri, reason=f"reading it took longer than {READ_SECONDS:g} s")

    return await asyncio.gather(*(read(file) for file in files))


def _read_file(file: FoundFile) -> Document | SkippedSource:
    try:
        format_ = format_of(file.uri)
        size = file.path.stat().st_size
        if size > MAX_BYTES:
            raise SourceError(f"the file is too large: {size:,} bytes; the limit is {MAX_BYTES:,}")
        return read_document(file.path.read_bytes(), file.uri, format_)
    except SourceError as error:
        return SkippedSource(uri=file.uri, reason=error.message)
    except OSError as error:
        return SkippedSource(uri=file.uri, reason=f"the file cannot be opened: {error.strerror or error}")


def format_of(uri: str) -> Format:
    """The format that the suffix names; SourceError if files of that kind are not read."""
    suffix = PurePosixPath(uri).suffix.lower()
    if suffix not in FORMATS:
        named = f"files of type {suffix}" if suffix else "files without a suffix"
        raise SourceError(f"{named} are not read; readable are {', '.join(sorted(FORMATS))}")
    return FORMATS[suffix]


def read_document(data: bytes, uri: str, format_: Format) -> Document:
    """The bytes of one document as a source with passages; SourceError with a plain reason if they cannot
    be read.
    """
    if not data:
        raise SourceError("the file is empty")
    try:
        reading = format_.read(data, uri)
    except PARSER_ERRORS as error:
        detail = squeeze(f"{type(error).__name__}: {error}")[:200]
        raise SourceError(f"the {format_.kind} is broken: {detail}") from error
    if not reading.parts:
        raise SourceError("the file holds no text")
    sha256 = hashlib.sha256(data).hexdigest()
    source = Source(
        id=content_id("s", uri, sha256, READING),
        uri=uri,
        title=reading.title[:300] or PurePosixPath(uri).stem,
        kind=format_.kind,
        sha256=sha256,
        size=len(data),
        date=reading.date,
    )
    made = [Passage.make(source.id, locator, text) for locator, text in reading.parts]
    return Document(source, made, data if format_.is_table else b"", format_)
