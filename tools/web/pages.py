"""Pages from the web by HTTP, within limits on size, time and redirects, and not from where they must not come."""

import asyncio
from urllib.parse import urljoin

import httpx

from state.errors import SourceError
from state.ports import Page
from tools.network import ACCEPTED, Clients, PrivateAddress, TooLarge, UnknownEncoding, limited_body, web_netloc

MAX_REDIRECTS = 5


class HttpPages:
    """The `Pages` port over HTTP clients that are handed in.

    Pages on this machine or in a private network are not read unless the user allowed the host, or a person named the
    address: a model chooses others, perhaps because a text that it read told it to. A redirect is followed to a
    private place only within the host that the person named.
    """

    def __init__(self, clients: Clients, *, max_bytes: int, seconds: float) -> None:
        self._clients = clients
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def fetch(self, url: str, *, named: bool = False) -> Page:
        """What the address gives; `named` says that a person named it.

        Raises SourceError for what is not http or https, does not come in time, is too large or is no success.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._fetch(url, named)
        except TimeoutError as error:
            raise SourceError(f"the page did not come within {self._seconds:g} s", place=url) from error
        except PrivateAddress as error:
            said = "pages on this machine or in a private network are not read"
            raise SourceError(said, place=url, remedy=error.remedy) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise SourceError(f"the page cannot be had: {type(error).__name__}: {error}", place=url) from error

    async def _fetch(self, url: str, named: bool) -> Page:
        trusted = _netloc(url) if named else None
        for _ in range(MAX_REDIRECTS + 1):
            client = self._clients.named if _netloc(url) == trusted else self._clients.guarded
            async with client.stream("GET", url, headers=ACCEPTED, timeout=self._seconds) as response:
                if response.is_redirect and "location" in response.headers:
                    url = _joined(url, response.headers["location"])
                    continue
                if not response.is_success:
                    raise SourceError(f"the page answered with status {response.status_code}", place=url)
                data = await self._body(response, url)
                return Page(url, _media_type(response), _as_utf8(response, data))
        raise SourceError(f"the page redirects more than {MAX_REDIRECTS} times", place=url)

    async def _body(self, response: httpx.Response, url: str) -> bytes:
        try:
            return await limited_body(response, self._max_bytes)
        except TooLarge as error:
            raise SourceError(f"the page is larger than {self._max_bytes / 1_000_000:g} MB", place=url) from error
        except UnknownEncoding as error:
            raise SourceError(f"the page is packed in a way that is not read: {error}", place=url) from error


def _netloc(url: str) -> str:
    try:
        return web_netloc(url)
    except ValueError as error:
        raise SourceError(str(error), place=url) from error


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise SourceError("the page redirects to what is no address", place=url) from error


def _media_type(response: httpx.Response) -> str:
    said: str = response.headers.get("content-type", "")
    return said.partition(";")[0].strip().lower()


def _as_utf8(response: httpx.Response, data: bytes) -> bytes:
    """Text in UTF-8 if the server names its encoding and it is that; what a page says of itself counts less."""
    encoding = response.charset_encoding
    if encoding is None or encoding.lower() in ("utf-8", "utf8") or not _media_type(response).startswith("text/"):
        return data
    try:
        return data.decode(encoding).encode()
    except (LookupError, UnicodeError):
        return data
