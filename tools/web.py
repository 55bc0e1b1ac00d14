"""Web search by a SearXNG server, and pages from the web as sources."""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from state.errors import SourceError, ToolError
from state.evidence import Passage, Source
from state.ports import WebHit
from tools.dates import iso_date
from tools.documents.formats import FORMATS, HTML, Format
from tools.documents.reading import read_document

MAX_BYTES = 5_000_000
TIMEOUT_SECONDS = 20.0
_MAX_REDIRECTS = 5
_BY_MEDIA_TYPE = {format_.media_type: format_ for format_ in FORMATS.values()} | {"application/xhtml+xml": HTML}


class SearxWeb:
    """The `Web` port over the JSON API of SearXNG, `GET {base}/search?q=…&format=json`.

    Pages on this machine or in a private network are not read unless `private_pages` says so: a model
    chooses the address, perhaps because a text that it read told it to.
    """

    def __init__(self, client: httpx.AsyncClient, base: str, *, private_pages: bool = False) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._private_pages = private_pages

    async def search(self, query: str, limit: int) -> Sequence[WebHit]:
        """The best hits, best first. Raises ToolError if the service does not answer, or not as SearXNG
        does.
        """
        address = f"{self._base}/search"
        try:
            response = await self._client.get(address, params={"q": query, "format": "json"}, timeout=TIMEOUT_SECONDS)
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
            async with asyncio.timeout(TIMEOUT_SECONDS):
                address, format_, data = await self._fetch(url)
            document = await asyncio.to_thread(read_document, data, address, format_)
        except TimeoutError as error:
            raise ToolError(f"the page did not come within {TIMEOUT_SECONDS:g} s", place=url) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"the page cannot be had: {_named(error)}", place=url) from error
        except SourceError as error:
            raise ToolError(error.message, place=url) from error
        return document.source, document.passages

    async def _fetch(self, url: str) -> tuple[str, Format, bytes]:
        """The address after redirects, the format and the bytes."""
        for _ in range(_MAX_REDIRECTS + 1):
            await self._allow(url)
            async with self._client.stream("GET", url, follow_redirects=False, timeout=TIMEOUT_SECONDS) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if not response.is_success:
                    raise ToolError(f"the page answered with status {response.status_code}", place=url)
                return url, _format(response, url), await _body(response, url)
        raise ToolError(f"the page redirects more than {_MAX_REDIRECTS} times", place=url)

    async def _allow(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ToolError("this is no address", place=url) from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ToolError("only http and https pages can be read", place=url)
        if self._private_pages:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ToolError(f"the host is not known: {error.strerror or error}", place=url) from error
        if not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found):
            raise ToolError("pages on this machine or in a private network are not read", place=url)


def _hit(result: dict[str, Any]) -> WebHit:
    return WebHit(
        url=str(result["url"]),
        title=str(result.get("title") or result["url"]),
        snippet=str(result.get("content") or ""),
        date=iso_date(str(result.get("publishedDate") or "")),
    )


def _format(response: httpx.Response, url: str) -> Format:
    media_type = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if media_type not in _BY_MEDIA_TYPE:
        raise ToolError(f"pages of type {media_type} are not read", place=url)
    return _BY_MEDIA_TYPE[media_type]


async def _body(response: httpx.Response, url: str) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > MAX_BYTES:
            raise ToolError(f"the page is larger than {MAX_BYTES // 1_000_000} MB", place=url)
    return bytes(data)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
