"""What a server does by itself: it goes on with runs when what they wait for has come, or their time is over."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import psycopg
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette

from run_workflow.engine.lending import Answered
from run_workflow.studio.serving import open_engine
from state.errors import StrettoError

LOOK_SECONDS = 2.0
"""How often the server looks for runs that can go on."""
_AGAIN_SECONDS = 30.0
"""When it looks again after the database could not be had."""
_LOG = logging.getLogger(__name__)


async def go_on_when_answered(client: LangGraphClient) -> None:
    """Goes on with runs of this server for which an answer, an event or a time has come; never returns."""
    tried: set[Answered] = set()
    while True:
        try:
            async with open_engine() as (engine, _):
                while True:
                    for each in await engine.answered_loans():
                        # Once: what fails, or is another server's, would fail again and again.
                        if each not in tried and await _go_on(client, each):
                            tried.add(each)
                    await asyncio.sleep(LOOK_SECONDS)
        except (StrettoError, psycopg.Error, PoolTimeout, httpx.HTTPError) as error:
            _LOG.warning("runs that wait are not looked after: %s", error)
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
    """Looks after runs that wait as long as the server runs."""
    looking = asyncio.create_task(go_on_when_answered(get_client()))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


app = Starlette(lifespan=_lifespan)
