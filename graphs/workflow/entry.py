"""A workflow as the engine takes a graph: its name, its hash, how it is built, how edits are checked."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from graphs.workflow.checks.tree import all_placed, event_of, path_of, tree_of, without_turns
from graphs.workflow.pinned import Pinned
from state.errors import AnswerRefused, RunError
from state.ports import Passages, Ports
from state.runs import Json
from state.workflow.steps import HumanApprovalStep, Step, WorkflowStep
from tools.addresses import refuse_logins

if TYPE_CHECKING:  # slow to import
    from graphs.workflow.compiler import Graph

EditCheck = Callable[[Mapping[str, Any], Json, Json, Passages], Awaitable[object]]


@dataclass(frozen=True)
class WorkflowEntry:
    """A workflow that can be run."""

    pinned: Pinned

    @property
    def name(self) -> str:
        """`name@version`."""
        return self.pinned.title

    @property
    def definition(self) -> str:
        """The hash of the definition and of all that it runs."""
        return self.pinned.hash

    def build(self, ports: Ports) -> "Graph":
        """The graph of one run."""
        from graphs.workflow.bodies import bodies
        from graphs.workflow.compiler import build

        pinned = self.pinned
        return build(ports, pinned.definition, bodies(ports), pinned.conditions, pinned.uses)

    @cached_property
    def validators(self) -> Mapping[str, EditCheck]:
        """By the path of an approval: how an edit is checked."""
        steps = all_steps(self.pinned)
        return _ByPath({path: partial(_check, step) for path, step in steps if isinstance(step, HumanApprovalStep)})

    @property
    def remarks(self) -> Mapping[str, Callable[[Mapping[str, Any], str], str]]:
        """Nothing: a rejection fails its step, and its message says why."""
        return {}

    def check_input(self, given: Json) -> None:
        """Raises SourceError where an input is an address with a password, RunError where they are not as declared."""
        from graphs.workflow.outcomes import StepFailed
        from graphs.workflow.whole import completed, unknown_input

        definition, inputs = self.pinned.definition, given["inputs"]
        refuse_logins(inputs)
        if said := unknown_input(definition, inputs):
            raise RunError(said, place="input")
        try:
            completed(definition, inputs)
        except StepFailed as error:
            raise RunError(error.message, place="input", remedy=error.remedy) from error


class _ByPath(Mapping[str, EditCheck]):
    """Checks by the path of a step; all turns of a loop have the same."""

    def __init__(self, checks: Mapping[str, EditCheck]) -> None:
        self._checks = checks

    def __getitem__(self, path: str) -> EditCheck:
        return self._checks[without_turns(path)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._checks)

    def __len__(self) -> int:
        return len(self._checks)


def events_of(pinned: Pinned) -> set[str]:
    """The names of the events that its steps wait for, or grow on, with those of the workflows that it runs."""
    return {event for _, step in all_steps(pinned) if (event := event_of(step))}


def all_steps(pinned: Pinned, prefix: str = "") -> Iterator[tuple[str, Step]]:
    """All steps of a definition and of those that it runs, each with its path without turns."""
    for placed in all_placed(tree_of(pinned.definition.steps)):
        path = f"{prefix}{path_of(placed)}"
        yield path, placed.step
        if isinstance(placed.step, WorkflowStep) and placed.step.workflow in pinned.uses:
            yield from all_steps(pinned.uses[placed.step.workflow], f"{path}.")


async def _check(
    step: HumanApprovalStep, _state: Mapping[str, Any], shown: Json, args: Json, _passages: Passages
) -> None:
    from graphs.workflow.steps.approval import check_edit

    try:
        check_edit(step, shown, args)
    except ValueError as error:
        raise AnswerRefused(f"{error}.", remedy="Change nothing else, and keep the names that were shown.") from error
