"""The cache of HTTP answers: what is used again, for whom, and how long."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.tools.http_calls import JSON, http_tools
from tests.tools.raw_server import RawServer, raw_server
from tools.http.caching import MemoryStore
from tools.registry import Registry

TTL = {"mode": "ttl", "ttl": 1800}


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


@pytest.fixture
async def tools() -> AsyncIterator[Registry]:
    async with http_tools({"key": "hush", "other": "hash"}) as made:
        yield made


def date(minutes_ago: float = 0) -> str:
    return format_datetime(datetime.now(UTC) - timedelta(minutes=minutes_ago), usegmt=True)


async def asked(tools: Registry, server: RawServer, url: str, **given: Any) -> list[bool]:
    """Of two calls, whether each reached the server."""
    reached = []
    for _ in range(2):
        before = len(server.asked)
        await tools.call("http_get", {"url": url, **given})
        reached.append(len(server.asked) > before)
    return reached


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "caching", "is_asked_again"),
    [
        ({"Cache_Control": "max-age=60"}, {}, False),
        ({"Expires": date(-60)}, {}, False),
        ({"Cache_Control": "max-age=60", "Date": date(2)}, {}, True),
        ({"Cache_Control": "max-age=60"}, {"mode": "off"}, True),
        ({"Cache_Control": "no-store"}, TTL, True),
        ({"Cache_Control": "private, max-age=60"}, {}, True),
        ({"Cache_Control": "no-cache"}, TTL, True),
        ({"Pragma": "no-cache"}, TTL, True),
        ({"Cache_Control": "max-age=60", "Vary": "*"}, {}, True),
        ({}, {}, True),
        ({"Last_Modified": date(60 * 24 * 300)}, {}, True),
        ({}, TTL, False),
        ({"Last_Modified": date(5)}, {"mode": "ttl"}, False),
        ({"Date": date(31)}, {"mode": "ttl"}, True),
    ],
)
async def test_an_answer_is_used_again_as_its_headers_or_the_caller_say(
    tools: Registry, server: RawServer, headers: Any, caching: dict[str, Any], is_asked_again: bool
) -> None:
    """By RFC 9111; where they say nothing, for the caller's time, which is half an hour if none is named."""
    url = server.answer("/", b"{}", Content_Type=JSON, **headers)
    assert await asked(tools, server, url, caching=caching) == [True, is_asked_again]


async def test_what_was_kept_is_the_same_answer(tools: Registry, server: RawServer) -> None:
    """Body and headers, packed or not; that it comes from the cache is told, and nothing that was added for it."""
    url = server.answer("/", gzip.compress(b'{"a": 1}'), Content_Type=JSON, Content_Encoding="gzip", X_A="b")
    first, second = [await tools.call("http_get", {"url": url, "caching": TTL}) for _ in range(2)]
    assert (first["from_cache"], second["from_cache"]) == (False, True)
    assert first["body"] == second["body"] == {"a": 1}
    assert second["headers"]["x-a"] == "b"
    assert "cache-control" not in first["headers"] | second["headers"]
    other = await tools.call("http_get", {"url": url, "caching": TTL, "query": {"n": 1}})
    assert not other["from_cache"]


async def test_an_answer_that_ended_is_asked_for_by_its_validator(tools: Registry, server: RawServer) -> None:
    """One that did not change need not be sent again; one that did takes its place."""
    url = server.answer("/", b"[1]", Content_Type=JSON, ETag='"1"')
    assert (await tools.call("http_get", {"url": url}))["body"] == [1]
    server.answer("/", b"", 304, ETag='"1"')
    unchanged = await tools.call("http_get", {"url": url})
    assert (unchanged["body"], unchanged["from_cache"]) == ([1], True)
    assert server.asked[1][2]["if-none-match"] == '"1"'
    server.answer("/", b"[2]", Content_Type=JSON, ETag='"2"')
    assert (await tools.call("http_get", {"url": url}))["body"] == [2]
    server.answer("/", b"", 304, ETag='"2"')
    assert (await tools.call("http_get", {"url": url}))["body"] == [2]


