"""Sources, passages and collections in Postgres: stored once by content, used by all runs."""

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection
from psycopg.rows import DictRow, class_row

from run_workflow.fence import Fence
from run_workflow.stores.columns import as_json, text_or_null
from state.evidence import Around, Collection, Locator, Passage, SkippedSource, Source
from tools.memory import collection_of
from tools.storable import json_text, storable

_ADD_SOURCE = """
INSERT INTO sources (id, uri, title, kind, sha256, size, date, tables, unread)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
# In order of the ids, so that two runs that add the same passages wait for each other in the same order.
_ADD_PASSAGES = """
INSERT INTO passages (id, source_id, ord, locator, text)
SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::jsonb[], %s::text[]) AS new (id)
ORDER BY id
ON CONFLICT DO NOTHING
"""
_COUNT = """
SELECT count(*)::integer AS n FROM passages
WHERE source_id = ANY (%s) AND locator ->> 'computed' IS NULL
"""
_ADD_COLLECTION = """
INSERT INTO collections (id, sources, passages, tables, skipped) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_ADD_MEMBERS = """
INSERT INTO collection_sources (collection_id, source_id) SELECT %s, unnest(%s::text[])
ON CONFLICT DO NOTHING
"""
_COLLECTION = "SELECT id, sources, passages, tables, skipped FROM collections WHERE id = %s"
_FIND = "SELECT id, uri, title, kind, sha256, size, date, tables, unread FROM sources WHERE id = ANY (%s)"
_SOURCES = """
SELECT s.id, uri, title, kind, sha256, size, date, s.tables, s.unread
FROM sources s JOIN collection_sources c ON c.source_id = s.id AND c.collection_id = %s
ORDER BY uri COLLATE "C", s.id
"""
_PASSAGES = """
SELECT p.id, p.source_id, p.locator, p.text
FROM passages p
JOIN collection_sources c ON c.source_id = p.source_id AND c.collection_id = %s
JOIN sources s ON s.id = p.source_id
WHERE p.locator ->> 'computed' IS NULL
ORDER BY s.uri COLLATE "C", s.id, p.ord, p.id
"""
_GET = "SELECT id, source_id, locator, text FROM passages WHERE id = ANY (%s)"
_AROUND = """
SELECT p.id, (
    SELECT id FROM passages
    WHERE source_id = p.source_id AND ord < p.ord AND locator ->> 'computed' IS NULL
    ORDER BY ord DESC LIMIT 1
) AS before, (
    SELECT id FROM passages
    WHERE source_id = p.source_id AND ord > p.ord AND locator ->> 'computed' IS NULL
    ORDER BY ord LIMIT 1
) AS after
FROM passages p
WHERE p.id = ANY (%s) AND p.locator ->> 'computed' IS NULL
"""


class PostgresPassages:
    """What the runs have read, written under the run's fence."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def add(self, source: Source, passages: Sequence[Passage]) -> None:
        """Stores a source and its passages, all or nothing; what is there already stays as it is."""
        await self.add_all([(source, passages)])

    async def add_all(self, documents: Sequence[tuple[Source, Sequence[Passage]]]) -> None:
        """Stores several sources, each with its passages, all or nothing; what is there already stays as it is."""
        placed = [(place, passage) for _, passages in documents for place, passage in enumerate(passages)]
        columns = (
            [passage.id for _, passage in placed],
            [passage.source_id for _, passage in placed],
            [place for place, _ in placed],
            [_locator(passage) for _, passage in placed],
            [storable(passage.text) for _, passage in placed],
        )
        async with self._fence.writing() as connection:
            for source, _ in sorted(documents, key=lambda document: document[0].id):
                await connection.execute(_ADD_SOURCE, _row(source))
            await connection.execute(_ADD_PASSAGES, columns)

    async def find(self, ids: Sequence[str]) -> Sequence[Source]:
        """Those of the sources with these ids that are stored."""
        async with self._fence.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Source))
            await cursor.execute(_FIND, (list(ids),))
            return await cursor.fetchall()

    async def gather(self, sources: Sequence[Source], skipped: Sequence[SkippedSource]) -> Collection:
        """Makes (or finds: the id is content-addressed) the collection of these sources."""
        ids = sorted({source.id for source in sources})
        async with self._fence.writing() as connection:
            counted = await (await connection.execute(_COUNT, (ids,))).fetchone()
            made = collection_of(sources, skipped, counted["n"] if counted else 0)
            await connection.execute(
                _ADD_COLLECTION,
                (made.id, made.sources, made.passages, as_json(made.tables), as_json(made.skipped)),
            )
            await connection.execute(_ADD_MEMBERS, (made.id, ids))
            return await _stored(connection, made)

    async def sources(self, collection_id: str) -> Sequence[Source]:
        """The sources of a collection, ordered by uri."""
        async with self._fence.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Source))
            await cursor.execute(_SOURCES, (collection_id,))
            return await cursor.fetchall()

    async def passages(self, collection_id: str) -> Sequence[Passage]:
        """The passages that were read, not computed, ordered by source uri and place."""
        async with self._fence.pool.connection() as connection:
            rows = await (await connection.execute(_PASSAGES, (collection_id,))).fetchall()
        return [_passage(row) for row in rows]

    async def get(self, ids: Sequence[str]) -> Sequence[Passage]:
        """The passages with these ids, in the order of the ids; unknown ids are left out."""
        async with self._fence.pool.connection() as connection:
            rows = await (await connection.execute(_GET, (list(ids),))).fetchall()
        found = {row["id"]: _passage(row) for row in rows}
        return [found[id_] for id_ in ids if id_ in found]

    async def around(self, ids: Sequence[str]) -> Mapping[str, Around]:
        """What stands around each of these passages; those that are unknown, or were computed, are left out."""
        async with self._fence.pool.connection() as connection:
            rows = await (await connection.execute(_AROUND, (list(ids),))).fetchall()
        return {row["id"]: Around(before=row["before"], after=row["after"]) for row in rows}


async def _stored(connection: AsyncConnection[DictRow], made: Collection) -> Collection:
    """The collection as the first that made it stored it."""
    row = await (await connection.execute(_COLLECTION, (made.id,))).fetchone()
    return Collection.model_validate(row) if row else made


def _row(source: Source) -> tuple[object, ...]:
    return (
        source.id,
        storable(source.uri),
        storable(source.title),
        source.kind,
        source.sha256,
        source.size,
        text_or_null(source.date),
        source.tables,
        as_json(source.unread),
    )


def _locator(passage: Passage) -> str:
    """The locator's fields that are set, as JSON; jsonb takes no NUL, not even escaped."""
    locator = passage.locator.model_dump(mode="json", exclude_defaults=True)
    for name in ("cells", "computed", "path"):
        if name in locator:
            locator[name] = storable(locator[name])
    if "heading" in locator:
        locator["heading"] = [storable(heading) for heading in locator["heading"]]
    return json_text(locator)


def _passage(row: DictRow) -> Passage:
    return Passage(
        id=row["id"],
        source_id=row["source_id"],
        locator=Locator.model_validate(row["locator"]),
        text=row["text"],
    )
