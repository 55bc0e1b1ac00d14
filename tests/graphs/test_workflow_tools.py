"""Steps that reach the outside: actions by tools, signed webhooks with callbacks, outputs kept for other runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from standardwebhooks import Webhook

from agents.staff import Staff
from chains.fake.script import FakeScript
from chains.models import ModelDoor
from graphs.workflow.attempts import pause_before
from graphs.workflow.bodies import bodies
from graphs.workflow.compiler import build
from graphs.workflow.loading import load
from graphs.workflow.outcomes import StepFailed, failure_of
from state.context import RunContext
from state.errors import ToolFailed
from state.ports import Ports
from state.runs import StepRecord
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import RetryPolicy
from tests.document_lines import blocks
from tests.graphs.workflow_runs import QuickClock, conditions_of
from tests.tools.raw_server import RawServer, raw_server
from tools.breaker import Breakers
from tools.memory import MemoryCache, memory_ports
from tools.network import Clients
from tools.toolbox import Toolbox

SECRET = "whsec_" + "c2VjcmV0" * 4


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as made:
        yield made


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Toolbox]:
    async with Clients(["127.0.0.1"]) as clients:
        secrets = {"shop": "hush-hush", "hook": SECRET, "weak": "a secret"}
        yield Toolbox(clients, secrets, tmp_path / "files", (tmp_path,), Breakers(QuickClock()))


class Process:
    """Runs of one definition over ports in memory; what `cache` holds outlives a run."""

    def __init__(self, box: Toolbox, *steps: Mapping[str, Any], **definition: Any) -> None:
        self.box, self.clock, self.cache = box, QuickClock(), MemoryCache()
        self.definition = WorkflowDefinition.model_validate({"name": "w", "steps": steps, **definition})
        self.ports = self.of_run("r")
        self.saver = InMemorySaver()

    def of_run(self, run_id: str) -> Ports:
        ports = memory_ports(ModelDoor({}, {}), run_id=run_id, clock=self.clock)
        return replace(ports, tools=self.box(ports), cache=self.cache)

    async def go(self, given: Any = None, ports: Ports | None = None) -> Any:
        ports = ports or self.ports
        graph = build(ports, self.definition, bodies(ports), conditions_of(self.definition))
        config: Any = {"configurable": {"thread_id": ports.run_id}}
        given = given if isinstance(given, Command) else {"inputs": given or {}}
        return await graph.compile(checkpointer=self.saver).ainvoke(given, config)

    async def step(self, path: str) -> StepRecord:
        return next(each for each in await self.ports.ledger.steps() if each.path == path)


def tool(id_: str, name: str, given: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "action", "tool": name, "input_mapping": given, **more}


async def test_an_action_calls_its_tool_with_what_the_steps_before_gave(server: RawServer, box: Toolbox) -> None:
    """Values keep their types, a large answer comes through, and the call has a key of run and step."""
    big = {"rows": list(range(20_000))}
    url = server.answer("/rows", json.dumps(big).encode(), Content_Type="application/json")
    fetch = tool("fetch", "http", {"url": "${workflow.url}", "method": "POST", "body": {"n": "workflow.n"}})
    keep = tool("keep", "set", {"last": "$fetch.body.rows[19999]"}, depends_on=["fetch"], type="sequential")
    process = Process(box, fetch, keep)
    assert (await process.go({"url": url, "n": 3}))["outputs"] == {"keep": {"last": 19_999}}
    ((_, _, headers, body),) = server.asked
    assert (headers["idempotency-key"], json.loads(body)) == ("r:fetch", {"n": 3})
    assert "output" not in ((await process.step("fetch")).result or {})  # by its hash, as all large ones


async def test_a_key_of_the_steps_own_is_filled(server: RawServer, box: Toolbox) -> None:
    """The same at each try, as it is written."""
    answers = [b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 204 X\r\n\r\n"]

    async def once() -> AsyncIterator[bytes]:
        yield answers.pop(0)

    server.answers["/"] = once
    given = {"url": server.base + "/", "method": "POST"}
    await Process(box, tool("pay", "http", given, idempotency_key="order-${workflow.order}")).go({"order": 7})
    assert [headers["idempotency-key"] for _, _, headers, _ in server.asked] == ["order-7", "order-7"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "tries", "kind"),
    [(503, 3, "unavailable"), (429, 3, "rate_limited"), (404, 1, "refused"), (422, 1, "bad_input")],
)
async def test_failures_of_tools_are_tried_again_by_their_class(
    server: RawServer, box: Toolbox, status: int, tries: int, kind: str
) -> None:
    """What may pass is tried again; what will not is not. The secret is in no record."""
    auth = {"type": "bearer", "secret": "shop"}
    given = {"url": server.answer("/", b"hush-hush", status), "auth": auth}
    process = Process(box, tool("ask", "http_get", given))
    with pytest.raises(StepFailed, match=f"status {status}"):
        await process.go()
    record = await process.step("ask")
    assert (len(server.asked), record.attempts) == (tries, tries)
    assert record.result == {"class": kind, "tries": tries}
    assert "hush-hush" not in record.model_dump_json()
    assert server.asked[0][2]["authorization"] == "Bearer hush-hush"


async def test_what_a_service_asks_to_wait_is_waited(server: RawServer, box: Toolbox) -> None:
    """Retry-After counts as far as the longest pause of the policy allows."""
    policy = RetryPolicy(max_attempts=2, delay=1, jitter=False, max_delay=60)
    process = Process(
        box,
        tool("ask", "http_get", {"url": server.answer("/", b"", 429, Retry_After="45")}),
        retry_policy=policy.model_dump(),
    )
    with pytest.raises(StepFailed):
        await process.go()
    assert process.clock.passed == 45
    assert [pause_before(policy, 1, asked) for asked in (0, 0.5, 45, 600)] == [1, 1, 45, 60]
    assert failure_of(ToolFailed("no", "rate_limited", retry_after=9)).retry_after == 9


async def test_an_input_that_does_not_fit_never_leaves(server: RawServer, box: Toolbox) -> None:
    """It is held to the tool's schema when the values are known."""
    process = Process(box, tool("ask", "http_get", {"url": server.base, "timeout": "workflow.seconds"}))
    with pytest.raises(StepFailed, match=r"http_get: Its input is not as it must be: timeout"):
        await process.go({"seconds": "soon"})
    assert server.asked == []


