"""Databases that steps use: transactions end with the work on a run; the page's example; what doctor says."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from graphs.workflow.pinned import pinned
from run_workflow.doctor import examine
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database, DatabaseSettings
from run_workflow.settings import load_settings
from state.context import RunContext
from state.errors import DatabaseError
from state.ports import Network
from state.runs import Answer, Approve
from tests.document_lines import blocks
from tests.run_workflow.engine_graphs import NO_MODELS, QUICK
from tests.tools.database_files import sqlite_file, stock
from tools.database.conversations import Databases
from tools.memory import SystemClock
from tools.toolbox import Toolbox

pytestmark = pytest.mark.slow

WORKFLOW = """name: w
steps:
  - {id: begin, type: action, tool: database_begin, input_mapping: {database: shop}}
  - id: empty
    type: action
    tool: database_execute
    depends_on: [begin]
    input_mapping:
      database: shop
      transaction: $begin.transaction
      statements: [{sql: DELETE FROM stock, rows: 2}]
    rollback_actions: [{tool: database_rollback, input: {transaction: $begin.transaction}}]
  - {id: ask, type: human_approval, message: Sure?, depends_on: [empty]}
  - {id: keep, type: action, tool: database_commit, depends_on: [ask], input_mapping: {transaction: $begin.transaction}}
"""


async def test_a_transaction_does_not_outlast_a_pause(database: Database, tmp_path: Path) -> None:
    """A run that waits for a person has none: what it did is rolled back, and the step that goes on says so."""
    shop = sqlite_file(tmp_path, writable=True)
    async with Databases([shop]) as databases:
        box = Toolbox(files=tmp_path / "files", databases=databases)
        network = Network(toolbox=box)
        engine = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)
        run = await engine.workflows.start(pinned(WORKFLOW, "w.yaml", {}), {}, RunContext(), actor="ann")
        assert (await engine.advance(run.id)).status == "waiting_approval"
        assert stock(shop) == [("desk", 1), ("lamp", 3)]
        await engine.answer(run.id, None, Answer(decisions=(Approve(),)), "ann")
        done = await engine.advance(run.id)
    assert done.status == "failed"
    assert "Begin again with database_begin" in str(done.error)
    assert stock(shop) == [("desk", 1), ("lamp", 3)]


async def test_the_example_of_the_page(database: Database, tmp_path: Path) -> None:
    """The workflow of docs/tools.md reads what is low and orders the first of it, once."""
    shop = sqlite_file(tmp_path, writable=True)
    text = next(each for each in blocks("docs/tools.md", "yaml") if "name: reorder" in each)
    async with Databases([shop]) as databases:
        network = Network(toolbox=Toolbox(files=tmp_path / "files", databases=databases))
        engine = Engine(database.pool, NO_MODELS, SystemClock(), {}, network=network, times=QUICK)
        wanted = pinned(text, "reorder.yaml", {})
        for ordered in ("desk", "lamp"):
            run = await engine.workflows.start(wanted, {"least": 5}, RunContext(), actor="ann")
            assert (await engine.advance(run.id)).output == {"outputs": {"ordered": ordered}}
    assert stock(shop) == [("desk", 11), ("lamp", 13)]


async def test_doctor_looks_into_each_database(tmp_path: Path) -> None:
    """It names them, and what is wrong, without an address."""
    there = sqlite_file(tmp_path)

    def none(_: DatabaseSettings) -> AbstractAsyncContextManager[Database]:
        raise DatabaseError("not looked at here")

    env = {"STRETTO_DATABASE_SHOP": there.url, "STRETTO_DATABASE_GONE": "postgresql://u:hush@127.0.0.1:1/d"}
    checks = await examine(load_settings({**env, "STRETTO_HOME": str(tmp_path)}), none)
    states = {check.name: check.state for check in checks}
    assert (states["database shop"], states["database gone"]) == ("ok", "fault")
    assert "hush" not in str(checks)
