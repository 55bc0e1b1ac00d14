"""Others are told of runs: signed requests and lines in the log, at least once, with ids that stay; missed promises."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog

from graphs.workflow.pinned import pinned
from run_workflow import doctor
from run_workflow.documents import CheckBody
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database, DatabaseSettings
from run_workflow.settings import load_settings
from state.context import RunContext
from state.errors import RunError, ToolFailed
from state.ports import Network
from state.runs import Answer, Approve, Json, RunRecord
from state.tools import RegisteredTool
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK, change, rows
from tools.memory import SystemClock

pytestmark = pytest.mark.slow

YES = Answer(decisions=(Approve(),))
DONE = "[{id: a, type: wait, duration: 0}]"
FAILS = "[{id: a, type: wait, until: workflow.when, retry_policy: {max_attempts: 1}}]"


class Receiver:
    """The tool `webhook`, which notes what it sends; the first `refused` times nobody takes it."""

    def __init__(self) -> None:
        self.sent: list[tuple[Json, str]] = []
        self.refused = 0

    async def ready(self, names: Iterable[str]) -> None:
        pass

    def names(self) -> Sequence[str]:
        return ["webhook"]

    def find(self, name: str) -> RegisteredTool:
        raise AssertionError(name)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def call(self, name: str, input: Json, *, idempotency_key: str = "") -> Any:
        assert name == "webhook"
        self.sent.append((input, idempotency_key))
        if self.refused:
            self.refused -= 1
            raise ToolFailed("503", "unavailable")

    def told(self, url: str) -> list[str]:
        return [json.loads(given["body"])["type"] for given, _ in self.sent if given["url"] == url]


@pytest.fixture(name="receiver")
def _receiver() -> Receiver:
    return Receiver()


@pytest.fixture(name="engine")
def _engine(database: Database, receiver: Receiver) -> Engine:
    network = Network(toolbox=lambda _: receiver)
    return Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)


async def begun(engine: Engine, head: str, steps: str = DONE, **inputs: Any) -> RunRecord:
    text = f"name: w\ninputs: {{type: object, properties: {{when: {{type: string}}}}}}\n{head}\nsteps: {steps}\n"
    run = await engine.workflows.start(pinned(text, "w.yaml", {}), inputs, RunContext(), actor="ann")
    return await engine.advance(run.id)


async def test_programs_are_told_of_the_events_that_they_name(engine: Engine, receiver: Receiver) -> None:
    """By name or by its beginning, from the first event of a run; what is sent names the run, and the secret."""
    head = """webhook_endpoints:
  - {url: "http://all", events: ["run.*"], secret: ours}
  - {url: "http://end"}"""
    run = await begun(engine, head)
    assert receiver.told("http://all") == ["run.created", "run.started", "run.completed"]
    assert receiver.told("http://end") == ["run.completed"]
    first, key = receiver.sent[0]
    body = json.loads(first["body"])
    assert (first["secret"], key) == ("ours", f"{run.id}:event/1/0")
    assert (body["data"]["run"], body["data"]["workflow"], body["data"]["actor"]) == (run.id, "w@1.0.0", "ann")
    assert "secret" not in receiver.sent[-1][0]


async def test_what_was_not_taken_is_sent_again_by_whoever_drives_runs(
    engine: Engine, receiver: Receiver, database: Database
) -> None:
    """With the same id, after a pause; a message that nobody takes is given up in the end, and says why."""
    run = await begun(engine, 'webhook_endpoints: [{url: "http://end", secret: ours}]')
    receiver.sent.clear()
    receiver.refused = 1
    await begun(engine, 'webhook_endpoints: [{url: "http://end"}]')
    (due,) = await rows(database, "SELECT attempts, error FROM outbox WHERE sent_at IS NULL")
    assert (due["attempts"], due["error"]) == (1, "503")
    await change(database, "UPDATE outbox SET next_at = now() WHERE sent_at IS NULL")
    await begun(engine, 'webhook_endpoints: [{url: "http://other", events: [none]}]')
    assert len(receiver.sent) == 2
    assert receiver.sent[0] == receiver.sent[1]
    assert await rows(database, "SELECT FROM outbox WHERE sent_at IS NULL") == []
    receiver.refused = 1
    await change(database, "UPDATE outbox SET sent_at = NULL, next_at = now(), attempts = 6 WHERE run_id = %s", run.id)
    await begun(engine, 'webhook_endpoints: [{url: "http://other", events: [none]}]')
    (left,) = await rows(database, "SELECT next_at, error FROM outbox WHERE sent_at IS NULL")
    assert (left["next_at"], left["error"]) == (None, "503")


async def test_messages_that_were_not_taken_go_out_with_any_run_and_by_a_resume(
    engine: Engine, receiver: Receiver, database: Database
) -> None:
    """A run that tells nobody sends what others owe and is due; a resume of a run that has ended sends all of its own,

    also what was given up, and says what was not taken. `doctor` names the run until then.
    """
    receiver.refused = 4
    run = await begun(engine, 'webhook_endpoints: [{url: "http://end"}]')
    await change(database, "UPDATE outbox SET next_at = now() WHERE sent_at IS NULL")
    await begun(engine, "")
    assert receiver.refused == 2
    await change(database, "UPDATE outbox SET next_at = now() WHERE sent_at IS NULL")
    await engine.deliver()
    assert receiver.refused == 1
    await change(database, "UPDATE outbox SET next_at = NULL, attempts = 7")

    @asynccontextmanager
    async def opener(_: DatabaseSettings) -> AsyncIterator[Database]:
        yield database

    async def found() -> CheckBody:
        checks = await doctor.examine(load_settings({}), opener)
        return next(check for check in checks if check.name == "messages")

    assert f"`resume {run.id}`" in (await found()).remedy
    with pytest.raises(RunError, match="1 of 1 messages on the run were not taken: 503"):
        await engine.deliver(run.id)
    assert await engine.deliver(run.id)
    assert receiver.told("http://end") == ["run.completed"] * 5
    assert len({key for _, key in receiver.sent}) == 1
    assert (await found()).state == "ok"
    assert not await engine.deliver(run.id)


async def test_people_are_told_when_they_are_needed(engine: Engine, receiver: Receiver) -> None:
    """Channels of the log and of a webhook are told of approvals, failures, ends and missed promises, as they say."""
    head = """notification_channels:
  - {type: log, on: [approval, completion]}
  - {type: webhook, target: "http://people", on: [failure]}"""
    with structlog.testing.capture_logs() as lines:
        run = await begun(engine, head, "[{id: ask, type: human_approval, message: Pay?}]")
        await engine.answer(run.id, None, YES, "ann")
        await engine.advance(run.id)
    told = [line["event"] for line in lines if line.get("workflow")]
    assert (told, receiver.sent) == (["approval.requested", "run.completed"], [])
    await begun(engine, head, FAILS, when="x")
    assert receiver.told("http://people") == ["run.failed"]


async def test_promises_that_are_missed_are_said(engine: Engine, receiver: Receiver) -> None:
    """Work over `max_execution_time`, and a share of completed runs under `min_success_rate`, are events of the run."""
    head = """sla_targets: {max_execution_time: 0.0001, min_success_rate: 0.6}
