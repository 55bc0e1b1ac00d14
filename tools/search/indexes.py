"""The search indexes of a run: each collection is indexed once, off the event loop."""

import asyncio

from state.ports import Passages
from tools.search.index import SearchIndex, build_index


class SearchIndexes:
    """Builds the index of a collection when it is first asked for, and keeps it."""

    def __init__(self, passages: Passages) -> None:
        self._passages = passages
        self._building: dict[str, asyncio.Task[SearchIndex]] = {}

    async def get(self, collection_id: str) -> SearchIndex:
        """The index of a collection. Callers share one build; one that is cancelled does not stop it for
        the others.
        """
        task = self._building.get(collection_id)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(self._build(collection_id))
            self._building[collection_id] = task
        return await asyncio.shield(task)

    async def _build(self, collection_id: str) -> SearchIndex:
        sources = await self._passages.sources(collection_id)
        passages = await self._passages.passages(collection_id)
        titles = {source.id: source.title for source in sources}
        return await asyncio.to_thread(build_index, passages, titles)
