"""What a research agent may call: search and read the sources, check a fact, and the web where there is
one.

Each tool gives the model text, and the program an artifact: `passages`, the ids that were shown, and
`searched`, the query, where there was one.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import Field

from state.errors import ToolError
from state.evidence import Collection, Passage, Source
from state.ports import Passages, Ports, Web
from tools.evidence_text import render_evidence
from tools.facts import check_statement
from tools.search.indexes import SearchIndexes

PASSAGES_AT_ONCE = 12
MOST_HITS = 20
_WEB_HITS = 8

Answer = tuple[str, dict[str, Any]]
"""The text for the model, and the artifact."""


def research_tools(ports: Ports, collection: Collection, indexes: SearchIndexes) -> list[BaseTool]:
    """The tools over `collection`; `search_web` and `read_page` only where the run has a web port."""
    sources = SourceTools(ports.passages, collection.id, indexes)
    tools = [
        _tool(
            sources.search_documents,
            "Search the documents. Give a few specific words, not a whole question; search again with other words "
            "if nothing fits. Returns the best passages with their ids, which findings must cite.",
        ),
        _tool(
            sources.read_source,
            "Read one document in order, 12 passages at a time. `source` is its name as search results show it; "
            "`start` is the number of the first passage, counted from 0.",
        ),
        _tool(
            sources.check_fact,
            "Check without a model whether passages support a statement: its words, numbers, dates, names, "
            "quotations and negations. `passages` are ids that were shown to you.",
        ),
    ]
    if ports.web is not None:
        web = WebTools(ports.web, ports.passages)
        tools += [
            _tool(web.search_web, "Search the web. Returns addresses and snippets; snippets cannot be cited."),
            _tool(
                web.read_page,
                "Read a web page by its address. Returns its passages with ids that can be cited.",
            ),
        ]
    return tools


def _tool(coroutine: Any, description: str) -> BaseTool:
    return StructuredTool.from_function(
        coroutine=coroutine, description=description, response_format="content_and_artifact"
    )


class SourceTools:
    """The tools over the documents of one collection."""

    def __init__(self, passages: Passages, collection_id: str, indexes: SearchIndexes) -> None:
        self._passages = passages
        self._collection_id = collection_id
        self._indexes = indexes

    async def search_documents(self, query: str, limit: Annotated[int, Field(ge=1, le=MOST_HITS)] = 8) -> Answer:
        """The best passages for the query."""
        ids = [hit.passage_id for hit in await self._indexes.search(self._collection_id, query, limit)]
        if not ids:
            return f"No passage matches {query!r}.", {"passages": [], "searched": [query]}
        return await self._shown(ids, query), {"passages": ids, "searched": [query]}

    async def read_source(self, source: str, start: Annotated[int, Field(ge=0)] = 0) -> Answer:
        """Up to 12 passages of one source in order, and how to go on."""
        found = _source_named(source, await self._passages.sources(self._collection_id))
        passages = [p for p in await self._passages.passages(self._collection_id) if p.source_id == found.id]
        if start >= len(passages):
            raise ToolError(f"{found.uri} has {len(passages)} passages, counted from 0", place="read_source")
        shown = passages[start : start + PASSAGES_AT_ONCE]
        return _reading(found, shown, start, len(passages)), {"passages": [passage.id for passage in shown]}

    async def check_fact(self, statement: str, passages: Annotated[list[str], Field(min_length=1)]) -> Answer:
        """What the check without a model says of the statement."""
        cited = await self._passages.get(list(dict.fromkeys(passages)))
        unknown = [key for key in passages if key not in {passage.id for passage in cited}]
        if unknown:
            raise ToolError(
                f"no passage has the id {', '.join(unknown)}",
                place="check_fact",
                remedy="Use ids as they were shown.",
            )
        check = check_statement(statement, cited)
        return f"{check.verdict}: {check.reason}", {"passages": [passage.id for passage in cited]}

    async def _shown(self, ids: Sequence[str], query: str) -> str:
        sources = await self._passages.sources(self._collection_id)
        return render_evidence(await self._passages.get(ids), sources, query)


class WebTools:
    """The tools over the web; a page that was read is stored, so that it can be cited."""

    def __init__(self, web: Web, passages: Passages) -> None:
        self._web = web
        self._passages = passages
        self._read: dict[str, tuple[Source, Sequence[Passage]]] = {}

    async def search_web(self, query: str) -> Answer:
        """Addresses, titles, dates and snippets."""
        hits = await self._web.search(query, _WEB_HITS)
        listed = [
            f"{n}. {hit.title}\n{hit.url}{f' ({hit.date})' if hit.date else ''}\n{hit.snippet}"
            for n, hit in enumerate(hits, 1)
        ]
        return "\n\n".join(listed) or f"The web search found nothing for {query!r}.", {
            "passages": [],
            "searched": [query],
        }

    async def read_page(self, url: str, start: Annotated[int, Field(ge=0)] = 0) -> Answer:
        """Up to 12 passages of the page, and how to go on."""
        if url not in self._read:
            source, passages = await self._web.read(url)
            await self._passages.add(source, passages)
            self._read[url] = source, passages
        source, passages = self._read[url]
        shown = passages[start : start + PASSAGES_AT_ONCE]
        if not shown:
            raise ToolError(f"the page has {len(passages)} passages, counted from 0", place="read_page")
        return _reading(source, shown, start, len(passages)), {"passages": [passage.id for passage in shown]}


def _reading(source: Source, shown: Sequence[Passage], start: int, total: int) -> str:
    end = start + len(shown)
    more = f" Go on with start={end}." if end < total else ""
    return f"{render_evidence(shown, [source])}\nPassages {start} to {end - 1} of {total}.{more}"


def _source_named(name: str, sources: Sequence[Source]) -> Source:
    """The source with this uri or id, or the only one whose uri ends so or whose title it is."""
    wanted = name.strip().lower()
    for fits in (
        lambda source: wanted in (source.uri.lower(), source.id),
        lambda source: f"/{source.uri}".lower().endswith(f"/{wanted}") or source.title.lower() == wanted,
    ):
        found = list(filter(fits, sources))
        if len(found) == 1:
            return found[0]
    names = {source.uri.lower(): source.uri for source in sources}
    near = [names[key] for key in get_close_matches(wanted, names, n=5, cutoff=0.4)] or [
        source.uri for source in sources[:5]
    ]
    raise ToolError(f"no source is called {name!r}", place="read_source", remedy=f"Near names: {', '.join(near)}.")
