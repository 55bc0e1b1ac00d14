"""The governed model: recorded, retried in one layer, with fallbacks, limits and honest accounts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from chains.answers import ESTIMATED
from chains.governed import governed
from chains.models import ModelDoor
from chains.retrying import MAX_TRIES
from state.context import BranchLimits
from state.errors import (
    BadOutput,
    ContextOverflow,
    LimitReached,
    ModelRefused,
    ModelUnavailable,
    SetupError,
)
from tests.chains.model_doubles import Bench, fake_of, scripted, served
from tests.openai_server import Reply, Server, answer, failure, openai_server

pytestmark = pytest.mark.asyncio(loop_scope="module")  # the connections of a door live in one loop

ASK = [SystemMessage("be brief"), HumanMessage("what is 2 + 2?")]


class Sum(BaseModel):
    """A sum."""

    total: int


@tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


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


@pytest_asyncio.fixture(loop_scope="module")
async def door(serving: Server) -> AsyncIterator[ModelDoor]:
    """A door to that server, which has not learnt its rates; `local/dear` has a price."""
    opened = served(serving.url, dear=(1_000.0, 10_000.0))
    yield opened
    await opened.close()


@pytest.fixture
def run(door: ModelDoor) -> Bench:
    """A run whose models `local/…` are that server."""
    return Bench(door)


@pytest.mark.slow
async def test_recorded_call_is_never_made_again(server: Server, run: Bench) -> None:
    """A second execution gets the same message, ids and all, and the server hears nothing of it."""
    server.say(answer(calls=[("add", '{"a": 2, "b": null}')]))
    first = await governed(run.scope(), "local/m").bind_tools([add]).ainvoke(ASK)
    second = await governed(run.resumed().scope(), "local/m").bind_tools([add]).ainvoke(ASK)
    assert first == second
    assert first.tool_calls == [{"name": "add", "args": {"a": 2, "b": None}, "id": "call_0", "type": "tool_call"}]
    assert server.count == 1


async def test_ids_and_usage_of_messages_do_not_change_the_request(server: Server, run: Bench) -> None:
    """A conversation that differs only in ids of messages and what they used is the same request."""
    server.say(answer("four"))
    call: Any = {"name": "add", "args": {}, "id": "c1", "type": "tool_call"}
    for key in ("x", "y"):
        usage: Any = {"input_tokens": len(key), "output_tokens": ord(key), "total_tokens": 0}
        said = AIMessage("hm", id=f"ai-{key}", usage_metadata=usage, tool_calls=[call])
        messages = [
            HumanMessage("2 + 2?", id=key),
            said,
            ToolMessage("4", tool_call_id="c1", id=f"tool-{key}"),
        ]
        await governed(run.scope(), "local/m").ainvoke(messages)
    assert server.count == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", ["text", "tools", "choice", "stop", "model", "option", "status"])
async def test_whatever_the_model_is_sent_makes_another_request(server: Server, run: Bench, change: str) -> None:
    """A change of text, tools, options or model is another call."""
    server.say(answer("four"))

    def result(status: Any) -> list[Any]:
        call: Any = {"name": "add", "args": {}, "id": "c1", "type": "tool_call"}
        return [
            HumanMessage("2 + 2?"),
            AIMessage("", tool_calls=[call]),
            ToolMessage("4", tool_call_id="c1", status=status),
        ]

    await governed(run.scope(), "local/m").bind_tools([add]).ainvoke(result("success"))
    model = governed(run.scope(), "local/other" if change == "model" else "local/m")
    choice = "any" if change == "choice" else None
    bound = model.bind_tools([add, Sum] if change == "tools" else [add], tool_choice=choice)
    options = {"stop": ["."]} if change == "stop" else {"temperature": 0.5} if change == "option" else {}
    messages = result("error" if change == "status" else "success")
    messages = [*messages, HumanMessage("more")] if change == "text" else messages
    await bound.ainvoke(messages, **options)
    assert server.count == 2


async def test_retry_layer_is_one_only(server: Server, run: Bench) -> None:
    """A server that stays overloaded gets exactly the tries of our layer, with growing pauses."""
    server.say(failure(503, "overloaded"))
    with pytest.raises(ModelUnavailable, match="overloaded"):
        await governed(run.scope(), "local/m").ainvoke(ASK)
    assert server.count == MAX_TRIES
    assert len(run.clock.slept) == MAX_TRIES - 1
    assert run.clock.slept[0] < 0.8
    assert run.clock.slept[2] > 0.9
    assert not run.journal.calls


async def test_retry_after_is_honoured(server: Server, run: Bench) -> None:
    """The pause is at least what the server asked for; then the call succeeds and counts once."""
    server.say(failure(429, "slow down", Retry_After="7"), answer("four"))
    scope = run.scope()
    reply = await governed(scope, "local/m").ainvoke(ASK)
    assert reply.text == "four"
    assert [7 <= pause < 8 for pause in run.clock.slept if pause] == [True]
    assert scope.used.model_calls == 1


async def test_pause_beyond_the_bound_is_not_waited_for(server: Server, run: Bench) -> None:
    """A server that asks for an hour is given up at once."""
    server.say(failure(429, "come back later", Retry_After="3600"))
    with pytest.raises(ModelUnavailable) as caught:
        await governed(run.scope(), "local/m").ainvoke(ASK)
    assert (caught.value.retry_after, server.count, run.clock.slept) == (3600, 1, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (failure(401, "bad key"), ModelRefused),
        (failure(400, "context_length_exceeded", "context_length_exceeded"), ContextOverflow),
        (failure(429, "quota", "insufficient_quota"), ModelRefused),
    ],
)
async def test_what_waiting_does_not_mend_is_not_retried(server: Server, run: Bench, reply: Reply, kind: type) -> None:
    """A refusal or an overflow costs one request."""
    server.say(reply)
    with pytest.raises(kind):
        await governed(run.scope(), "local/m").ainvoke(ASK)
    assert server.count == 1


async def test_cut_connection_is_retried(server: Server, run: Bench) -> None:
    """A connection cut in the middle is tried again."""
    server.say(Reply(cut=True), failure(500, "oops"), answer("four"))
    assert (await governed(run.scope(), "local/m").ainvoke(ASK)).text == "four"
    assert server.count == 3


async def test_fallback_answers_for_a_model_that_cannot(server: Server, run: Bench) -> None:
    """After the tries of the first model the next is asked; the record and the price are the next one's."""
    server.say(*[failure(500, "down")] * MAX_TRIES, answer("four"))
    scope = run.scope()
    reply = await governed(scope, "local/m", ["local/dear"]).ainvoke(ASK)
    assert reply.text == "four"
    assert [request["model"] for request in server.requests] == ["m"] * MAX_TRIES + ["dear"]
    (record,) = run.journal.calls.values()
    assert record.name == "local/dear"
    assert record.usage.money == pytest.approx(0.3)
    assert (scope.used.unpriced_calls, scope.used.model_calls) == (0, 1)


