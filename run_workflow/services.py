"""What a command works with, opened from the settings: the engine, the stored files, the door to the models.

The command line knows the engine only by `RunEngine`, so that its tests hand in another one here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from run_workflow.settings import Settings
from state.errors import SetupError
from state.runs import (
    Answer,
    ApprovalRecord,
    AuditEvent,
    Json,
    Progress,
    RunRecord,
    Standing,
    StepRecord,
    Usage,
    WaitRecord,
)

if TYPE_CHECKING:  # slow to import
    import asyncio

    from chains.models import ModelDoor
    from graphs.workflow.pinned import Pinned
    from run_workflow.engine.background import Background
    from run_workflow.engine.started import FindStored, Pin
    from run_workflow.engine.views import RunManifest
    from state.context import RunContext
    from state.ports import Network, Ports, Web
    from state.tools import ToolRegistry
    from tools.database.conversations import Databases
    from tools.mcp.servers import McpServers
    from tools.network import Clients
    from tools.toolbox import Toolbox

_READ_ONLY = -1
"""A fence that no run has: what is opened under it can be read and never written."""

_PAGE_SECONDS = 60.0
"""What a page that is named as a source may take to come."""

Watch = Callable[[Progress], None]


class RunView(Protocol):
    """One run and all that belongs to it."""

    @property
    def run(self) -> RunRecord: ...

    @property
    def steps(self) -> Sequence[StepRecord]: ...

    @property
    def approvals(self) -> Sequence[ApprovalRecord]: ...

    @property
    def waits(self) -> Sequence[WaitRecord]:
        """The times and events that it waits for now."""

    @property
    def usage(self) -> Usage: ...

    @property
    def children(self) -> Sequence[str]:
        """Ids of the runs that were forked from this one."""


class TimelineEntry(Protocol):
    """Something that happened: an audit event, or a step at the time of its last start."""

    @property
    def at(self) -> datetime: ...

    @property
    def event(self) -> AuditEvent | None: ...

    @property
    def step(self) -> StepRecord | None: ...


class StoredVersion(Protocol):
    """A definition that was run."""

    @property
    def version(self) -> str: ...

    @property
    def hash(self) -> str: ...

    @property
    def runs(self) -> int: ...

    @property
    def stored_at(self) -> datetime: ...


class WorkflowEngine(Protocol):
    """What it asks of it for workflows."""

    async def start(
        self, wanted: "Pinned", inputs: Json, context: "RunContext", *, actor: str, dedup_key: str | None = None
    ) -> RunRecord: ...

    async def definition_of(self, run: RunRecord) -> "Pinned": ...

    async def find(self, name: str, version: str) -> "Pinned | None": ...

    async def versions(self, name: str | None = None) -> Sequence[StoredVersion]: ...


class RunEngine(Protocol):
    """What the command line asks of the engine."""

    @property
    def workflows(self) -> WorkflowEngine: ...

    @property
    def background(self) -> "Background":
        """The runs that this process works on beside what else it does."""

    async def start(
        self, graph: str, input: Json, context: "RunContext", *, actor: str, dedup_key: str | None = None
    ) -> RunRecord: ...

    async def advance(
        self,
        run_id: str,
        *,
        watch: Watch | None = None,
        drain: "asyncio.Event | None" = None,
        actor: str | None = None,
    ) -> RunRecord: ...

    async def answer(self, run_id: str, request_id: str | None, answer: Answer, actor: str) -> ApprovalRecord: ...

    async def remark(self, approval: ApprovalRecord, answer: Answer) -> str: ...

    async def send_event(self, run_id: str, name: str, data: Json, *, actor: str) -> RunRecord: ...

    async def cancel(self, run_id: str, actor: str) -> RunRecord: ...

    async def fork(
        self, run_id: str, *, actor: str, at: str | None = None, changes: Json | None = None
    ) -> RunRecord: ...

    async def deliver(self, run_id: str | None = None) -> bool: ...

    async def show(self, run_id: str) -> RunView: ...

    async def manifest(self, run_id: str) -> "RunManifest": ...

    async def list_runs(self, limit: int = 20, standing: Standing | None = None) -> Sequence[RunRecord]: ...

    async def due_runs(self) -> Sequence[RunRecord]: ...

    async def timeline(self, run_id: str) -> Sequence[TimelineEntry]: ...

    async def verify_audit(self, run_id: str) -> int | None:
        """The number of the first event that is not as it was written; None when the chain is whole."""


class ModelOpener(Protocol):
    """The door to the models, as far as a command needs it."""

    def chat(self, name: str) -> object:
        """Opens the model; SetupError if it cannot be."""

    def price(self, name: str) -> tuple[float, float] | None:
        """US dollars for a million input and output tokens; None if not known."""


@dataclass(frozen=True)
class Services:
    """All of it, open."""

    engine: RunEngine
    models: ModelOpener
    read: Callable[[str], Awaitable[bytes]]
    """The bytes of a stored file by its hash."""
    served: "Callable[[], ToolRegistry] | None" = None
    """Makes the tools for other programs."""
    files: Path | None = None
    """Holds a folder for each run whose steps write files."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything, for as long as the block lasts. DatabaseError when there is no database to be had."""
    from chains.models import ModelDoor
    from graphs.catalog import CATALOG
    from run_workflow.engine.engine import Engine
    from run_workflow.fence import Fence
    from run_workflow.postgres.database import open_database
    from run_workflow.stores.artifacts import PostgresArtifacts
    from tools.memory import SystemClock

    async with open_database(settings.database) as database:
        models = ModelDoor(settings.model_providers(), settings.price_table())
        try:
            async with open_network(settings, models) as network:
                engine = Engine(database.pool, models, SystemClock(), CATALOG, network=network)
                stored = PostgresArtifacts(Fence(database.pool, "", _READ_ONLY))
                async with aclosing(engine.background):
                    yield Services(engine, models, stored.get, network.served)
        finally:
            await models.close()


