"""What every node of one run is handed: the ports, the run's spending, its search indexes; and small shared helpers."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from langgraph.runtime import Runtime

from agents.team import Team
from chains.embedding import GovernedEmbedder
from chains.governed import GovernedModel, governed
from chains.scope import CallScope, Spending, open_scope
from state.context import BranchLimits, Role, RunContext
from state.ports import Embeddings, MeteredEmbedder, Ports
from state.research import Feedback
from state.runs import Progress
from tools.screening import ScreenedPassages
from tools.search.indexes import SearchIndexes

SEARCH = "search"
"""The path of the calls that search by meaning."""
Emit = Callable[[Progress], None]
S_contra = TypeVar("S_contra", contravariant=True)
U_co = TypeVar("U_co", covariant=True)


class Node(Protocol[S_contra, U_co]):
    """A node of a graph: its input and what the run was told go in, an update comes out."""

    def __call__(self, state: S_contra, runtime: Runtime[RunContext]) -> Awaitable[U_co]: ...


@dataclass(frozen=True)
class Kit:
    """Made once a run by whoever builds the graph; nodes close over it."""

    ports: Ports
    spending: Spending
    screened: ScreenedPassages
    team: Team
    searches: dict[bool, SearchIndexes] = field(default_factory=dict)
    """The indexes by whether they hold passages that give orders; each is made when it is first asked for."""

    def scope(self, path: str, runtime: Runtime[RunContext], limits: BranchLimits | None = None) -> CallScope:
        """A fresh scope for one execution of the step `path`."""
        return open_scope(self.ports, self.spending, path, context_of(runtime), limits, emitter(runtime))

    def search(self, context: RunContext) -> SearchIndexes:
        """The indexes that the run's models search: of the passages that they may be shown."""
        shown = context.untrusted.show_orders
        if shown not in self.searches:
            passages = self.ports.passages if shown else self.screened
            self.searches[shown] = SearchIndexes(passages, self._embeddings(context))
        return self.searches[shown]

    def _embeddings(self, context: RunContext) -> Embeddings | None:
        """What search by meaning needs; a model that is paid for is asked within the run's budget and its rates."""
        given = self.ports.embeddings
        if given is None or not isinstance(given.embedder, MeteredEmbedder):
            return given
        scope = open_scope(self.ports, self.spending, SEARCH, context, None, lambda progress: None)
        return replace(given, embedder=GovernedEmbedder(given.embedder, scope))

    def model(self, scope: CallScope, role: Role, context: RunContext) -> GovernedModel:
        """The chat model that plays `role`: recorded, limited, retried."""
        return governed(scope, context.model_for(role), context.fallback_models, context.cheaper_model)


def open_kit(ports: Ports) -> Kit:
    """The kit of one run."""
    return Kit(ports, Spending(ports.journal), ScreenedPassages(ports.passages), Team(ports))


def context_of(runtime: Runtime[RunContext]) -> RunContext:
    """What the run was told; the defaults where it was told nothing, as when Studio starts it without a form."""
    return runtime.context or RunContext()


def emitter(runtime: Runtime[RunContext]) -> Emit:
    """Sends progress to whoever streams the run."""
    return lambda progress: runtime.stream_writer(progress.model_dump(mode="json"))


def guidance(feedback: tuple[Feedback, ...]) -> list[str]:
    """What people asked for, in their words, oldest first."""
    return [entry.message for entry in feedback if entry.message and entry.type in ("reject", "respond")]


def slug(text: str, taken: set[str]) -> str:
    """A short id of letters, digits and dashes that is not in `taken`."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-") or "branch"
    numbered = (f"{base}-{number}" if number > 1 else base for number in range(1, len(taken) + 2))
    return next(name for name in numbered if name not in taken)
