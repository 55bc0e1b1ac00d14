"""`langgraph dev` serves research and workflows to clients: runs, answers, time limits, cancels, deaths."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import UnprocessableEntityError

from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database, DatabaseSettings, open_database
from state.runs import TIMEOUT_ACTOR
from tests.postgres_fixtures import ServerForTests
from tests.run_workflow.engine_graphs import engine_on, until
from tests.run_workflow.studio_server import ROOT, StudioServer, command_line, hanging_model, shown, thread_of

pytestmark = [pytest.mark.studio, pytest.mark.slow, pytest.mark.usefixtures("forks")]
QUESTION = "How fast has atmospheric CO2 at Mauna Loa risen?"
INPUT: dict[str, Any] = {"question": QUESTION, "sources": [str(ROOT / "examples/co2/sources")]}
YES: dict[str, Any] = {"decisions": [{"type": "approve"}]}
OWN = """
name: pay-out
inputs: {type: object, required: [sum], properties: {sum: {type: number}}}
on_failure: rollback
steps:
  - {id: ask, type: human_approval, message: "Pay ${workflow.sum}?", decisions: [approve, reject]}
  - {id: paid, type: wait, event: paid, depends_on: [ask]}
  - id: why
    type: workflow
    workflow: research
    depends_on: [ask]
    input_mapping: {question: How fast has atmospheric CO2 at Mauna Loa risen?, sources: [sources]}
