"""What chains and agents of one run of a workflow work with: its ports, what it was told, its spending, its agents."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.factory import Factory
from agents.templates import all_templates
from chains.governed import GovernedModel, governed
from chains.scope import CallScope, Spending, open_scope
from state.context import BranchLimits, Role, RunContext
from state.errors import AgentNotMade, SetupError, ToolError
from state.ports import Ports, RegisteredTool
from state.runs import Progress


@dataclass
class Staff:
    """Made once for each attempt at a run."""

    ports: Ports
    context: RunContext
    emit: Callable[[Progress], None]
    spending: Spending = field(init=False)
    unusable: dict[str, int] = field(default_factory=dict)
    """By the path of a step: how many of its tries ended with an answer that could not be used."""

    def __post_init__(self) -> None:
        self.spending = Spending(self.ports.journal)
        self._factory: Factory | None = None
        self._opening = asyncio.Lock()

    async def factory(self) -> Factory:
        """The agents that can be chosen, with what became of their work in earlier runs."""
        async with self._opening:
            if self._factory is None:
                history = self.ports.history
                tracks = await history.tracks() if history else {}
                self._factory = Factory(all_templates(self.ports.agents), tracks)
            return self._factory

    def scope(self, path: str, limits: BranchLimits | None) -> CallScope:
        """A fresh scope for one execution of the step `path`."""
        return open_scope(self.ports, self.spending, path, self.context, limits, self.emit)

    def model(self, scope: CallScope, role: Role, name: str | None = None) -> GovernedModel:
        """The model that plays a role, or the one that is named. Raises AgentNotMade where it cannot be opened."""
        told = self.context
        try:
            return governed(scope, name or told.model_for(role), told.fallback_models, told.cheaper_model)
        except SetupError as error:
            raise AgentNotMade(error.message, place=scope.path, remedy=error.remedy) from error

    def tools(self, names: tuple[str, ...], place: str) -> tuple[RegisteredTool, ...]:
        """The tools of these names, each once. Raises AgentNotMade where there is none of a name."""
        if not names:
            return ()
        if self.ports.tools is None:
            raise AgentNotMade("There are no tools here.", place=place, remedy="Run it where tools are registered.")
        try:
            found = {tool.name: tool for tool in map(self.ports.tools.find, dict.fromkeys(names))}
        except ToolError as error:
            raise AgentNotMade(error.message, place=place, remedy=error.remedy) from error
        return tuple(found.values())
