"""The `Web` port of one run, in which a page is fetched once."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import urldefrag

from state.evidence import Passage, Source, content_id
from state.ports import CallJournal, Passages, Web, WebHit
from state.runs import CallKey, CallRecord

_PATH = "web"
"""Where the journal of a run holds the pages that it fetched."""


class OnceWeb:
    """The `Web` port of one run: a page that was read is not fetched again, by no branch and not after a resume.

    The journal of the run remembers it, and its passages are stored, so that they can be cited. A page that states no
    date has the one that the search gave for it.
    """

    def __init__(self, web: Web, journal: CallJournal, passages: Passages) -> None:
        self._web, self._journal, self._passages = web, journal, passages
        self._dates: dict[str, str] = {}
        self._read: dict[str, tuple[Source, Sequence[Passage]]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first; ToolError."""
        found = await self._web.search(query, limit)
        self._dates.update({hit.url: hit.date for hit in found if hit.date})
        return found

    async def read(self, url: str) -> tuple[Source, Sequence[Passage]]:
        """The page as a source with passages; ToolError if it cannot be had."""
        page = urldefrag(url).url if "#" in url else url
        async with self._locks[page]:
            if page not in self._read:
                self._read[page] = await self._before(page) or await self._now(page, self._dates.get(url))
            return self._read[page]

    async def _before(self, url: str) -> tuple[Source, Sequence[Passage]] | None:
        """What the run read of the page in another process."""
        record = await self._journal.find(_key(url))
        if record is None:
            return None
        sources = await self._passages.find([record.response["source"]])
        passages = await self._passages.get(record.response["passages"])
        return (sources[0], passages) if sources and passages else None

    async def _now(self, url: str, date: str | None) -> tuple[Source, Sequence[Passage]]:
        source, passages = await self._web.read(url)
        source = source if source.date else source.model_copy(update={"date": date})
        await self._passages.add(source, passages)
        response = {"source": source.id, "passages": [passage.id for passage in passages]}
        await self._journal.record(_key(url), CallRecord(kind="tool", name="read_page", response=response))
        return source, passages


def _key(url: str) -> CallKey:
    return CallKey(path=_PATH, request_hash=content_id("page", url), occurrence=0)