async def test_a_doer_that_is_not_here_is_named(box: Toolbox) -> None:
    """An action whose kind of doer nobody has fails at once."""
    with pytest.raises(StepFailed, match="none-such"):
        await Process(box, {"id": "a", "type": "action", "chain": "none-such"}).go()


@pytest.mark.slow
async def test_a_webhook_is_signed_and_its_receiver_can_check_that(server: RawServer, box: Toolbox) -> None:
    """By the library of the specification; the id is the same at each try, and nothing of the secret is told."""
    url = server.answer("/hook", b'{"ok": true}', Content_Type="application/json")
    hook = {"id": "tell", "type": "webhook", "url": url, "secret": "hook", "headers": {"X-From": "${workflow.who}"}}
    process = Process(box, {**hook, "input_mapping": {"order": "workflow.order"}})
    output = (await process.go({"order": 7, "who": "me"}))["outputs"]["tell"]
    assert (output["status"], output["body"]) == (200, {"ok": True})
    ((method, _, headers, body),) = server.asked
    assert Webhook(SECRET).verify(body, headers) == {"order": 7}
    assert (method, headers["x-from"], headers["content-type"]) == ("POST", "me", "application/json")
    again = Process(box, {**hook, "input_mapping": {"order": 8}})
    await again.go({"who": "me"})
    assert server.asked[1][2]["webhook-id"] == headers["webhook-id"]
    assert SECRET[6:] not in (await process.step("tell")).model_dump_json()
    await box.shown().call("webhook", {"url": url, "body": {}, "secret": "hook"}, idempotency_key="k")
    assert server.asked[2][0] == "POST"


async def test_a_secret_that_cannot_sign_is_refused(server: RawServer, box: Toolbox) -> None:
    """A text that is no key would be one that anybody can guess; without a secret nothing is signed."""
    url = server.answer("/")
    with pytest.raises(StepFailed, match=r"'weak' is no key.*openssl rand"):
        await Process(box, {"id": "a", "type": "webhook", "url": url, "secret": "weak"}).go()
    assert server.asked == []
    await Process(box, {"id": "a", "type": "webhook", "url": url, "method": "GET"}).go()
    assert "webhook-signature" not in server.asked[0][2]
    assert server.asked[0][0] == "GET"


