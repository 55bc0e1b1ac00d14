"""The door to models: names, keys, packages, prices; and every provider's error as one of ours."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from langchain_core import exceptions as core
from langchain_core.messages import HumanMessage
from langgraph.errors import GraphInterrupt

from chains.classify import classify
from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from chains.models import ModelDoor, ProviderSettings, key_variable
from state.errors import (
    BadOutput,
    ContextOverflow,
    LimitReached,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    RateLimited,
    SetupError,
)
from tests.chains.model_doubles import served
from tests.openai_server import Reply, Server, answer, failure, openai_server

in_one_loop = pytest.mark.asyncio(loop_scope="module")  # where the connections of the door live

HELLO = [HumanMessage("hello")]


@pytest.fixture(scope="module")
def serving() -> Iterator[Server]:
    """One server on loopback for all tests of this file."""
    with openai_server() as running:
        yield running


@pytest.fixture
def server(serving: Server) -> Server:
    """That server, which has not been asked anything."""
    serving.forget()
    return serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(serving: Server) -> AsyncIterator[ModelDoor]:
    """A door to that server."""
    opened = served(serving.url)
    yield opened
    await opened.close()


def closed_door(**providers: ProviderSettings) -> ModelDoor:
    return ModelDoor(providers, {"openai/gpt-x": (1.0, 2.0)})


@pytest.mark.parametrize("name", ["", "gpt-5", "openai/", "/gpt", "Open AI/gpt", "openai/a b"])
def test_malformed_name_is_refused(name: str) -> None:
    """A name without provider or model is refused, and the message shows a right one."""
    with pytest.raises(SetupError, match="provider/model"):
        closed_door().chat(name)


def test_unknown_provider_is_refused_with_those_known() -> None:
    """A provider that nobody knows is refused; the message lists the known ones, the configured ones too."""
    with pytest.raises(SetupError) as caught:
        closed_door(local=ProviderSettings(base_url="http://127.0.0.1:1/v1")).chat("opnai/gpt-x")
    assert "'opnai'" in str(caught.value)
    for known in ("extractive", "fake", "openai", "anthropic", "local", "base URL"):
        assert known in str(caught.value)


def test_missing_key_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key in the settings the door refuses, also where the environment has one."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-from-the-environment")
    for name, variable in (("openai/gpt-x", "OPENAI_API_KEY"), ("anthropic/claude-x", "ANTHROPIC_API_KEY")):
        with pytest.raises(SetupError, match=variable):
            closed_door().chat(name)


def test_official_address_is_not_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a base URL in the settings OpenAI is asked at its own address, whatever the environment says."""
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    model: Any = closed_door(openai=ProviderSettings(api_key="sk-mine")).chat("openai/gpt-x")
    assert str(model.root_async_client.base_url) == "https://api.openai.com/v1/"


def test_missing_package_is_named() -> None:
    """A provider whose integration is not installed is refused with the command that installs it."""
    with pytest.raises(SetupError, match="pip install langchain-mistralai"):
        closed_door(mistralai=ProviderSettings(api_key="k")).chat("mistralai/some-model")


def test_key_variables() -> None:
    """The variable of a key follows from the provider's name; two providers have their own."""
    names = [key_variable(each) for each in ("openai", "my-server", "google_genai")]
    assert names == ["OPENAI_API_KEY", "MY_SERVER_API_KEY", "GOOGLE_API_KEY"]


def test_secrets_stay_out_of_repr() -> None:
    """Neither key nor headers show when settings are printed."""
    shown = repr(ProviderSettings(api_key="sk-secret", headers={"X-Key": "sk-secret"}))
    assert "sk-secret" not in shown


