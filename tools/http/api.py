"""The tools `http` and `http_get`: a request to a web API, and its answer as values.

Secrets are named, never written: the value of one goes into the request and nowhere else, and where a server sends it
back it is masked. Every connection goes through the guard of `tools/network.py`. Nothing is tried again here: that is
for who calls the tool, by the class of the failure.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from langchain_core.tools import BaseTool

from state.errors import ToolFailed
from state.ports import Clock
from state.runs import Json
from tools.addresses import is_secret
from tools.effects import effects
from tools.http.answers import failure, masked, masked_within, parsed, selected
from tools.http.auth import Credentialing, Credentials
from tools.http.messages import SAFE, HttpAnswer, HttpGet, HttpRequest, shown
from tools.http.paging import Pager
from tools.making import made
from tools.network import ACCEPTED, Clients, TooLarge, UnknownEncoding, limited_body, web_netloc

_MOST_REDIRECTS = 5
_RESERVED = ("authorization", "proxy-authorization", "host", "content-length", "transfer-encoding", "accept-encoding")
_VISIBLE = "".join(map(chr, range(33, 127)))


class _Unauthorized(ToolFailed):
    """Status 401."""


@dataclass(frozen=True)
class _Received:
    """An answer that was read."""

    response: httpx.Response
    size: int
    body: Any


class HttpApi:
    """Sends requests through the guarded client of the process."""

    def __init__(self, clients: Clients, secrets: Mapping[str, str] | None, clock: Clock) -> None:
        """Without secrets, None, a request that names one is refused."""
        self._clients = clients
        self._credentials = Credentialing(secrets, clock, self._ask)

    def tools(self) -> tuple[BaseTool, BaseTool]:
        """`http` and `http_get`."""
        ask = made(
            coroutine=self._called,
            name="http_get",
            description="Asks a web API, and changes nothing there.",
            args_schema=HttpGet,
            metadata=effects("read", "url", carries=("query", "headers", "auth")),
        )
        send = made(
            coroutine=self._called,
            name="http",
            description="Sends a request to a web API; to ask only, take http_get.",
            args_schema=HttpRequest,
            metadata=effects("write", "url"),
        )
        return send, ask

    def secret(self, name: str) -> str:
        """The value of a secret. Raises ToolFailed if none is lent, there is none, or no header can hold it."""
        return self._credentials.secret(name)

    async def send(self, request: HttpRequest, extra: Mapping[str, str] | None = None) -> HttpAnswer:
        """The answer. Raises ToolFailed with its class; `extra` headers go to the host that was named only."""
        _refuse_odd(request)
        known: list[str] = []
        try:
            async with asyncio.timeout(request.timeout):
                return await self._answer(request, extra or {}, known)
        except (TimeoutError, httpx.TimeoutException) as error:
            said = f"The answer did not come within {request.timeout:g} s."
            raise ToolFailed(said, "timeout", place=shown(request.url)) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise ToolFailed("This is no request that can be sent.", "bad_input", place=shown(request.url)) from error
        except httpx.ProtocolError as error:  # its text may hold the headers that were sent
            said = f"The server does not speak HTTP as it should ({type(error).__name__})."
            raise ToolFailed(said, "unavailable", place=shown(request.url)) from None
        except httpx.HTTPError as error:
            said = masked(f"It cannot be reached: {error or type(error).__name__}.", known)
            raise ToolFailed(said, "unavailable", place=shown(request.url)) from error

    async def _called(self, **given: Any) -> Json:
        return (await self.send(HttpRequest(**given))).model_dump()

    async def _ask(self, request: HttpRequest, credentials: Credentials) -> Any:
        """For credentials that have to be asked for: within the time of the request that needs them."""
        _refuse_odd(request)
        return (await self._exchange(request, credentials, request.max_bytes)).body

    async def _answer(self, request: HttpRequest, extra: Mapping[str, str], known: list[str]) -> HttpAnswer:
        pager = Pager(request, request.pages) if request.pages else None
        following: HttpRequest | None = pager.first() if pager else request
        left, pages = request.max_bytes, 0
        while True:
            assert following is not None  # the first is there, and the loop ends where there is no other
            received = await self._authorized(following, extra, left, known)
            left, pages = left - received.size, pages + 1
            following = pager.take(received.response, received.body) if pager else None
            if request.pages is None or following is None or pages == request.pages.most:
                break
        body = pager.items if pager else _part(received, request)
        return _shown_answer(received.response, body, known, pages, following is not None)

    async def _authorized(
        self, request: HttpRequest, extra: Mapping[str, str], most_bytes: int, known: list[str]
    ) -> _Received:
        """The answer; in place of a token that the server refuses a new one is asked for, once."""
        credentials = await self._credentials.of(request.auth)
        while True:
            known.extend(set(credentials.secrets) - set(known))
            every = replace(credentials, headers={**credentials.headers, **extra})
            try:
                return await self._exchange(request, every, most_bytes)
            except _Unauthorized:
                if not credentials.token or credentials.is_second:
                    raise
            credentials = await self._credentials.of(request.auth, refused=credentials.token)

    async def _exchange(self, request: HttpRequest, credentials: Credentials, most_bytes: int) -> _Received:
        own, known = credentials.headers, credentials.secrets
        client, sent = self._built(request, credentials)
        for _ in range(_MOST_REDIRECTS + 1):
            response = await client.send(sent, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location or response.status_code in request.accept:
                    return await _read(response, request, known, most_bytes)
                sent = _next(response, own)
                self._marked(sent, request, credentials)
            finally:
                await response.aclose()
        raise ToolFailed(f"It redirects more than {_MOST_REDIRECTS} times.", "refused", place=shown(request.url))

    def _built(self, request: HttpRequest, credentials: Credentials) -> tuple[httpx.AsyncClient, httpx.Request]:
        client = self._clients.cached if _may_be_cached(request, credentials) else self._clients.guarded
        content = request.body if isinstance(request.body, str) else None
        key = {}
        if request.method not in SAFE and request.idempotency_key:
            key["Idempotency-Key"] = quote(request.idempotency_key, safe=_VISIBLE)
        sent = client.build_request(
            request.method,
            request.url,
            params=httpx.QueryParams(httpx.URL(request.url).query.decode()).merge(request.query),
            headers={"User-Agent": "stretto", **request.headers, **ACCEPTED, **key, **credentials.headers},
            content=content,
            json=None if content is not None else request.body,
            timeout=request.timeout,
        )
        self._marked(sent, request, credentials)
        return client, sent

    def _marked(self, sent: httpx.Request, request: HttpRequest, credentials: Credentials) -> None:
        """Says to the cache what it must know; where the request goes by it."""
        if not _may_be_cached(request, credentials):
            return
        from tools.http.caching import through_cache

        through_cache(
            sent,
            identity=credentials.identity,
            secret_headers=frozenset(map(str.lower, credentials.headers)),
            ttl=request.caching.ttl if request.caching.mode == "ttl" else None,
        )


def _may_be_cached(request: HttpRequest, credentials: Credentials) -> bool:
    """Whether a request goes through the cache: one that changes something, too, which ends what is kept there."""
    if request.method not in SAFE:
        return True
    if request.caching.mode == "off":
        return False
    parameters = {*request.query, *(name for name, _ in parse_qsl(urlsplit(request.url).query))}
    if any(map(is_secret, {*request.headers, *parameters})):
        return False
    return not credentials.headers or (bool(credentials.identity) and request.caching.with_credentials)


def _refuse_odd(request: HttpRequest) -> None:
    try:
        netloc = web_netloc(request.url)
    except ValueError as error:
        raise ToolFailed(f"{error}.".capitalize(), "bad_input", place=shown(request.url)) from error
    if "@" in netloc:
        raise ToolFailed(
            "A user or a password stands in the address.", "bad_input", remedy="Give auth with the name of a secret."
        )
    for name, value in request.headers.items():
        if name.lower() in _RESERVED:
            remedy = "Give auth with the name of a secret." if "authorization" in name.lower() else "Leave it out."
            raise ToolFailed(f"The header {name} is not taken from the input.", "bad_input", remedy=remedy)
        if any(character in name + value for character in "\r\n\0"):
            said = f"The header {name.strip()} has a line break or an end of text in it."
            raise ToolFailed(said, "bad_input", place=shown(request.url), remedy="Write it in one line.")


def _next(response: httpx.Response, own: Mapping[str, str]) -> httpx.Request:
    """The request that a redirect asks for, without what only the first host may know."""
    sent, following = response.request, response.next_request
    if following is None:
        raise ToolFailed("It redirects to what is no address.", "refused", place=shown(str(sent.url)))
    if following.url.scheme not in ("http", "https"):
        said = f"It redirects to what is no http or https address: {following.url.scheme}:"
        raise ToolFailed(said, "refused", place=shown(str(sent.url)))
    if _origin(sent.url) != _origin(following.url):
        if following.method not in SAFE:
            said = f"It redirects what was sent to another host, {following.url.host}."
            raise ToolFailed(said, "refused", place=shown(str(sent.url)), remedy="Name that host, if it is meant.")
        for name in (*own, "Idempotency-Key", "Authorization", "Cookie"):
            following.headers.pop(name, None)
    return following


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _read(response: httpx.Response, request: HttpRequest, known: tuple[str, ...], most_bytes: int) -> _Received:
    place = shown(str(response.request.url))
    try:
        data = await limited_body(response, most_bytes)
    except TooLarge as error:
        said = f"The answer is larger than {request.max_bytes} bytes."
        raise ToolFailed(said, "bad_output", place=place, remedy="Raise max_bytes.") from error
    except UnknownEncoding as error:
        raise ToolFailed(
            f"The answer is packed in a way that is not read: {error}.", "bad_output", place=place
        ) from error
    if not response.is_success and response.status_code not in request.accept:
        failed = failure(response, data, place, known)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise _Unauthorized(failed.message, failed.error, place=place, retry_after=failed.retry_after)
        raise failed
    return _Received(response, len(data), parsed(response, data, place))


def _part(received: _Received, request: HttpRequest) -> Any:
    if not request.json_path:
        return received.body
    return selected(received.body, request.json_path, shown(str(received.response.request.url)))


def _shown_answer(response: httpx.Response, body: Any, known: list[str], pages: int, more: bool) -> HttpAnswer:
    """The answer without what must not be seen."""
    from tools.http.caching import is_from_cache, is_of_server

    headers = {
        name: value for name, value in response.headers.items() if name != "set-cookie" and is_of_server(name, value)
    }
    return HttpAnswer(
        status=response.status_code,
        headers=masked_within(headers, known),
        body=masked_within(body, known),
        pages=pages,
        more=more,
        from_cache=is_from_cache(response),
    )
