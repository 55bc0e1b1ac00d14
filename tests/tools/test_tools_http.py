"""The HTTP tools against real and hostile servers on loopback: what is sent, what comes back, what is refused."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from state.errors import ToolFailed
from tests.tools.clocks import MovedClock
from tests.tools.raw_server import RawServer, raw_server
from tools.breaker import FAILURES, Breakers
from tools.network import Clients
from tools.registry import Registry
from tools.toolbox import Toolbox

SECRET = 'hush "1"\\x'


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


@pytest.fixture
async def box() -> AsyncIterator[Toolbox]:
    async with Clients(["127.0.0.1"]) as clients:
        yield Toolbox(clients, {"key": SECRET, "odd": "a\nb"}, breakers=Breakers(MovedClock()))


@pytest.fixture
def tools(box: Toolbox) -> Registry:
    return box.shown()


async def refused(tools: Registry, name: str = "http", **given: Any) -> ToolFailed:
    with pytest.raises(ToolFailed) as raised:
        await tools.call(name, given)
    return raised.value


async def test_a_request_and_its_answer(server: RawServer, tools: Registry) -> None:
    """Method, query, headers, JSON and the idempotency key go out; status, headers and values come back."""
    url = server.answer("/orders", b'{"id": 7}', 201, Content_Type="application/json", Set_Cookie="a=1", X_Of="shop")
    given = {
        "url": f"{url}?a=1",
        "method": "POST",
        "query": {"b": [1, 2]},
        "headers": {"X-From": "w"},
        "body": {"n": 1},
    }
    given["query"] = {"b": ["1", "2"], "c": True}
    answer = await tools.call("http", given, idempotency_key="run:step é")
    assert (answer["status"], answer["body"], answer["headers"]["x-of"]) == (201, {"id": 7}, "shop")
    assert "set-cookie" not in answer["headers"]
    ((method, target, headers, body),) = server.asked
    assert (method, target, json.loads(body)) == ("POST", "/orders?a=1&b=1&b=2&c=true", {"n": 1})
    assert (headers["x-from"], headers["idempotency-key"]) == ("w", "run:step%20%C3%A9")


async def test_texts_are_sent_as_they_are_and_reads_carry_no_key(server: RawServer, tools: Registry) -> None:
    """A text is the body itself; what changes nothing needs no idempotency key."""
    url = server.answer("/", b"caf\xe9", Content_Type="text/plain; charset=latin-1")
    sent = {"url": url, "method": "PUT", "body": "a,b", "headers": {"Content-Type": "text/csv"}}
    assert (await tools.call("http", sent))["body"] == "café"
    assert (await tools.call("http_get", {"url": url}, idempotency_key="k"))["status"] == 200
    (_, _, first, body), (method, _, second, _) = server.asked
    assert (first["content-type"], body) == ("text/csv", b"a,b")
    assert method == "GET"
    assert "idempotency-key" not in second
    assert "method" in str(await refused(tools, "http_get", url=url, method="POST"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("auth", "header", "sent"),
    [
        ({"type": "bearer"}, "authorization", f"Bearer {SECRET}"),
        ({"type": "basic", "user": "ann"}, "authorization", "Basic YW5uOmh1c2ggIjEiXHg="),
        ({"type": "api_key"}, "x-api-key", SECRET),
        ({"type": "api_key", "header": "X-Key"}, "x-key", SECRET),
    ],
)
async def test_secrets_are_sent_and_never_seen(
    server: RawServer, tools: Registry, caplog: pytest.LogCaptureFixture, auth: Any, header: str, sent: str
) -> None:
    """Where the server sends a secret back it is masked: in the answer, in errors, and no log has it."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpcore")  # as run_workflow/logs.py has it
    echo = json.dumps({"you": sent, SECRET: [sent]}).encode()
    url = server.answer("/", echo, Content_Type="application/json", X_Echo=sent)
    away = server.answer("/away", sent.encode(), 500)
    given = {"auth": {"secret": "key", **auth}}
    answer = await tools.call("http_get", {"url": url, **given})
    assert server.asked[0][2][header] == sent
    error = await refused(tools, "http_get", url=away, **given)
    told = f"{answer} {error} {error.__cause__} {caplog.text}"
    assert "hush" not in told
    assert "YW5u" not in told
    assert "***" in answer["headers"]["x-echo"]