def test_fakes_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    """A fake model is a registered script or a script file; another name is refused with those registered."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"steps": [{"reply": "from a file"}]}))
    script = FakeScript.model_validate({"steps": [{"reply": "registered"}]})
    door = ModelDoor({}, {}, {"demo": script})
    for name, reply in (("fake/demo", "registered"), (f"fake/{path}", "from a file")):
        model = door.chat(name)
        assert isinstance(model, FakeChatModel)
        assert model.script.steps[0].reply == reply
    with pytest.raises(SetupError, match="demo"):
        door.chat("fake/dmeo")


def test_each_model_is_opened_once() -> None:
    """Asked twice the door gives the same model, and all its models share one pool of connections."""
    door = closed_door(local=ProviderSettings(base_url="http://127.0.0.1:1/v1"))
    one, two = door.chat("local/a"), door.chat("local/b")
    assert door.chat("local/a") is one
    assert one.http_async_client is two.http_async_client  # type: ignore[attr-defined]


def test_prices() -> None:
    """A price is known if it was given; the models of the house are free."""
    door = closed_door()
    assert door.price("openai/gpt-x") == (1.0, 2.0)
    assert door.price("openai/other") is None
    assert door.price("extractive") == door.price("fake/any") == (0.0, 0.0)


@in_one_loop
async def test_local_server_needs_no_key(server: Server, door: ModelDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of one's own is asked without a real key, and never with the environment's key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    server.say(answer("hi"))
    reply = await door.chat("local/any").ainvoke(HELLO)
    assert reply.text == "hi"
    assert server.headers[0]["authorization"] == "Bearer not-needed"
    assert server.paths == ["/v1/chat/completions"]
    assert not server.requests[0]["stream"]


async def test_key_and_headers_are_sent(server: Server) -> None:
    """What the settings say is what the server gets."""
    settings = ProviderSettings(base_url=server.url, api_key="sk-mine", headers={"X-Team": "blue"})
    door = closed_door(openai=settings)
    server.say(answer("hi"))
    await door.chat("openai/some/nested-name").ainvoke(HELLO)
    await door.close()
    assert server.headers[0]["authorization"] == "Bearer sk-mine"
    assert server.headers[0]["x-team"] == "blue"
    assert server.requests[0]["model"] == "some/nested-name"


FAILURES: list[tuple[Reply, type[ModelError], str]] = [
    (failure(401, "Incorrect API key provided: sk-abcdefghijkl"), ModelRefused, "LOCAL_API_KEY"),
    (failure(403, "Not for you"), ModelRefused, "LOCAL_API_KEY"),
    (failure(404, "The model does not exist", "model_not_found"), ModelRefused, "model's name"),
    (failure(402, "Insufficient Balance"), ModelRefused, "balance"),
    (failure(400, "tools: wrong schema"), ModelRefused, "wrong schema"),
    (failure(400, "Invalid value for context_options"), ModelRefused, "context_options"),
    (failure(422, "unknown field"), ModelRefused, "unknown field"),
    (failure(400, "This model's maximum context length is 4096 tokens."), ContextOverflow, "longer context"),
    (failure(400, "Too long", "context_length_exceeded"), ContextOverflow, "longer context"),
    (failure(400, "the request exceeds the available context size, try increasing it"), ContextOverflow, ""),
    (failure(500, "the request exceeds the available context size"), ContextOverflow, ""),
    (failure(400, "prompt is too long: 210000 tokens > 200000 maximum"), ContextOverflow, ""),
    (failure(422, "`inputs` tokens + `max_new_tokens` must be <= 4096"), ContextOverflow, ""),
    (failure(413, "Payload Too Large"), ContextOverflow, ""),
    (failure(429, "Request too large for gpt-x on tokens per min"), ContextOverflow, ""),
    (failure(429, "Slow down", "rate_limit_exceeded"), RateLimited, "Slow down"),
    (failure(429, "Too many tokens, please wait"), RateLimited, ""),
    (failure(429, "You exceeded your current quota", "insufficient_quota"), ModelRefused, "balance"),
    (failure(408, "timeout"), ModelUnavailable, ""),
    (failure(409, "conflict"), ModelUnavailable, ""),
    (failure(500, "oops"), ModelUnavailable, "oops"),
    (failure(503, "Loading model"), ModelUnavailable, "Loading model"),
    (failure(529, "Overloaded"), ModelUnavailable, ""),
    (Reply(cut=True), ModelUnavailable, "127.0.0.1"),
    (Reply(body="<html>a login page</html>"), ModelRefused, "base URL"),
    (Reply(body="{oops", headers={"Content-Type": "application/json"}), ModelUnavailable, ""),
    (Reply(body={"object": "chat.completion"}), ModelUnavailable, "choices"),
    (Reply(body={"error": {"message": "upstream is busy", "code": 502}}), ModelUnavailable, "upstream"),
    (Reply(body={"error": {"message": "no credit", "code": 402}}), ModelRefused, "no credit"),
]


@in_one_loop
@pytest.mark.parametrize(("reply", "kind", "told"), FAILURES)
async def test_failure_of_a_server_is_classified(
    server: Server, door: ModelDoor, reply: Reply, kind: type[ModelError], told: str
) -> None:
    """What the real client raises for an answer becomes the right kind of error, in the provider's words."""
    server.say(reply)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error of any client
        await door.chat("local/any").ainvoke(HELLO)
    found = classify(caught.value, "local/any")
    assert type(found) is kind
    assert told in str(found)
    assert "sk-abcdefghijkl" not in str(found)
    assert server.count == 1  # the client has no retry of its own


