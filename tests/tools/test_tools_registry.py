"""The registry of tools: names and versions, schemas before and after a call, time, and what models are told."""

import asyncio
from typing import Annotated, Any

import pytest
from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool
from pydantic import Field

from state.errors import ToolError, ToolFailed
from state.tools import RegisteredTool
from tests.tools.clocks import MovedClock
from tools.breaker import FAILURES, OPEN_SECONDS, Breakers
from tools.effects import effects
from tools.registry import Registry, openai_schema, registered
from tools.toolbox import Toolbox


async def double(number: Annotated[int, Field(ge=0)], idempotency_key: Annotated[str, InjectedToolArg] = "") -> Any:
    """Twice the number."""
    return {"double": number * 2, "key": idempotency_key}


def tool(coroutine: Any, name: str = "") -> BaseTool:
    return StructuredTool.from_function(coroutine=coroutine, name=name or None, metadata=effects("read"))


def registry(*tools: RegisteredTool, clock: MovedClock | None = None) -> Registry:
    return Registry(tools, Breakers(clock or MovedClock()))


async def test_a_name_is_its_newest_version_and_the_others_stay() -> None:
    """1.10.0 is newer than 1.9.0; each is called by its own `name@version`."""

    async def older(number: int) -> Any:
        """Half of it."""
        return number // 2

    both = registry(
        registered(tool(double), category="sums", version="1.10.0"),
        registered(tool(older, "double"), category="sums", version="1.9.0"),
    )
    assert both.names() == ["double"]
    assert both.find("double").version == "1.10.0"
    assert await both.call("double@1.9.0", {"number": 8}) == 4
    with pytest.raises(ToolFailed, match=r"no version '2.0.0'.*1\.10\.0, 1\.9\.0"):
        both.find("double@2.0.0")
    with pytest.raises(ValueError, match="version of its own"):
        registry(registered(tool(double), category="sums"), registered(tool(double), category="sums"))


async def test_a_name_that_is_unknown_is_told_with_the_nearest() -> None:
    """The error is one of the input, and says what was perhaps meant."""
    with pytest.raises(ToolFailed, match="Did you mean double") as raised:
        registry(registered(tool(double), category="sums")).find("duoble")
    assert raised.value.error == "bad_input"


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, '"number" is a required'), ({"number": -1}, "number: -1"), ({"number": 1, "x": 2}, "'x' was unexpected")],
)
async def test_what_does_not_fit_the_schema_never_reaches_the_tool(given: dict[str, Any], said: str) -> None:
    """Missing, wrong and unknown arguments are told with their place."""
    with pytest.raises(ToolFailed, match=said) as raised:
        await registry(registered(tool(double), category="sums")).call("double", given)
    assert raised.value.error == "bad_input"


async def test_the_key_goes_to_tools_that_take_one_and_is_hidden_from_models() -> None:
    """It is no parameter of the schema, and a caller cannot give it in the input."""
    one = registry(registered(tool(double), category="sums"))
    assert await one.call("double", {"number": 2}, idempotency_key="r:s") == {"double": 4, "key": "r:s"}
    assert list(openai_schema(one.find("double"))["function"]["parameters"]["properties"]) == ["number"]
    with pytest.raises(ToolFailed, match="idempotency_key"):
        await one.call("double", {"number": 2, "idempotency_key": "mine"})


async def test_what_a_tool_gives_back_is_held_to_its_schema() -> None:
    """A wrong output is an error of its own class."""
    wanted = {"type": "object", "properties": {"double": {"type": "string"}}}
    with pytest.raises(ToolFailed, match="output is not as it must be: double") as raised:
        await registry(registered(tool(double), category="sums", output=wanted)).call("double", {"number": 2})
    assert raised.value.error == "bad_output"


async def test_a_tool_has_only_its_time() -> None:
    """After that it is ended, and the class is `timeout`."""

    async def slow() -> None:
        """Never ends."""
        await asyncio.sleep(60)

    with pytest.raises(ToolFailed, match=r"longer than 0.01 s") as raised:
        await registry(registered(tool(slow), category="sums", timeout=0.01)).call("slow", {})
    assert raised.value.error == "timeout"


