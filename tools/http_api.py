"""The tools `http` and `http_get`: one request to a web API, and its answer as values.

Secrets are named, never written: the value of one goes into the request and nowhere else, and where a server sends it
back it is masked. Every connection goes through the guard of `tools/network.py`.
"""

import asyncio
import base64
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

from state.errors import ToolFailed
from state.runs import Json
from tools.answers import failure, masked, masked_within, parsed, selected
from tools.effects import effects
from tools.network import ACCEPTED, Clients, TooLarge, UnknownEncoding, limited_body, web_netloc

MOST_SECONDS = 600.0
_MOST_REDIRECTS = 5
_MOST_BYTES = 50_000_000
_RESERVED = ("authorization", "proxy-authorization", "host", "content-length", "transfer-encoding", "accept-encoding")
_SAFE = ("GET", "HEAD")
_VISIBLE = "".join(map(chr, range(33, 127)))


class Auth(BaseModel):
    """How a request says who sends it."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["bearer", "basic", "api_key"]
    secret: str = Field(description="Name of the secret in the settings; never the secret itself.")
    user: str = Field(default="", description="For basic: the name that goes with the secret.")
    header: str = Field(default="X-API-Key", description="For api_key: the header that holds the secret.")


class HttpGet(BaseModel):
    """What to ask for."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Address, beginning with http:// or https://.")
    query: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, description="Parameters that are added to the address."
    )
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    timeout: float = Field(default=30.0, gt=0, le=MOST_SECONDS, description="Seconds for the whole answer.")
    max_bytes: int = Field(default=5_000_000, gt=0, le=_MOST_BYTES, description="Of the answer, unpacked.")
    accept: list[int] = Field(
        default_factory=list, description="Statuses other than 2xx that are no failure, for instance 404."
    )
    json_path: str | None = Field(
        default=None, description="JSONPath (RFC 9535), for instance $.items[0].id: only that part is the body."
    )