async def test_vary_keeps_answers_apart(tools: Registry, server: RawServer) -> None:
    """Two languages of one address are two answers."""
    url = server.base + "/"
    for language in ("en", "de"):
        server.answer("/", language.encode(), Content_Type="text/plain", Vary="X-Tongue")
        headers = {"X-Tongue": language}
        assert await asked(tools, server, url, headers=headers, caching=TTL) == [True, False]
    answer = await tools.call("http_get", {"url": url, "headers": {"X-Tongue": "en"}, "caching": TTL})
    assert (answer["body"], answer["from_cache"]) == ("en", True)


async def test_what_changes_something_is_sent_and_ends_what_was_kept(tools: Registry, server: RawServer) -> None:
    """A POST always goes out, and the next GET of its address asks again."""
    url = server.answer("/", b"{}", Content_Type=JSON, Cache_Control="max-age=60")
    assert await asked(tools, server, url) == [True, False]
    for _ in range(2):
        await tools.call("http", {"url": url, "method": "POST", "body": {}, "caching": TTL})
    assert [each[0] for each in server.asked] == ["GET", "POST", "POST"]
    assert await asked(tools, server, url) == [True, False]


async def test_credentials_are_not_shared(tools: Registry, server: RawServer) -> None:
    """Unless the call says so an answer to them is not kept; then it is for calls that name the same ones only."""
    url = server.answer("/", b"{}", Content_Type=JSON, Cache_Control="public, max-age=60")
    auth = {"type": "api_key", "secret": "key", "header": "X-Who"}
    assert await asked(tools, server, url, auth=auth) == [True, True]
    allowed = {"with_credentials": True}
    assert await asked(tools, server, url, auth=auth, caching=allowed) == [True, False]
    assert await asked(tools, server, url, auth={**auth, "secret": "other"}, caching=allowed) == [True, False]
    assert await asked(tools, server, url) == [True, False]
    for written in ({"headers": {"X-Api-Key": "k"}}, {"query": {"token": "t"}}, {"headers": {"Cookie": "a=b"}}):
        assert await asked(tools, server, url, caching={**TTL, **allowed}, **written) == [True, True]
    server.answer("/", b"{}", Content_Type=JSON, Cache_Control="max-age=60", Vary="X-Who")
    assert await asked(tools, server, url + "?2", auth=auth, caching=allowed) == [True, True]


async def test_no_secret_is_kept_and_the_store_has_an_end(
    tools: Registry, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are hashes, of headers only those that `Vary` names stay; what was used last stays when it is full."""
    kept: list[tuple[str, str]] = []
    keep = MemoryStore._keep

    def seen(self: MemoryStore, key: str, entry: Any, data: bytes) -> None:
        self._most_bytes = 2500
        kept.append((key, repr(entry)))
        keep(self, key, entry, data)

    monkeypatch.setattr(MemoryStore, "_keep", seen)
    auth = {"type": "bearer", "secret": "key"}
    given = {"auth": auth, "caching": {**TTL, "with_credentials": True}}
    urls = [server.answer(f"/{n}", bytes(1000), Content_Type="text/plain") for n in range(3)]
    for url in urls:
        assert await asked(tools, server, url, **given) == [True, False]
    assert await asked(tools, server, urls[2], **given) == [False, False]
    assert await asked(tools, server, urls[0], **given) == [True, False]
    assert all(len(key) == 64 and "hush" not in entry for key, entry in kept)


async def test_an_answer_that_breaks_off_is_not_kept(tools: Registry, server: RawServer) -> None:
    """Half a body is no answer for the next call."""
    head = b"HTTP/1.1 200 X\r\nCache-Control: max-age=60\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
    url = server.says("/", head + b"ab")
    with pytest.raises(Exception, match="does not speak HTTP"):
        await tools.call("http_get", {"url": url})
    server.says("/", head + b"abcd")
    assert (await tools.call("http_get", {"url": url}))["body"] == "abcd"
