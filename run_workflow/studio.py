"""The graphs of `langgraph.json`, for `langgraph dev` and LangGraph Studio.

The server brings the checkpoints and the threads; the runs' rows, answers, evidence, calls and steps go to the same
PostgreSQL as those of the command line. Where the server only looks at a graph, to draw it or to read a thread,
nothing is opened. What is elsewhere imported when it is used is imported here at once: an import would block the
server's event loop.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError
from langgraph_sdk.runtime import ServerRuntime
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from starlette.applications import Starlette

import agents.points  # noqa: F401
import graphs.research  # noqa: F401
import tools.toolbox  # noqa: F401
from agents.approval import refusal
from chains.models import ModelDoor
from graphs.catalog import CATALOG, CatalogEntry
from run_workflow.engine.driving import App
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Asked, Start
from run_workflow.engine.lending import Answered
from run_workflow.engine.told import told
from run_workflow.postgres.database import open_database
from run_workflow.services import open_network
from run_workflow.settings import load_settings
from state.context import RunContext
from state.errors import RunError, StrettoError
from state.ports import Ports
from state.runs import Json
from tools.memory import SystemClock, memory_ports

LOOK_SECONDS = 2.0
"""How often the server looks for approvals whose time is over."""
_AGAIN_SECONDS = 30.0
"""When it looks again after the database could not be had."""
_FORM = 'Give {"question": "…", "sources": ["path/to/folder"]}.'
_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def research(runtime: ServerRuntime[RunContext]) -> AsyncIterator[App]:
    """The research graph: to look at, or to run on one thread."""
    entry = CATALOG["research"]
    graph = entry.build(memory_ports(ModelDoor({}, {}))).compile()
    if runtime.execution_runtime is None:
        yield graph
    else:
        yield Served(serving=Serving(entry, _name(runtime)), **vars(graph))


def _name(runtime: ServerRuntime[RunContext]) -> str | None:
    """Who asks, if the server has authentication and knows."""
    user = runtime.user
    return (user.identity or None) if user is not None and user.is_authenticated else None


@dataclass(frozen=True)
class Serving:
    """Which graph is run, and for whom."""

    entry: CatalogEntry
    actor: str | None

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """The engine, with all that it works with."""
        settings = await asyncio.to_thread(load_settings)
        models = ModelDoor(settings.model_providers(), settings.price_table())
        try:
            async with open_database(settings.database) as database, open_network(settings, models) as network:
                yield Engine(database.pool, models, SystemClock(), CATALOG, network=network)
        finally:
            await models.close()

    def asked(self, start: Start, context: object, config: RunnableConfig, *, kept: bool) -> Asked:
        """What the client wants. Raises RunError when the input or the context cannot be used."""
        try:
            read = context if isinstance(context, RunContext) else RunContext.model_validate(context or {})
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise RunError(f"{first['msg']}.", place=f"context, {field}", remedy="docs/studio.md.") from error
        start = _question(start) if isinstance(start, dict) else start
        return Asked(start, read, self.actor, _asked_at(config), kept, refusal)


def _question(given: Json) -> Json:
    """The input of a run, and nothing else that was given. Raises RunError when it is none."""
    question, sources = given.get("question"), given.get("sources")
    if not isinstance(question, str) or not question.strip():
        raise RunError("There is no question.", place="input, question", remedy=_FORM)
    if not isinstance(sources, list) or not sources or not all(isinstance(path, str) for path in sources):
        raise RunError("Sources are a list of paths.", place="input, sources", remedy=_FORM)
    return {"question": question, "sources": sources}


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
        asked = self.serving.asked(input, context, config, kept=bool(self.checkpointer))
        thread = str(config["configurable"]["thread_id"])
        async with (
            self.serving.engine() as engine,
            engine.lend(thread, self.serving.entry.name, asked) as (ports, loan),
            aclosing(loan.work(self._bound(ports), asked, config, options)) as parts,
        ):
            async for part in parts:
                yield part

    def _bound(self, ports: Ports) -> App:
        """The graph of this run, on the server's checkpoints; a run without a thread has them for this stretch."""
        saver = self.checkpointer or InMemorySaver()
        app: App = self.serving.entry.build(ports).compile(checkpointer=saver, store=self.store, name=self.name)
        return app


@contextmanager
def _told_to_clients() -> Iterator[None]:
    """Errors for a person as RuntimeError: of others the server tells its clients the class and no message."""
    try:
        yield
    except StrettoError as error:
        raise RuntimeError(told(error)) from error


async def go_on_when_answered(serving: Serving, client: LangGraphClient) -> None:
    """Goes on with runs of this server whose approval a timeout policy has answered; never returns."""
    tried: set[Answered] = set()
    while True:
        try:
            async with serving.engine() as engine:
                while True:
                    for each in await engine.answered_loans():
                        # Once: what fails, or is another server's, would fail again and again.
                        if each not in tried and await _go_on(client, each):
                            tried.add(each)
                    await asyncio.sleep(LOOK_SECONDS)
        except (StrettoError, psycopg.Error, PoolTimeout, httpx.HTTPError) as error:
            _LOG.warning("approvals are not looked after: %s", error)
            await asyncio.sleep(_AGAIN_SECONDS)


async def _go_on(client: LangGraphClient, answered: Answered) -> bool:
    """Asks the server to go on with a run; False where somebody works on it."""
    try:
        await client.runs.create(answered.run_id, answered.graph, multitask_strategy="reject")
    except ConflictError:
        return False
    except NotFoundError:
        _LOG.info("run %s waits on another server, or on a thread that is lost", answered.run_id)
    return True


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    """Looks after timeouts as long as the server runs."""
    looking = asyncio.create_task(go_on_when_answered(Serving(CATALOG["research"], None), get_client()))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


app = Starlette(lifespan=_lifespan)