async def test_a_service_that_keeps_failing_is_left_alone_for_a_while() -> None:
    """After five failures it is not asked for 30 s; then one call tries it, and closes or opens the circuit again."""
    clock, asked, answers = MovedClock(), [], [True] * FAILURES + [True, False]

    async def shop(host: str) -> str:
        """Fails as told."""
        asked.append(host)
        if answers.pop(0):
            raise ToolFailed("it is away", "unavailable")
        return "well"

    shops = registry(registered(tool(shop), category="shops", depends_on=lambda given: str(given["host"])), clock=clock)

    async def fails(said: str) -> ToolFailed:
        with pytest.raises(ToolFailed, match=said) as raised:
            await shops.call("shop", {"host": "a"})
        return raised.value

    for _ in range(FAILURES):
        await fails("it is away")
    refused = await fails(r"failed 5 times in a row .* tried again in 30 s")
    assert (refused.error, refused.retry_after, len(asked)) == ("unavailable", OPEN_SECONDS, FAILURES)
    clock.passed += OPEN_SECONDS
    await fails("it is away")  # the one call that tries it
    await fails("tried again in 30 s")
    clock.passed += OPEN_SECONDS
    assert await shops.call("shop", {"host": "a"}) == "well"
    answers += [False]
    assert await shops.call("shop", {"host": "a"}) == "well"


async def test_while_one_call_tries_a_service_the_others_wait_for_its_end() -> None:
    """Half open means one probe at a time, also when that is cancelled."""
    clock, go = MovedClock(), asyncio.Event()
    breakers = Breakers(clock)

    async def fail() -> None:
        async with breakers.guarding("shop"):
            raise ToolFailed("it is away", "timeout")

    async def probe() -> None:
        async with breakers.guarding("shop"):
            await go.wait()

    for _ in range(FAILURES):
        with pytest.raises(ToolFailed):
            await fail()
    clock.passed += OPEN_SECONDS
    first = asyncio.create_task(probe())
    await asyncio.sleep(0)
    with pytest.raises(ToolFailed, match="when the one call that tries it has ended"):
        await probe()
    first.cancel()
    await asyncio.wait([first])
    with pytest.raises(ToolFailed, match="tried again in 30 s"):
        await probe()
    clock.passed += OPEN_SECONDS
    go.set()
    await probe()
    await probe()


async def test_what_says_nothing_about_the_service_opens_no_circuit() -> None:
    """A refusal is an answer, and an error of our own none of its failures."""
    breakers = Breakers(MovedClock())
    for error in ["refused", "bad_input", "internal"] * FAILURES:
        with pytest.raises(ToolFailed, match="said"):
            async with breakers.guarding("shop"):
                raise ToolFailed("said", error)  # type: ignore[arg-type]
    with pytest.raises(ToolFailed, match="told"):
        async with breakers.guarding("shop"):
            raise ToolFailed("told", "timeout")


async def test_a_failure_without_a_class_is_the_tools_own() -> None:
    """What a tool for agents raises becomes `internal`, with its place and remedy."""

    async def broken() -> None:
        """Fails."""
        raise ToolError("it broke", place="here", remedy="Mend it.")

    with pytest.raises(ToolFailed, match=r"here: it broke Mend it\.") as raised:
        await registry(registered(tool(broken), category="sums")).call("broken", {})
    assert raised.value.error == "internal"


def test_tools_say_themselves_whether_they_reach_outside() -> None:
    """Those that ask the web, a database or another run, whatever their category; and one that says nothing."""

    async def unmarked() -> None:
        """Does something."""

    shown = Toolbox().shown()
    found = {name for name in shown.names() if shown.find(name).outside}
    databases = {f"database_{name}" for name in ("begin", "commit", "execute", "query", "rollback", "schema")}
    runs = {"workflow", "workflow_status"}
    assert found == databases | runs | {"http", "http_get", "read_page", "table_query", "web_search", "webhook"}
    silent = StructuredTool.from_function(coroutine=unmarked)
    assert registered(silent, category="files").outside


def test_every_tool_that_comes_along_has_a_schema_a_category_and_a_description() -> None:
    """None of them is a mystery in the list, and each is exported to models."""
    shown = Toolbox().shown()
    for name in shown.names():
        for each in shown.versions(name):
            assert each.category
            assert each.description
            assert each.parameters["type"] == "object"
            assert openai_schema(each)["function"]["name"] == name
