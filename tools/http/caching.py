"""The cache of HTTP answers that all runs of a process share: hishel's rules (RFC 9111) over a store in memory.

It keeps answers to GET and HEAD for as long as their headers allow, and asks with their validators (`ETag`,
`Last-Modified`) whether they still hold. An answer that says nothing of caching is not used again without asking,
unless the caller gives it a time: how old it is would be a guess. Keys are hashes, and hold no secret.
"""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from hishel import AsyncBaseStorage, Entry, Headers, Request, Response
from hishel.httpx import AsyncCacheTransport

MOST_BYTES = 64_000_000
_MOST_OF_ONE = 5_000_000
_MOST_OF_A_KEY = 8
"""Answers to one address that differ by what `Vary` names."""
_RULE = "stretto-rule"
"""Marks directives that stand in no header of the server."""
_SAYS_SO = ("cache-control", "expires", "pragma")
_EXTENSION = "stretto"


def cached_client(transport: httpx.AsyncBaseTransport, **options: Any) -> httpx.AsyncClient:
    """A client whose requests go through the cache, and through the transport where that has no answer."""
    return httpx.AsyncClient(transport=AsyncCacheTransport(_Ruled(transport), MemoryStore(), rfc=True), **options)


def through_cache(
    request: httpx.Request,
    *,
    identity: str = "",
    secret_headers: frozenset[str] = frozenset(),
    ttl: float | None = None,
) -> None:
    """Marks a request for the client: whose credentials it carries (by names), in which headers (small letters), and
    for how many seconds an answer that says nothing of caching may be used again.
    """
    key = hashlib.sha256(f"{identity}\0{request.url}".encode()).hexdigest()
    request.extensions["caching"] = {"key": key, "rfc": {"shared": not identity}}
    request.extensions[_EXTENSION] = (secret_headers, ttl)


def is_from_cache(response: httpx.Response) -> bool:
    """Whether the answer was there already, or was found unchanged."""
    return bool(response.extensions.get("caching", {}).get("from_cache"))


def is_of_server(name: str, value: str) -> bool:
    """Whether a header is the server's, and not written here for the cache."""
    return name != "cache-control" or not value.endswith(_RULE)


class _Ruled(httpx.AsyncBaseTransport):
    """Says of each answer on its way into the cache what its server left open."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        secret_headers, ttl = request.extensions.get(_EXTENSION, (frozenset(), None))
        headers = response.headers
        headers.setdefault("date", format_datetime(datetime.now(UTC), usegmt=True))
        varies = {name.strip().lower() for name in headers.get("vary", "").split(",")}
        if varies & secret_headers:  # what an answer depends on is kept with it
            headers["cache-control"] = f"no-store, {_RULE}"
        elif response.status_code in (200, 203) and not any(name in headers for name in _SAYS_SO):
            rule = "no-cache" if ttl is None else f"max-age={max(1, int(ttl))}"
            headers["cache-control"] = f"{rule}, {_RULE}"
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class MemoryStore(AsyncBaseStorage):
    """Answers in memory: not more than so many bytes in all, those that were used last."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(max_stream_size=min(_MOST_OF_ONE, most_bytes))
        self._most_bytes = most_bytes
        self._kept: OrderedDict[UUID, tuple[str, Entry, bytes]] = OrderedDict()
        self._bytes = 0

    async def create_entry(
        self, request: Request, response: Response, key: str, *, ttl: float | None = None, tti: float | None = None
    ) -> Entry:
        """The entry; it is kept once its body was read to the end."""
        varies = {name.strip().lower() for name in response.headers.get("vary", "").split(",")}
        needed = {name: value for name, value in request.headers.items() if name.lower() in varies}
        entry = Entry(uuid4(), replace(request, headers=Headers(needed)), replace(response, stream=None))
        return replace(entry, response=replace(response, stream=self._saved(response.stream, key, entry)))

    async def _saved(self, stream: Any, key: str, entry: Entry) -> AsyncIterator[bytes]:
        data: bytearray | None = bytearray()
        async for piece in stream:
            if data is not None:
                data += piece
                if len(data) > (self.max_stream_size or 0):
                    data = None
            yield piece
        if data is not None:
            self._keep(key, entry, bytes(data))

    def _keep(self, key: str, entry: Entry, data: bytes) -> None:
        others = [id_ for id_, (known, _, _) in self._kept.items() if known == key]
        for id_ in others[: len(others) - _MOST_OF_A_KEY + 1] if len(others) >= _MOST_OF_A_KEY else ():
            self._drop(id_)
        self._kept[entry.id] = key, entry, data
        self._bytes += len(data)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, id_: UUID) -> None:
        _, _, data = self._kept.pop(id_, ("", None, b""))
        self._bytes -= len(data)

    async def get_entries(self, key: str) -> list[Entry]:
        """The entries of a key, each with its body."""
        found = [(id_, entry, data) for id_, (known, entry, data) in self._kept.items() if known == key]
        for id_, _, _ in found:
            self._kept.move_to_end(id_)
        return [replace(entry, response=replace(entry.response, stream=_whole(data))) for _, entry, data in found]

    async def update_headers(self, id: UUID, headers: Headers) -> None:
        """Puts the headers of an answer that was found unchanged in place of those that were kept."""
        if id in self._kept:
            key, entry, data = self._kept[id]
            self._kept[id] = key, replace(entry, response=replace(entry.response, headers=headers)), data

    async def remove_entry(self, id: UUID) -> None:
        """Forgets an entry."""
        self._drop(id)


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
