"""Web search by a SearXNG server, and pages from the web as sources."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from state.errors import SourceError, ToolError
from state.evidence import Passage, Source
from state.ports import WebHit
from tools.addresses import shown_address
from tools.dates import iso_date
from tools.documents.formats import HTML, format_of_page
from tools.documents.reading import read_page
from tools.network import Clients
from tools.pages import HttpPages

MAX_BYTES = 5_000_000
TIMEOUT_SECONDS = 20.0


class SearxWeb:
    """The `Web` port over the JSON API of SearXNG, `GET {base}/search?q=…&format=json`.

    Pages on this machine or in a private network are not read unless the user allowed the host: a model chooses the
    address, perhaps because a text that it read told it to.
    """

    def __init__(self, clients: Clients, base: str) -> None:
        self._clients = clients
        self._base = base.rstrip("/")
        self._pages = HttpPages(clients, max_bytes=MAX_BYTES, seconds=TIMEOUT_SECONDS)

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first. Raises ToolError if the service does not answer, or not as SearXNG
        does.
        """
        address = f"{self._base}/search"
        try:
            response = await self._clients.named.get(
                address, params={"q": query, "format": "json"}, timeout=TIMEOUT_SECONDS
            )
        except httpx.HTTPError as error:
            raise ToolError(f"the web search does not answer: {_named(error)}", place=address) from error
        if response.status_code != httpx.codes.OK:
            remedy = (
                "Switch the JSON format on in its settings." if response.status_code == httpx.codes.FORBIDDEN else None
            )
            raise ToolError(f"the web search answered with status {response.status_code}", place=address, remedy=remedy)
        try:
            results = response.json()["results"]
            return [_hit(result) for result in results if result.get("url")][:limit]
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ToolError("the web search gave no list of results in JSON", place=address) from error

    async def read(self, url: str) -> tuple[Source, Sequence[Passage]]:
        """The page as a source with passages.

        Raises ToolError for what is not http or https, takes longer than 20 s, is larger than 5 MB or holds
        no text.
        """
        try:
            page = await self._pages.fetch(url)
            format_ = format_of_page(page.media_type or HTML.media_type, page.url)
            document = await read_page(page.data, shown_address(page.url), format_)
        except SourceError as error:
            raise ToolError(error.message, place=error.place or url) from error
        return document.source, document.passages


def _hit(result: dict[str, Any]) -> WebHit:
    return WebHit(
        url=str(result["url"]),
        title=str(result.get("title") or result["url"]),
        snippet=str(result.get("content") or ""),
        date=iso_date(str(result.get("publishedDate") or "")),
    )


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
