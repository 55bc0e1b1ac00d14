"""Web search by a SearXNG server: `GET {base}/search?q=…&format=json`."""

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from state.errors import ToolFailed
from state.ports import WebHit
from tools.http.answers import failure
from tools.network import ACCEPTED, Clients, TooLarge, UnknownEncoding, limited_body
from tools.web.hits import hits

_MOST_BYTES = 5_000_000
_SECONDS = 20.0


class SearxNG:
    """An `Engine` that the user runs, or named: it may be on this machine."""

    def __init__(self, clients: Clients, base: str) -> None:
        self._clients = clients
        self._address = f"{base.rstrip('/')}/search"

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first. Raises ToolFailed if the service does not answer, or not as SearXNG does."""
        try:
            async with asyncio.timeout(_SECONDS):
                data = await self._asked(query)
        except (TimeoutError, httpx.TimeoutException) as error:
            said = f"The web search did not answer within {_SECONDS:g} s."
            raise ToolFailed(said, "timeout", place=self._address) from error
        except httpx.HTTPError as error:
            said = f"The web search does not answer: {type(error).__name__}: {error}."
            raise ToolFailed(said, "unavailable", place=self._address) from error
        except (TooLarge, UnknownEncoding) as error:
            said = f"The web search gave an answer that is not read: {type(error).__name__} {error}."
            raise ToolFailed(said, "bad_output", place=self._address) from error
        try:
            return hits(json.loads(data), self._address, snippet="content", date="publishedDate")[:limit]
        except ValueError as error:
            raise ToolFailed("The web search gave no JSON.", "bad_output", place=self._address) from error

    async def _asked(self, query: str) -> bytes:
        url = f"{self._address}?{urlencode({'q': query, 'format': 'json'})}"
        async with self._clients.named.stream("GET", url, headers=ACCEPTED, timeout=_SECONDS) as response:
            data = await limited_body(response, _MOST_BYTES)
            if response.status_code == httpx.codes.FORBIDDEN:
                said, remedy = "It answered with status 403.", "Switch the JSON format on in its settings."
                raise ToolFailed(said, "refused", place=self._address, remedy=remedy)
            if response.status_code != httpx.codes.OK:
                raise failure(response, data, self._address, ())
            return data