async def test_a_secret_that_is_not_there_is_named(server: RawServer, tools: Registry) -> None:
    """By its name, with the variable to set; one that breaks a header is not sent, and not told."""
    url = server.answer("/")
    auth = {"type": "bearer", "secret": "gone"}
    assert "Set STRETTO_SECRET_GONE" in str(await refused(tools, url=url, auth=auth))
    assert "no header can hold" in str(await refused(tools, url=url, auth={**auth, "secret": "odd"}))
    assert server.asked == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "ftp://a.example/"}, "Only http and https"),
        ({"url": "http://[::1"}, "no address"),
        ({"url": "http://ann:hush@a.example/"}, "Give auth"),
        ({"url": "http://a.example/", "headers": {"Authorization": "Bearer hush"}}, "Give auth"),
        ({"url": "http://a.example/", "headers": {"Host": "b.example"}}, "The header Host"),
        ({"url": "http://a.example/", "headers": {"X-A": "b\r\nX-B: c"}}, "header X-A has a line break"),
        ({"url": "http://a.example/", "headers": {"X-A\n": "b"}}, "header X-A has a line break"),
        ({"url": "http://a.example/", "headers": {"X-é": "b"}}, "no request|does not speak"),
        ({"url": "http://a.example/", "timeout": 0}, "timeout"),
        ({"url": "http://a.example/", "methd": "GET"}, "methd"),
    ],
)
async def test_what_is_no_request_is_refused_before_anything_is_sent(
    tools: Registry, given: dict[str, Any], said: str
) -> None:
    """With its class, and without what may be secret in it."""
    error = await refused(tools, **given)
    assert error.error in ("bad_input", "unavailable")
    assert any(each in str(error) for each in said.split("|"))
    assert "hush" not in str(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_input"),
        (401, "refused"),
        (404, "refused"),
        (408, "timeout"),
        (422, "bad_input"),
        (503, "unavailable"),
    ],
)
async def test_statuses_have_their_classes(server: RawServer, tools: Registry, status: int, kind: str) -> None:
    """And the beginning of what the server says; a status that was named is an answer like others."""
    url = server.answer("/", b"not  today", status)
    error = await refused(tools, url=f"{url}?token=hush")
    assert error.error == kind
    assert f"{url}: It answered with status {status}: not today" in str(error)
    assert "hush" not in str(error)
    assert (await tools.call("http", {"url": url, "accept": [status]}))["status"] == status


