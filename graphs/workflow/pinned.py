"""A definition as a run is bound to it: its text and what that says, with the definitions that its steps run."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from graphs.workflow.checks.definition import check_text
from graphs.workflow.checks.known import Known
from graphs.workflow.checks.tree import all_placed, tree_of
from graphs.workflow.research_form import RESEARCH
from graphs.workflow.run import Conditions
from state.errors import BuildError
from state.runs import VERSION_SIGN
from state.workflow.definition import WorkflowDefinition
from state.workflow.steps import WorkflowStep
from tools.storable import json_text


@dataclass(frozen=True)
class Pinned:
    """One version of a workflow, for good. It is made from its text alone, so that all processes make the same."""

    text: str
    definition: WorkflowDefinition
    conditions: Conditions
    uses: Mapping[str, "Pinned"] = field(default_factory=dict)
    """The definitions that its steps run, by the names that they use; not itself."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the definition and of all that it uses."""
        if not self.uses:
            return self.definition.definition_hash
        parts = [self.definition.definition_hash, {name: used.hash for name, used in sorted(self.uses.items())}]
        return hashlib.sha256(json_text(parts).encode()).hexdigest()

    @property
    def title(self) -> str:
        """`name@version`."""
        return f"{self.definition.name}{VERSION_SIGN}{self.definition.version}"


def pinned(text: str, file: str, uses: Mapping[str, Pinned]) -> Pinned:
    """What a text says; `uses` has what its steps run. BuildError where it does not have the form of a workflow.

    Warnings and names that nobody knows any more do not matter here: a run goes on with what it began with.
    """
    found = check_text(text, file, Known())
    if found.definition is None:
        raise BuildError(
            f"This version of Stretto cannot read the workflow any more: {found.problems[0].message}",
            place=file,
            remedy="Go on with the version of Stretto that the run began with, or start a new run.",
        )
    return Pinned(text, found.definition, found.conditions, uses)


def workflows_used(definition: WorkflowDefinition) -> Iterator[str]:
    """The workflows that the steps of a definition run, as they name them; not itself, and not research, which is no
    file.
    """
    named = [
        each.step.workflow for each in all_placed(tree_of(definition.steps)) if isinstance(each.step, WorkflowStep)
    ]
    return (name for name in dict.fromkeys(named) if name != RESEARCH and not is_itself(definition, name))


def is_itself(definition: WorkflowDefinition, name: str) -> bool:
    """Whether a step that runs this workflow starts the definition that it stands in."""
    plain, _, version = name.partition(VERSION_SIGN)
    return plain == definition.name and version in ("", definition.version)
