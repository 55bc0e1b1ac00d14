"""A graph as `langgraph dev` runs it: a stretch of work on a run of ours, under its lease.

The server brings the checkpoints and the threads; the runs' rows, answers, evidence, calls and steps go to the same
PostgreSQL as those of the command line. Where the server only looks at a graph, to draw it or to read a thread,
nothing is opened. What is elsewhere imported when it is used is imported here at once: an import would block the
server's event loop.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph, StateGraph
from langgraph_sdk.runtime import ServerRuntime
from pydantic import ValidationError

import tools.toolbox  # noqa: F401
from chains.models import ModelDoor
from graphs.catalog import CATALOG
from graphs.workflow.pinned import Pinned
from run_workflow.engine.driving import App
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Asked, Refuse, Start
from run_workflow.engine.told import told
from run_workflow.postgres.database import open_database
from run_workflow.services import open_network
from run_workflow.settings import Settings, load_settings
from state.context import RunContext
from state.errors import RunError, StrettoError
from state.ports import Ports
from tools.memory import SystemClock


@dataclass(frozen=True)
class Taken:
    """What is run on a thread."""

    graph: str | Pinned
    """As the engine is asked to lend it."""
    build: Callable[[Ports], StateGraph[Any, Any, Any, Any]]
    start: Start
    """What the client gave, checked, in the form that the run keeps."""


class Subject(Protocol):
    """A graph of the server."""

    @property
    def refuse(self) -> Refuse: ...

    async def taken(self, engine: Engine, settings: Settings, thread: str, given: Start) -> Taken:
        """What is run on a thread that was given this. Raises a StrettoError when it cannot be used."""


@dataclass(frozen=True)
class Serving:
    """Which graph is run, and for whom."""

    subject: Subject
    actor: str | None

    @classmethod
    def of(cls, subject: Subject, runtime: ServerRuntime[RunContext]) -> "Serving":
        """For the person who asks, if the server has authentication and knows."""
        user = runtime.user
        return cls(subject, (user.identity or None) if user is not None and user.is_authenticated else None)


@asynccontextmanager
async def open_engine() -> AsyncIterator[tuple[Engine, Settings]]:
    """The engine, with all that it works with."""
    settings = await asyncio.to_thread(load_settings)
    models = ModelDoor(settings.model_providers(), settings.price_table())
    try:
        async with open_database(settings.database) as database, open_network(settings, models) as network:
            engine = Engine(database.pool, models, SystemClock(), CATALOG, network=network)
            async with aclosing(engine.background):
                yield engine, settings
    finally:
        await models.close()


def _context(given: object) -> RunContext:
    """Raises RunError when it cannot be used."""
    if isinstance(given, RunContext):
        return given
    try:
        return RunContext.model_validate(given or {})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{first['msg']}.", place=f"context, {field}", remedy="docs/studio.md.") from error


def _asked_at(config: RunnableConfig) -> datetime | None:
    """When the client asked: the server numbers what it is asked with UUIDs of version 7, which tell (RFC 9562)."""
    number = UUID(str(config.get("metadata", {}).get("run_id") or UUID(int=0)))
    return datetime.fromtimestamp((number.int >> 80) / 1000, UTC) if number.version == 7 else None


class Served(CompiledStateGraph[Any, Any, Any, Any]):
    """The graph as the server streams it: a stretch of work on a run of ours, under its lease.

    All ways in which the server runs a graph come by `astream`. A copy keeps what it serves.
    """

    def __init__(self, *, serving: Serving, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.serving = serving

    async def astream(
        self, input: Start, config: RunnableConfig | None = None, *, context: object = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """The parts of the stream. An error is raised after it was written down: RuntimeError if it is for a person."""
        with _told_to_clients():
            stretch = self._stretch(input, config or {}, context, kwargs)
            async with aclosing(stretch) as parts:
                async for part in parts:
                    yield part

    async def _stretch(
        self, input: Start, config: RunnableConfig, context: object, options: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        subject, read = self.serving.subject, _context(context)
        thread = str(config["configurable"]["thread_id"])
        async with open_engine() as (engine, settings):
            taken = await subject.taken(engine, settings, thread, input)
            kept = bool(self.checkpointer)
            asked = Asked(taken.start, read, self.serving.actor, _asked_at(config), kept, subject.refuse)
            async with (
                engine.lend(thread, taken.graph, asked) as (ports, loan),
                aclosing(loan.work(self._bound(taken, ports), asked, config, options)) as parts,
            ):
                async for part in parts:
                    yield part

    def _bound(self, taken: Taken, ports: Ports) -> App:
        """The graph of this run, on the server's checkpoints; a run without a thread has them for this stretch."""
        saver = self.checkpointer or InMemorySaver()
        app: App = taken.build(ports).compile(checkpointer=saver, store=self.store, name=self.name)
        return app


@contextmanager
def _told_to_clients() -> Iterator[None]:
    """Errors for a person as RuntimeError: of others the server tells its clients the class and no message."""
    try:
        yield
    except StrettoError as error:
        raise RuntimeError(told(error)) from error
