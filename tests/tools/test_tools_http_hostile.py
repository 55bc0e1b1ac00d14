"""HTTP tools against servers that mean harm: each is refused or bounded, with a class and a clear error."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpcore
import pytest

from tests.tools.http_calls import http_tools, refused, registry_of
from tests.tools.raw_server import RawServer, raw_server
from tools.memory import SystemClock
from tools.network import Clients
from tools.registry import Registry

HOSTS = (
    "169.254.169.254", "[::1]:{port}", "[::ffff:127.0.0.1]:{port}", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]",
    "2130706433:{port}", "0177.0.0.1:{port}", "017700000001:{port}", "0x7f.1:{port}", "127.1:{port}",
    "127.0.0.1.:{port}", "0:{port}", "localhost.:{port}", "①②⑦.⓪.⓪.①:{port}",
)  # fmt: skip
HEAD = b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\n"


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


@pytest.fixture
async def tools() -> AsyncIterator[Registry]:
    async with http_tools({"key": "hush"}) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("beginning", [b"", HEAD, HEAD + b"Content-Length: 99\r\n\r\n", HEAD + b"\r\n"])
async def test_a_slow_loris_is_given_up(server: RawServer, tools: Registry, beginning: bytes) -> None:
    """Wherever it begins to drip: the time counts for the whole answer, in which each byte would be in time."""

    async def drips() -> AsyncIterator[bytes]:
        yield beginning
        while True:
            await asyncio.sleep(0.02)
            yield b"a" if beginning else b""

    server.answers["/"] = drips
    error = await refused(tools, url=server.base + "/", timeout=0.15, caching={"mode": "ttl"})
    assert (error.error, "within 0.15 s" in str(error)) == ("timeout", True)


@pytest.mark.parametrize(
    "lines",
    [
        b"".join(b"X-%d: %s\r\n" % (n, b"a" * 90) for n in range(5000)),
        b"X-A: " + b"a" * 500_000 + b"\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999999999\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"X-A\x00: b\r\n",
    ],
    ids=["many", "long", "two lengths", "negative", "huge", "chunked twice", "nul"],
)
async def test_a_head_that_is_none_ends_the_call(server: RawServer, tools: Registry, lines: bytes) -> None:
    """Too many headers, too long ones, lengths that contradict each other: no memory is used for them."""
    url = server.says("/", HEAD + lines + b"\r\n" + b"a")
    assert (await refused(tools, url=url)).error in ("unavailable", "bad_output")


@pytest.mark.parametrize("body", [b"zz\r\nabc\r\n0\r\n\r\n", b"5\r\nab", b"fffffffffffffffffffff\r\na", b"-1\r\n\r\n"])
async def test_garbage_in_chunks_is_told(server: RawServer, tools: Registry, body: bytes) -> None:
    """It is a fault of the server, and worth another try."""
    url = server.says("/", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert (await refused(tools, url=url)).error == "unavailable"


async def test_what_follows_an_answer_is_not_part_of_it(server: RawServer, tools: Registry) -> None:
    """Bytes past the length that was said are neither read nor taken for the next answer."""
    more = b"HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil"
    url = server.says("/", HEAD + b"Content-Length: 2\r\n\r\nhi" + more)
    for _ in range(2):
        assert (await tools.call("http_get", {"url": url}))["body"] == "hi"


@pytest.mark.slow
async def test_no_way_to_write_a_host_leads_into_a_private_network(server: RawServer, tools: Registry) -> None:
    """Named or led to by a redirect: as numbers of any base, in IPv6, with a dot at the end."""
    for host in HOSTS:
        there = f"http://{host.format(port=server.port)}/secret"
        url = server.answer("/", b"", 302, Location=there.encode().decode("latin-1"))
        for asked in (there, url):
            assert (await refused(tools, url=asked)).error in ("refused", "unavailable", "bad_input"), host
    assert {each[1] for each in server.asked} == {"/"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "to",
    ["file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "javascript:alert(1)", "data:,x", "http://[x"],
)
async def test_a_redirect_to_another_scheme_is_refused(server: RawServer, tools: Registry, to: str) -> None:
    """Nothing but http and https is followed."""
    error = await refused(tools, url=server.answer("/", b"", 302, Location=to))
    assert error.error in ("refused", "bad_input", "unavailable")
    assert "root:" not in str(error)


async def test_redirects_that_never_end_are_given_up(server: RawServer, tools: Registry) -> None:
    """A circle of two, and a chain in which each address is new."""
    server.answer("/a", b"", 302, Location="/b", Cache_Control="max-age=60")
    server.answer("/b", b"", 302, Location="/a")
    assert "redirects more than 5 times" in str(await refused(tools, url=server.base + "/a"))
    assert len(server.asked) <= 6


async def test_a_name_that_turns_private_between_two_looks_is_refused(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look-up shows a public address, the one for the redirect loopback: the second is not connected to."""
    looks: list[Sequence[str]] = [["203.0.114.1"], ["127.0.0.1"]]
    connect = httpcore.AnyIOBackend.connect_tcp

    async def resolve(host: str, port: int) -> Sequence[str]:
        return looks.pop(0)

    async def routed(self: Any, host: str, *args: Any, **kwargs: Any) -> Any:
        assert host == "203.0.114.1"
        return await connect(self, "127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", routed)
    server.answer("/", b"", 302, Location=f"http://rebind.example:{server.port}/secret")
    async with Clients(resolve=resolve) as clients:
        tools = registry_of(clients, {}, SystemClock())
        error = await refused(tools, url=f"http://rebind.example:{server.port}/")
    assert (error.error, "rebind.example is at 127.0.0.1" in str(error)) == ("refused", True)
    assert [each[1] for each in server.asked] == ["/"]
