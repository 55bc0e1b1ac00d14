"""Web search by other services than SearXNG: Tavily on loopback, and DuckDuckGo with a stand-in for ddgs's network."""

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from run_workflow.services import open_network
from run_workflow.settings import load_settings
from state.errors import SetupError, ToolFailed
from state.ports import WebHit
from tests.tools.clocks import MovedClock
from tests.tools.raw_server import RawServer, raw_server
from tools.http.api import HttpApi
from tools.network import Clients
from tools.web.duckduckgo import DuckDuckGo
from tools.web.hits import hits
from tools.web.tavily import Tavily

DATE = "Tue, 02 May 2023 09:00:00 GMT"
FOUND = {
    "results": [
        {"url": "https://a.example/x", "title": "A", "content": "About a.", "published_date": DATE},
        {"url": "javascript:alert(1)", "title": "no address of the web"},
        {"url": "https://b.example", "title": "", "content": None},
        {"url": "https://c.example", "title": "C"},
    ]
}  # fmt: skip
PAGE = """<html><body><div class="links_main body"><h2>Lakes &amp; depths</h2><a href="https://a.example/x">Deep.</a></div>
<div class="body"><h2>Advert</h2><a href="https://duckduckgo.com/y.js?x">Buy.</a></div></body></html>"""


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


async def tavily(server: RawServer, **secrets: str) -> Any:
    async with Clients(["127.0.0.1"]) as clients:
        return await Tavily(HttpApi(clients, secrets, MovedClock()), server.base).search("lakes", 2)


async def test_tavily_is_asked_with_its_key(server: RawServer) -> None:
    """Hits come in order, cut to the limit, with host and date; what is no address of the web is left out."""
    server.answer("/search", json.dumps(FOUND).encode(), Content_Type="application/json")
    found = await tavily(server, tavily="hush")
    assert found == [
        WebHit("https://a.example/x", "A", "About a.", "2023-05-02"),
        WebHit("https://b.example", "https://b.example", "", None),
    ]
    assert [hit.host for hit in found] == ["a.example", "b.example"]
    ((method, _, headers, body),) = server.asked
    assert (method, headers["authorization"]) == ("POST", "Bearer hush")
    assert json.loads(body) == {"query": "lakes", "max_results": 2}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"slow down hush", "rate_limited"),
        (401, b"who is hush", "refused"),
        (200, b'{"results": 1}', "bad_output"),
    ],
)
async def test_tavily_that_answers_otherwise_is_told(server: RawServer, status: int, body: bytes, kind: str) -> None:
    """By class, and without the key."""
    server.answer("/search", body, status, Content_Type="application/json")
    with pytest.raises(ToolFailed) as raised:
        await tavily(server, tavily="hush")
    assert (raised.value.error, "hush" in str(raised.value)) == (kind, False)


def test_hits_that_are_none_are_told() -> None:
    """A list of results is needed, and each an object."""
    for odd in ([1], {"a": 1}, "x", None, {"results": ["a"]}):
        with pytest.raises(ToolFailed, match="no list of results"):
            hits(odd, "here", snippet="content", date="date")


class Answers:
    """In place of ddgs's connections: a status and a page, or an error."""

    def __init__(self, page: str = PAGE, status: int = 200, error: Exception | None = None) -> None:
        self.text, self.status_code, self._error = page, status, error
        self.asked: list[tuple[Any, ...]] = []

    def request(self, *args: Any, **_: Any) -> Any:
        self.asked.append(args)
        if self._error:
            raise self._error
        return self


def duckduckgo(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> DuckDuckGo:
    from ddgs.http_client import HttpClient

    monkeypatch.setattr(HttpClient, "request", lambda _, *args, **more: answers.request(*args, **more))
    return DuckDuckGo()


@pytest.mark.slow
async def test_duckduckgo_is_asked_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ddgs finds on its page becomes hits; adverts are left out, and nothing found is no failure."""
    answers = Answers()
    found = await duckduckgo(monkeypatch, answers).search("lakes", 5)
    assert [(hit.url, hit.title, hit.snippet) for hit in found] == [("https://a.example/x", "Lakes & depths", "Deep.")]
    assert [args[1] for args in answers.asked] == ["https://html.duckduckgo.com/html/"]
    assert await duckduckgo(monkeypatch, Answers("<html></html>")).search("lakes", 5) == []


@pytest.mark.slow
async def test_duckduckgo_that_fails_is_told_by_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of time, or away."""
    from ddgs.exceptions import DDGSException, TimeoutException

    for error, kind in ((TimeoutException("timed out"), "timeout"), (DDGSException("no route"), "unavailable")):
        with pytest.raises(ToolFailed) as raised:
            await duckduckgo(monkeypatch, Answers(error=error)).search("lakes", 5)
        assert raised.value.error == kind


async def test_a_search_that_cannot_work_is_told_when_the_program_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Tavily without its key, DuckDuckGo without its package: with the variable or the extra that is missing."""
    settings = {"STRETTO_HOME": str(tmp_path)}
    monkeypatch.setitem(sys.modules, "ddgs", None)
    for name, said in (("tavily", "STRETTO_SECRET_TAVILY"), ("duckduckgo", r"\[web\]")):
        with pytest.raises(SetupError, match=said):
            async with open_network(load_settings({**settings, "STRETTO_WEB": name}), None):  # type: ignore[arg-type]
                pass
    given = {**settings, "STRETTO_WEB": "tavily", "STRETTO_SECRET_TAVILY": "hush"}
    async with open_network(load_settings(given), None) as network:  # type: ignore[arg-type]
        assert network.web is not None