async def test_a_server_that_asks_to_wait_says_how_long(server: RawServer, tools: Registry) -> None:
    """429 is `rate_limited`; Retry-After counts in seconds and as a date, and nonsense in it does no harm."""
    url = server.answer("/", b"", 429, Retry_After="7")
    error = await refused(tools, url=url)
    assert (error.error, error.retry_after) == ("rate_limited", 7)
    assert "asks to wait 7 s" in str(error)
    server.answer("/", b"", 503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert 85 < ((await refused(tools, url=url)).retry_after or 0) <= 90
    for odd in ("soon", "-1", "9" * 400, "Thu, 99 Foo"):
        server.answer("/", b"", 429, Retry_After=odd)
        assert (await refused(tools, "http_get", url=url)).retry_after is None


async def test_a_storm_of_refusals_opens_the_circuit_of_that_host(server: RawServer, tools: Registry) -> None:
    """After five the host is not asked; another host, and the other tool, still are."""
    url = server.answer("/", b"", 429)
    for _ in range(FAILURES):
        await refused(tools, "http_get", url=url)
    error = await refused(tools, "http_get", url=url)
    assert "is tried again in 30 s" in str(error)
    assert f"http_get 127.0.0.1:{server.port}" in str(error)
    assert len(server.asked) == FAILURES
    await refused(tools, url=url)
    assert len(server.asked) == FAILURES + 1


async def test_an_endless_body_is_cut_off(server: RawServer, tools: Registry) -> None:
    """As soon as it is longer than it may be, whether or not the server says how long it is."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 X\r\nContent-Type: text/plain\r\n\r\n"
        while True:
            yield b"x" * 10_000

    server.answers["/"] = endless
    error = await refused(tools, url=server.base + "/", max_bytes=100_000)
    assert (error.error, "larger than 100000 bytes" in str(error)) == ("bad_output", True)


@pytest.mark.slow
@pytest.mark.parametrize("packed", ["gzip", "gzip, gzip", "br"])
async def test_a_body_that_unpacks_to_gigabytes_is_cut_off(server: RawServer, tools: Registry, packed: str) -> None:
    """Only one layer of gzip is unpacked, piece by piece; what else a server packs is refused."""
    bomb = gzip.compress(bytes(5_000_000), 1)
    url = server.answer("/", gzip.compress(bomb) if "," in packed else bomb, Content_Encoding=packed)
    error = await refused(tools, url=url, max_bytes=100_000)
    assert error.error == "bad_output"
    assert ("larger than" in str(error)) == (packed == "gzip")


async def test_what_is_packed_well_is_read(server: RawServer, tools: Registry) -> None:
    """gzip is asked for, and unpacked; broken gzip is told."""
    url = server.answer("/", gzip.compress(b"[1]"), Content_Type="application/json", Content_Encoding="gzip")
    assert (await tools.call("http", {"url": url}))["body"] == [1]
    assert server.asked[0][2]["accept-encoding"] == "gzip"
    server.answer("/", b"no gzip", Content_Encoding="gzip")
    assert "broken" in str(await refused(tools, url=url))


@pytest.mark.slow
async def test_a_server_that_drips_is_given_up(server: RawServer, tools: Registry) -> None:
    """The time counts for the whole answer, however alive the connection looks; so with the head."""

    async def drips() -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 X\r\n"
        while True:
            await asyncio.sleep(0.01)
            yield b"X-A: b\r\n"

    server.answers["/"] = drips
    error = await refused(tools, url=server.base + "/", timeout=0.15)
    assert (error.error, "within 0.15 s" in str(error)) == ("timeout", True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/", "http://localhost/"]
)
async def test_a_redirect_leads_into_no_private_network(server: RawServer, tools: Registry, to: str) -> None:
    """Each step of the way goes through the guard."""
    url = server.answer("/", b"", 302, Location=to.format(port=server.port))
    error = await refused(tools, url=url)
    assert (error.error, "in a private network" in str(error)) == ("refused", True)
    assert len(server.asked) == 1


async def test_redirects_within_a_host_keep_what_was_sent_and_end(server: RawServer, tools: Registry) -> None:
    """The secret goes along within the host; a circle and a redirect to nowhere are told."""
    auth = {"type": "api_key", "secret": "key"}
    server.answer("/new", b"[]", Content_Type="application/json")
    url = server.answer("/old", b"", 307, Location="/new")
    assert (await tools.call("http", {"url": url, "method": "POST", "body": [1], "auth": auth}))["body"] == []
    assert [(each[0], each[2]["x-api-key"], each[3]) for each in server.asked] == [("POST", SECRET, b"[1]")] * 2
    assert "more than 5 times" in str(await refused(tools, url=server.answer("/o", b"", 302, Location="/o")))
    for nowhere in ("http://[x", "ftp://a.example/", "http://"):
        assert (await refused(tools, url=server.answer("/n", b"", 302, Location=nowhere))).error in (
            "refused",
            "bad_input",
            "unavailable",
        )


async def test_another_host_gets_no_secret_and_nothing_that_was_sent(server: RawServer, tools: Registry) -> None:
    """A redirect to another origin carries neither credentials nor key, and what is sent does not follow it."""
    async with raw_server() as other:
        there = other.answer("/", b"hi", Content_Type="text/plain")
        url = server.answer("/", b"", 307, Location=there)
        auth = {"type": "api_key", "secret": "key"}
        assert (await tools.call("http_get", {"url": url, "auth": auth}))["body"] == "hi"
        assert "x-api-key" not in other.asked[0][2]
        error = await refused(tools, url=url, method="POST", body="all", auth=auth)
        assert (error.error, "to another host" in str(error)) == ("refused", True)
        assert len(other.asked) == 1
        server.answer("/", b"", 303, Location=there)
        given = {"url": url, "method": "POST", "body": "all", "auth": auth}
        assert (await tools.call("http", given, idempotency_key="k"))["body"] == "hi"
        assert (other.asked[1][0], other.asked[1][3]) == ("GET", b"")
        assert not {"x-api-key", "idempotency-key"} & set(other.asked[1][2])


@pytest.mark.slow
async def test_a_part_of_the_answer_is_chosen_by_json_path(server: RawServer, tools: Registry) -> None:
    """A path to one value gives that, one to several a list; what is not there, and what is no path, is told."""
    url = server.answer("/", b'{"items": [{"id": 1}, {"id": 2}]}', Content_Type="application/vnd.x+json")

    async def at(path: str) -> Any:
        return (await tools.call("http_get", {"url": url, "json_path": path}))["body"]

    assert await at("$.items[0].id") == 1
    assert await at("$.items[*].id") == [1, 2]
    for path, kind in (("$.items[5].id", "bad_output"), ("items[", "bad_input")):
        assert (await refused(tools, "http_get", url=url, json_path=path)).error == kind


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"{", b"[NaN]", b"\xff", b"[" * 100_000, b"[" * 900 + b"]" * 900])
async def test_json_that_is_none_or_too_deep(server: RawServer, tools: Registry, body: bytes) -> None:
    """It is an error of the answer, and none of the process."""
    url = server.answer("/", body, Content_Type="application/json")
    auth = {"type": "bearer", "secret": "key"}
    error = await refused(tools, url=url, auth=auth)
    assert error.error == "bad_output"


async def test_what_is_no_text_comes_in_base64(server: RawServer, tools: Registry) -> None:
    """And nothing as null; characters that no database holds are replaced."""
    url = server.answer("/", b"\x89PNG", Content_Type="image/png")
    assert (await tools.call("http_get", {"url": url}))["body"] == "iVBORw=="
    server.answer("/", b"")
    assert (await tools.call("http_get", {"url": url}))["body"] is None
    server.answer("/", b"a\x00b", Content_Type="text/plain; charset=none-such")
    assert (await tools.call("http_get", {"url": url}))["body"] == "a\ufffdb"


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nx", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 2\r\n"]
)
async def test_a_server_that_breaks_off_is_unavailable(server: RawServer, tools: Registry, answer: bytes) -> None:
    """No answer, half an answer, another protocol: worth another try."""
    error = await refused(tools, url=server.says("/", answer))
    assert error.error == "unavailable"


async def test_a_server_that_is_away_is_unavailable(box: Toolbox) -> None:
    """A refused connection says which host."""
    tools = replace(box, breakers=Breakers(MovedClock())).shown()
    error = await refused(tools, url="http://127.0.0.1:1/x?token=hush")
    assert (error.error, error.place) == ("unavailable", "http://127.0.0.1:1/x")
