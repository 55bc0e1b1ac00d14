"""The dependencies among the steps of one level: the steps of a workflow, or those within a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from state.workflow.steps import ParallelStep, Step


@dataclass(frozen=True)
class Flow:
    """Who waits for whom."""

    steps: dict[str, Step]
    """By id, in the order of the file."""
    needs: dict[str, tuple[str, ...]]
    """By id of a step: the steps that must have ended before it."""
    handles: dict[str, tuple[str, ...]]
    """By id of an error handler: the steps whose errors it handles. It runs for them only."""

    @cached_property
    def dependents(self) -> dict[str, tuple[str, ...]]:
        """By id: the steps that wait for it."""
        return self._turned(self.needs)

    @cached_property
    def followers(self) -> dict[str, tuple[str, ...]]:
        """By id: the steps that may start, or are settled, when it has ended."""
        handlers = self._turned(self.handles)
        return {id_: (*after, *handlers[id_]) for id_, after in self.dependents.items()}

    def _turned(self, links: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {id_: [] for id_ in self.steps}
        for after, before in links.items():
            for id_ in before:
                found[id_].append(after)
        return {id_: tuple(after) for id_, after in found.items()}

    @cached_property
    def counted(self) -> frozenset[str]:
        """The steps whose branches a join counts."""
        joins = [id_ for id_, step in self.steps.items() if step.join.of == "branches"]
        return frozenset(
            before for id_ in joins for before in self.needs[id_] if isinstance(self.steps[before], ParallelStep)
        )

    @cached_property
    def sinks(self) -> tuple[str, ...]:
        """The steps that no other depends on, without error handlers: their outputs are those of the level."""
        needed = {id_ for before in self.needs.values() for id_ in before}
        return tuple(id_ for id_ in self.steps if id_ not in needed and id_ not in self.handles)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """An order in which each step comes after those it waits for. Raises graphlib.CycleError."""
        links = {id_: [*self.needs[id_], *self.handles.get(id_, ())] for id_ in self.steps}
        return tuple(TopologicalSorter(links).static_order())

    def after(self, id_: str) -> frozenset[str]:
        """The steps that depend on a step, directly or by others."""
        found: set[str] = set()
        coming = list(self.followers[id_])
        while coming:
            each = coming.pop()
            if each not in found:
                found.add(each)
                coming.extend(self.followers[each])
        return frozenset(found)

    def cycle(self) -> tuple[str, ...]:
        """The ids of a cycle, its first one again at the end; empty if there is none."""
        try:
            _ = self.order
        except CycleError as error:
            return tuple(reversed(error.args[1]))
        return ()


def flow_of(steps: Sequence[Step]) -> Flow:
    """The flow of a level. Names of steps that are not there are left out: the checks report them."""
    known = {step.id: step for step in steps}
    needs = {step.id: [id_ for id_ in step.depends_on if id_ in known] for step in steps}
    handles: dict[str, list[str]] = {}
    for step in steps:
        for id_ in step.next_steps:
            if id_ in known:
                needs[id_].append(step.id)
        for handler in step.error_handlers:
            if handler.step in known:
                handles.setdefault(handler.step, []).append(step.id)
    return Flow(
        steps=known,
        needs={id_: tuple(dict.fromkeys(before)) for id_, before in needs.items()},
        handles={id_: tuple(dict.fromkeys(before)) for id_, before in handles.items()},
    )
