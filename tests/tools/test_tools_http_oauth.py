"""OAuth 2 client credentials against a token server on loopback."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.tools.clocks import MovedClock
from tests.tools.http_calls import JSON, http_tools, refused
from tests.tools.raw_server import RawServer, raw_server
from tools.registry import Registry

SECRETS = {"app": "client:1", "app_secret": "hush&hush"}


class TokenServer:
    """Gives tokens, numbered, and takes the newest only."""

    def __init__(self, server: RawServer, **more: Any) -> None:
        self.server, self.given, self.more = server, 0, more
        server.answers["/token"] = self._token
        server.answers["/api"] = self._api
        self.auth = {
            "type": "oauth2",
            "token_url": server.base + "/token",
            "client": "app",
            "secret": "app_secret",
            "scope": "read list",
        }

    async def get(self, tools: Registry, **more: Any) -> Any:
        return (await tools.call("http_get", {"url": self.server.base + "/api", "auth": {**self.auth, **more}}))["body"]

    def asked(self, path: str) -> list[tuple[str, str, dict[str, str], bytes]]:
        return [each for each in self.server.asked if each[1] == path]

    async def _token(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        self.given += 1
        yield _said(200, {"access_token": f"token-{self.given}", "token_type": "Bearer", **self.more})

    async def _api(self) -> AsyncIterator[bytes]:
        sent = self.server.asked[-1][2].get("authorization", "")
        is_good = sent == f"Bearer token-{self.given}"
        yield _said(200 if is_good else 401, {"you": sent})


def _said(status: int, value: Any) -> bytes:
    body = json.dumps(value).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


async def test_a_token_is_asked_for_once_and_used_until_it_ends(
    server: RawServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls at the same time wait for one request; a little before its end the next is asked for; no log has it."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpcore")  # as run_workflow/logs.py has it
    site, clock = TokenServer(server, expires_in=100), MovedClock()
    async with http_tools(SECRETS, clock) as tools:
        assert await asyncio.gather(*(site.get(tools) for _ in range(4))) == [{"you": "Bearer ***"}] * 4
        ((method, _, headers, body),) = site.asked("/token")
        assert (method, headers["authorization"]) == ("POST", "Basic Y2xpZW50JTNBMTpodXNoJTI2aHVzaA==")
        assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "scope": ["read list"]}
        clock.passed += 89
        await site.get(tools)
        assert site.given == 1
        clock.passed += 2
        await site.get(tools)
        assert site.given == 2
    assert not any(said in caplog.text for said in ("hush", "token-", "Y2xp"))


async def test_a_token_that_is_refused_is_renewed_once(server: RawServer) -> None:
    """A new one is asked for, and the request is sent again; a second refusal is the answer."""
    site = TokenServer(server)
    async with http_tools(SECRETS) as tools:
        await site.get(tools)
        site.given += 1  # the server forgot the first
        assert await site.get(tools) == {"you": "Bearer ***"}
        assert (site.given, len(site.asked("/api"))) == (3, 3)
        server.answer("/api", b"no", 401)
        error = await refused(tools, url=server.base + "/api", auth=site.auth)
        assert (error.error, "status 401" in str(error)) == ("refused", True)
        assert (site.given, len(site.asked("/api"))) == (4, 5)


async def test_client_and_secret_may_stand_in_the_body(server: RawServer) -> None:
    """Where a server asks for that; in the header they then do not stand."""
    site = TokenServer(server)
    async with http_tools(SECRETS) as tools:
        await site.get(tools, client_auth="body")
    ((_, _, headers, body),) = site.asked("/token")
    assert "authorization" not in headers
    assert parse_qs(body.decode())["client_secret"] == ["hush&hush"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "value", "kind", "said"),
    [
        (401, {"error": "invalid_client", "for": "hush&hush"}, "refused", "invalid_client"),
        (503, {}, "unavailable", "No token was got"),
        (200, {"access_token": ""}, "bad_output", "no bearer token"),
        (200, {"access_token": "a\nb"}, "bad_output", "no bearer token"),
        (200, {"access_token": "a", "token_type": "mac"}, "bad_output", "no bearer token"),
        (200, [], "bad_output", "no bearer token"),
    ],
)
async def test_a_server_that_gives_no_token_is_told(
    server: RawServer, status: int, value: Any, kind: str, said: str
) -> None:
    """With its address and class, without the secret; the API is not asked."""
    site = TokenServer(server)
    server.says("/token", _said(status, value))
    async with http_tools(SECRETS) as tools:
        error = await refused(tools, url=server.base + "/api", auth=site.auth)
    assert (error.error, said in str(error), "hush" in str(error)) == (kind, True, False)
    assert str(error.place).endswith("/token")
    assert site.asked("/api") == []


async def test_a_token_server_in_a_private_network_is_not_asked(server: RawServer) -> None:
    """The guard holds for it as for every address."""
    site = TokenServer(server)
    async with http_tools(SECRETS) as tools:
        auth = {**site.auth, "token_url": f"http://localhost:{server.port}/token"}
        error = await refused(tools, url=server.base + "/api", auth=auth)
        assert (error.error, "in a private network" in str(error)) == ("refused", True)
        error = await refused(tools, url=server.base + "/api", auth={"type": "oauth2", "secret": "app_secret"})
        assert "oauth2 needs token_url and client" in str(error)
    assert server.asked == []