notification_channels: [{type: webhook, target: "http://people", on: [sla]}]"""
    run = await begun(engine, head)
    missed = [
        each.event.data for each in await engine.timeline(run.id) if each.event and each.event.event == "sla.missed"
    ]
    assert [data["target"] for data in missed] == ["max_execution_time"]
    assert (missed[0]["promised"], missed[0]["was"] > 0.0001) == (0.0001, True)
    failed = await begun(engine, head, FAILS, when="x")
    events = [each.event for each in await engine.timeline(failed.id) if each.event]
    assert events[-1].data == {"target": "min_success_rate", "promised": 0.6, "was": 0.5, "runs": 2}
    assert receiver.told("http://people") == ["sla.missed"] * 3


async def test_figures_of_a_run_and_its_steps(engine: Engine) -> None:
    """`metrics` are in the run's output, `custom_metrics` with the step unless switched off; a figure that cannot be

    worked out says why and fails nothing.
    """
    step = "{id: %s, type: wait, duration: 0, custom_metrics: {length: size($output.until)}%s}"
    head = "metrics: {outputs: size($output), longer: size($a.until) + 1, none: int($a.until)}"
    run = await begun(engine, head, f"[{step % ('a', '')}, {step % ('b', ', metrics_enabled: false')}]")
    assert run.status == "completed"
    figures = (run.output or {})["metrics"]
    assert (figures["outputs"], figures["longer"]) == (2, 33)
    assert "cannot be computed" in figures["none"]["error"]
    first, second = sorted((await engine.show(run.id)).steps, key=lambda each: each.path)
    assert (first.result or {})["metrics"] == {"length": 32}
    assert "metrics" not in (second.result or {})


@pytest.mark.parametrize(("level", "logged"), [("info", {"a", "b"}), ("error", {"b"})])
async def test_steps_are_logged_from_the_level_on_that_the_workflow_names(
    engine: Engine, level: str, logged: set[str]
) -> None:
    """A step that completed is news, one that failed an error."""
    bad = "{id: b, type: wait, until: workflow.when, depends_on: [a], retry_policy: {max_attempts: 1}}"
    with structlog.testing.capture_logs() as lines:
        await begun(engine, f"log_level: {level}", f"[{{id: a, type: wait, duration: 0}}, {bad}]", when="x")
    assert {line["step"] for line in lines if line["event"].startswith("step")} == logged


async def test_confidential_steps_leave_no_trace_in_words(
    engine: Engine, receiver: Receiver, database: Database
) -> None:
    """Outputs, errors, notes and messages of a confidential step show hashes only; the class of an error is told."""
    secret = "4111-1111"
    head = 'webhook_endpoints: [{url: "http://all", events: ["*"]}]'
    keeps = "{id: %s, security_level: confidential, retry_policy: {max_attempts: 1}, type: %s}"
    asks = "human_approval, message: Pay?, show: {card: workflow.when}"
    steps = f"[{keeps % ('ask', asks)}, {keeps % ('bad', 'wait, until: workflow.when')}]"
    with structlog.testing.capture_logs() as lines:
        run = await begun(engine, head, steps, when=secret)
    assert run.status == "failed"
    stored = await rows(database, "SELECT error, result FROM step_runs WHERE run_id = %s", run.id)
    events = await rows(database, "SELECT data FROM audit WHERE run_id = %s", run.id)
    assert len(stored) == 2
    assert secret not in str([stored, events, run.error, receiver.sent, lines])
    assert "what went wrong is confidential (SHA-256" in (run.error or "")
    (failed,) = [each for each in stored if each["error"]]
    assert failed["result"]["class"] == "bad_input"
