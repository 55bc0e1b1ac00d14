"""The tools that come with Stretto, put together for a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from state.ports import Ports, Web
from state.runs import Json
from state.tools import RegisteredTool
from tools.breaker import Breakers
from tools.calculating import OUTPUT as CALCULATED
from tools.calculating import calculate_tool, wrong_with
from tools.computing import computing_tools
from tools.database.conversations import Databases
from tools.database.database_tools import LONGEST, DatabaseTools
from tools.http.api import HttpApi
from tools.http.messages import MOST_SECONDS, OUTPUT, host_of
from tools.mcp.servers import McpServers
from tools.memory import RecentArtifacts, SystemClock
from tools.network import Clients
from tools.registry import Registry, registered
from tools.run_files import RunFiles
from tools.shaping import set_tool
from tools.summaries import summarize_tool
from tools.tables.stored import TableStore
from tools.tables.table_tools import TableTools
from tools.web.once import OnceWeb
from tools.web.tools import web_tools
from tools.web.web import EngineWeb, NoEngine
from tools.webhooks import Webhooks
from tools.workflow import MOST_SECONDS as LONGEST_WAIT
from tools.workflow import OUTPUT as WORKFLOW_OUTPUT
from tools.workflow import WorkflowTools

MODELS = "models"
"""The category of the tools that ask a model of the run that they work for."""
_LONGEST_SUMMARY = 600
SERVED = "mcp"
"""The folder of the files that other programs write by tools."""
SERVED_BYTES = 200_000_000
"""Of the tables that other programs make; they are kept in memory."""
_GONE = (
    f"It may have been dropped: tables are kept up to {SERVED_BYTES:,} bytes in all, those used last, and until this "
    "process ends. Then make it again."
)


@dataclass(frozen=True)
class Toolbox:
    """What the tools of all runs of a process share."""

    clients: Clients = field(default_factory=Clients)
    secrets: Mapping[str, str] | None = field(default_factory=dict)
    """By the names that steps give; the values go nowhere but into requests. None: to name one is refused."""
    files: Path = Path("files")
    """Holds one folder for each run."""
    folders: tuple[Path, ...] = ()
    """Where documents may be read; without any, the folder in which the process works."""
    breakers: Breakers = field(default_factory=lambda: Breakers(SystemClock()))
    databases: Databases = field(default_factory=Databases)
    servers: McpServers = field(default_factory=McpServers)

    def __call__(self, ports: Ports) -> Registry:
        """The tools of one run."""
        web = ports.web or OnceWeb(self._no_search, ports.journal, ports.passages)
        return self._registry(ports.run_id, web, ports)

    def served(self, web: Web | None) -> Registry:
        """The tools for other programs, which are no runs: they share a folder, and are lent no secrets, as a call
        says itself to which address one goes, and no file that a person wrote does.
        """
        return replace(self, secrets=None)._registry(SERVED, web or self._no_search)

    def shown(self) -> Registry:
        """The same tools, to be looked at: what they would write is of no run."""
        return self._registry("none", self._no_search)

    @property
    def _no_search(self) -> Web:
        """Reads pages where no web search is set."""
        return EngineWeb(self.clients, NoEngine())

    def _registry(self, run_id: str, web: Web, ports: Ports | None = None) -> Registry:
        files = RunFiles(self.files / run_id, self.folders)
        own = [registered(tool, category="files", output=output, timeout=300) for tool, output in files.tools()]
        databases = DatabaseTools(self.databases)
        own += [
            registered(tool, category="database", output=output, timeout=LONGEST, depends_on=_database)
            for tool, output in databases.tools()
        ]
        own += [
            registered(tool, category="web", output=output, timeout=120, depends_on=_host(tool.name))
            for tool, output in web_tools(web)
        ]
        store = TableStore(ports.artifacts) if ports else TableStore(RecentArtifacts(SERVED_BYTES), _GONE)
        tables = TableTools(store, files, databases.query)
        own += [
            registered(
                tool,
                category="tables",
                output=output,
                timeout=LONGEST if tool.name == "table_query" else 300,
                depends_on=_database if tool.name == "table_query" else None,
            )
            for tool, output in tables.tools()
        ]
        own += [
            registered(tool, category="workflows", output=WORKFLOW_OUTPUT, timeout=LONGEST_WAIT + 60)
            for tool in WorkflowTools(ports.workflows if ports else None).tools()
        ]
        summarize, output = summarize_tool(ports.chains if ports else None)
        own.append(registered(summarize, category=MODELS, output=output, timeout=_LONGEST_SUMMARY))
        return Registry([*self._shared, *own], self.breakers, databases.close, self.servers)

    @cached_property
    def _shared(self) -> list[RegisteredTool]:
        """The tools that are the same for all runs: to make one takes a millisecond."""
        api = HttpApi(self.clients, self.secrets, self.breakers.clock)
        web = (*api.tools(), Webhooks(api, self.breakers.clock).tool())
        return [
            registered(set_tool(), category="values"),
            replace(registered(calculate_tool(), category="values", output=CALCULATED), wrong_with=wrong_with),
            *(registered(tool, category="computing", output=output, timeout=300) for tool, output in computing_tools()),
            *(
                registered(tool, category="web", output=OUTPUT, timeout=MOST_SECONDS, depends_on=_host(tool.name))
                for tool in web
            ),
        ]


def _database(given: Json) -> str:
    """What a statement depends on. A transaction that is to end asks the database that it was begun in."""
    return f"database {given.get('database', '')}".strip()


def _host(name: str) -> Callable[[Json], str]:
    """What a request depends on: the tool's name and the host."""
    return lambda given: f"{name} {host_of(given)}"
