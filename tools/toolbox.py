"""The tools that come with Stretto, put together for a run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from state.ports import Clock, Ports, RegisteredTool
from state.runs import Json
from tools.breaker import Breakers
from tools.http_api import MOST_SECONDS, OUTPUT, HttpApi, host_of
from tools.memory import SystemClock
from tools.network import Clients
from tools.registry import Registry, registered
from tools.shaping import set_tool
from tools.webhooks import Webhooks


@dataclass(frozen=True)
class Toolbox:
    """What the tools of all runs of a process share."""

    clients: Clients = field(default_factory=Clients)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """By the names that steps give; the values go nowhere but into requests."""
    files: Path = Path("files")
    """Holds one folder for each run."""
    folders: tuple[Path, ...] = ()
    """Where documents may be read; without any, the folder in which the process works."""
    breakers: Breakers = field(default_factory=lambda: Breakers(SystemClock()))

    def __call__(self, ports: Ports) -> Registry:
        """The tools of one run."""
        return Registry(self._tools(ports.run_id, ports.clock), self.breakers)

    def shown(self) -> Registry:
        """The same tools, to be looked at and not to be called."""
        return Registry(self._tools("", self.breakers.clock), self.breakers)

    def _tools(self, run_id: str, clock: Clock) -> Iterator[RegisteredTool]:
        yield registered(set_tool(), category="values")
        api = HttpApi(self.clients, self.secrets)
        for tool in (*api.tools(), Webhooks(api, clock).tool()):
            yield registered(tool, category="web", output=OUTPUT, timeout=MOST_SECONDS, depends_on=_host(tool.name))


def _host(name: str) -> Callable[[Json], str]:
    """What a request depends on: the tool's name and the host."""
    return lambda given: f"{name} {host_of(given)}"