outputs: {by: $paid.by, why: $why.outcome}
"""


@pytest.fixture(scope="module")
def server(postgres_server: ServerForTests, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """One server for all tests that do not end it."""
    pytest.importorskip("langgraph_api", reason="the Studio server is an extra: pip install -e '.[studio]'")
    with postgres_server.migrated_database() as dsn:
        running = StudioServer(tmp_path_factory.mktemp("studio"), dsn)
        running.workflows.mkdir()
        (running.workflows / "mine.yaml").write_text(OWN, encoding="utf-8")
        copytree(ROOT / "examples/co2/sources", running.folder / "sources")
        running.start()
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
async def opened(server: StudioServer) -> AsyncIterator[Database]:
    """The database that the server works on, as the command line opens it."""
    async with open_database(DatabaseSettings(server.dsn, server.folder)) as database:
        yield database


@pytest.fixture
def engine(opened: Database) -> Engine:
    """What the command line works with."""
    return engine_on(opened)


Person = Callable[[str], LangGraphClient]


@pytest.fixture
async def person(server: StudioServer) -> AsyncIterator[Person]:
    """Clients by name; without a name, somebody whom the server does not know."""
    async with AsyncExitStack() as stack:
        known: dict[str, LangGraphClient] = {}
        for name in ("", "ann", "bob"):
            known[name] = await stack.enter_async_context(server.client(name))
        yield known.__getitem__


@pytest.fixture
def client(person: Person) -> LangGraphClient:
    """Somebody whom the server does not know."""
    return person("")


async def ask(client: LangGraphClient, context: dict[str, Any] | None = None) -> str:
    """A thread that was asked the question, when it waits or has ended."""
    thread = await thread_of(client)
    await client.runs.wait(thread, "research", input=INPUT, context=context, raise_error=False)
    return thread


async def answer(client: LangGraphClient, thread: str, given: object = YES) -> Any:
    """What a run that brings the answer ends with."""
    return await client.runs.wait(thread, "research", command={"resume": given}, raise_error=False)


async def test_the_example_of_the_page(server: StudioServer) -> None:
    """The Python of docs/studio.md does what the page says."""
    page = (ROOT / "docs/studio.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = code.replace(":2024", f":{server.port}").replace("examples/co2/sources", INPUT["sources"][0])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert printed.decode().splitlines()[1:] == ["published"]
    assert printed.decode().startswith("Is this the right plan?")


async def plans(engine: Engine, thread: str) -> bool:
    """Whether the run is at its planner now."""
    runs = [run for run in await engine.list_runs() if run.id == thread]
    steps = (await engine.show(thread)).steps if runs else ()
    return any(step.path == "analyze_task" and step.status == "running" for step in steps)


async def test_a_client_runs_streams_approves_and_reads(
    client: LangGraphClient, opened: Database, engine: Engine
) -> None:
    """Run, stream, see the interrupt, resume, read the state and the drawn graph; the row tells it all."""
    (assistant,) = await client.assistants.search(graph_id="research")
    drawn = await client.assistants.get_graph(assistant["assistant_id"])
    assert {"research_branch", "approve_plan", "publish"} <= {str(node["id"]) for node in drawn["nodes"]}

    thread = await thread_of(client)
    context: dict[str, Any] = {"approvals": {"plan": {}}}
    stream = client.runs.stream(thread, "research", input=INPUT, context=context, stream_mode=["custom"])
    paths = [part.data["path"] async for part in stream if part.event == "custom"]
    assert "analyze_task" in paths, "progress is streamed"

    waits = (await engine.show(thread)).run
    assert (waits.status, waits.input) == ("waiting_approval", INPUT)
    assert set(waits.context.approvals) == {"plan"}

    request, action, _ = await shown(client, thread)
    assert action == "approve_plan"
    await answer(client, thread, {request: YES})
    values: Any = (await client.threads.get_state(thread))["values"]
    assert values["outcome"] == "published"
    assert values["citation_accuracy"] == 1.0
    completed = await engine.show(thread)
    assert completed.run.status == "completed"
    assert (completed.run.output or {})["outcome"] == "published"
    assert (await _report(opened, values["report"]["sha256"])).startswith("# How fast")


async def _report(database: Database, sha256: str) -> str:
    """The report, where the command line finds it too."""
    async with database.pool.connection() as connection:
        cursor = await connection.execute("SELECT bytes FROM artifacts WHERE sha256 = %s", (sha256,))
        row = await cursor.fetchone()
    assert row is not None
    return bytes(row["bytes"]).decode()


async def test_what_the_point_does_not_allow_is_refused_and_asked_again(person: Person) -> None:
    """The same request is shown again with the reason, for a wrong person, none, a wrong decision or a wrong form."""
    nobody, ann, bob = person(""), person("ann"), person("bob")
    thread = await ask(nobody, {"approvals": {"plan": {"approvers": ["ann"]}, "report": {}}})
    request, _, question = await shown(nobody, thread)
    edit = {"type": "edit", "edited_action": {"name": "approve_plan", "args": {"plan": {}}}}
    for who, given, reason in (
        (nobody, YES | {"by": "ann"}, "Only ann may answer here, and the server does not know who you are."),
        (bob, YES, "bob may not answer here. Ask ann."),
        (ann, {"decisions": [{"type": "accept"}]}, "This is no answer: decisions.0"),
        (ann, {"decisions": [edit]}, "plan edit, plan.sub_questions: Field required."),
        (bob, YES, "bob may not answer here. Ask ann."),
    ):
        assert "__error__" not in (await answer(who, thread, given))
        again, action, told = await shown(nobody, thread)
        assert (again, action) == (request, "approve_plan")
        assert reason in told
        assert told.endswith(question)
    assert (await nobody.threads.get(thread))["status"] == "interrupted"

    await answer(ann, thread)
    _, action, told = await shown(nobody, thread)
    assert (action, "not taken" in told) == ("approve_report", False)
    await answer(bob, thread, {"decisions": [{"type": "respond", "message": "Shorter."}]})
    assert (
        "The decision 'respond' is not allowed here. Allowed: approve, edit, reject."
        in (await shown(nobody, thread))[2]
    )
    await answer(bob, thread)
    values: Any = (await nobody.threads.get_state(thread))["values"]
    assert values["outcome"] == "published"
    assert [(said["point"], said["by"]) for said in values["feedback"]] == [("plan", "ann"), ("report", "bob")]


async def test_time_limits_end_by_themselves(client: LangGraphClient, engine: Engine) -> None:
    """When the time of an approval is over the server goes on as the policy says; what comes later changes nothing."""
    policies = {"plan": {"timeout_seconds": 0.5}, "report": {"timeout_seconds": 0.5, "on_timeout": "reject"}}
    thread = await ask(client, {"approvals": policies})
    await until(lambda: _has_ended(engine, thread), 60)
    view = await engine.show(thread)
    assert (view.run.output or {})["outcome"] == "rejected"
    assert [(each.status, each.answered_by) for each in view.approvals] == [("expired", TIMEOUT_ACTOR)] * 2
    await answer(client, thread)
    assert (await engine.show(thread)).run.output == view.run.output


async def _has_ended(engine: Engine, thread: str) -> bool:
    return (await engine.show(thread)).run.status == "completed"


async def test_two_answers_at_once_count_once(client: LangGraphClient) -> None:
    """A second click is not taken for the next question: that is shown, with the reason."""
    thread = await ask(client, {"approvals": {"plan": {}, "report": {}}})
    await asyncio.gather(answer(client, thread), answer(client, thread))
    _, action, told = await shown(client, thread)
    assert action == "approve_report"
    assert "The answer was given before this was asked." in told


async def test_a_failure_is_told_and_written_down(client: LangGraphClient, engine: Engine) -> None:
    """What was wrong, where and what to do reaches the client; the row is failed, with the question."""
    thread = await thread_of(client)
    wrong: dict[str, Any] = {"question": QUESTION, "sources": ["no/such/folder"]}
    ended: Any = await client.runs.wait(thread, "research", input=wrong, raise_error=False)
    assert "no/such/folder" in ended["__error__"]["message"]
    run = (await engine.show(thread)).run
    assert (run.status, run.input) == ("failed", wrong)
    assert "no/such/folder" in (run.error or "")


@pytest.mark.parametrize(
    ("given", "context", "place"),
    [
        ({"question": QUESTION}, {}, "input, sources: Sources are a list of paths."),
        ({"question": " ", "sources": ["x"]}, {}, "input, question: There is no question."),
        (INPUT, {"approvals": {"plan": {"timeout_seconds": -1}}}, "context, approvals.plan.timeout_seconds: "),
    ],
)
async def test_a_wrong_form_is_told(
    client: LangGraphClient, given: dict[str, Any], context: dict[str, Any], place: str
) -> None:
    """An input or a context that cannot be used is named; nothing is begun."""
    ended: Any = await client.runs.wait(
        await thread_of(client), "research", input=given, context=context, raise_error=False
    )
    assert ended["__error__"]["message"].startswith(place)


async def test_a_run_without_a_thread(client: LangGraphClient) -> None:
    """A stateless run answers; one that would have to wait says that nobody could answer."""
    answered: Any = await client.runs.wait(None, "research", input=INPUT)
    assert answered["outcome"] == "published"
    waits: Any = await client.runs.wait(
        None, "research", input=INPUT, context={"approvals": {"plan": {}}}, raise_error=False
    )
    assert "nobody can answer" in waits["__error__"]["message"]


async def test_going_back_asks_again(client: LangGraphClient) -> None:
    """From an earlier checkpoint the questions are new ones: the answers of before are not taken for them."""
    thread = await ask(client, {"approvals": {"plan": {}, "report": {}}})
    first, _, _ = await shown(client, thread)
    await answer(client, thread)
    history = await client.threads.get_history(thread, limit=50)
    (before,) = [state["checkpoint"] for state in history if state["next"] == ["approve_plan"]]
    await client.runs.wait(thread, "research", input=None, checkpoint=before)
    again, action, _ = await shown(client, thread)
    assert action == "approve_plan"
    assert again != first


async def test_cancel_reaches_a_run_of_the_server(
    server: StudioServer, client: LangGraphClient, engine: Engine, tmp_path: Path
) -> None:
    """What runs ends within a moment, what waits at once, and neither goes on; list and show suggest what works."""
    running = await thread_of(client)
    await client.runs.create(running, "research", input=INPUT, context=hanging_model(tmp_path))
    await until(lambda: plans(engine, running), 60)
    waiting = await ask(client, {"approvals": {"plan": {}}})
    assert "cancel " + waiting in (told := command_line(server, "show", waiting))
    assert "resume" not in told
    assert "approve " + waiting not in told

    for thread in (running, waiting):
        command_line(server, "cancel", thread)
        await until(partial(_is_cancelled, engine, thread), 60)
    for thread in (running, waiting):
        ended = await answer(client, thread)
        assert "The run was cancelled." in ended["__error__"]["message"]


async def test_a_workflow_of_the_package(client: LangGraphClient, engine: Engine) -> None:
    """It is drawn with its steps, its inputs are a form, wrong ones are told, and two approvals are answered by id."""
    (assistant,) = await client.assistants.search(graph_id="expense_approval")
    for xray in (False, True):
        drawn = await client.assistants.get_graph(assistant["assistant_id"], xray=xray)
        assert {"receipts", "decision", "decision.two_people"} <= {str(node["id"]) for node in drawn["nodes"]}
    schema: Any = (await client.assistants.get_schemas(assistant["assistant_id"]))["input_schema"]
    assert set(schema["properties"]) == {"employee", "items", "total", "receipts_attached"}
    assert schema["required"] == ["employee", "items"]

    thread = await thread_of(client)
    for wrong, said in (({"employee": "ann"}, '"items" is a required'), ({"who": "ann"}, "has no input 'who'")):
        ended: Any = await client.runs.wait(thread, "expense_approval", input=wrong, raise_error=False)
        assert said in ended["__error__"]["message"]
    given: dict[str, Any] = {"employee": "ann", "items": [{"name": "desk", "amount": 2000}], "total": 2000}
    stream = client.runs.stream(thread, "expense_approval", input=given, stream_mode=["custom"])
    told = [(part.data["path"], part.data["status"]) async for part in stream if part.event == "custom"]
    assert ("decision.one_person", "waiting") in told

    assert "__error__" not in (await _reply(client, thread, {"decisions": [{"type": "respond", "message": "x"}]}))
    request, action, words = await shown(client, thread)
    assert (action, "The decision 'respond' is not allowed here" in words) == ("decision.one_person", True)
    await _reply(client, thread, {request: YES})
    request, action, words = await shown(client, thread)
    assert (action, "not taken" in words) == ("review[0].costly", False)
    edit = {"type": "edit", "edited_action": {"name": action, "args": {"amount": 1500}}}
    values = await _reply(client, thread, {request: {"decisions": [edit]}})
    assert values["outputs"]["route"] == "usual"
    assert values["outputs"]["items"][0]["values"]["amount"] == 1500
    view = await engine.show(thread)
    assert (view.run.status, view.run.graph) == ("completed", "expense_approval@1.0.0 (server)")
    assert {"decision", "review[0].costly"} <= {step.path for step in view.steps if step.status == "completed"}


async def _reply(client: LangGraphClient, thread: str, given: object) -> Any:
    return await client.runs.wait(thread, "expense_approval", command={"resume": given}, raise_error=False)


async def test_a_workflow_of_the_user(server: StudioServer, client: LangGraphClient, engine: Engine) -> None:
    """A file of the user's folder is served as well: an approval is answered through the server, research works as a

    step and tells how it goes, and an event takes the run on, which keeps the definition that it began with.
    """
    thread = await thread_of(client)
    await client.runs.wait(thread, "pay-out", input={"sum": 5})
    file = server.workflows / "mine.yaml"
    await asyncio.to_thread(file.write_text, OWN.replace("id: ask", "id: other"), encoding="utf-8")
    (assistant,) = await client.assistants.search(graph_id="pay-out")
    with pytest.raises(UnprocessableEntityError, match=r"There is no step 'ask'\..* Beside it are: other"):
        await client.assistants.get_graph(assistant["assistant_id"])
    stream = client.runs.stream(thread, "pay-out", command={"resume": YES}, stream_mode=["custom"])
    told_of = [(part.data["path"], part.data["status"]) async for part in stream if part.event == "custom"]
    assert {("paid", "waiting"), ("why.analyze_task", "completed"), ("why", "completed")} <= {*told_of}
    view = await engine.show(thread)
    assert (view.run.status, [wait.event for wait in view.waits]) == ("paused", ["paid"])
    assert {"why", "why.publish"} <= {step.path for step in view.steps if step.status == "completed"}
    told = await asyncio.to_thread(command_line, server, "event", thread, "paid", "--data", '{"by": "ann"}')
    assert "The step that waits has it." in told
    await until(lambda: _has_ended(engine, thread), 30)
    assert (await engine.show(thread)).run.output == {"outputs": {"by": "ann", "why": "published"}}
    await asyncio.to_thread(file.write_text, OWN.replace("ask", "other"), encoding="utf-8")
    drawn = await client.assistants.get_graph(assistant["assistant_id"])
    assert "other" in {node["id"] for node in drawn["nodes"]}, "what is drawn is the file as it is"


async def _is_cancelled(engine: Engine, thread: str) -> bool:
    return (await engine.show(thread)).run.status == "cancelled"


async def test_a_killed_server(postgres_server: ServerForTests, tmp_path: Path) -> None:
    """The row stays; a fresh server without the thread begins with its question, and makes no call twice.

    The server is the one that the command `studio` starts.
    """
    pytest.importorskip("langgraph_api", reason="the Studio server is an extra: pip install -e '.[studio]'")
    with postgres_server.migrated_database() as dsn:
        server = StudioServer(tmp_path, dsn, by_command=True)
        async with open_database(DatabaseSettings(dsn, tmp_path)) as database:
            engine, thread = engine_on(database), "01a1fcfa-386c-7747-bea6-e45cd63acf01"
            server.start()
            try:
                async with server.client() as client:
                    await client.threads.create(thread_id=thread)
                    await client.runs.wait(thread, "research", input=INPUT, context={"approvals": {"report": {}}})
                before = await engine.show(thread)
                server.kill()
                server.start()
                async with server.client() as client:
                    await client.threads.create(thread_id=thread, if_exists="do_nothing")
                    await client.runs.wait(thread, "research", input=None)
                after = await engine.show(thread)
            finally:
                server.stop()
    assert (before.run.status, after.run.status) == ("waiting_approval", "waiting_approval")
    assert after.usage == before.usage, "calls that were made are not made again"
    assert [each.status for each in after.approvals].count("pending") == 1
