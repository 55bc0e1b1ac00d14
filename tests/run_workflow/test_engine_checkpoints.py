"""Checkpoints: written under the fence, with listed types only, and without a lock around all of a run's statements."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph
from langgraph.types import Send
from pydantic import BaseModel

from run_workflow.checkpoints import FencedSaver, StrictSerializer
from run_workflow.fence import Fence
from run_workflow.postgres.database import Database
from state.context import RunContext
from state.errors import BuildError, LeaseLost
from state.evidence import Record
from state.ports import Ports
from state.records import RECORDS
from state.research import Feedback
from tests.run_workflow.engine_graphs import PLAIN, Entry, change, engine_on, rows


class Unlisted(Record):
    """A record that is not in the list."""

    text: str = "x"


class Holding(TypedDict, total=False):
    """State that may hold anything."""

    value: Any


def test_listed_records_come_back_as_they_were() -> None:
    """Records, messages and sends survive the way through a checkpoint."""
    said = Feedback(point="plan", type="approve", by="ann")
    value = {"feedback": (said,), "message": AIMessage("hi"), "send": Send("node", {"said": said})}
    serializer = StrictSerializer()
    back = serializer.loads_typed(serializer.dumps_typed(value))
    assert back["feedback"] == [said] or back["feedback"] == (said,)
    assert (back["message"], back["send"]) == (value["message"], value["send"])


def test_unlisted_record_is_refused_when_it_is_written() -> None:
    """What could not be read back is not written; the message names the class and the remedy."""
    with pytest.raises(BuildError, match=r"engine_checkpoints\.Unlisted stands in the state.*state/records\.py"):
        StrictSerializer().dumps_typed({"deep": [Unlisted()]})
    assert StrictSerializer((Unlisted,)).dumps_typed(Unlisted())


def test_unlisted_record_is_refused_when_it_is_read() -> None:
    """A checkpoint with a class that is no longer listed is an error, not a dict."""
    written = StrictSerializer((Unlisted,)).dumps_typed(Unlisted())
    with pytest.raises(BuildError, match="Unlisted"):
        StrictSerializer().loads_typed(written)


class Meddling(BaseModel):
    """A listed class; while one is made, another thread reads something unlisted."""

    def model_post_init(self, context: Any) -> None:
        unlisted = StrictSerializer((Unlisted,)).dumps_typed(Unlisted())
        with ThreadPoolExecutor(1) as other, pytest.raises(BuildError):
            other.submit(StrictSerializer().loads_typed, unlisted).result()


def test_refusals_in_other_threads_do_not_count() -> None:
    """A thread that reads something unlisted does not spoil what others read at the same time."""
    strict = StrictSerializer((Meddling,))
    assert strict.loads_typed(strict.dumps_typed(Meddling())) == Meddling()


async def test_run_with_an_unlisted_record_fails_where_it_is_written(database: Database) -> None:
    """A node that puts an unlisted record into the state fails the run, instead of spoiling its resume."""

    def build(ports: Ports) -> StateGraph[Any, Any, Any, Any]:
        async def node(state: Holding) -> Holding:
            return {"value": Unlisted()}

        graph = StateGraph(Holding, RunContext)
        graph.add_node("node", node)
        graph.add_edge(START, "node")
        return graph

    engine = engine_on(database, Entry(build=build))
    run = await engine.start("trial", {"value": 1}, PLAIN, actor="ann")
    failed = await engine.advance(run.id)
    assert failed.status == "failed"
    assert "Unlisted" in (failed.error or "")


async def test_checkpoints_under_an_old_fence_are_refused(database: Database) -> None:
    """Neither a checkpoint nor a task's writes are stored once the run was taken over."""
    run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
    fence = Fence(database.pool, run.id, 0)
    graph = StateGraph(Holding)

    async def node(state: Holding) -> Holding:
        await change(database, "UPDATE runs SET fence = 1")
        return {"value": 2}

    graph.add_node("node", node)
    graph.add_edge(START, "node")
    app = graph.compile(checkpointer=FencedSaver(fence))
    with pytest.raises(LeaseLost):
        await app.ainvoke({"value": 1}, {"configurable": {"thread_id": run.id}}, durability="sync")
    assert fence.lost.is_set()
    assert len(await rows(database, "SELECT 1 FROM checkpoints")) == 2  # the input, and what came before the node
    # That of the input at most: writes are stored beside the work, and this one may have come too late as well.
    assert len(await rows(database, "SELECT 1 FROM checkpoint_writes WHERE channel = 'value'")) <= 1


async def test_reads_do_not_wait_for_one_another(database: Database) -> None:
    """Several statements of one run are under way at the same time."""
    run = await engine_on(database).start("trial", {}, PLAIN, actor="ann")
    saver = FencedSaver(Fence(database.pool, run.id, 0))
    config: Any = {"configurable": {"thread_id": run.id, "checkpoint_ns": ""}}
    async with saver._cursor():
        async with asyncio.timeout(2):
            assert await saver.aget_tuple(config) is None


async def test_context_is_not_stored_with_the_checkpoints(database: Database) -> None:
    """What a run is told stands in its row only, not in the metadata of each checkpoint."""
    engine = engine_on(database)
    run = await engine.start("trial", {}, RunContext(default_model="openai/told-once"), actor="ann")
    await engine.advance(run.id)
    assert await rows(database, "SELECT 1 FROM checkpoints WHERE metadata::text LIKE '%told-once%'") == []


def test_records_are_pydantic_classes() -> None:
    """The list holds classes of the ground only, each once."""
    assert len(set(RECORDS)) == len(RECORDS)
    assert all(issubclass(each, BaseModel) and each.__module__.startswith("state.") for each in RECORDS)
