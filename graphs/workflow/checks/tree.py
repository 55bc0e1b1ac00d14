"""The steps of a definition with their places in the file, level by level, and which of them come before which."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from graphs.workflow.flow import Flow, flow_of
from graphs.workflow.problems import Path
from state.workflow.policies import Schema
from state.workflow.steps import ConditionalStep, LoopStep, OrchestratorStep, ParallelStep, Step, WaitStep

_TURNS = re.compile(r"\[\d+\]")


@dataclass(eq=False)
class Placed:
    """A step and where it stands."""

    step: Step
    path: Path
    """From the top of the file."""
    level: "Level"
    inner: tuple["Level", ...] = ()
    """The levels within it, in the order of the file."""
    is_whole: bool = True
    """Whether nothing of it was left out because it breaks the grammar."""

    def at(self, *path: str | int) -> Path:
        """The place of one of its values."""
        return (*self.path, *path)


@dataclass(eq=False)
class Level:
    """Steps that can wait for each other: those of the workflow, of a body, of one way."""

    steps: tuple[Placed, ...] = ()
    outer: Placed | None = None
    """The step that holds the level; None at the top."""
    way: str = ""
    """Of a conditional step: the name of its way."""
    are_branches: bool = False
    """Whether each step is a branch of its own: none can wait for another."""
    around: dict[str, Schema] = field(default_factory=dict)
    """The values around its steps beside those of the outer levels, by name, each with its shape."""

    @cached_property
    def is_whole(self) -> bool:
        """Whether all is known of its links and of the step around it."""
        return all(each.is_whole for each in self.steps) and (self.outer is None or self.outer.is_whole)

    @cached_property
    def flow(self) -> Flow:
        """Who waits for whom."""
        if self.are_branches:
            return Flow({each.step.id: each.step for each in self.steps}, {each.step.id: () for each in self.steps}, {})
        return flow_of([each.step for each in self.steps])

    @cached_property
    def by_id(self) -> dict[str, Placed]:
        """The steps by id; of two with the same the last."""
        return {each.step.id: each for each in self.steps}

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """The ids of a cycle, its first one again at the end; empty if there is none."""
        return self.flow.cycle()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The ids, each after those it waits for; where there is a cycle, as in the file."""
        return tuple(self.flow.steps) if self.cycle else self.flow.order

    def comes_before(self, first: str, then: str) -> bool:
        """Whether a step has ended when another starts, or was skipped. Everything may, where that is not known."""
        return bool(self.cycle) or not self.is_whole or bool(self._before.get(then, 0) >> self._number[first] & 1)

    @cached_property
    def _number(self) -> dict[str, int]:
        return {id_: number for number, id_ in enumerate(self.flow.steps)}

    @cached_property
    def _before(self) -> dict[str, int]:
        """By id: the steps before it, a bit each. A handler comes after those before the steps that it handles."""
        found: dict[str, int] = {}
        for id_ in self.order:
            bits = 0
            for before in self.flow.needs[id_]:
                bits |= found.get(before, 0) | 1 << self._number[before]
            for owner in self.flow.handles.get(id_, ()):
                bits |= found.get(owner, 0)
            found[id_] = bits
        return found


def tree_of(steps: Sequence[Step], broken: Set[Path] = frozenset()) -> Level:
    """The whole tree of a definition; `broken` are the steps of which something was left out."""
    top = _level(steps, ("steps",), None)
    for placed in all_placed(top):
        placed.is_whole = placed.path not in broken
    return top


def all_levels(level: Level) -> Iterator[Level]:
    """A level and all within it, outer ones first."""
    yield level
    for placed in level.steps:
        for inner in placed.inner:
            yield from all_levels(inner)


def all_placed(level: Level) -> Iterator[Placed]:
    """All steps, in the order of the file as far as levels go."""
    for placed in level.steps:
        yield placed
        for inner in placed.inner:
            yield from all_placed(inner)


def outer_steps(level: Level) -> Iterator[Placed]:
    """The steps that hold a level, innermost first."""
    while level.outer is not None:
        yield level.outer
        level = level.outer.level


def path_of(placed: Placed) -> str:
    """The path of the step in the ledger of a run, without the turns of loops: `pages.check`."""
    return ".".join([*reversed([each.step.id for each in outer_steps(placed.level)]), placed.step.id])


def without_turns(path: str) -> str:
    """A path of a run's ledger without the numbers of turns and items: what `path_of` says of its step."""
    return _TURNS.sub("", path)


def event_of(step: Step) -> str | None:
    """The name of the event that a step waits for, or that adds to its list, as it is written; None without one."""
    match step:
        case WaitStep():
            return step.event
        case ParallelStep():
            return step.grows_on
        case _:
            return None


def _level(
    steps: Sequence[Step],
    path: Path,
    outer: Placed | None,
    around: Mapping[str, Schema] | None = None,
    *,
    are_branches: bool = False,
    way: str = "",
) -> Level:
    level = Level(outer=outer, way=way, are_branches=are_branches, around=dict(around or {}))
    level.steps = tuple(_placed(step, (*path, number), level) for number, step in enumerate(steps))
    return level


def _placed(step: Step, path: Path, level: Level) -> Placed:
    placed = Placed(step, path, level)
    placed.inner = tuple(_inner(placed))
    return placed


_INDEX: Schema = {"type": "integer"}


def _inner(placed: Placed) -> Iterator[Level]:
    step, path = placed.step, placed.at("steps")
    match step:
        case ParallelStep(for_each=None):
            yield _level(step.steps, path, placed, are_branches=True)
        case ParallelStep():
            yield _level(step.steps, path, placed, {"item": {}, "index": _INDEX})
        case LoopStep():
            items: dict[str, Schema] = {"item": {}} if step.for_each is not None else {}
            yield _level(step.steps, path, placed, {"index": _INDEX, "last": {}, **items})
        case ConditionalStep():
            for number, case in enumerate(step.cases):
                name = case.name or f"case {number + 1}"
                yield _level(case.steps, placed.at("cases", number, "steps"), placed, way=name)
            for name, steps in step.routes.items():
                yield _level(steps, placed.at("routes", name), placed, way=name)
            yield _level(step.otherwise, placed.at("else"), placed, way="else")
        case OrchestratorStep():
            yield _level(step.workers, placed.at("workers"), placed, are_branches=True)
