"""Who sends a request: headers made of named secrets, and tokens got by OAuth 2 client credentials (RFC 6749)."""

import asyncio
import base64
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from state.errors import ToolFailed
from state.ports import Clock
from tools.http.messages import Auth, Caching, HttpRequest, shown

_EARLY_SECONDS = 30.0
"""So much before its end a token is not used any more, or a tenth of its life."""
_MOST_TOKEN_BYTES = 100_000


@dataclass(frozen=True)
class Credentials:
    """What goes out with a request, and what must be seen nowhere."""

    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    identity: str = ""
    """Tells the credentials apart by their names."""
    token: str = ""
    """The token among them, if it was got for the purpose."""
    is_second: bool = False
    """Whether it was asked for because the server refused another."""


Ask = Callable[[HttpRequest, Credentials], Awaitable[Any]]
"""Sends a request; the values of the body of its answer."""


class Credentialing:
    """Makes the credentials of requests; tokens stay in memory."""

    def __init__(self, secrets: Mapping[str, str] | None, clock: Clock, ask: Ask) -> None:
        """None: whoever calls is lent no secrets."""
        self._secrets = secrets
        self._tokens = _Tokens(clock, ask)

    def secret(self, name: str) -> str:
        """The value of a secret. Raises ToolFailed if none is lent, there is none, or no header can hold it."""
        if self._secrets is None:
            remedy = "Offer a workflow whose file names the secret and the address."
            raise ToolFailed("Secrets are not lent to MCP clients.", "refused", remedy=remedy)
        value = self._secrets.get(name.lower())
        if not value:
            remedy = f"Set STRETTO_SECRET_{name.upper()}."
            raise ToolFailed(f"There is no secret {name!r} in the settings.", "bad_input", remedy=remedy)
        if not (value.isascii() and value.isprintable()):
            raise ToolFailed(f"The secret {name!r} has characters that no header can hold.", "bad_input")
        return value

    async def of(self, auth: Auth | None, *, refused: str = "") -> Credentials:
        """The credentials that `auth` names; not the token that a server `refused`. Raises ToolFailed."""
        if auth is None:
            return Credentials()
        secret, identity = self.secret(auth.secret), auth.model_dump_json()
        if auth.type == "bearer":
            return Credentials({"Authorization": f"Bearer {secret}"}, (secret,), identity)
        if auth.type == "basic":
            both = _basic(auth.user, secret)
            return Credentials({"Authorization": f"Basic {both}"}, (both, secret), identity)
        if auth.type == "api_key":
            return Credentials({auth.header: secret}, (secret,), identity)
        client = self.secret(auth.client)
        token = await self._tokens.of(auth, identity, (client, secret), refused)
        return Credentials(
            {"Authorization": f"Bearer {token}"}, (token, secret, client), identity, token, bool(refused)
        )


class _Tokens:
    """Tokens by what they were asked with: each is asked for once at a time, and used until it ends."""

    def __init__(self, clock: Clock, ask: Ask) -> None:
        self._clock, self._ask = clock, ask
        self._kept: dict[str, tuple[str, float]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, auth: Auth, identity: str, client: tuple[str, str], refused: str) -> str:
        """A token that is good by all that is known."""
        async with self._locks[identity]:
            token, until = self._kept.get(identity, ("", 0.0))
            if not token or token == refused or self._clock.elapsed() >= until:
                self._kept.pop(identity, None)
                token, until = await self._new(auth, client)
                self._kept[identity] = token, until
            return token

    async def _new(self, auth: Auth, client: tuple[str, str]) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", **({"scope": auth.scope} if auth.scope else {})}
        headers: dict[str, str] = {}
        secrets: tuple[str, ...] = client
        if auth.client_auth == "basic":
            both = _basic(*map(quote_plus, client))
            headers, secrets = {"Authorization": f"Basic {both}"}, (*client, both)
        else:
            form |= {"client_id": client[0], "client_secret": client[1]}
        request = HttpRequest(
            url=auth.token_url,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urlencode(form),
            max_bytes=_MOST_TOKEN_BYTES,
            caching=Caching(mode="off"),
        )
        asked = self._clock.elapsed()
        try:
            given = await self._ask(request, Credentials(headers, secrets))
        except ToolFailed as error:
            said, after = f"No token was got: {error.message}", error.retry_after
            raise ToolFailed(said, error.error, place=error.place, remedy=error.remedy, retry_after=after) from error
        return _token(given, auth.token_url, asked)


def _token(given: Any, url: str, asked: float) -> tuple[str, float]:
    """The token in an answer (RFC 6749, section 5.1), and the time on the clock until which it is used."""
    fields = given if isinstance(given, dict) else {}
    token, kind = fields.get("access_token"), str(fields.get("token_type", "bearer"))
    if not (isinstance(token, str) and token and token.isascii() and token.isprintable()) or kind.lower() != "bearer":
        said = "It gave no bearer token of the form of OAuth 2."
        raise ToolFailed(said, "bad_output", place=shown(url))
    try:
        life = float(fields.get("expires_in", math.inf))
    except (TypeError, ValueError):
        life = math.inf
    return token, asked + life - min(_EARLY_SECONDS, life / 10)


def _basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()
