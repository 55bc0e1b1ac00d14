"""What chains and agents of one run of a workflow work with: its ports, what it was told, its spending, its agents."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agents.team import Team, model_named
from chains.governed import GovernedModel
from chains.scope import CallScope, Spending, open_scope
from state.context import BranchLimits, Role, RunContext
from state.ports import Ports
from state.runs import Progress


@dataclass
class Staff:
    """Made once for each attempt at a run."""

    ports: Ports
    context: RunContext
    emit: Callable[[Progress], None]
    spending: Spending = field(init=False)
    team: Team = field(init=False)
    unusable: dict[str, int] = field(default_factory=dict)
    """By the path of a step: how many of its tries ended with an answer that could not be used."""

    def __post_init__(self) -> None:
        self.spending = Spending(self.ports.journal)
        self.team = Team(self.ports)

    def scope(self, path: str, limits: BranchLimits | None) -> CallScope:
        """A fresh scope for one execution of the step `path`."""
        return open_scope(self.ports, self.spending, path, self.context, limits, self.emit)

    def model(self, scope: CallScope, role: Role, name: str | None = None) -> GovernedModel:
        """The model that plays a role, or the one that is named. Raises AgentNotMade where it cannot be opened."""
        return model_named(scope, name or self.context.model_for(role), self.context)
