"""What chains and agents of one run of a workflow work with: its ports, what it was told, its spending, its agents."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from agents.team import Team, model_named
from chains.governed import GovernedModel
from chains.registry import CHAINS
from chains.scope import CallScope, Spending, open_scope
from state.context import BranchLimits, Role, RunContext
from state.errors import (
    BadOutput,
    ContextOverflow,
    LimitReached,
    ModelError,
    ModelUnavailable,
    RateLimited,
    ToolFailed,
)
from state.ports import Ports
from state.runs import Json, Progress
from state.workflow.policies import ErrorClass

_CLASSES: tuple[tuple[type[ModelError], ErrorClass], ...] = (
    (RateLimited, "rate_limited"),
    (ModelUnavailable, "unavailable"),
    (BadOutput, "bad_output"),
    (ContextOverflow, "bad_input"),
    (ModelError, "refused"),
)
"""What a tool is told of a model's failure."""


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
        self.ports.chains.ask = self.ask

    def scope(self, path: str, limits: BranchLimits | None) -> CallScope:
        """A fresh scope for one execution of the step `path`."""
        return open_scope(self.ports, self.spending, path, self.context, limits, self.emit)

    def model(self, scope: CallScope, role: Role, name: str | None = None) -> GovernedModel:
        """The model that plays a role, or the one that is named. Raises AgentNotMade where it cannot be opened."""
        return model_named(scope, name or self.context.model_for(role), self.context)

    async def ask(self, name: str, given: Json, key: str) -> Json:
        """What the chain of a name gives to a tool that was called with this key: asked once for it, also after a
        crash, unless the answer could not be used. Raises ToolFailed, and LimitReached.
        """
        chain = CHAINS[name]
        path = key.removeprefix(f"{self.ports.run_id}:")
        number = self.unusable.get(path, 0)
        scope = self.scope(f"{path}#{number}" if number else path, None)
        try:
            result = await chain.build(partial(self.model, scope)).ainvoke(chain.given.model_validate(given))
        except LimitReached:
            raise
        except ModelError as error:
            self.unusable[path] = number + isinstance(error, BadOutput)
            kind = next(kind for known, kind in _CLASSES if isinstance(error, known))
            raise ToolFailed(error.message, kind, place=name, remedy=error.remedy) from error
        return dict(result.model_dump(mode="json"))
