"""The fake model: a script in, a chat model out that behaves like a real one."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core import exceptions as core
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ValidationError

from chains.classify import classify
from chains.fake.model import FakeChatModel
from chains.fake.script import FakeScript
from state.errors import ContextOverflow, ModelError, ModelRefused, ModelUnavailable, RateLimited, SetupError
from state.runs import Json


class Sum(BaseModel):
    """A sum."""

    total: int


@tool
async def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def fake(*steps: Json, **options: Any) -> FakeChatModel:
    return FakeChatModel(script=FakeScript.model_validate({"steps": steps, **options}))


async def texts(model: FakeChatModel, *asked: str) -> list[str]:
    return [(await model.ainvoke(text)).text for text in asked]


async def test_steps_answer_in_order() -> None:
    """Steps without a condition are taken one after the other, each as often as it says."""
    model = fake({"reply": "a", "repeat": 2}, {"reply": "b"}, {"reply": "c", "repeat": "always"})
    assert await texts(model, *"vwxyz") == ["a", "a", "b", "c", "c"]


async def test_conditions_choose_the_step() -> None:
    """`when` looks at the last message and the bound names, `about` at all messages, `turn` at answers."""
    model = fake(
        {"when": "weather", "reply": "rain", "repeat": "always"},
        {"when": "add", "reply": "bound", "repeat": "always"},
        {"about": "pirate", "turn": 0, "reply": "arr", "repeat": "always"},
        {"reply": "else", "repeat": "always"},
    )
    assert await texts(model, "the weather?", "other") == ["rain", "else"]
    assert (await model.bind_tools([add]).ainvoke("x")).text == "bound"
    pirate = [SystemMessage("you are a pirate"), HumanMessage("hi")]
    assert (await model.ainvoke(pirate)).text == "arr"
    assert (await model.ainvoke([*pirate, await model.ainvoke(pirate), HumanMessage("go on")])).text == "else"


async def test_script_that_ran_out_says_so() -> None:
    """A call that no step answers is a mistake of the script, with what was asked."""
    model = fake({"reply": "a"})
    with pytest.raises(SetupError, match=r"call 2.*'what now\?'.*always"):
        await texts(model, "x", "what now?")


async def test_calls_are_kept() -> None:
    """The model keeps what it was asked, with what was bound, and which step answered."""
    model = fake({"when": "never", "reply": "a"}, {"reply": "b"})
    await model.bind_tools([add, Sum]).ainvoke("hello")
    (call,) = model.calls
    assert (call.messages[0].text, call.tools, call.step) == ("hello", ("add", "Sum"), 1)


async def test_log_counts_calls_over_processes(tmp_path: Path) -> None:
    """Each call is a line in the log, whichever object made it."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"steps": [{"reply": "a"}], "log": "calls.jsonl"}))
    for _ in range(2):
        await texts(FakeChatModel(script=FakeScript.load(path)), "hello")
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert lines == [{"step": 0, "tools": [], "last": "hello"}] * 2


async def test_answers_are_deterministic() -> None:
    """The same script asked the same gives the same messages: text, ids of calls, tokens."""
    step = {"tool_calls": [{"name": "add", "args": {"a": 1, "b": 2}}, {"name": "add"}], "reply": "so"}
    one, two = [await fake({**step, "reply": None}).bind_tools([add]).ainvoke("x" * 40) for _ in range(2)]
    assert one.tool_calls == two.tool_calls
    assert len({call["id"] for call in one.tool_calls}) == 2
    assert one.usage_metadata == two.usage_metadata
    assert one.usage_metadata is not None
    assert one.usage_metadata["input_tokens"] == (40 + len(json.dumps([convert_to_openai_tool(add)]))) // 4
    assert one.response_metadata == {"model_name": "fake", "finish_reason": "tool_calls"}


async def test_structured_answers_whichever_schema_is_bound() -> None:
    """A structured step answers with the arguments of the bound schema, and only if it is bound."""
    model = fake({"structured": {"Sum": {"total": 4}, "Other": {}}}, {"reply": "text"})
    assert (await model.ainvoke("no tools")).text == "text"
    assert await model.with_structured_output(Sum).ainvoke("x") == Sum(total=4)


ERRORS: list[tuple[str, type[core.ModelError], type[ModelError]]] = [
    ("rate_limit", core.ModelRateLimitError, RateLimited),
    ("server_error", core.ModelAPIError, ModelUnavailable),
    ("timeout", core.ModelTimeoutError, ModelUnavailable),
    ("connection", core.ModelConnectionError, ModelUnavailable),
    ("auth", core.ModelAuthenticationError, ModelRefused),
    ("context_overflow", core.ContextOverflowError, ContextOverflow),
]


