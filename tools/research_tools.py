"""What a research agent may call: search and read the sources, check a fact, and the web where there is
one.

Each tool gives the model text, and the program an artifact: `passages`, the ids that were shown, `searched`, the query,
where there was one, and `notes`: orders to a model that stood in what the web gave, and that a search had to do without
the embedding model. Orders in the documents are noted
for the whole collection (`tools/screening.py`).
"""

import html
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from langchain_core.tools import BaseTool
from pydantic import Field

from state.errors import ToolError
from state.evidence import Collection, Passage, Source
from state.ports import Passages, Ports, Web
from tools.effects import effects
from tools.evidence_text import fenced, render_evidence
from tools.facts import check_statement
from tools.making import made
from tools.screening import SHOWN, WITHHELD, Screened, order_in_hit, screen
from tools.search.indexes import SearchIndexes
from tools.witnesses import witnesses

PASSAGES_AT_ONCE = 12
MOST_HITS = 20
_WEB_HITS = 8

Answer = tuple[str, dict[str, Any]]
"""The text for the model, and the artifact."""


def research_tools(
    ports: Ports, collection: Collection, indexes: SearchIndexes, *, show_orders: bool = False
) -> list[BaseTool]:
    """The tools over `collection`; `search_web` and `read_page` only where the run has a web port.

    Passages that give orders to a model are withheld, unless `show_orders`.
    """
    sources = SourceTools(ports.passages, collection.id, indexes, show_orders)
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
            "quotations and negations; and which of them say otherwise. `passages` are ids that were shown to you.",
        ),
    ]
    if ports.web is not None:
        web = WebTools(ports.web, show_orders)
        tools += [
            _tool(
                web.search_web,
                "Search the web. Returns addresses and snippets; snippets cannot be cited.",
                effects("read", outside=True),
            ),
            _tool(
                web.read_page,
                "Read a web page by its address. Returns its passages with ids that can be cited.",
                effects("read", "url"),
            ),
        ]
    return tools


def _tool(coroutine: Any, description: str, mark: dict[str, Any] | None = None) -> BaseTool:
    return made(
        coroutine=coroutine,
        description=description,
        response_format="content_and_artifact",
        metadata=mark or effects("read"),
    )


class SourceTools:
    """The tools over the documents of one collection."""

    def __init__(self, passages: Passages, collection_id: str, indexes: SearchIndexes, show_orders: bool) -> None:
        self._passages = passages
        self._collection_id = collection_id
        self._indexes = indexes
        self._show_orders = show_orders

    async def search_documents(self, query: str, limit: Annotated[int, Field(ge=1, le=MOST_HITS)] = 8) -> Answer:
        """The best passages for the query."""
        sources = {source.id: source for source in await self._passages.sources(self._collection_id)}
        hits = await self._indexes.search(self._collection_id, query, limit)
        found = await self._passages.get([hit.passage_id for hit in hits])
        shown = screen(found, sources, show_orders=self._show_orders).passages
        artifact: dict[str, Any] = {"passages": [passage.id for passage in shown], "searched": [query]}
        if notes := self._indexes.notes(self._collection_id):
            artifact["notes"] = list(notes)
        if not shown:
            return f"No passage matches {query!r}.", artifact
        return render_evidence(shown, list(sources.values()), query), artifact

    async def read_source(self, source: str, start: Annotated[int, Field(ge=0)] = 0) -> Answer:
        """Up to 12 passages of one source in order, and how to go on."""
        found = _source_named(source, await self._passages.sources(self._collection_id))
        passages = [p for p in await self._passages.passages(self._collection_id) if p.source_id == found.id]
        if start >= len(passages):
            raise ToolError(f"{found.uri} has {len(passages)} passages, counted from 0", place="read_source")
        content, screened = _reading(found, passages, start, self._show_orders)
        return content, {"passages": [passage.id for passage in screened.passages]}

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
        against = [
            f"{cited[each.index].id}: {each.reason}"
            for each in witnesses(statement, cited)
            if each.says == "contradicts"
        ]
        told = "\n".join([f"{check.verdict}: {check.reason}", *against])
        return fenced("check", told), {"passages": [passage.id for passage in cited]}


class WebTools:
    """The tools over the web of a run, which stores the pages that it reads, so that they can be cited."""

    def __init__(self, web: Web, show_orders: bool) -> None:
        self._web = web
        self._show_orders = show_orders

    async def search_web(self, query: str) -> Answer:
        """Addresses, titles, dates and snippets."""
        hits = await self._web.search(query, _WEB_HITS)
        orders = {hit.url: order for hit in hits if (order := order_in_hit(hit))}
        done = SHOWN if self._show_orders else WITHHELD
        notes = [order.note(done) for order in orders.values()]
        listed = [
            f"{n}. {hit.title}\n{hit.url}\n{', '.join(filter(None, (hit.host, hit.date)))}\n{hit.snippet}"
            for n, hit in enumerate((hit for hit in hits if self._show_orders or hit.url not in orders), 1)
        ]
        artifact = {"passages": [], "searched": [query], "notes": notes}
        if not listed:
            return f"The web search found nothing for {query!r}.", artifact
        return fenced("web_results", "\n\n".join(listed)), artifact

    async def read_page(self, url: str, start: Annotated[int, Field(ge=0)] = 0) -> Answer:
        """Up to 12 passages of the page, and how to go on."""
        source, passages = await self._web.read(url)
        if start >= len(passages):
            raise ToolError(f"the page has {len(passages)} passages, counted from 0", place="read_page")
        content, screened = _reading(source, passages, start, self._show_orders)
        return content, {"passages": [passage.id for passage in screened.passages], "notes": screened.notes}


def _reading(source: Source, passages: Sequence[Passage], start: int, show_orders: bool) -> tuple[str, Screened]:
    """The passages of a source from one of them on, how many it has, and how to go on; and those that are shown."""
    end = min(start + PASSAGES_AT_ONCE, len(passages))
    screened = screen(passages[start:end], {source.id: source}, show_orders=show_orders)
    more = f" Go on with start={end}." if end < len(passages) else ""
    withheld = end - start - len(screened.passages)
    told = f" Withheld, because they give orders to a model: {withheld}." if withheld else ""
    content = f"{render_evidence(screened.passages, [source])}\nPassages {start} to {end - 1} of {len(passages)}."
    return f"{content}{told}{more}", screened


def _source_named(name: str, sources: Sequence[Source]) -> Source:
    """The source with this uri or id, or the only one whose uri ends so or whose title it is."""
    wanted = html.unescape(name).strip().lower()  # it was shown escaped
    for fits in (
        lambda source: wanted in (source.uri.lower(), source.id) or name == source.uri,
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
