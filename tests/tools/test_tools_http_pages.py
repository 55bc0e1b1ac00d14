"""Answers in several pages, from a server on loopback."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.tools.http_calls import JSON, http_tools, refused
from tests.tools.raw_server import RawServer, raw_server
from tools.registry import Registry

ITEMS = list(range(1, 8))
CURSOR = {"by": "cursor", "cursor": "$.meta.next"}
OFFSET = {"by": "offset", "parameter": "skip"}


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


@pytest.fixture
async def tools() -> AsyncIterator[Registry]:
    async with http_tools({"key": "hush"}) as made:
        yield made


def paged(server: RawServer, answer: Callable[[dict[str, str]], tuple[Any, str]]) -> str:
    """Sets what /list answers, as JSON and a Link header, by its parameters; its address."""

    async def stream() -> AsyncIterator[bytes]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(server.asked[-1][1]).query).items()}
        value, link = answer(query)
        body = json.dumps(value).encode()
        lines = ["HTTP/1.1 200 X", f"Content-Type: {JSON}", f"Content-Length: {len(body)}"]
        yield "\r\n".join([*lines, *([f"Link: {link}"] if link else []), "", ""]).encode() + body

    server.answers["/list"] = stream
    return server.base + "/list"


def by_link(query: dict[str, str]) -> tuple[Any, str]:
    start = int(query.get("from", 0))
    more = start + 3 < len(ITEMS)
    return ITEMS[start : start + 3], f'</list?from={start + 3}&q=a>; rel="next", </list>; rel="first"' if more else ""


def by_cursor(query: dict[str, str]) -> tuple[Any, str]:
    start = int(query.get("after", 0))
    following = start + 3 if start + 3 < len(ITEMS) else None
    return {"data": [{"id": each} for each in ITEMS[start : start + 3]], "meta": {"next": following}}, ""


def by_address(query: dict[str, str]) -> tuple[Any, str]:
    start = int(query.get("from", 0))
    last = start + 3 >= len(ITEMS)
    return {"items": ITEMS[start : start + 3], **({} if last else {"next": f"/list?from={start + 3}"})}, ""


def by_page(query: dict[str, str]) -> tuple[Any, str]:
    start = (int(query["page"]) - 1) * 3
    return ITEMS[start : start + 3], ""


def by_offset(query: dict[str, str]) -> tuple[Any, str]:
    start = int(query["skip"])
    return {"items": ITEMS[start : start + int(query["limit"])]}, ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "given", "asked"),
    [
        (by_link, {"pages": {"by": "link"}}, 3),
        (by_cursor, {"json_path": "$.data[*].id", "pages": {**CURSOR, "parameter": "after"}}, 3),
        (by_address, {"json_path": "$.items", "pages": {"by": "cursor", "cursor": "$.next"}}, 3),
        (by_page, {"pages": {"by": "page"}}, 4),
        (by_page, {"pages": {"by": "page", "size": 3}}, 3),
        (by_offset, {"json_path": "$.items", "query": {"limit": 4}, "pages": {**OFFSET, "size": 4}}, 2),
    ],
)
async def test_the_items_of_all_pages_are_one_list(
    tools: Registry, server: RawServer, answer: Any, given: dict[str, Any], asked: int
) -> None:
    """By the header Link, by a cursor or an address in the answer, by page or by offset, until there are no more."""
    auth = {"type": "api_key", "secret": "key"}
    got = await tools.call("http_get", {"url": paged(server, answer), "auth": auth, **given})
    assert (got["body"], got["pages"], got["more"]) == (ITEMS, asked, False)
    assert [each[2]["x-api-key"] for each in server.asked] == ["hush"] * asked


async def test_pages_have_an_end(tools: Registry, server: RawServer) -> None:
    """In their number, which is told, and in the bytes of all of them together."""
    url = paged(server, by_link)
    got = await tools.call("http_get", {"url": url, "pages": {"by": "link", "most": 2}})
    assert (got["body"], got["pages"], got["more"]) == (ITEMS[:6], 2, True)
    error = await refused(tools, url=url, pages={"by": "link"}, max_bytes=20)
    assert (error.error, "larger than 20 bytes" in str(error)) == ("bad_output", True)


@pytest.mark.parametrize(
    ("answer", "given", "kind", "said"),
    [
        (lambda _: ([1], '</list>; rel="next"'), {"by": "link"}, "bad_output", "in a circle"),
        (lambda _: ([1], '<http://other.example/>; rel="next"'), {"by": "link"}, "refused", "another host"),
        (lambda _: ([1], '<file:///etc/passwd>; rel="next"'), {"by": "link"}, "refused", "no address"),
        (lambda _: ({"a": 1}, ""), {"by": "link"}, "bad_output", "no list of items at \\$"),
        (lambda _: ([1], ""), {"by": "cursor", "cursor": "$["}, "bad_input", "no JSONPath"),
        (lambda _: ([1], ""), {"by": "cursor"}, "bad_input", "needs the JSONPath"),
    ],
)
async def test_pages_that_lead_elsewhere_are_refused(
    tools: Registry, server: RawServer, answer: Any, given: dict[str, Any], kind: str, said: str
) -> None:
    """To another host, in a circle, to what is no page: told, and not followed."""
    error = await refused(tools, url=paged(server, answer), pages=given)
    assert (error.error, said.replace("\\", "") in str(error)) == (kind, True)


async def test_only_get_asks_for_pages(tools: Registry, server: RawServer) -> None:
    """What changes something is sent once."""
    error = await refused(tools, "http", url=server.base, method="POST", pages={"by": "page"})
    assert (error.error, "only GET" in str(error)) == ("bad_input", True)
    assert server.asked == []
