"""Agents as templates: what each is able to do and needs; and what became of the work that they did before."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from state.context import Role
from state.evidence import Record
from state.specialisation import Specialisation

AGENT_SIGN = "@"
"""In the ledger, the path of an agent's work: the step's path, this, and the agent's name."""

RESEARCH_WORK: Mapping[str, Role] = {
    "research": "researcher",
    "analysis": "analyst",
    "synthesis": "writer",
    "coordination": "planner",
}
"""What somebody must be able to do for a part in a research run; with it the role whose model usually does it."""

AgentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]


class AgentNeeds(Record):
    """What the work of an agent usually takes; once it has done some, that counts instead."""

    tokens: int = Field(default=20_000, ge=1)
    seconds: float = Field(default=60, gt=0)


class AgentTargets(Record):
    """What a task of an agent is to stay under. Work that does not is no failure; its line in the run says so."""

    tokens: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0)


class AgentTemplate(Record):
    """An agent that can be made for a task."""

    name: AgentName
    description: str
    """What it is for, in one sentence."""
    capabilities: tuple[str, ...] = Field(min_length=1)
    """What it is able to do, what it does best first."""
    instructions: str = ""
    """How it works, in words to the model; added to what every agent is told."""
    role: Role | None = None
    """The role whose model plays it; None means the one that usually does such work."""
    model: str | None = None
    """A model of its own, `provider/model`."""
    tools: tuple[str, ...] = ()
    """Tools that it has beside those that a step names."""
    specialisation: Specialisation = Specialisation()
    """How it works in research where the run says nothing else."""
    needs: AgentNeeds = AgentNeeds()
    targets: AgentTargets = AgentTargets()
    most_at_once: int | None = Field(default=None, ge=1)
    """How many of its kind may work at the same time in one run; None means any number."""


class AgentTrack(Record):
    """What became of the work that agents of one template did, over the runs that are stored."""

    done: int = 0
    failed: int = 0
    tokens: float = 0.0
    """Mean of what a task took."""
    seconds: float = 0.0
    """Mean of how long a task took."""

    @property
    def tasks(self) -> int:
        return self.done + self.failed