@pytest.mark.slow
async def test_server_that_is_too_slow_is_unavailable(server: Server) -> None:
    """A request ends after the provider's time limit."""
    door = closed_door(slow=ProviderSettings(base_url=server.url, timeout_seconds=0.1))
    server.say(Reply(seconds=1, body={}))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error of any client
        await door.chat("slow/any").ainvoke(HELLO)
    await door.close()
    found = classify(caught.value, "slow/any")
    assert isinstance(found, ModelUnavailable)
    assert "timed out" in str(found)


async def test_server_that_is_not_there_is_unavailable() -> None:
    """A refused connection names the address that was tried."""
    door = served("http://127.0.0.1:9/v1")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error of any client
        await door.chat("local/any").ainvoke(HELLO)
    found = classify(caught.value, "local/any")
    assert isinstance(found, ModelUnavailable)
    assert "127.0.0.1:9" in str(found)
    assert "connection attempts failed" in str(found)
    await door.close()


def limited(retry_after: str | None = None, **headers: str) -> Exception:
    """A rate limit as a client raises it, with the headers of its response."""
    error = core.ModelRateLimitError("slow down")
    given = headers | ({"Retry-After": retry_after} if retry_after is not None else {})
    error.response = httpx.Response(429, headers=given)  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (limited("7"), 7.0),
        (limited("0.5"), 0.5),
        (limited("-3"), 0.0),
        (limited("soon"), None),
        (limited(), None),
        (limited("9", **{"retry-after-ms": "250"}), 0.25),
        (limited("Wed, 21 Oct 2015 07:28:00 GMT"), 0.0),
    ],
)
def test_retry_after_is_read(error: Exception, seconds: float | None) -> None:
    """The pause is read as seconds, milliseconds or a date; nonsense is no pause."""
    found = classify(error, "m/x")
    assert isinstance(found, ModelUnavailable)
    assert found.retry_after == seconds


def test_retry_after_may_be_a_date_ahead() -> None:
    """A date is turned into the seconds until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    found = classify(limited(date), "m/x")
    assert isinstance(found, ModelUnavailable)
    assert found.retry_after == pytest.approx(30, abs=3)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (core.ModelConnectionError("x"), ModelUnavailable),
        (core.ModelTimeoutError("x"), ModelUnavailable),
        (core.ModelAuthenticationError("x"), ModelRefused),
        (core.ModelNotFoundError("x"), ModelRefused),
        (core.ContextOverflowError("x"), ContextOverflow),
        (core.OutputParserException("x"), BadOutput),
        (httpx.ReadTimeout("x"), ModelUnavailable),
        (httpx.ConnectError("x"), ModelUnavailable),
        (TimeoutError(), ModelUnavailable),
        (ConnectionResetError("x"), ModelUnavailable),
    ],
)
def test_other_clients_are_classified(error: Exception, kind: type[ModelError]) -> None:
    """LangChain's own classes, httpx and the standard library count whichever integration raises them."""
    assert type(classify(error, "m/x")) is kind


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        KeyError("a bug"),
        TypeError("a bug"),
        RuntimeError("a bug"),
        SetupError("a setting"),
        GraphInterrupt(()),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
)
def test_what_is_not_the_models_is_left_alone(error: BaseException) -> None:
    """Bugs, interrupts and cancellation are no error of a model."""
    assert classify(error, "m/x") is None


def test_our_own_errors_stay_what_they_are() -> None:
    """An error that is one of ours already comes back as the same object."""
    error = LimitReached("enough", limit="tokens")
    assert classify(error, "m/x") is error


@pytest.mark.slow
@in_one_loop
@pytest.mark.parametrize(("told", "sent"), [(None, 4096), (700, 700), (0, None)])
async def test_the_limit_of_an_answer_can_be_left_out(server: Server, told: int | None, sent: int | None) -> None:
    """A server of one's own is sent a limit, another one, or none at all."""
    server.say(answer("four"))
    door = closed_door(own=ProviderSettings(base_url=server.url, max_output_tokens=told))
    await door.chat("own/any").ainvoke(HELLO)
    await door.close()
    assert (server.requests[0].get("max_tokens"), "max_completion_tokens" in server.requests[0]) == (sent, False)


@in_one_loop
async def test_no_account_of_the_environment_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The organization and project of an OpenAI account are no other server's business."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    server.say(answer("four"))
    door = closed_door(own=ProviderSettings(base_url=server.url))
    await door.chat("own/any").ainvoke(HELLO)
    await door.close()
    assert "secret" not in str(server.headers)
