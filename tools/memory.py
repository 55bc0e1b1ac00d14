"""Twins of all ports that need no database: for tests, Studio and graphs that are run once.

They keep the contracts of the Postgres stores (one test body runs over both); nothing survives the process.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from state.evidence import Around, ArtifactRef, Collection, Passage, SkippedSource, Source, content_id
from state.ports import Clock, Embedder, Embeddings, Models, Pages, Ports, Vector, Web
from state.runs import CallKey, CallRecord, Json, StepRecord, StepStatus, Usage
from tools.storable import json_text, storable
from tools.web.once import OnceWeb


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, with time zone UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


class MemoryLedger:
    """The steps of one run, in a dictionary."""

    def __init__(self, run_id: str, clock: Clock) -> None:
        self._run_id = run_id
        self._clock = clock
        self._steps: dict[tuple[str, int], StepRecord] = {}

    async def begin(self, path: str, iteration: int = 0, *, result: Json | None = None) -> None:
        """The step starts, or starts again: `attempts` counts. `result` stands there until it ends."""
        before = self._steps.get((path, iteration))
        self._steps[path, iteration] = StepRecord(
            run_id=self._run_id,
            path=path,
            iteration=iteration,
            status="running",
            attempts=before.attempts + 1 if before else 1,
            started_at=self._clock.now(),
            result=None if result is None else json.loads(json_text(result)),
        )

    async def end(
        self,
        path: str,
        status: StepStatus,
        *,
        iteration: int = 0,
        error: str | None = None,
        result: Json | None = None,
    ) -> None:
        """The step ended with `status`; one that never began (a skipped one) has 0 attempts."""
        now = self._clock.now()
        fresh = StepRecord(
            run_id=self._run_id, path=path, iteration=iteration, status=status, attempts=0, started_at=now
        )
        before = self._steps.get((path, iteration), fresh)
        ended = {
            "status": status,
            "ended_at": before.ended_at if status == "compensated" else now,
            "error": None if error is None else storable(error),
            "result": None if result is None else json.loads(json_text(result)),
        }
        self._steps[path, iteration] = before.model_copy(update=ended)

    async def steps(self, prefix: str = "") -> Sequence[StepRecord]:
        """The steps whose path starts with `prefix`, in the order in which they started."""
        found = [step for step in self._steps.values() if step.path.startswith(prefix)]
        return sorted(found, key=lambda step: (step.started_at, step.path, step.iteration))


class MemoryJournal:
    """The finished calls of one run, in a dictionary."""

    def __init__(self) -> None:
        self._calls: dict[CallKey, CallRecord] = {}

    async def find(self, key: CallKey) -> CallRecord | None:
        """What the call gave back, if it finished before."""
        return self._calls.get(key)

    async def record(self, key: CallKey, call: CallRecord) -> None:
        """Stores a finished call; the first record of a key stays."""
        stored = call.model_copy(update={"response": json.loads(json_text(call.response))})
        self._calls.setdefault(key, stored)

    async def usage(self, prefix: str = "") -> Usage:
        """The sum over the recorded calls whose path starts with `prefix`."""
        used = (call.usage for key, call in self._calls.items() if key.path.startswith(prefix))
        return sum(used, Usage())

    async def models(self) -> Sequence[str]:
        """The names of the models that answered, each once, in the order of the alphabet."""
        return sorted({call.name for call in self._calls.values() if call.kind == "model"})


class MemoryPassages:
    """Sources, passages and collections, in dictionaries."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._passages: dict[str, tuple[int, Passage]] = {}
        self._collections: dict[str, tuple[Collection, frozenset[str]]] = {}

    async def add(self, source: Source, passages: Sequence[Passage]) -> None:
        """Stores a source and its passages; what is there already stays as it is."""
        await self.add_all([(source, passages)])

    async def add_all(self, documents: Sequence[tuple[Source, Sequence[Passage]]]) -> None:
        """Stores several sources, each with its passages; what is there already stays as it is."""
        for source, passages in documents:
            self._add(source, passages)

    def _add(self, source: Source, passages: Sequence[Passage]) -> None:
        self._sources.setdefault(source.id, source)
        for place, passage in enumerate(passages):
            stored = passage.model_copy(update={"text": storable(passage.text)})
            self._passages.setdefault(passage.id, (place, stored))

    async def find(self, ids: Sequence[str]) -> Sequence[Source]:
        """Those of the sources with these ids that are stored."""
        return [self._sources[id_] for id_ in dict.fromkeys(ids) if id_ in self._sources]

    async def gather(self, sources: Sequence[Source], skipped: Sequence[SkippedSource]) -> Collection:
        """Makes (or finds: the id is content-addressed) the collection of these sources."""
        ids = frozenset(source.id for source in sources)
        collection = collection_of(sources, skipped, len(self._read(ids)))
        return self._collections.setdefault(collection.id, (collection, ids))[0]

    async def sources(self, collection_id: str) -> Sequence[Source]:
        """The sources of a collection, ordered by uri."""
        found = [self._sources[source] for source in self._ids(collection_id)]
        return sorted(found, key=lambda source: (source.uri, source.id))

    async def passages(self, collection_id: str) -> Sequence[Passage]:
        """The passages that were read, not computed, ordered by source uri and place."""
        return self._read(self._ids(collection_id))

    async def get(self, ids: Sequence[str]) -> Sequence[Passage]:
        """The passages with these ids, in the order of the ids; unknown ids are left out."""
        return [self._passages[id_][1] for id_ in ids if id_ in self._passages]

    async def around(self, ids: Sequence[str]) -> Mapping[str, Around]:
        """What stands around each of these passages; those that are unknown, or were computed, are left out."""
        wanted = frozenset(ids)
        of = {self._passages[id_][1].source_id for id_ in ids if id_ in self._passages}
        read: list[Passage | None] = [None, *self._read(frozenset(of)), None]
        found = {}
        for before, passage, after in zip(read, read[1:], read[2:], strict=False):
            if passage is not None and passage.id in wanted:
                near = [each and each.source_id == passage.source_id and each.id for each in (before, after)]
                found[passage.id] = Around(before=near[0] or None, after=near[1] or None)
        return found

    def _ids(self, collection_id: str) -> frozenset[str]:
        return self._collections[collection_id][1] if collection_id in self._collections else frozenset()

    def _read(self, sources: frozenset[str]) -> list[Passage]:
        found = [
            (self._sources[passage.source_id].uri, passage.source_id, place, passage)
            for place, passage in self._passages.values()
            if passage.source_id in sources and passage.locator.computed is None
        ]
        return [passage for *_, passage in sorted(found, key=lambda row: (*row[:3], row[3].id))]


