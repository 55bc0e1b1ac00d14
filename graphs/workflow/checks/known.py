"""What a definition may name: tools, chains, agents and other workflows, as far as the one who checks knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from graphs.workflow.problems import Problem
from graphs.workflow.run import Conditions
from state.tools import Look
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Schema


@dataclass(frozen=True)
class KnownTool:
    """A tool of the registry."""

    parameters: Schema = field(default_factory=dict)
    """The JSON Schema of its input."""
    output: Schema = field(default_factory=dict)
    """The JSON Schema of what it gives back; empty where that is not known."""
    side_effects: Literal["read", "write"] = "read"
    versions: tuple[str, ...] = ()
    """Those that can be asked for as `name@version`; empty if it has none."""
    older: Mapping[str, "KnownTool"] = field(default_factory=dict)
    """Other versions than the newest, by version."""
    takes_key: bool = True
    """Whether an idempotency key given to it has an effect."""
    wrong_with: Look | None = None
    """As in `RegisteredTool`."""


@dataclass(frozen=True)
class KnownChain:
    """A chain by the schemas of what it is given and gives back."""

    input: Schema = field(default_factory=dict)
    output: Schema = field(default_factory=dict)


@dataclass(frozen=True)
class KnownWorkflow:
    """Another workflow."""

    inputs: Schema = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    """Names of what it gives back; empty where they are not declared."""
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What exists. None means that it is not known, and names of that kind are not checked."""

    tools: Mapping[str, KnownTool] | None = None
    servers: Mapping[str, str] = field(default_factory=dict)
    """Servers of which nobody knows here which tools they have, and why, where they were asked; their tools are called
    `SERVER.TOOL`.
    """
    chains: Mapping[str, KnownChain] | None = None
    agents: Mapping[str, tuple[str, ...]] | None = None
    """By name: what the agent is able to do."""
    workflows: Mapping[str, KnownWorkflow] | None = None
    has_older_versions: bool = False
    """Whether there may be versions of workflows, and workflows with a version, that are not among `workflows`."""

    def tool(self, name: str) -> KnownTool | None:
        """The tool of a name or of `name@version`; None where it is not known."""
        plain, _, version = name.partition("@")
        newest = (self.tools or {}).get(plain)
        return newest.older.get(version, newest) if newest else None


@dataclass(frozen=True)
class Checked:
    """A workflow file that was looked through."""

    definition: WorkflowDefinition | None
    """None where the file does not have the form of a workflow."""
    problems: tuple[Problem, ...]
    """Errors and warnings, in the order of the file."""
    conditions: Conditions
    """Conditions and figures, compiled; whole only where there is no error."""

    @property
    def is_usable(self) -> bool:
        """Whether nothing is an error."""
        return not any(problem.severity == "error" for problem in self.problems)