@pytest.mark.parametrize(("kind", "raised", "ours"), ERRORS)
async def test_errors_are_those_of_a_provider(kind: str, raised: type[core.ModelError], ours: type[ModelError]) -> None:
    """Each scripted error is LangChain's class for it, and classified like a real one."""
    with pytest.raises(raised) as caught:
        await fake({"error": {"kind": kind, "retry_after": 3}}).ainvoke("x")
    found = classify(caught.value, "fake/x")
    assert type(found) is ours
    assert getattr(found, "retry_after", 3 if kind == "rate_limit" else None) in (3, None)


async def test_rate_limit_names_its_pause() -> None:
    """The pause arrives as a header would."""
    with pytest.raises(core.ModelRateLimitError) as caught:
        await fake({"error": {"kind": "rate_limit", "retry_after": 2.5}}).ainvoke("x")
    found = classify(caught.value, "fake/x")
    assert isinstance(found, ModelUnavailable)
    assert found.retry_after == 2.5


async def test_hang_and_delay_take_their_time() -> None:
    """A delayed step answers late; a hanging one times out."""
    model = fake({"reply": "late", "delay": 0.05}, {"hang": 0.05})
    started = time.perf_counter()
    assert (await model.ainvoke("x")).text == "late"
    with pytest.raises(core.ModelTimeoutError):
        await model.ainvoke("x")
    assert time.perf_counter() - started >= 0.1


async def test_raw_arguments_are_read_as_a_client_reads_them() -> None:
    """Text that is JSON is a call; other text is an invalid call, which has no arguments."""
    model = fake(
        {"raw": {"name": "add", "arguments": '{"a": 1}'}},
        {"raw": {"name": "add", "arguments": '{"a": '}, "finish_reason": "length"},
        {"raw": {"name": "add", "arguments": "[1]"}},
    )
    good, cut, odd = [await model.bind_tools([add]).ainvoke("x") for _ in range(3)]
    assert good.tool_calls[0]["args"] == {"a": 1}
    assert [(each.tool_calls, each.invalid_tool_calls[0]["name"]) for each in (cut, odd)] == [([], "add")] * 2
    assert cut.response_metadata["finish_reason"] == "length"


async def test_it_streams_word_by_word() -> None:
    """The pieces of a streamed answer are words; together they are the whole answer with its tokens."""
    model = fake({"reply": "to be, or\n not to be"}, {"tool_calls": [{"name": "add", "args": {"a": 1}}]})
    pieces = [piece async for piece in model.astream("x")]
    assert [piece.text for piece in pieces if piece.text] == ["to", " be,", " or", "\n not", " to", " be"]
    whole = sum(pieces[1:], pieces[0])
    assert isinstance(whole, AIMessageChunk)
    assert whole.text == "to be, or\n not to be"
    assert whole.usage_metadata is not None
    called = [piece async for piece in model.bind_tools([add]).astream("x")]
    last = sum(called[1:], called[0])
    assert isinstance(last, AIMessageChunk)
    assert last.tool_calls[0]["args"] == {"a": 1}


async def test_it_drives_an_agent() -> None:
    """An agent of create_agent calls its tool, and gives its answer in the form that was asked for."""
    model = fake(
        {"turn": 0, "tool_calls": [{"name": "add", "args": {"a": 2, "b": 2}}]},
        {"when": "4", "structured": {"Sum": {"total": 4}}},
    )
    agent = create_agent(model, [add], response_format=ToolStrategy(Sum))
    state = await agent.ainvoke({"messages": [HumanMessage("2 + 2?")]})
    assert state["structured_response"] == Sum(total=4)
    assert [call.tools for call in model.calls] == [("add", "Sum")] * 2


WRONG: list[tuple[str, str]] = [
    ('{"steps": [', r":1:\d+: this is not JSON"),
    ('{"steps": []}', "steps: Tuple should have at least 1 item"),
    ('{"steps": [{"reply": "a"}, {"replay": "b"}]}', r"steps\[1\].replay: Extra inputs"),
    (
        '{"steps": [{"reply": "a", "hang": 1}]}',
        r"steps\[0\]: a step needs exactly one of .* it has reply, hang",
    ),
    ('{"steps": [{"when": "x"}]}', "it has none"),
    ('{"steps": [{"reply": "a", "repeat": 0}]}', "at least 1"),
    ('{"steps": [{"error": {"kind": "fire"}}]}', r"steps\[0\].error.kind: Input should be 'rate_limit'"),
    ("[]", "the whole: Input should be"),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_mistake_in_a_script_is_located(tmp_path: Path, text: str, told: str) -> None:
    """A script that is wrong is refused with its file and the place in it."""
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(SetupError, match=told) as caught:
        FakeScript.load(path)
    assert str(path) in str(caught.value)


def test_script_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing file and one that is not text are refused with their path."""
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.json", broken):
        with pytest.raises(SetupError, match=path.name):
            FakeScript.load(path)


def test_scripts_are_immutable() -> None:
    """A script cannot be changed under a running model."""
    script = FakeScript.model_validate({"steps": [{"reply": "a"}]})
    with pytest.raises(ValidationError):
        script.steps = ()  # type: ignore[misc]