def collection_of(sources: Sequence[Source], skipped: Sequence[SkippedSource], passages: int) -> Collection:
    """The collection of these sources, whatever their order; `passages` is how many they hold."""
    unique = {source.id: source for source in sources}
    left_out = tuple(sorted(set(skipped), key=lambda each: (each.uri, each.reason)))
    reasons = [each.model_dump_json() for each in left_out]
    return Collection(
        id=content_id("c", *sorted(unique), *reasons),
        sources=len(unique),
        passages=passages,
        tables=tuple(sorted(source.uri for source in unique.values() if source.tables)),
        skipped=left_out,
    )


def artifact_of(data: bytes, media_type: str, name: str) -> ArtifactRef:
    """How these bytes are found, wherever they are stored."""
    sha256 = hashlib.sha256(data).hexdigest()
    return ArtifactRef(sha256=sha256, media_type=media_type, name=name, size=len(data))


class MemoryArtifacts:
    """Files by the hash of their bytes, in a dictionary."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    async def put(self, data: bytes, media_type: str, name: str) -> ArtifactRef:
        """Stores the bytes once and says how to find them."""
        ref = artifact_of(data, media_type, name)
        self._files.setdefault(ref.sha256, bytes(data))
        return ref

    async def get(self, sha256: str) -> bytes:
        """The bytes; KeyError if they were never stored."""
        return self._files[sha256]


class RecentArtifacts:
    """As MemoryArtifacts, up to so many bytes in all: what was not used for longest is dropped first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._files: dict[str, bytes] = {}
        """The one that was used last stands at the end."""

    async def put(self, data: bytes, media_type: str, name: str) -> ArtifactRef:
        """Stores the bytes once and says how to find them."""
        ref = artifact_of(data, media_type, name)
        self._use(ref.sha256, bytes(data))
        return ref

    async def get(self, sha256: str) -> bytes:
        """The bytes; KeyError if they were never stored, or dropped."""
        return self._use(sha256, self._files[sha256])

    def _use(self, sha256: str, data: bytes) -> bytes:
        self._size += len(data) - len(self._files.pop(sha256, b""))
        self._files[sha256] = data
        while self._size > self._most:
            self._size -= len(self._files.pop(next(iter(self._files))))
        return data


class MemoryVectors:
    """The vectors of passages, in a dictionary."""

    def __init__(self) -> None:
        self._vectors: dict[tuple[str, str], Vector] = {}

    async def get(self, model: str, passages: Sequence[str]) -> Mapping[str, Vector]:
        """The vectors of the passages with these ids, as far as they are there."""
        return {key: self._vectors[model, key] for key in passages if (model, key) in self._vectors}

    async def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Stores vectors by the ids of their passages; what is there already stays as it is."""
        for key, vector in vectors.items():
            self._vectors.setdefault((model, key), vector)


class MemoryCache:
    """Outputs of steps, in a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Json, datetime]] = {}

    async def find(self, key: str, now: datetime) -> Json | None:
        """What was kept, if it may still be used."""
        result, until = self._kept.get(key, (None, now))
        return result if now < until else None

    async def keep(self, key: str, result: Json, until: datetime, now: datetime) -> None:
        """Keeps a result until a time, in place of an older one."""
        self._kept = {name: each for name, each in self._kept.items() if now < each[1]}
        self._kept[key] = (json.loads(json_text(result)), until)


def memory_ports(
    models: Models,
    *,
    run_id: str = "memory",
    clock: Clock | None = None,
    web: Web | None = None,
    pages: Pages | None = None,
    embedder: Embedder | None = None,
) -> Ports:
    """All the seams of one run, kept in memory."""
    clock = clock or SystemClock()
    journal, passages = MemoryJournal(), MemoryPassages()
    return Ports(
        run_id=run_id,
        ledger=MemoryLedger(run_id, clock),
        journal=journal,
        passages=passages,
        artifacts=MemoryArtifacts(),
        models=models,
        clock=clock,
        web=OnceWeb(web, journal, passages) if web else None,
        pages=pages,
        embeddings=Embeddings(embedder, MemoryVectors()) if embedder else None,
        cache=MemoryCache(),
    )
