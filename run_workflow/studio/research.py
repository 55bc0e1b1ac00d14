"""The research graph for `langgraph dev`: to look at, or to run on one thread."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from langgraph_sdk.runtime import ServerRuntime

import agents.points  # noqa: F401
import graphs.research  # noqa: F401
from agents.approval import refusal
from chains.models import ModelDoor
from graphs.catalog import CATALOG
from run_workflow.engine.driving import App
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Refuse, Start
from run_workflow.settings import Settings
from run_workflow.studio.serving import Served, Serving, Taken
from state.context import RunContext
from state.errors import RunError
from state.runs import Json
from tools.memory import memory_ports

_ENTRY = CATALOG["research"]
_FORM = 'Give {"question": "…", "sources": ["path/to/folder"]}.'


@dataclass(frozen=True)
class _Research:
    """What the server runs."""

    refuse: Refuse = lambda state, _, action, reason: refusal(state, action, reason)

    async def taken(self, _engine: Engine, _settings: Settings, _thread: str, given: Start) -> Taken:
        """The graph, with a question that was checked. Raises RunError when it is none."""
        return Taken(_ENTRY.name, _ENTRY.build, _question(given) if isinstance(given, dict) else given)


@asynccontextmanager
async def research(runtime: ServerRuntime[RunContext]) -> AsyncIterator[App]:
    """The graph of `langgraph.json`."""
    graph = _ENTRY.build(memory_ports(ModelDoor({}, {}))).compile()
    if runtime.execution_runtime is None:
        yield graph
    else:
        yield Served(serving=Serving.of(_Research(), runtime), **vars(graph))


def _question(given: Json) -> Json:
    """The input of a run, and nothing else that was given. Raises RunError when it is none."""
    question, sources = given.get("question"), given.get("sources")
    if not isinstance(question, str) or not question.strip():
        raise RunError("There is no question.", place="input, question", remedy=_FORM)
    if not isinstance(sources, list) or not sources or not all(isinstance(path, str) for path in sources):
        raise RunError("Sources are a list of paths.", place="input, sources", remedy=_FORM)
    return {"question": question, "sources": sources}
