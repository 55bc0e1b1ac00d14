"""Web search by Tavily: `POST /search` of its HTTP API, with a key."""

from collections.abc import Sequence

from state.ports import WebHit
from tools.http.api import HttpApi
from tools.http.messages import Auth, HttpRequest
from tools.web.hits import hits

SECRET = "tavily"
"""Name of the secret that is the key."""
ADDRESS = "https://api.tavily.com"
_MOST_HITS = 20
_SECONDS = 30.0


class Tavily:
    """An `Engine` over the HTTP tool: guarded, bounded, and the key is seen nowhere."""

    def __init__(self, api: HttpApi, address: str = ADDRESS) -> None:
        self._api = api
        self._address = f"{address}/search"

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first. Raises ToolFailed with its class."""
        request = HttpRequest(
            url=self._address,
            method="POST",
            auth=Auth(type="bearer", secret=SECRET),
            body={"query": query, "max_results": min(limit, _MOST_HITS)},
            timeout=_SECONDS,
        )
        answer = await self._api.send(request)
        return hits(answer.body, self._address, snippet="content", date="published_date")[:limit]
