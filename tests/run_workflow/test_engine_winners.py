"""A person's answer, the end of the time and a cancel, in every order and at once: one of them decides."""

import asyncio
from contextlib import suppress
from itertools import permutations

import pytest

from graphs.workflow.pinned import pinned
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import AnswerRefused, RunError
from state.runs import Answer, Approve
from tests.run_workflow.engine_graphs import change, engine_on, rows

pytestmark = pytest.mark.slow

ASKS = """
name: w
steps:
  - id: ask
    type: human_approval
    message: Pay?
    approval: {timeout: 3600, on_timeout: approve}
"""
YES = Answer(decisions=(Approve(),))
DECIDED = {"answer": "answered", "timeout": "expired", "cancel": "withdrawn"}
ENDS = {"answer": "completed", "timeout": "completed", "cancel": "cancelled"}


async def asked(engine: Engine) -> str:
    """A run that waits for its approval."""
    run = await engine.workflows.start(pinned(ASKS, "w.yaml", {}), {}, RunContext(), actor="ann")
    assert (await engine.advance(run.id)).status == "waiting_approval"
    return run.id


async def does(engine: Engine, database: Database, run: str, what: str) -> None:
    """One of the three; one that comes too late is refused."""
    if what == "timeout":
        await change(database, "UPDATE approvals SET expires_at = now() WHERE run_id = %s", run)
        await engine.show(run)
    with suppress(AnswerRefused, RunError):
        if what == "answer":
            await engine.answer(run, None, YES, "ann")
        elif what == "cancel":
            await engine.cancel(run, "ann")


async def decided(engine: Engine, database: Database, run: str) -> str:
    """How the one request stands; that is in the audit once, and nothing else is."""
    (request,) = (await engine.show(run)).approvals
    statement = "SELECT event FROM audit WHERE run_id = %s AND event = ANY (%s)"
    events = await rows(database, statement, run, [f"approval.{status}" for status in DECIDED.values()])
    assert len(events) <= 1, events
    return request.status


@pytest.mark.parametrize("order", list(permutations(DECIDED)), ids=" ".join)
async def test_the_first_decides(order: tuple[str, ...], database: Database) -> None:
    """What comes later changes nothing of the request; a cancel that comes before the run goes on ends the run."""
    engine = engine_on(database)
    run, other = await asked(engine), await asked(engine)
    for what in order:
        await does(engine, database, run, what)
        assert await decided(engine, database, run) == DECIDED[order[0]]
    assert (await engine.show(run)).run.status == "cancelled"

    await does(engine, database, other, order[0])
    with suppress(RunError):
        await engine.advance(other)
    for what in order[1:]:
        await does(engine, database, other, what)
    assert (await engine.show(other)).run.status == ENDS[order[0]]
    assert await decided(engine, database, other) == DECIDED[order[0]]


async def test_all_at_once_have_one_winner(database: Database) -> None:
    """From three processes' engines at the same moment: the run ends as its request was decided, or is cancelled."""
    engines = [engine_on(database) for _ in DECIDED]
    for _ in range(8):
        run = await asked(engines[0])
        await asyncio.gather(
            *(does(engine, database, run, what) for engine, what in zip(engines, DECIDED, strict=True))
        )
        status = await decided(engines[0], database, run)
        with suppress(RunError):
            await engines[0].advance(run)
        ended = (await engines[0].show(run)).run.status
        assert status in DECIDED.values()
        assert ended == "cancelled"
        assert await decided(engines[0], database, run) == status
