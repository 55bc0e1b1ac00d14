"""What a run may be given: an address with a password is refused before anything of it is stored, at every door."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from graphs.catalog import CATALOG
from graphs.workflow.pinned import pinned
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Asked
from run_workflow.postgres.database import Database
from state.errors import SourceError
from state.runs import Json
from tests.run_workflow.engine_graphs import PLAIN, Entry, engine_on, rows

pytestmark = pytest.mark.slow

GIVEN: Json = {"question": "Why?", "sources": ["notes", "https://ann:hunter2@example.org/page"]}
WORKFLOW = """
name: w
inputs: {type: object, properties: {form: {type: object}, page: {type: string}}}
steps:
  - {id: a, type: wait, duration: 1}
"""
THREAD = "01a1fcfa-386c-7747-bea6-e45cd63acf02"


async def start(engine: Engine) -> None:
    """A command or a program."""
    await engine.start("trial", GIVEN, PLAIN, actor="ann")


async def fork(engine: Engine) -> None:
    """A fork with other sources."""
    run = await engine.start("trial", {**GIVEN, "sources": []}, PLAIN, actor="ann")
    await engine.advance(run.id)
    await engine.fork(run.id, at="spread", changes=GIVEN, actor="ann")


def _nothing(_state: Mapping[str, Any], _action: str, _reason: str, _more: str) -> dict[str, Any]:
    """What is told of an answer that was refused: here there is none."""
    return {}


async def serve(engine: Engine) -> None:
    """A client of a LangGraph server."""
    asked = Asked(GIVEN, PLAIN, None, None, True, _nothing)
    async with engine.lend(THREAD, "trial", asked):
        raise AssertionError("the run was lent")


async def workflow(engine: Engine) -> None:
    """A workflow, in one of its inputs."""
    inputs: Json = {"form": {"pages": GIVEN["sources"]}}
    await engine.workflows.start(pinned(WORKFLOW, "w.yaml", {}), inputs, PLAIN, actor="ann")


async def copied_workflow(engine: Engine) -> None:
    """A copy of a workflow's run with another input."""
    run = await engine.workflows.start(pinned(WORKFLOW, "w.yaml", {}), {}, PLAIN, actor="ann")
    await engine.fork(run.id, changes={"page": GIVEN["sources"][1]}, actor="ann")


@pytest.mark.parametrize("door", [start, fork, serve, workflow, copied_workflow])
async def test_a_password_in_an_address_is_stored_nowhere(
    database: Database, door: Callable[[Engine], Coroutine[Any, Any, None]]
) -> None:
    """The error says so without it; no row of any table holds it: run, event, checkpoint, call."""
    entry = Entry(check_input=CATALOG["research"].check_input)
    with pytest.raises(SourceError, match="holds a user or a password") as refused:
        await door(engine_on(database, entry))
    assert "hunter2" not in str(refused.value)
    for table in await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        stored = await rows(database, f'SELECT t::text AS row FROM "{table["tablename"]}" t')
        assert not [each for each in stored if "hunter2" in str(each["row"])]