async def test_fallback_gets_the_tools_in_its_own_form(run: Bench, server: Server) -> None:
    """Tools are bound for the model that answers, and a refused model is not tried twice."""
    server.say(failure(401, "bad key"), answer(calls=[("Sum", '{"total": 4}')]))
    model = governed(run.scope(), "local/m", ["local/n"]).with_structured_output(Sum)
    assert await model.ainvoke(ASK) == Sum(total=4)
    assert [request["tools"][0]["function"]["name"] for request in server.requests] == ["Sum", "Sum"]


async def test_all_models_failing_is_one_error(server: Server, run: Bench) -> None:
    """When nobody answers, the error tells of each, and is worth another try if one of them is."""
    server.say(failure(401, "bad key"), failure(503, "overloaded"))
    with pytest.raises(ModelUnavailable) as caught:
        await governed(run.scope(), "local/m", ["local/n"]).ainvoke(ASK)
    assert "local/m refused" in caught.value.message
    assert "local/n did not answer" in caught.value.message


async def test_fallback_that_cannot_be_opened_is_told_at_once() -> None:
    """A mistake in a fallback's name shows before the first call."""
    with pytest.raises(SetupError, match="nonsense"):
        governed(scripted({"reply": "x"}).scope(), "fake/main", ["nonsense/x"])


async def test_overflow_does_not_fall_back(server: Server, run: Bench) -> None:
    """A prompt that is too long is the caller's to shorten; no other model is asked."""
    server.say(failure(400, "x", "context_length_exceeded"))
    with pytest.raises(ContextOverflow):
        await governed(run.scope(), "local/m", ["local/n"]).ainvoke(ASK)
    assert server.count == 1


