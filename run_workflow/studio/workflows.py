"""Workflows for `langgraph dev`: drawn with their steps, their inputs as a form, each run bound to its definition."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.graph import Graph
from langgraph_sdk.runtime import ServerRuntime
from starlette.exceptions import HTTPException

import graphs.workflow.bodies  # noqa: F401
from graphs.workflow.compiler import refused, shape
from graphs.workflow.entry import WorkflowEntry
from graphs.workflow.outline import outline_of
from run_workflow.engine.driving import App
from run_workflow.engine.engine import Engine
from run_workflow.engine.handed import Refuse, Start
from run_workflow.engine.told import told
from run_workflow.settings import Settings, load_settings
from run_workflow.studio.serving import Served, Serving, Taken
from run_workflow.workflow_catalog import WorkflowCatalog
from state.context import RunContext
from state.errors import StrettoError
from state.runs import Json
from state.workflow.definition import WorkflowDefinition

Factory = Callable[[ServerRuntime[RunContext]], AbstractAsyncContextManager[App]]
"""What a server makes a graph with, each time that it needs it."""
_UNUSABLE = 422
"""HTTP: a file that is wrong cannot be drawn."""


def workflow(name: str) -> Factory:
    """The graph of `langgraph.json` for the workflow of this name, as its file is when it is asked for."""

    @asynccontextmanager
    async def serve(runtime: ServerRuntime[RunContext]) -> AsyncIterator[App]:
        is_looked_at = runtime.access_context == "assistants.read"
        definition = await asyncio.to_thread(_definition, name) if is_looked_at else None
        serving = Serving.of(_Workflow(name), runtime)
        yield ServedWorkflow(serving=serving, definition=definition, **vars(shape().compile(name=name)))

    return serve


class ServedWorkflow(Served):
    """A workflow; where it is looked at, its steps and its inputs are what is seen."""

    def __init__(self, *, definition: WorkflowDefinition | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.definition = definition

    def get_graph(self, config: RunnableConfig | None = None, *, xray: int | bool = False) -> Graph:
        """The steps, by their paths."""
        return super().get_graph(config, xray=xray) if self.definition is None else outline_of(self.definition)

    async def aget_graph(self, config: RunnableConfig | None = None, *, xray: int | bool = False) -> Graph:
        """The same."""
        return self.get_graph(config, xray=xray)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> Json:
        """The inputs as the workflow declares them."""
        if self.definition is None:
            return super().get_input_jsonschema(config)
        return {"title": self.definition.name, "type": "object", "properties": {}, **self.definition.inputs}


@dataclass(frozen=True)
class _Workflow:
    """What the server runs."""

    name: str
    refuse: Refuse = refused

    async def taken(self, engine: Engine, settings: Settings, thread: str, given: Start) -> Taken:
        """The definition that the thread's run is bound to, or that of the file, with inputs that were checked.

        SetupError where there is no such file, DefinitionError where it is wrong, RunError where the inputs are.
        """
        wanted = await engine.workflows.begun(thread, self.name)
        if wanted is None:
            catalog = await asyncio.to_thread(_catalog, settings)
            wanted = await catalog.pin(self.name, engine.workflows.find)
        entry = WorkflowEntry(wanted)
        if not isinstance(given, dict):
            return Taken(wanted, entry.build, given)
        start: Json = {"inputs": given}
        entry.check_input(start)
        return Taken(wanted, entry.build, start)


def _catalog(settings: Settings) -> WorkflowCatalog:
    """The catalogue, with its files read."""
    catalog = WorkflowCatalog.of(settings)
    assert catalog.files is not None
    return catalog


def _definition(name: str) -> WorkflowDefinition:
    """The workflow as its file is now. Raises HTTPException, which a client is told, when it cannot be used."""
    try:
        return _catalog(load_settings()).definition(name)
    except StrettoError as error:
        raise HTTPException(_UNUSABLE, told(error)) from error
