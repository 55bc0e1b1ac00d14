"""Runs in the background: what is told to who watches them, where the row of a run does not tell it."""

import asyncio

import pytest

from run_workflow.engine.background import Background
from state.errors import (
    BuildError,
    DatabaseError,
    DefinitionChanged,
    LeaseLost,
    RunError,
    RunHeld,
    SetupError,
    StrettoError,
)
from tests.run_workflow.engine_double import EngineDouble, Stretch

KEPT = (BuildError("b"), DefinitionChanged("d"), DatabaseError("p"), SetupError("s"))


@pytest.mark.parametrize("error", KEPT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("seconds", [0, 5])
async def test_what_keeps_a_run_from_going_on_is_told_once(error: StrettoError, seconds: float) -> None:
    """Also to a client that never waits; after that the run is tried again, and may end well."""
    engine = EngineDouble([Stretch(raises=error), Stretch()])
    background, run = Background(engine), engine.add("r1", {})
    if not seconds:
        assert (await background.watch(run.id, "ann", 0)).run.status == "initializing"
        await asyncio.sleep(0.01)
    with pytest.raises(type(error)) as told:
        await background.watch(run.id, "ann", seconds)
    assert told.value is error
    assert len(engine.stretches) == 1
    assert (await background.watch(run.id, "ann", 5)).run.status == "completed"


@pytest.mark.parametrize("error", [RunHeld("h"), LeaseLost("l")])
async def test_that_another_process_has_a_run_is_no_failure(error: StrettoError) -> None:
    """It is shown as it stands."""
    engine = EngineDouble([Stretch(raises=error)])
    background, run = Background(engine), engine.add("r1", {})
    assert (await background.watch(run.id, "ann", 5)).run.status == "initializing"


async def test_an_error_is_forgotten_where_the_run_went_on_elsewhere() -> None:
    """Whoever watches then sees how it ended, and nothing is tried again."""
    engine = EngineDouble([Stretch(raises=BuildError("b")), Stretch()])
    background, run = Background(engine), engine.add("r1", {})
    await background.watch(run.id, "ann", 0)
    await asyncio.sleep(0.01)
    await engine.advance(run.id)
    for _ in range(2):
        assert (await background.watch(run.id, "ann", 5)).run.status == "completed"
    assert engine.stretches == []


async def test_a_fault_of_the_program_is_told_without_its_words() -> None:
    """These stand in the log."""
    engine = EngineDouble([Stretch(raises=ZeroDivisionError("hush"))])
    background, run = Background(engine), engine.add("r1", {})
    with pytest.raises(RunError, match="ZeroDivisionError") as told:
        await background.watch(run.id, "ann", 5)
    assert "hush" not in str(told.value)