def _pin(settings: Settings) -> "Pin":
    """Finds workflows by their names, as they are when they are asked for."""

    async def pin(name: str, find_stored: "FindStored") -> "Pinned":
        from run_workflow.workflow_catalog import WorkflowCatalog

        return await WorkflowCatalog.of(settings).pin(name, find_stored)

    return pin


@asynccontextmanager
async def open_network(settings: Settings, models: "ModelDoor") -> AsyncIterator["Network"]:
    """The tools of workflows, and pages that a person names as sources; web search, the embedding model and agents of
    the user's own, as far as the settings name them.

    SetupError when one of these cannot be had.
    """
    from run_workflow.agent_files import templates_in
    from run_workflow.logs import silence_requests
    from state.ports import Network
    from tools.database.conversations import Databases
    from tools.documents.files import MAX_BYTES
    from tools.network import Clients
    from tools.web.pages import HttpPages

    silence_requests()
    if settings.embeddings:
        settings.check_key(settings.embeddings)
    agents = await asyncio.to_thread(templates_in, settings.agents)
    async with (
        Clients(settings.allowed_hosts) as clients,
        Databases(settings.named_databases()) as databases,
        open_servers(settings, clients) as servers,
    ):
        web = _web(clients, settings) if settings.web else None
        toolbox = _toolbox(Shared(clients, databases, servers), settings)
        yield Network(
            web=web,
            pages=HttpPages(clients, max_bytes=MAX_BYTES, seconds=_PAGE_SECONDS),
            embedder=models.embedder(settings.embeddings) if settings.embeddings else None,
            toolbox=_of_runs(toolbox),
            served=lambda: toolbox().served(web),
            agents=agents,
            pin=_pin(settings),
        )


@asynccontextmanager
async def open_servers(settings: Settings, clients: "Clients | None" = None) -> AsyncIterator["McpServers"]:
    """The MCP servers of the settings; each is asked when it is needed, and ended after the block.

    SetupError where there are some, and what speaks MCP is not installed.
    """
    from tools.mcp.connection import refuse_without_package
    from tools.mcp.servers import McpServers
    from tools.network import Clients

    named = settings.mcp_servers()
    if named:
        refuse_without_package()
    async with Clients(settings.allowed_hosts) as own:
        servers = McpServers(named, clients or own)
        try:
            yield servers
        finally:
            await servers.aclose()


@dataclass(frozen=True)
class Shared:
    """What the tools of all runs keep open."""

    clients: "Clients"
    databases: "Databases"
    servers: "McpServers"


def _toolbox(shared: Shared, settings: Settings) -> "Callable[[], Toolbox]":
    """Makes the tools when a run first asks for them: they are slow to import, and its row is written before that."""

    @cache
    def toolbox() -> "Toolbox":
        from tools.toolbox import Toolbox

        return Toolbox(
            shared.clients,
            settings.secret_values(),
            settings.home / "files",
            settings.folders,
            databases=shared.databases,
            servers=shared.servers,
        )

    return toolbox


def _of_runs(toolbox: "Callable[[], Toolbox]") -> "Callable[[Ports], ToolRegistry]":
    def tools(ports: "Ports") -> "ToolRegistry":
        return toolbox()(ports)

    return tools


def _web(clients: "Clients", settings: Settings) -> "Web":
    """The web search of the settings. SetupError where its key or its package is missing."""
    from tools.http.api import HttpApi
    from tools.memory import SystemClock
    from tools.web.duckduckgo import DuckDuckGo
    from tools.web.searxng import SearxNG
    from tools.web.tavily import SECRET, Tavily
    from tools.web.web import EngineWeb

    if settings.web == "duckduckgo":
        return EngineWeb(clients, DuckDuckGo())
    if settings.web != "tavily":
        return EngineWeb(clients, SearxNG(clients, str(settings.web)))
    if SECRET not in settings.secrets:
        remedy = f"Set STRETTO_SECRET_{SECRET.upper()}, or choose another web search."
        raise SetupError("Web search by Tavily needs a key.", place="web", remedy=remedy)
    return EngineWeb(clients, Tavily(HttpApi(clients, settings.secret_values(), SystemClock())))