async def test_a_webhook_waits_for_its_callback(server: RawServer, box: Toolbox) -> None:
    """It is sent once, whatever stops the process meanwhile; what the callback brings is the output."""
    url = server.answer("/hook")
    hook = {"id": "ship", "type": "webhook", "url": url, "wait_for_callback": True, "callback_timeout": 60}
    process = Process(box, {**hook, "input_mapping": {"order": 7}})
    process.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    (waits,) = (await process.go())["__interrupt__"]
    ((_, _, headers, body),) = server.asked
    event = headers["stretto-callback"]
    assert event == f"callback.{waits.id}"
    assert json.loads(body) == {"order": 7, "callback": event}
    assert waits.value == {"path": "ship", "event": event, "wakes_at": "2026-01-01T00:01:00+00:00"}
    process.clock.set(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=30))
    (still,) = (await process.go(Command(resume={"0" * 32: {}})))["__interrupt__"]
    assert still.value == waits.value
    done = await process.go(Command(resume={waits.id: {"data": {"parcel": 3}}}))
    assert done["outputs"] == {"ship": {"parcel": 3}}
    assert len(server.asked) == 1


async def test_a_callback_that_does_not_come_is_a_timeout(server: RawServer, box: Toolbox) -> None:
    """Final: sending it again would not bring it."""
    hook = {"id": "ship", "type": "webhook", "url": server.answer("/"), "wait_for_callback": True}
    process = Process(box, hook)
    (waits,) = (await process.go())["__interrupt__"]
    with pytest.raises(StepFailed, match="did not come in time"):
        await process.go(Command(resume={waits.id: {"timed_out": True}}))
    assert (await process.step("ship")).result == {"class": "timeout", "tries": 1}
    assert len(server.asked) == 1


