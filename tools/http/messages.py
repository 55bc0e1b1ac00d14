"""What the HTTP tools take and give back."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, ConfigDict, Field, model_validator

from state.runs import Json

MOST_SECONDS = 600.0
SAFE = ("GET", "HEAD")
_MOST_BYTES = 50_000_000
_MOST_PAGES = 1000

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Form):
    """How a request says who sends it."""

    type: Literal["bearer", "basic", "api_key", "oauth2"]
    secret: str = Field(
        description="Name of the secret in the settings; never the secret itself. For oauth2: that of the client."
    )
    user: str = Field(default="", description="For basic: the name that goes with the secret.")
    header: str = Field(default="X-API-Key", description="For api_key: the header that holds the secret.")
    token_url: str = Field(default="", description="For oauth2: where a token is asked for by client credentials.")
    client: str = Field(default="", description="For oauth2: name of the secret that holds the id of the client.")
    scope: str = Field(default="", description="For oauth2: what the token is to allow, with spaces between.")
    client_auth: Literal["basic", "body"] = Field(
        default="basic", description="For oauth2: where the client's id and secret stand in the request for a token."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "Auth":
        if self.type == "oauth2" and not (self.token_url and self.client):
            raise ValueError("oauth2 needs token_url and client")
        return self


class Caching(_Form):
    """Whether an answer that another call got may be used again; of GET and HEAD only."""

    mode: Literal["headers", "ttl", "off"] = Field(
        default="headers",
        description="headers: as the headers of the answer allow (RFC 9111). ttl: the same, and an answer without such "
        "headers for so many seconds. off: the server is always asked.",
    )
    ttl: float = Field(default=1800.0, gt=0, description="Seconds, for the mode ttl.")
    with_credentials: bool = Field(
        default=False,
        description="Also of requests with credentials: for calls that name the same ones.",
    )


class Pages(_Form):
    """How the next page of an answer in several is found; the body is then a list of all their items."""

    by: Literal["link", "cursor", "page", "offset"] = Field(
        description="link: the header Link with rel=next. cursor: a value in the answer. page: a number that is "
        "counted up. offset: the number of items so far."
    )
    cursor: str = Field(default="", description="For cursor: JSONPath to it in the answer; null or nothing ends.")
    parameter: str = Field(
        default="",
        description="Query parameter that asks for a page: page, offset or cursor unless it is named. The next page's "
        "whole address may be a cursor, too.",
    )
    start: int | None = Field(default=None, ge=0, description="The first page (1), or offset (0).")
    size: int | None = Field(default=None, gt=0, description="Items of a full page: one with fewer is the last.")
    most: int = Field(default=20, gt=0, le=_MOST_PAGES, description="Pages that are asked for at most.")

    @model_validator(mode="after")
    def _is_whole(self) -> "Pages":
        if (self.by == "cursor") != bool(self.cursor):
            raise ValueError("cursor needs the JSONPath of the cursor, and nothing else does")
        return self


class Common(_Form):
    """What every request has."""

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


class Sending(_Form):
    """What a request has that may change something."""

    method: Method = "GET"
    body: Any = Field(default=None, description="A text is sent as it is, anything else as JSON.")
    idempotency_key: Annotated[str, InjectedToolArg] = ""


class HttpGet(Common):
    """What to ask for."""

    caching: Caching = Field(default_factory=Caching)
    pages: Pages | None = Field(
        default=None, description="For answers in several pages; json_path names the list of items in each."
    )


class HttpRequest(HttpGet, Sending):
    """What to send."""

    @model_validator(mode="after")
    def _asks_for_pages(self) -> "HttpRequest":
        if self.pages and self.method != "GET":
            raise ValueError("only GET can ask for pages")
        return self


class HttpAnswer(BaseModel):
    """What came back."""

    status: int
    headers: dict[str, str] = Field(description="By names in small letters; of several pages those of the last.")
    body: Any = Field(description="JSON as values; text as it is; anything else in base64; of several pages the items.")
    pages: int = Field(default=1, description="How many were asked for.")
    more: bool = Field(default=False, description="Whether there are more pages than were asked for.")
    from_cache: bool = Field(default=False, description="Whether no server had to send it.")


OUTPUT: Json = HttpAnswer.model_json_schema()


def host_of(request: Json) -> str:
    """Host and port of the address in an input, for circuit breakers."""
    try:
        return urlsplit(str(request.get("url", ""))).netloc.rpartition("@")[2].lower()
    except ValueError:  # whoever sends it says what is wrong with it
        return ""


def shown(url: str) -> str:
    """The address without what may be secret in it: user, password, parameters."""
    return url.partition("?")[0].partition("#")[0] if "@" not in url.partition("?")[0] else host_of({"url": url})
