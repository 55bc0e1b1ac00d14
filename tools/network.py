"""The HTTP clients of a process, and the guard that keeps requests out of private networks.

The guard stands where connections are made: it looks a host up, refuses it unless every address that it has is public,
and connects to one of just these addresses. So neither a redirect, nor a name with a private address, nor a name whose
address changes between two look-ups leads to this machine, its network or the metadata service of a cloud.
"""

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from state.errors import ToolFailed

ACCEPTED = {"Accept-Encoding": "gzip"}
"""What a request says that reads its answer by `limited_body`."""
MOST_BYTES = 20_000_000
"""Of an answer that a library reads whole."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host and a port to the host's IP addresses; OSError if it has none."""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_EMBEDDING = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "::/96"))
"""IPv6 networks whose addresses end in an IPv4 address (RFC 6052, RFC 4291)."""
_LOCAL = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b:1::/48", "fec0::/10"))
"""IPv6 networks that are private, and not yet known as such to all versions of Python (RFC 8215, RFC 3879)."""


class PrivateAddress(ToolFailed):
    """A host is not asked, because it is this machine or in a private network."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} is at {address}, on this machine or in a private network, and is not asked.",
            "refused",
            remedy="Name it in the setting allowed_hosts if it is meant.",
        )


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where it holds another one within."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast and not _is_local(each) for each in (found, *_within(found)))


def _is_local(address: _Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _LOCAL)


def _within(address: _Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to by one of the ways to pass from one to the other."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _EMBEDDING):
        found.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [each for each in found if each is not None]


async def resolve(host: str, port: int) -> list[str]:
    """All IP addresses of a host, in the order in which the system would try them. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is no name of a host") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard(httpcore.AsyncNetworkBackend):
    """Makes connections to public addresses, and to hosts (`name` or `name:port`) that the user allowed."""

    def __init__(self, allowed: Iterable[str], resolve: Resolve) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.AsyncNetworkStream:
        """A connection to an address that was checked. Raises PrivateAddress, and the errors of httpcore."""
        try:
            async with asyncio.timeout(timeout):
                return await self._connected(host, port, *args, **kwargs)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} did not answer within {timeout:g} s") from error

    async def _connected(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"the host {host} is not known: {error}") from error
        if not {host.lower(), f"{host.lower()}:{port}"} & self._allowed:
            for address in addresses:
                if not is_public(address):
                    raise PrivateAddress(host, address)
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, None, *args, **kwargs)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(f"the host {host} has no address")

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Refused: a socket of this machine is never public."""
        raise httpcore.ConnectError("sockets of this machine are not asked")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._backend.sleep(seconds)


def web_netloc(url: str) -> str:
    """User, host and port of an address of the web. Raises ValueError with the reason if it is none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 # a port that is none raises here
    except ValueError as error:
        raise ValueError("this is no address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("only http and https addresses can be asked")
    return parts.netloc


class TooLarge(ValueError):
    """An answer is longer than it may be."""


class UnknownEncoding(ValueError):
    """An answer is packed in a way that was not asked for."""


async def limited_body(response: httpx.Response, most: int) -> bytes:
    """The whole body, unpacked. Raises TooLarge as soon as it is known to be longer than `most` bytes, and
    UnknownEncoding.

    httpx unpacks a piece of any size at once, as often as the server says: a few kilobytes could become gigabytes.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise UnknownEncoding(encoding)
    unpack = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    data = bytearray()
    async for piece in response.aiter_raw():
        try:
            data += unpack.decompress(piece, most + 1 - len(data)) if unpack else piece
        except zlib.error as error:
            raise UnknownEncoding(f"{encoding}, and broken") from error
        if len(data) > most:
            raise TooLarge(most)
    return bytes(data)


def _no_cookies() -> CookieJar:
    """Cookies of one run are none of another's."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


@cache
def _tls() -> ssl.SSLContext:
    """What certificates are checked with: to read those of the system takes a tenth of a second."""
    return httpx.create_ssl_context()


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx over connections that the guard makes; httpx has no argument for that."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(verify=_tls())
        self._pool = httpcore.AsyncConnectionPool(
            _tls(), max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0, network_backend=guard
        )


@dataclass
class _Bounded(httpx.AsyncBaseTransport):
    """A transport whose answers have a bound."""

    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            await response.aclose()
            raise httpx.DecodingError(f"The answer is packed ({encoding}), which was not asked for")
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class _BoundedStream(httpx.AsyncByteStream):
    inner: httpx.AsyncByteStream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self.inner:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx.ReadError(f"The answer is longer than {MOST_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self.inner.aclose()


class Clients:
    """The HTTP clients of a process, each made when it is first used; none follows redirects by itself."""

    def __init__(self, allowed: Iterable[str] = (), resolve: Resolve = resolve) -> None:
        self._guard = Guard(allowed, resolve)

    @cached_property
    def named(self) -> httpx.AsyncClient:
        """For addresses that a person named: any, and by the proxy of the environment."""
        return httpx.AsyncClient(verify=_tls(), cookies=_no_cookies())

    @cached_property
    def guarded(self) -> httpx.AsyncClient:
        """For all other addresses: public ones and those of allowed hosts. A proxy would look names up by itself."""
        return httpx.AsyncClient(transport=self._transport, trust_env=False, cookies=_no_cookies())

    def conversation(self, headers: Mapping[str, str], seconds: float) -> httpx.AsyncClient:
        """As `guarded`, with connections of its own, for whoever talks with one server and reads what it sends by a
        library: no answer is unpacked, and none is longer than MOST_BYTES. Who asks for it closes it.
        """
        return httpx.AsyncClient(
            transport=_Bounded(_GuardedTransport(self._guard)),
            headers={**headers, "Accept-Encoding": "identity"},
            timeout=seconds,
            trust_env=False,
            cookies=_no_cookies(),
        )

    @cached_property
    def cached(self) -> httpx.AsyncClient:
        """As `guarded`, over the same connections, through the cache of answers (`tools/http/caching.py`)."""
        from tools.http.caching import cached_client

        return cached_client(self._transport, trust_env=False, cookies=_no_cookies())

    @cached_property
    def _transport(self) -> httpx.AsyncBaseTransport:
        return _GuardedTransport(self._guard)

    async def __aenter__(self) -> "Clients":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("named", "guarded", "cached"):
            if name in vars(self):
                await getattr(self, name).aclose()