@pytest.mark.slow
async def test_an_output_is_kept_for_other_runs(server: RawServer, box: Toolbox) -> None:
    """While it may be used, and only for the same input; the step is mapped and checked as if it had run."""
    url = server.answer("/", b'{"rate": 2}', Content_Type="application/json")
    given = {"url": url, "query": {"of": "workflow.of"}}
    step = tool("rate", "http_get", given, cache={"ttl": 60}, output_mapping={"rate": "$output.body.rate"})
    process = Process(box, step)
    process.clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    for n, of in enumerate(["eur", "eur", "usd", "eur"]):
        assert (await process.go({"of": of}, process.of_run(f"r{n}")))["outputs"] == {"rate": {"rate": 2}}
    assert [target for _, target, _, _ in server.asked] == ["/?of=eur", "/?of=usd"]
    process.clock.set(datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
    await process.go({"of": "eur"}, process.of_run("later"))
    assert len(server.asked) == 3


@pytest.mark.slow
async def test_a_key_says_what_the_output_follows_from(server: RawServer, box: Toolbox) -> None:
    """Runs with the same key share it though their input differs; a failure is not kept."""
    url = server.answer("/", b"", 404)
    step = tool("a", "http_get", {"url": url, "query": {"at": "workflow.at"}}, cache={"key": "day ${workflow.day}"})
    process = Process(box, step)
    with pytest.raises(StepFailed):
        await process.go({"at": 1, "day": 1}, process.of_run("r0"))
    server.answer("/", b"1", Content_Type="application/json")
    for n, (at, day) in enumerate([(1, 1), (2, 1), (3, 2)], 1):
        await process.go({"at": at, "day": day}, process.of_run(f"r{n}"))
    assert [target for _, target, _, _ in server.asked] == ["/?at=1", "/?at=1", "/?at=3"]


@pytest.mark.slow
async def test_turns_of_a_loop_share_and_steps_with_others_in_them_look_at_all(server: RawServer, box: Toolbox) -> None:
    """The number of the turn is no part of the key; of a whole loop, all that its steps may refer to is."""
    url = server.answer("/", b"1", Content_Type="application/json")
    ask = tool("ask", "http_get", {"url": url, "query": {"of": "$item"}}, cache={})
    loop = {"id": "all", "type": "loop", "for_each": "workflow.items", "results": "all", "steps": [ask], "cache": {}}
    process = Process(box, loop)
    for n, items in enumerate([["a", "b", "a"], ["a", "b", "a"], ["a", "c"]]):
        await process.go({"items": items}, process.of_run(f"r{n}"))
    assert [target[-1] for _, target, _, _ in server.asked] == ["a", "b", "c"]


@pytest.mark.slow
async def test_another_step_or_workflow_meets_no_output_of_this_one(box: Toolbox) -> None:
    """A step that was changed is another."""
    step = tool("a", "set", {"n": 1}, cache={})
    one = Process(box, step)
    await one.go()
    for steps, name in (([{**step, "tool": "set@1.0.0"}], "w"), ([step], "v")):
        other = Process(box, *steps, name=name)
        other.cache = one.cache
        await other.go(None, other.of_run("r3"))
    assert len(vars(one.cache)["_kept"]) == 3


@pytest.mark.slow
async def test_a_service_that_is_down_is_spared_by_all_runs_of_a_process(server: RawServer, box: Toolbox) -> None:
    """The circuit is one for all runs, and its refusal an ordinary failure of the step."""
    url = server.answer("/", b"", 503)
    process = Process(box, tool("ask", "http_get", {"url": url}, retry_policy={"max_attempts": 1}))
    runs = (process.go(None, process.of_run(f"r{n}")) for n in range(9))
    ends = [await asyncio.gather(run, return_exceptions=True) for run in runs]
    assert len(server.asked) == 5
    assert "is not asked now: it is tried again in 30 s" in str(ends[-1][0])


async def test_figures_are_computed_from_the_values_of_steps(box: Toolbox) -> None:
    """The invoice of docs/workflows.md: each turn's figures are kept and added up, and decide who is asked."""
    definition, _ = load(blocks("docs/workflows.md", "yaml")[1], "invoice.yaml")
    assert definition is not None
    lines = [{"text": "pen", "n": 3, "price": 1.2}, {"text": "lamp", "n": 2, "price": 19.99}]
    ended = await Process(box, **definition.model_dump(by_alias=True)).go({"lines": lines})
    assert ended["outputs"] == {
        "lines": [{"number": 1, "text": "pen", "sum": 3.6}, {"number": 2, "text": "lamp", "sum": 39.98}],
        "gross": 51.86,
    }


async def test_a_tool_asks_a_model_of_the_run(box: Toolbox) -> None:
    """Its calls are in the journal under the step, and counted; without a key it quotes what says most."""
    texts = ["The tower is 93 m high. It was built in 1889.", "Visitors come by train."]
    given = {"text": texts, "words": 10, "focus": "How high is the tower?"}
    process = Process(box, tool("sum", "summarize", given))
    told = (await process.go())["outputs"]["sum"]
    assert told == {"summary": "The tower is 93 m high. Visitors come by train.", "parts": 1, "left_out": 0}
    assert process.ports.tools is not None
    assert await process.ports.tools.call("summarize", given, idempotency_key="r:sum") == told
    assert (await process.ports.journal.usage("sum")).model_calls == 1  # a call of the same key is made once


async def test_a_tool_is_told_what_a_model_fails_with() -> None:
    """By class; an answer that cannot be used is asked for anew by the next call with the key, one that can is kept."""
    good = {"structured": {"SummaryDraft": {"summary": "High."}}}
    down = {"error": {"kind": "auth"}}
    script = FakeScript.model_validate({"steps": [{"reply": "no"}, {"reply": "no"}, good, down]})
    ports = memory_ports(ModelDoor({}, {"fake/main": (0.0, 0.0)}, {"main": script}), run_id="r")
    staff = Staff(ports, RunContext(default_model="fake/main"), lambda _: None)
    tools = Toolbox()(ports)
    given = {"text": "The tower is high."}
    with pytest.raises(ToolFailed) as failed:
        await tools.call("summarize", given, idempotency_key="r:sum")
    assert failed.value.error == "bad_output"
    for _ in range(2):
        assert (await tools.call("summarize", given, idempotency_key="r:sum"))["summary"] == "High."
    assert (await staff.spending.total()).model_calls == 3
    with pytest.raises(ToolFailed) as failed:
        await tools.call("summarize", given, idempotency_key="r:other")
    assert failed.value.error == "refused"
