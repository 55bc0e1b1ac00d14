"""The search indexes of a run: each collection is indexed once, off the event loop."""

import asyncio
from collections import Counter

from state.errors import ToolError
from state.ports import Embeddings, Passages
from tools.search.index import Embedded, Hit, SearchIndex, build_index, indexed_text
from tools.search.vectors import Tell, vectors_of
from tools.threads import computed


class SearchIndexes:
    """Builds the index of a collection when it is first asked for, and keeps it."""

    def __init__(self, passages: Passages, embeddings: Embeddings | None = None) -> None:
        self._passages = passages
        self._embeddings = embeddings
        self._building: dict[str, asyncio.Task[SearchIndex]] = {}
        self._waiting: Counter[str] = Counter()
        self._faults: dict[str, str] = {}

    async def prepare(self, collection_id: str, tell: Tell) -> None:
        """Does at once, and tells how far it has come, what takes long: the vectors of passages that are new."""
        if self._embeddings is not None:
            await self.get(collection_id, tell)

    def notes(self, collection_id: str) -> tuple[str, ...]:
        """What a reader must know of the searches of a collection: that its embedding model failed, if it did."""
        fault = self._faults.get(collection_id)
        return (f"The documents were searched by words only: {fault}.",) if fault else ()

    async def search(self, collection_id: str, query: str, limit: int) -> list[Hit]:
        """As `SearchIndex.search`, off the event loop where a model is asked; by words alone once it has failed."""
        index = await self.get(collection_id)
        if self._embeddings is None or collection_id in self._faults:
            return index.search(query, limit)
        try:
            return await computed(index.search, query, limit)
        except ToolError as error:
            if self._faults.setdefault(collection_id, error.message) is error.message:
                del self._building[collection_id]  # whoever is the first to see it; from now on by words
        return await self.search(collection_id, query, limit)

    async def get(self, collection_id: str, tell: Tell = lambda done: None) -> SearchIndex:
        """The index of a collection; one over words alone where the embedding model does not do its work (`notes`).

        Callers share one build; one that is cancelled does not stop it for the others, and the last one does.
        """
        task = self._building.get(collection_id)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(self._build(collection_id, tell))
            self._building[collection_id] = task
        self._waiting[collection_id] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[collection_id] -= 1
            if not self._waiting[collection_id] and not task.done():
                # Nobody waits any more. It must not outlive the run, whose database will be closed.
                del self._building[collection_id]
                task.cancel()

    async def _build(self, collection_id: str, tell: Tell) -> SearchIndex:
        sources = await self._passages.sources(collection_id)
        passages = await self._passages.passages(collection_id)
        titles = {source.id: source.title for source in sources}
        if self._embeddings is not None and collection_id not in self._faults:
            texts = {passage.id: indexed_text(passage, titles) for passage in passages}
            try:
                vectors = await vectors_of(texts, self._embeddings, tell)
                embedded = Embedded(self._embeddings.embedder, vectors)
                return await computed(build_index, passages, titles, embedded)
            except ToolError as error:
                self._faults[collection_id] = error.message
        return await computed(build_index, passages, titles)
