"""The graphs of `langgraph.json`, for `langgraph dev` and LangGraph Studio.

The server brings the checkpoints and the threads; evidence, calls and steps go to the same PostgreSQL as those of the
command line. Where the server only looks at a graph, to draw it or to read a thread, nothing is opened.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.runtime import ServerRuntime

from chains.models import ModelDoor
from graphs.catalog import CATALOG, AnyGraph
from run_workflow.engine.engine import Engine
from run_workflow.postgres.database import open_database
from run_workflow.services import open_network
from run_workflow.settings import load_settings
from state.context import RunContext
from tools.memory import SystemClock, memory_ports


@asynccontextmanager
async def research(config: RunnableConfig, runtime: ServerRuntime[RunContext]) -> AsyncIterator[AnyGraph]:
    """The research graph of one thread."""
    entry = CATALOG["research"]
    thread = str(config.get("configurable", {}).get("thread_id") or "")
    if runtime.execution_runtime is None or not thread:
        yield entry.build(memory_ports(ModelDoor({}, {})))
        return
    settings = await asyncio.to_thread(load_settings)
    models = ModelDoor(settings.model_providers(), settings.price_table())
    try:
        async with open_database(settings.database) as database, open_network(settings, models) as network:
            engine = Engine(database.pool, models, SystemClock(), CATALOG, network=network)
            async with engine.lend(thread, entry.name) as ports:
                yield entry.build(ports)
    finally:
        await models.close()
