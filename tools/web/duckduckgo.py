"""Web search by DuckDuckGo, through the library ddgs (extra `web`)."""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec

from state.errors import SetupError, ToolFailed
from state.ports import WebHit
from tools.extras import install
from tools.threads import computed
from tools.web.hits import hits

_PLACE = "duckduckgo"
_SECONDS = 20
_NOTHING = "No results found"


class DuckDuckGo:
    """An `Engine` that needs no key. ddgs makes its own connections: to the host of the search only."""

    def __init__(self) -> None:
        """Raises SetupError where ddgs is not installed."""
        if find_spec("ddgs") is None:
            remedy = install("web")
            raise SetupError("Web search by DuckDuckGo needs the package ddgs.", place="web", remedy=remedy)

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first; they have no date. Raises ToolFailed with its class."""
        try:
            async with asyncio.timeout(_SECONDS):
                found = await computed(_asked, query, limit)
        except TimeoutError as error:
            said = f"The web search did not answer within {_SECONDS} s."
            raise ToolFailed(said, "timeout", place=_PLACE) from error
        return hits({"results": found}, _PLACE, url="href", snippet="body", date="date")[:limit]


def _asked(query: str, limit: int) -> list[dict[str, str]]:
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

    try:
        return DDGS(timeout=_SECONDS).text(query, max_results=limit, backend="duckduckgo")
    except TimeoutException as error:
        raise ToolFailed("The web search did not answer in time.", "timeout", place=_PLACE) from error
    except RatelimitException as error:
        raise ToolFailed("The web search is asked too often.", "rate_limited", place=_PLACE) from error
    except DDGSException as error:
        if _NOTHING in str(error):
            return []
        raise ToolFailed(f"The web search does not answer: {error}.", "unavailable", place=_PLACE) from error