BAD: list[tuple[Reply, str]] = [
    (answer(""), "empty"),
    (answer("  \n"), "empty"),
    (answer(calls=[("add", '{"a": 1,')]), "not JSON"),
    (answer("Let me add.", calls=[("add", "{oops}")]), "not JSON"),
    (answer(calls=[("add", '{"a": 1}'), ("add", '{"a":')], finish="length"), "cut off"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("reply", "told"), BAD)
async def test_unusable_answer_is_asked_for_once_more(server: Server, run: Bench, reply: Reply, told: str) -> None:
    """An empty or unreadable answer is asked for again, once; both answers are paid for and counted."""
    server.say(reply, answer("four"))
    scope = run.scope()
    assert (await governed(scope, "local/m").bind_tools([add]).ainvoke(ASK)).text == "four"
    assert (server.count, scope.used.model_calls, scope.used.input_tokens) == (2, 2, 200)

    server.say(reply)
    with pytest.raises(BadOutput, match=told):
        await governed(run.scope("other"), "local/m").bind_tools([add]).ainvoke(ASK)
    assert server.count == 4


async def test_a_fallback_answers_for_a_model_whose_answers_cannot_be_used(server: Server, run: Bench) -> None:
    """After the second one the next model is asked, once; a replay asks nobody."""
    server.say(answer(""), answer(""), answer("four"))
    for bench in (run, run.resumed()):
        reply = await governed(bench.scope(), "local/m", ["local/dear"]).ainvoke(ASK)
        assert reply.text == "four"
    assert [request["model"] for request in server.requests] == ["m", "m", "dear"]
    assert [call.name for call in run.journal.calls.values()] == ["local/m", "local/m", "local/dear"]


@pytest.mark.slow
@pytest.mark.parametrize("last", [answer(""), failure(401, "bad key")], ids=["unusable", "refused"])
async def test_what_no_model_can_do_is_the_first_ones_fault(server: Server, run: Bench, last: Reply) -> None:
    """Where the fallback does no better, or cannot be had, the error tells of the answers."""
    server.say(answer(""), answer(""), last)
    with pytest.raises(BadOutput, match="local/m gave an answer that cannot be used, twice, nor could another model"):
        await governed(run.scope(), "local/m", ["local/n"]).ainvoke(ASK)
    assert server.count == 3


async def test_unusable_answers_are_recorded_too(server: Server, run: Bench) -> None:
    """What was paid for in vain is neither asked for nor paid for again after a resume."""
    server.say(answer(""))
    for bench in (run, run.resumed()):
        with pytest.raises(BadOutput, match="twice"):
            await governed(bench.scope(), "local/m").ainvoke(ASK)
        assert (await bench.spending.total()).model_calls == 2
    assert server.count == 2


async def test_one_broken_call_beside_a_good_one_is_left_to_the_agent(server: Server, run: Bench) -> None:
    """An answer with a readable call is used; the agent tells the model of the other."""
    server.say(answer(calls=[("add", '{"a": 1, "b": 1}'), ("add", "{oops}")]))
    reply = await governed(run.scope(), "local/m").bind_tools([add]).ainvoke(ASK)
    assert (len(reply.tool_calls), len(reply.invalid_tool_calls), server.count) == (1, 1, 1)


async def test_usage_is_counted_over_scopes_and_resume(server: Server, run: Bench) -> None:
    """Tokens and money add up over branches; a new process starts from what the journal holds."""
    server.say(answer("four"))
    for path in ("a", "b"):
        await governed(run.scope(path), "local/dear").ainvoke(ASK)
    later = run.resumed()
    await governed(later.scope("a"), "local/dear").ainvoke(ASK)  # replayed
    await governed(later.scope("c"), "local/dear").ainvoke(ASK)
    total = await later.spending.total()
    assert (total.model_calls, total.input_tokens, total.output_tokens) == (3, 300, 60)
    assert total.money == pytest.approx(3 * 0.3)
    assert server.count == 3


async def test_silent_server_is_estimated_and_marked(server: Server, run: Bench) -> None:
    """Without usage in the answer the tokens are estimated from characters, and the answer says so."""
    server.say(answer("four " * 40, usage=None))
    scope = run.scope()
    reply = await governed(scope, "local/m").ainvoke([HumanMessage("x" * 4000)])
    assert reply.response_metadata[ESTIMATED] is True
    assert 1000 <= scope.used.input_tokens <= 1020
    assert 45 <= scope.used.output_tokens <= 70
    assert scope.used.unpriced_calls == 1


async def test_known_usage_is_not_marked(server: Server, run: Bench) -> None:
    """An answer with usage carries no mark, and keeps the model's own name."""
    server.say(answer("four"))
    reply = await governed(run.scope(), "local/m").ainvoke(ASK)
    assert ESTIMATED not in reply.response_metadata
    assert reply.response_metadata["model_name"] == "served-model"


async def test_limits_stop_before_the_request(server: Server, run: Bench) -> None:
    """Neither a spent limit nor a prompt that alone would break it reaches the server."""
    server.say(answer("four"))
    scope = run.scope(limits=BranchLimits(model_calls=1))
    model = governed(scope, "local/m")
    await model.ainvoke(ASK)
    with pytest.raises(LimitReached, match="1 model calls"):
        await model.ainvoke([HumanMessage("more")])
    with pytest.raises(LimitReached, match="tokens"):
        await governed(run.scope("b", BranchLimits(tokens=500)), "local/m").ainvoke([HumanMessage("x" * 4000)])
    with pytest.raises(LimitReached, match="budget"):
        await governed(run.scope("c", budget=0.01), "local/dear").ainvoke([HumanMessage("x" * 4000)])
    assert server.count == 1


async def test_cancellation_in_the_middle_of_a_request(server: Server, run: Bench) -> None:
    """A cancelled call is neither retried nor recorded, and is made again when the branch runs again."""
    server.say(Reply(seconds=0.3, body={}), answer("four"))
    task = asyncio.create_task(governed(run.scope(), "local/m").ainvoke(ASK))
    await asyncio.to_thread(server.asked.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (server.count, run.clock.slept, run.journal.calls) == (1, [], {})
    assert (await governed(run.scope(), "local/m").ainvoke(ASK)).text == "four"


async def test_call_is_reported_once_to_callbacks(server: Server, run: Bench) -> None:
    """Who counts by LangChain's callbacks counts each call once, replayed ones too."""
    server.say(answer("four"))
    handler = UsageMetadataCallbackHandler()
    await governed(run.scope(), "local/m").ainvoke(ASK, {"callbacks": [handler]})
    assert handler.usage_metadata["served-model"]["input_tokens"] == 100


async def test_bugs_pass_untouched() -> None:
    """An error that is not the model's rises as it is, without a retry."""
    run = scripted({"reply": "one"})
    await governed(run.scope(), "fake/main").ainvoke(ASK)
    with pytest.raises(SetupError, match="no step left"):
        await governed(run.scope("b"), "fake/main").ainvoke(ASK)
    assert not run.clock.slept


async def test_sync_use_is_refused() -> None:
    """The model says that it is async only."""
    with pytest.raises(NotImplementedError, match="ainvoke"):
        governed(scripted({"reply": "x"}).scope(), "fake/main").invoke("hello")


async def test_structured_output_is_inherited() -> None:
    """with_structured_output works over the bound tools, with the raw message on demand."""
    run = scripted({"structured": {"Sum": {"total": 4}}}, {"structured": {"Sum": {"total": "no"}}})
    model = governed(run.scope(), "fake/main")
    assert await model.with_structured_output(Sum).ainvoke(ASK) == Sum(total=4)
    told = await model.with_structured_output(Sum, include_raw=True).ainvoke("again")
    assert isinstance(told, dict)
    assert told["parsed"] is None
    assert told["parsing_error"] is not None
    assert [call.tools for call in fake_of(run).calls] == [("Sum",), ("Sum",)]


async def test_profile_passes_through() -> None:
    """The profile is the first model's; native structured output counts only if every fallback has it too."""
    run = scripted({"reply": "x"}, plain=[{"reply": "y"}])
    bare = fake_of(run)
    bare.profile = {"max_input_tokens": 1000, "structured_output": True}
    assert governed(run.scope(), "fake/main").profile == bare.profile
    both = governed(run.scope(), "fake/main", ["fake/plain"]).profile
    assert both == {"max_input_tokens": 1000, "structured_output": False}


async def test_extractive_model_is_governed_like_any() -> None:
    """The model without a key is recorded and counted as well, and costs nothing."""
    run = scripted({"reply": "unused"})
    scope = run.scope(budget=0)
    reply = await governed(scope, "extractive").ainvoke("Is there evidence?")
    assert reply.text
    assert (scope.used.model_calls, scope.used.money, scope.used.unpriced_calls) == (1, 0, 0)