class HttpRequest(HttpGet):
    """What to send."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    body: Any = Field(default=None, description="A text is sent as it is, anything else as JSON.")
    idempotency_key: Annotated[str, InjectedToolArg] = ""


class HttpAnswer(BaseModel):
    """What came back."""

    status: int
    headers: dict[str, str] = Field(description="By names in small letters.")
    body: Any = Field(description="JSON as values; text as it is; anything else in base64.")


OUTPUT: Json = HttpAnswer.model_json_schema()


class HttpApi:
    """Sends requests through the guarded client of the process."""

    def __init__(self, clients: Clients, secrets: Mapping[str, str]) -> None:
        self._clients = clients
        self._secrets = secrets

    def tools(self) -> tuple[BaseTool, BaseTool]:
        """`http` and `http_get`."""
        ask = StructuredTool.from_function(
            coroutine=self._called,
            name="http_get",
            description="Asks a web API, and changes nothing there.",
            args_schema=HttpGet,
            metadata=effects("read", "url"),
        )
        send = StructuredTool.from_function(
            coroutine=self._called,
            name="http",
            description="Sends a request to a web API; to ask only, take http_get.",
            args_schema=HttpRequest,
            metadata=effects("write", "url"),
        )
        return send, ask

    def secret(self, name: str) -> str:
        """The value of a secret. Raises ToolFailed if there is none, or no header can hold it."""
        value = self._secrets.get(name.lower())
        if not value:
            remedy = f"Set STRETTO_SECRET_{name.upper()}."
            raise ToolFailed(f"There is no secret {name!r} in the settings.", "bad_input", remedy=remedy)
        if not (value.isascii() and value.isprintable()):
            raise ToolFailed(f"The secret {name!r} has characters that no header can hold.", "bad_input")
        return value

    async def send(self, request: HttpRequest, extra: Mapping[str, str] | None = None) -> HttpAnswer:
        """The answer. Raises ToolFailed with its class; `extra` headers go to the host that was named only."""
        _refuse_odd(request)
        own = self._credentials(request.auth)
        known = [value.removeprefix("Basic ").removeprefix("Bearer ") for value in own.values()]
        known += [self.secret(request.auth.secret)] if request.auth else []
        try:
            async with asyncio.timeout(request.timeout):
                return await self._answer(request, {**own, **(extra or {})}, known)
        except (TimeoutError, httpx.TimeoutException) as error:
            said = f"The answer did not come within {request.timeout:g} s."
            raise ToolFailed(said, "timeout", place=shown(request.url)) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise ToolFailed("This is no request that can be sent.", "bad_input", place=shown(request.url)) from error
        except httpx.ProtocolError as error:  # its text may hold the headers that were sent
            said = f"The server does not speak HTTP as it should ({type(error).__name__})."
            raise ToolFailed(said, "unavailable", place=shown(request.url)) from None
        except httpx.HTTPError as error:
            said = masked(f"It cannot be reached: {error or type(error).__name__}.", known)
            raise ToolFailed(said, "unavailable", place=shown(request.url)) from error

    async def _called(self, **given: Any) -> Json:
        return (await self.send(HttpRequest(**given))).model_dump()

    async def _answer(self, request: HttpRequest, own: Mapping[str, str], known: list[str]) -> HttpAnswer:
        client = self._clients.guarded
        sent: httpx.Request | None = self._built(client, request, own)
        for _ in range(_MOST_REDIRECTS + 1):
            assert sent is not None  # what redirects has a next request
            response = await client.send(sent, stream=True, follow_redirects=False)
            try:
                if not response.has_redirect_location or response.status_code in request.accept:
                    return await _read(response, request, known)
                sent = _next(response, own)
            finally:
                await response.aclose()
        raise ToolFailed(f"It redirects more than {_MOST_REDIRECTS} times.", "refused", place=shown(request.url))

    def _built(self, client: httpx.AsyncClient, request: HttpRequest, own: Mapping[str, str]) -> httpx.Request:
        content = request.body if isinstance(request.body, str) else None
        key = {}
        if request.method not in _SAFE and request.idempotency_key:
            key["Idempotency-Key"] = quote(request.idempotency_key, safe=_VISIBLE)
        return client.build_request(
            request.method,
            request.url,
            params=httpx.QueryParams(httpx.URL(request.url).query.decode()).merge(request.query),
            headers={"User-Agent": "stretto", **request.headers, **ACCEPTED, **key, **own},
            content=content,
            json=None if content is not None else request.body,
            timeout=request.timeout,
        )

    def _credentials(self, auth: Auth | None) -> dict[str, str]:
        if auth is None:
            return {}
        secret = self.secret(auth.secret)
        if auth.type == "bearer":
            return {"Authorization": f"Bearer {secret}"}
        if auth.type == "basic":
            both = base64.b64encode(f"{auth.user}:{secret}".encode()).decode()
            return {"Authorization": f"Basic {both}"}
        return {auth.header: secret}


def host_of(request: Json) -> str:
    """Host and port of the address in an input, for circuit breakers."""
    try:
        return urlsplit(str(request.get("url", ""))).netloc.rpartition("@")[2].lower()
    except ValueError:  # whoever sends it says what is wrong with it
        return ""


def shown(url: str) -> str:
    """The address without what may be secret in it: user, password, parameters."""
    return url.partition("?")[0].partition("#")[0] if "@" not in url.partition("?")[0] else host_of({"url": url})


def _refuse_odd(request: HttpRequest) -> None:
    try:
        netloc = web_netloc(request.url)
    except ValueError as error:
        raise ToolFailed(f"{error}.".capitalize(), "bad_input", place=shown(request.url)) from error
    if "@" in netloc:
        raise ToolFailed(
            "A user or a password stands in the address.", "bad_input", remedy="Give auth with the name of a secret."
        )
    for name in request.headers:
        if name.lower() in _RESERVED:
            remedy = "Give auth with the name of a secret." if "authorization" in name.lower() else "Leave it out."
            raise ToolFailed(f"The header {name} is not taken from the input.", "bad_input", remedy=remedy)


def _next(response: httpx.Response, own: Mapping[str, str]) -> httpx.Request:
    """The request that a redirect asks for, without what only the first host may know."""
    sent, following = response.request, response.next_request
    if following is None:
        raise ToolFailed("It redirects to what is no address.", "refused", place=shown(str(sent.url)))
    if _origin(sent.url) != _origin(following.url):
        if following.method not in _SAFE:
            said = f"It redirects what was sent to another host, {following.url.host}."
            raise ToolFailed(said, "refused", place=shown(str(sent.url)), remedy="Name that host, if it is meant.")
        for name in (*own, "Idempotency-Key", "Authorization", "Cookie"):
            following.headers.pop(name, None)
    return following


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


async def _read(response: httpx.Response, request: HttpRequest, known: list[str]) -> HttpAnswer:
    place = shown(str(response.request.url))
    try:
        data = await limited_body(response, request.max_bytes)
    except TooLarge as error:
        said = f"The answer is larger than {request.max_bytes} bytes."
        raise ToolFailed(said, "bad_output", place=place, remedy="Raise max_bytes.") from error
    except UnknownEncoding as error:
        raise ToolFailed(
            f"The answer is packed in a way that is not read: {error}.", "bad_output", place=place
        ) from error
    if not response.is_success and response.status_code not in request.accept:
        raise failure(response, data, place, known)
    body = parsed(response, data, place)
    if request.json_path:
        body = selected(body, request.json_path, place)
    headers = {name: value for name, value in response.headers.items() if name != "set-cookie"}
    return HttpAnswer(
        status=response.status_code, headers=masked_within(headers, known), body=masked_within(body, known)
    )
