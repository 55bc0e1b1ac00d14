"""RunContext: what one run is told. Frozen, serialisable, without secrets; LangGraph Studio shows it as a form."""

from typing import Literal, get_args

from pydantic import Field

from state.evidence import Record
from state.specialisation import Specialisation

Role = Literal["planner", "researcher", "analyst", "writer", "critic"]
Point = Literal["plan", "merge", "gate", "report"]

EXTRACTIVE = "extractive"
"""The model that needs no key: it quotes and computes from the evidence it is shown."""
MINILM = "minilm"
"""The embedding model that comes in packages and needs no server: the extra `embeddings`."""


class BranchLimits(Record):
    """What one branch may spend; enforced by code, whichever limit is reached first."""

    seconds: float = Field(default=300, gt=0)
    """Of one attempt: a branch that is resumed after a crash has its full time again."""
    tokens: int = Field(default=200_000, gt=0)
    """Input and output tokens of all model calls of the branch."""
    model_calls: int = Field(default=24, gt=0)
    tool_calls: int = Field(default=40, gt=0)
    money: float | None = Field(default=None, ge=0)
    """US dollars; None means that only the run's budget counts."""


class ApprovalPolicy(Record):
    """Who may answer at one approval point, and what happens when nobody does."""

    approvers: tuple[str, ...] = ()
    """Names of those who may answer; empty means anybody."""
    timeout_seconds: float | None = Field(default=None, gt=0)
    on_timeout: Literal["approve", "reject"] = "approve"


class Quorum(Record):
    """When the branches of a round are waited for, and when no longer."""

    threshold: float = Field(default=0.75, gt=0, le=1)
    """Share of the branches that must have ended before the grace period starts."""
    grace_seconds: float = Field(default=30, ge=0)
    """How long the rest may go on after that."""
    deadline_seconds: float = Field(default=600, gt=0)
    """When a wave of branches that run at the same time ends in any case."""


class GatePolicy(Record):
    """What the quality gate asks for; each figure is a share from 0 to 1."""

    min_score: float = Field(default=0.7, ge=0, le=1)
    min_coverage: float = Field(default=0.6, ge=0, le=1)
    max_revisions: int = Field(default=1, ge=0, le=5)
    """How many times missing parts are sent again before the best draft is taken as it is."""


class TimeLimits(Record):
    """How long the work outside the branches may take, in seconds; each end is a clear result, never a run that hangs.

    Branches have limits of their own (`BranchLimits`, `Quorum`).
    """

    reading: float = Field(default=3600, gt=0)
    """All sources together; past it the run fails, and says so."""
    planning: float = Field(default=300, gt=0)
    """Past it the plan is made by rule, and says so."""
    writing: float = Field(default=600, gt=0)
    """Of one draft; past it the report is put together by extraction. Mending its sentences may take as long again;
    past that they are dropped."""
    reviewing: float = Field(default=300, gt=0)
    """Past it the report goes out with the defect that it was not reviewed."""


class UntrustedText(Record):
    """What the text of sources may lead to. It is data, whatever it says; `docs/injection.md` tells of the rest."""

    show_orders: bool = False
    """Whether models are shown passages that give orders to a model, as research on such orders needs; they are
    withheld otherwise."""
    tools: tuple[str, ...] = ()
    """Names of tools with side effects that agents may call although they have read text of sources."""


class RunContext(Record):
    """What one run is told beside its question; passed again at every resume."""

    models: dict[Role, str] = Field(default_factory=dict)
    """`provider/model` by role; a role that is not named uses `default_model`."""
    default_model: str = EXTRACTIVE
    fallback_models: tuple[str, ...] = ()
    limits: BranchLimits = BranchLimits()
    budget: float | None = Field(default=None, ge=0)
    """US dollars for the whole run; None means no limit."""
    soft_limit: float = Field(default=0.8, gt=0, le=1)
    """Share of the budget from which on the run saves: `cheaper_model` answers, and fewer branches are sent again."""
    cheaper_model: str | None = None
    """Plays all roles once the soft limit is reached; None means that they keep their models."""
    max_branches: int = Field(default=6, ge=1, le=20)
    mode: Literal["auto", "parallel", "sequential", "adaptive"] = "auto"
    quorum: Quorum = Quorum()
    gate: GatePolicy = GatePolicy()
    time: TimeLimits = TimeLimits()
    untrusted: UntrustedText = UntrustedText()
    specialisation: Specialisation = Specialisation()
    """How the agents are to work; what is said here counts more than what their templates say."""
    agent_models: dict[Role, tuple[str, ...]] = Field(default_factory=dict)
    """Models that agents of the user's own bring with them, and that the run may so ask; by the role whose work they
    do."""
    approvals: dict[Point, ApprovalPolicy] = Field(default_factory=dict)
    """The points that are switched on, each with its policy."""

    def model_for(self, role: Role) -> str:
        """The name of the model that plays `role`."""
        return self.models.get(role, self.default_model)

    @property
    def model_names(self) -> frozenset[str]:
        """The models that the run may ask."""
        by_role = {self.model_for(role) for role in get_args(Role)}
        cheaper = [self.cheaper_model] if self.cheaper_model else []
        by_agents = {name for names in self.agent_models.values() for name in names}
        return frozenset({*by_role, *by_agents, *self.fallback_models, *cheaper})

    @property
    def is_free(self) -> bool:
        """Whether no model but our own is asked, which counts nothing that anybody pays for."""
        return self.model_names == {EXTRACTIVE}
