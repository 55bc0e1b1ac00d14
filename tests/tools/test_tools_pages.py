"""Pages fetched over HTTP, alone and as sources, against a real server on loopback."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from state.errors import SourceError
from state.evidence import Collection, Source
from state.ports import Page
from tests.tools.document_files import folder_of, pdf_of
from tests.tools.web_site import Answer, Site, serving
from tools.documents.reading import read_sources
from tools.memory import MemoryArtifacts, MemoryPassages
from tools.network import Clients
from tools.web.pages import HttpPages


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        yield made


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    async with Clients() as made:
        yield made


def pages(clients: Clients, *, max_bytes: int = 1_000_000, seconds: float = 5.0) -> HttpPages:
    return HttpPages(clients, max_bytes=max_bytes, seconds=seconds)


async def sources_of(clients: Clients, *names: str) -> tuple[Collection, list[Source]]:
    """The collection of these names, and its sources."""
    passages = MemoryPassages()
    collection = await read_sources(names, passages, MemoryArtifacts(), pages=pages(clients))
    return collection, list(await passages.sources(collection.id))


@pytest.mark.slow
async def test_addresses_are_sources_beside_files(site: Site, clients: Clients, tmp_path: Path) -> None:
    """Each is read by what the server calls it, or else by its suffix; the address is the uri."""
    folder_of(tmp_path, {"a.txt": "A note."})
    page = site.answer("/lake", "<title>Lakes</title><p>Deep.</p>", "text/html; charset=utf-8")
    paper = site.answer("/paper", pdf_of(["The depth of the lake is 31 metres."]), "application/pdf")
    rows = site.answer("/levels.csv?raw=1".partition("?")[0], "year,level\n2001,3\n", "text/plain")
    data = site.answer("/data", '{"depth": 31}', "application/json")
    collection, sources = await sources_of(clients, page, str(tmp_path), paper, rows, data, page)
    assert {source.uri: source.kind for source in sources} == {
        "a.txt": "text",
        page: "html",
        paper: "pdf",
        rows: "csv",
        data: "json",
    }
    assert collection.tables == (rows,)
    assert collection.skipped == ()


async def test_an_address_that_gives_nothing_is_listed_with_the_reason(site: Site, clients: Clients) -> None:
    """One that fails costs a line, not the run."""
    good = site.answer("/good", "<p>Deep.</p>")
    film = site.answer("/film", b"\x00", "video/mp4")
    gone = site.base + "/gone"
    collection, sources = await sources_of(clients, good, film, gone, "http://127.0.0.1:1/")
    assert [source.uri for source in sources] == [good]
    assert {skip.uri: skip.reason for skip in collection.skipped} == {
        film: "pages of type video/mp4 are not read",
        gone: "the page answered with status 404",
        "http://127.0.0.1:1/": "the page cannot be had: ConnectError: All connection attempts failed",
    }


async def test_without_a_way_to_the_web_addresses_are_listed(tmp_path: Path) -> None:
    """A run that was given none says so."""
    collection = await read_sources(["https://example.org/"], MemoryPassages(), MemoryArtifacts())
    assert collection.skipped[0].reason == "this run has no way to the web"


async def test_the_server_says_in_which_encoding_it_sent_the_page(site: Site, clients: Clients) -> None:
    """What it says counts before what the bytes look like; what it says wrongly does not."""
    cyrillic = site.answer("/a", "<p>Съешь</p>".encode("cp1251"), "text/html; charset=windows-1251")
    assert (await pages(clients).fetch(cyrillic, named=True)).data.decode() == "<p>Съешь</p>"
    wrong = site.answer("/b", b"<p>caf\xe9</p>", "text/html; charset=utf-7x")
    assert (await pages(clients).fetch(wrong, named=True)).data == b"<p>caf\xe9</p>"


async def test_a_page_is_cut_off_at_its_size(site: Site, clients: Clients) -> None:
    """More than the limit is not read, whatever the server says of its length."""
    address = site.answer("/large", b"<p>x</p>" * 200_000)
    with pytest.raises(SourceError, match="larger than 1 MB"):
        await pages(clients).fetch(address, named=True)


@pytest.mark.slow
async def test_a_slow_page_is_given_up(site: Site, clients: Clients) -> None:
    """The whole page must come within the time limit."""

    def slow() -> Answer:
        time.sleep(0.6)
        return 200, {}, b""

    site.answers["/slow"] = slow
    started = time.monotonic()
    with pytest.raises(SourceError):
        await pages(clients, seconds=0.2).fetch(site.base + "/slow", named=True)
    assert time.monotonic() - started < 0.55


async def test_redirects_are_followed_to_an_end(site: Site, clients: Clients) -> None:
    """The address at the end is told; a page that leads to itself is given up."""
    page = site.answer("/page", "<p>Deep.</p>")
    moved = site.answer("/old", b"", status=302, Location="/page")
    assert (await pages(clients).fetch(moved, named=True)).url == page
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        await pages(clients).fetch(site.answer("/loop", b"", status=302, Location="/loop"), named=True)


async def test_only_what_a_person_named_may_be_private(site: Site, clients: Clients) -> None:
    """A named page on this machine is read; one that was not named is not, nor one that a named page leads to."""
    page = site.answer("/page", "<p>Deep.</p>")
    assert (await pages(clients).fetch(page, named=True)).media_type == "text/html"
    with pytest.raises(SourceError, match="private network"):
        await pages(clients).fetch(page)
    with serving() as other:
        inner = other.answer("/inner", "<p>Secret.</p>")
        leading = site.answer("/leads", b"", status=302, Location=inner)
        with pytest.raises(SourceError, match="private network"):
            await pages(clients).fetch(leading, named=True)
    assert other.queries == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (300, {}, "the page answered with status 300"),
        (304, {}, "the page answered with status 304"),
        (302, {"Location": "http://[x"}, "the page redirects to what is no address"),
    ],
)
async def test_an_odd_redirect_costs_one_source(
    site: Site, clients: Clients, status: int, headers: dict[str, str], reason: str
) -> None:
    """A server that redirects to nowhere, or to what is no address, is listed; the others are read."""
    good = site.answer("/good", "<p>Deep.</p>")
    odd = site.answer("/odd", b"", status=status, **headers)
    collection, sources = await sources_of(clients, odd, good)
    assert [source.uri for source in sources] == [good]
    assert [(skip.uri, skip.reason) for skip in collection.skipped] == [(odd, reason)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?q=a&token=abc&page=2", "?q=a&token=***&page=2"),
        ("?api_key=abc", "?api_key=***"),
        ("?X-Amz-Signature=abc&%74oken=abc", "?X-Amz-Signature=***&%74oken=***"),
        ("?a=1;secret=abc;def", "?a=1;secret=***"),
        ("?keyword=lake&author=ann", "?keyword=lake&author=ann"),
    ],
)
async def test_secrets_of_an_address_are_sent_but_not_stored(
    site: Site, clients: Clients, query: str, shown: str
) -> None:
    """The server gets the address as it was named; the source is stored with the values masked."""
    page = site.answer("/page", "<p>Deep.</p>")
    _, sources = await sources_of(clients, page + query)
    assert [source.uri for source in sources] == [page + shown]
    assert (query == shown) or "***" not in str(site.queries)


async def test_an_address_with_a_password_is_refused(site: Site, clients: Clients, tmp_path: Path) -> None:
    """It would stand in prompts and reports; the error does not repeat it."""
    folder_of(tmp_path, {"a.txt": "A note."})
    with pytest.raises(SourceError, match="user or a password") as raised:
        await sources_of(clients, str(tmp_path), site.base.replace("://", "://u:hidden@") + "/page")
    assert "hidden" not in str(raised.value)
    assert raised.value.remedy
    assert site.queries == []


async def test_pages_that_wait_to_be_read_do_not_wait_in_memory() -> None:
    """However many addresses there are, the bytes of a few at a time are held."""
    alive = 0

    class Body(bytes):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    class ManyPages:
        most = 0

        async def fetch(self, url: str, *, named: bool = False) -> Page:
            nonlocal alive
            alive += 1
            self.most = max(self.most, alive)
            return Page(url, "text/plain", Body(f"The page {url}.".encode()))

    many = ManyPages()
    names = [f"http://example.org/{n}" for n in range(20)]
    collection = await read_sources(names, MemoryPassages(), MemoryArtifacts(), pages=many)
    assert collection.sources == 20
    assert many.most < 10
