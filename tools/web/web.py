"""The `Web` port of a process: a search engine, and a reader of pages."""

from collections.abc import Sequence
from typing import Protocol

import httpx

from state.errors import SourceError, ToolFailed
from state.evidence import Passage, Source
from state.ports import WebHit
from state.workflow.policies import ErrorClass
from tools.addresses import shown_address
from tools.documents.formats import HTML, format_of_page
from tools.documents.reading import read_page
from tools.network import Clients
from tools.web.pages import HttpPages

MAX_BYTES = 5_000_000
TIMEOUT_SECONDS = 20.0


class Engine(Protocol):
    """A service that searches the web."""

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first; ToolFailed with its class if it does not answer."""


class NoEngine:
    """Where no web search is set."""

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """Raises ToolFailed."""
        remedy = "Set STRETTO_WEB to duckduckgo, to tavily or to the address of a SearXNG server."
        raise ToolFailed("No web search is set.", "bad_input", place="web", remedy=remedy)


class EngineWeb:
    """The `Web` port over an engine.

    Pages on this machine or in a private network are not read unless the user allowed the host: a model chooses the
    address, perhaps because a text that it read told it to.
    """

    def __init__(self, clients: Clients, engine: Engine) -> None:
        self._engine = engine
        self._pages = HttpPages(clients, max_bytes=MAX_BYTES, seconds=TIMEOUT_SECONDS)

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first; ToolFailed with its class."""
        return await self._engine.search(query, limit)

    async def read(self, url: str) -> tuple[Source, Sequence[Passage]]:
        """The page as a source with passages.

        Raises ToolFailed for what is not http or https, takes longer than 20 s, is larger than 5 MB or holds
        no text.
        """
        try:
            page = await self._pages.fetch(url)
            format_ = format_of_page(page.media_type or HTML.media_type, page.url)
            document = await read_page(page.data, shown_address(page.url), format_)
        except SourceError as error:
            raise ToolFailed(error.message, _class_of(error), place=error.place or url, remedy=error.remedy) from error
        return document.source, document.passages


def _class_of(error: SourceError) -> ErrorClass:
    """Whether another try may help."""
    if isinstance(error.__cause__, TimeoutError):
        return "timeout"
    return "unavailable" if isinstance(error.__cause__, httpx.TransportError) else "refused"
