"""Web search and pages, against a real server on loopback."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from state.errors import ToolError
from state.ports import WebHit
from tests.tools.document_files import pdf_of
from tools import web
from tools.web import SearxWeb

Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A server whose answers a test sets by path; it remembers the queries."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.queries: list[dict[str, list[str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                site.queries.append(parse_qs(parts.query))
                status, headers, body = site.answers.get(parts.path, lambda: (404, {}, b""))()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def answer(
        self, path: str, body: bytes | str, media_type: str = "text/html", status: int = 200, **headers: str
    ) -> str:
        """Sets the answer to a path; gives its address."""
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = lambda: (status, {"Content-Type": media_type, **headers}, data)
        return self.base + path


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
async def searx(site: Site) -> AsyncIterator[SearxWeb]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield SearxWeb(client, site.base + "/", private_pages=True)


async def test_a_search_gives_the_hits_of_the_service(site: Site, searx: SearxWeb) -> None:
    """The query is asked for as JSON; hits come in order, cut to the limit, what has no address left out."""
    results = [
        {"url": "http://a.example", "title": "A", "content": "About a.", "publishedDate": "2022-03-01T00:00:00"},
        {"title": "no address"},
        {"url": "http://b.example", "title": "", "publishedDate": None},
        {"url": "http://c.example", "title": "C"},
    ]
    site.answer("/search", json.dumps({"results": results}), "application/json")
    assert await searx.search("isolation levels", 2) == [
        WebHit("http://a.example", "A", "About a.", "2022-03-01"),
        WebHit("http://b.example", "http://b.example", "", None),
    ]
    assert site.queries == [{"q": ["isolation levels"], "format": ["json"]}]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("<html>", 200, "no list of results"),
        ("[]", 200, "no list of results"),
        ('{"results": [1]}', 200, "no list of results"),
        ("", 403, "status 403 Switch the JSON format on in its settings."),
        ("", 500, "status 500"),
    ],
)
async def test_a_service_that_answers_otherwise_is_named(
    site: Site, searx: SearxWeb, body: str, status: int, said: str
) -> None:
    """The error says what came, and from where."""
    site.answer("/search", body, status=status)
    with pytest.raises(ToolError) as error:
        await searx.search("x", 3)
    assert said in str(error.value)
    assert site.base in str(error.value)


async def test_a_service_that_is_down_is_named() -> None:
    """A refused connection becomes an error for the model."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(ToolError, match="does not answer: ConnectError"):
            await SearxWeb(client, "http://127.0.0.1:1").search("x", 3)


async def test_a_page_becomes_a_source_with_passages(site: Site, searx: SearxWeb) -> None:
    """Its address after redirects is its uri; its content is read without furniture."""
    page = site.answer("/page", "<title>Lakes</title><nav>Home</nav><h1>Lakes</h1><p>The lake is deep.</p>")
    moved = site.answer("/old", b"", status=302, Location="/page")
    source, passages = await searx.read(moved)
    assert (source.uri, source.title, source.kind) == (page, "Lakes", "html")
    assert [passage.text for passage in passages] == ["The lake is deep."]
    assert {passage.source_id for passage in passages} == {source.id}


async def test_other_formats_are_read_by_their_media_type(site: Site, searx: SearxWeb) -> None:
    """A PDF on the web is read like one in a folder."""
    address = site.answer("/a", pdf_of(["The depth of the lake is 31 metres."]), "application/pdf")
    source, passages = await searx.read(address)
    assert source.kind == "pdf"
    assert passages[0].locator.page == 1


@pytest.mark.parametrize(
    ("body", "media_type", "status", "said"),
    [
        ("", "text/html", 404, "status 404"),
        ("<html></html>", "text/html", 200, "holds no text"),
        (b"\x89PNG", "image/png", 200, "type image/png are not read"),
        (pdf_of([]), "application/pdf", 200, "no text layer"),
    ],
)
async def test_a_page_that_cannot_be_read_says_why(
    site: Site, searx: SearxWeb, body: bytes | str, media_type: str, status: int, said: str
) -> None:
    """The model is told what is wrong with the page, and with which."""
    address = site.answer("/page", body, media_type, status)
    with pytest.raises(ToolError) as error:
        await searx.read(address)
    assert said in str(error.value)
    assert address in str(error.value)


async def test_a_page_is_cut_off_at_its_size(site: Site, searx: SearxWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the limit is not read, whatever the server says of its length."""
    monkeypatch.setattr(web, "MAX_BYTES", 1_000_000)
    with pytest.raises(ToolError, match="larger than 1 MB"):
        await searx.read(site.answer("/large", b"<p>x</p>" * 200_000))


async def test_a_slow_page_is_given_up(site: Site, searx: SearxWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole page must come within the time limit."""
    monkeypatch.setattr(web, "TIMEOUT_SECONDS", 0.2)

    def slow() -> Answer:
        time.sleep(0.6)
        return 200, {}, b""

    site.answers["/slow"] = slow
    started = time.monotonic()
    with pytest.raises(ToolError):
        await searx.read(site.base + "/slow")
    assert time.monotonic() - started < 0.5


async def test_redirects_end(site: Site, searx: SearxWeb) -> None:
    """A page that leads to itself is given up."""
    with pytest.raises(ToolError, match="redirects more than 5 times"):
        await searx.read(site.answer("/loop", b"", status=302, Location="/loop"))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x", "no address", "http://", "http://[::1", ""])
async def test_only_pages_of_the_web_are_read(searx: SearxWeb, url: str) -> None:
    """Other schemes and what is no address are refused."""
    with pytest.raises(ToolError, match=r"only http and https|this is no address"):
        await searx.read(url)


async def test_this_machine_and_private_networks_are_not_read(site: Site) -> None:
    """A text cannot lead a model to what only this machine can reach, not by a redirect either."""
    site.answer("/search", '{"results": []}')
    async with httpx.AsyncClient(trust_env=False) as client:
        guarded = SearxWeb(client, site.base)
        for url in (
            site.base + "/search",
            "http://localhost:1/",
            "http://169.254.169.254/",
            "http://[::1]/",
            "http://10.0.0.1/",
        ):
            with pytest.raises(ToolError, match="not read"):
                await guarded.read(url)
        assert await guarded.search("x", 1) == []
