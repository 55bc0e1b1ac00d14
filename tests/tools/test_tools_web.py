"""Web search and pages, against a real server on loopback."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from state.errors import ToolError
from state.ports import WebHit
from tests.tools.document_files import pdf_of
from tests.tools.web_site import Site, serving
from tools.network import Clients
from tools.web.searxng import SearxNG
from tools.web.web import EngineWeb


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        yield made


@pytest.fixture
async def searx(site: Site) -> AsyncIterator[EngineWeb]:
    async with Clients(["127.0.0.1"]) as clients:
        yield EngineWeb(clients, SearxNG(clients, site.base + "/"))


async def test_a_search_gives_the_hits_of_the_service(site: Site, searx: EngineWeb) -> None:
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("<html>", 200, "no JSON"),
        ("[]", 200, "no list of results"),
        ('{"results": [1]}', 200, "no list of results"),
        ("", 403, "status 403. Switch the JSON format on in its settings."),
        ("", 500, "status 500"),
    ],
)
async def test_a_service_that_answers_otherwise_is_named(
    site: Site, searx: EngineWeb, body: str, status: int, said: str
) -> None:
    """The error says what came, and from where."""
    site.answer("/search", body, status=status)
    with pytest.raises(ToolError) as error:
        await searx.search("x", 3)
    assert said in str(error.value)
    assert site.base in str(error.value)


async def test_a_service_that_is_down_is_named() -> None:
    """A refused connection becomes an error for the model."""
    async with Clients() as clients:
        with pytest.raises(ToolError, match="does not answer: ConnectError"):
            await EngineWeb(clients, SearxNG(clients, "http://127.0.0.1:1")).search("x", 3)


async def test_a_page_becomes_a_source_with_passages(site: Site, searx: EngineWeb) -> None:
    """Its address after redirects is its uri; its content is read without furniture."""
    page = site.answer("/page", "<title>Lakes</title><nav>Home</nav><h1>Lakes</h1><p>The lake is deep.</p>")
    moved = site.answer("/old", b"", status=302, Location="/page")
    source, passages = await searx.read(moved)
    assert (source.uri, source.title, source.kind) == (page, "Lakes", "html")
    assert [passage.text for passage in passages] == ["The lake is deep."]
    assert {passage.source_id for passage in passages} == {source.id}


@pytest.mark.slow
async def test_other_formats_are_read_by_their_media_type(site: Site, searx: EngineWeb) -> None:
    """A PDF on the web is read like one in a folder."""
    address = site.answer("/a", pdf_of(["The depth of the lake is 31 metres."]), "application/pdf")
    source, passages = await searx.read(address)
    assert source.kind == "pdf"
    assert passages[0].locator.page == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "media_type", "status", "said"),
    [
        ("", "text/html", 404, "status 404"),
        ("<html></html>", "text/html", 200, "holds no text"),
        (b"\x00", "video/mp4", 200, "type video/mp4 are not read"),
        (pdf_of([]), "application/pdf", 200, "no text layer"),
    ],
)
async def test_a_page_that_cannot_be_read_says_why(
    site: Site, searx: EngineWeb, body: bytes | str, media_type: str, status: int, said: str
) -> None:
    """The model is told what is wrong with the page, and with which."""
    address = site.answer("/page", body, media_type, status)
    with pytest.raises(ToolError) as error:
        await searx.read(address)
    assert said in str(error.value)
    assert address in str(error.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x", "no address", "http://", "http://[::1", ""])
async def test_only_pages_of_the_web_are_read(searx: EngineWeb, url: str) -> None:
    """Other schemes and what is no address are refused."""
    with pytest.raises(ToolError, match=r"only http and https addresses|this is no address"):
        await searx.read(url)


async def test_this_machine_and_private_networks_are_not_read(site: Site) -> None:
    """A text cannot lead a model to what only this machine can reach, not by a redirect either."""
    site.answer("/search", '{"results": []}')
    async with Clients() as clients:
        guarded = EngineWeb(clients, SearxNG(clients, site.base))
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
