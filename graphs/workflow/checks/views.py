"""What can be seen from a place of a definition: which references lead somewhere, and what they lead to."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from graphs.workflow.checks.shapes import Gap, closed, inside, kind, shape_of_value
from graphs.workflow.checks.tree import Level, Placed, all_placed
from graphs.workflow.mapping import references_in
from graphs.workflow.problems import suggestion
from graphs.workflow.references import LOCALS, WORKFLOW, Reference, parse
from graphs.workflow.salvage import UNNAMED
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Schema
from state.workflow.steps import LoopStep

Fault = tuple[str, str, bool]
"""What is wrong with a reference, what to do, and whether it is sure (else a warning)."""


@dataclass
class Shapes:
    """The shapes of a definition's values."""

    workflow: Schema
    """Of inputs and variables."""
    outputs: dict[int, Schema] = field(default_factory=dict)
    """Of steps as others see them, by the identity of the placed step."""
    everywhere: dict[str, Placed] = field(default_factory=dict)
    """All steps by id, whatever their level."""
    is_whole: bool = True
    """Whether all inputs, variables and outputs of the workflow are known."""
    lost: Set[str] = frozenset()
    """Ids that steps may have which could not be read."""

    def of(self, placed: Placed) -> Schema:
        """The shape of a step's output; empty where it is not known."""
        return self.outputs.get(id(placed), {})


def shapes_of_inputs(definition: WorkflowDefinition, top: Level) -> Shapes:
    """The shapes that are known before any step is looked at."""
    declared = definition.inputs.get("properties")
    inputs = declared if isinstance(declared, dict) else {}
    variables = {name: shape_of_value(value) for name, value in definition.variables.items()}
    named = {str(name): each if isinstance(each, dict) else {} for name, each in inputs.items()}
    return Shapes(closed({**named, **variables}), everywhere={each.step.id: each for each in all_placed(top)})


@dataclass(frozen=True)
class View:
    """What a step sees, or, without a step, what the end of a level sees."""

    shapes: Shapes
    level: Level
    step: str | None = None
    around: Mapping[str, Schema] = field(default_factory=dict)
    """Values around it beside those of the levels."""

    def local(self, name: str) -> Schema | None:
        """The shape of a value around; None if there is none here."""
        if name in self.around:
            return self.around[name]
        if name == "error" and self.step is not None and self.step in self.level.flow.handles:
            return _ERROR
        if name in self.level.around:
            return self.level.around[name]
        if self._may_have_lost(name):
            return {}
        outer = self._outer()
        return outer.local(name) if outer else None

    def locals(self) -> Iterator[str]:
        """The names of the values around."""
        return (name for name in LOCALS if self.local(name) is not None)

    def found(self, id_: str) -> Placed | None:
        """The step whose output can be used here by this id."""
        placed = self.level.by_id.get(id_)
        if placed is not None:
            return placed if self.step is None or self.level.comes_before(id_, self.step) else None
        outer = self._outer()
        return outer.found(id_) if outer else None

    def steps(self) -> Iterator[str]:
        """The ids of the steps whose outputs can be used here, without those that the file does not give."""
        return (id_ for id_ in self.shapes.everywhere if not id_.startswith(UNNAMED) and self.found(id_))

    def shape(self, reference: Reference) -> Schema | Gap | None:
        """The shape of what a reference leads to; None where its beginning names nothing here."""
        if reference.root == WORKFLOW:
            return inside(self.shapes.workflow, reference.path) if self.shapes.is_whole else {}
        if reference.root in self.shapes.lost:
            return {}
        start = self.local(reference.root) if reference.root in LOCALS else self._output(reference.root)
        return None if start is None else inside(start, reference.path)

    def fault(self, reference: Reference) -> Fault | None:
        """Why a reference leads to nothing, as far as that can be known."""
        shape = self.shape(reference)
        if shape is None:
            return (*self._why_nothing(reference), True)
        if not isinstance(shape, Gap):
            return None
        if reference.root == WORKFLOW and not shape.within:
            message = f"{reference}: there is no input or variable {str(shape.part)!r}."
            return message, suggestion(str(shape.part), shape.known), True
        root = WORKFLOW if reference.root == WORKFLOW else f"${reference.root}"
        known = suggestion(str(shape.part), shape.known, "Known are") if shape.known else "It has no parts by name."
        if isinstance(shape.part, int):
            known = self.list_of(reference) or known
        return f"{reference}: {root}{shape.within} has no {shape.part!r}.", known, shape.is_sure

    def list_of(self, reference: Reference) -> str:
        """What to write for a list in the place of what a reference leads to; empty where that is not known."""
        placed = self.found(reference.root)
        if placed is None or not isinstance(placed.step, LoopStep) or placed.step.results == "all":
            return ""
        return f"The loop {reference.root!r} gives its last turn: `results: all` in it gives a list of all."

    def _may_have_lost(self, name: str) -> bool:
        """Whether what gives the value may have been left out: the step around, or who names this one as a handler."""
        outer = self.level.outer
        return bool(outer and not outer.is_whole) or (name == "error" and not self.level.is_whole)

    def _output(self, id_: str) -> Schema | None:
        placed = self.found(id_)
        return None if placed is None else self.shapes.of(placed)

    def _outer(self) -> "View | None":
        holder = self.level.outer
        return View(self.shapes, holder.level, holder.step.id) if holder else None

    def _why_nothing(self, reference: Reference) -> tuple[str, str]:
        root = reference.root
        if root in LOCALS:
            return f"{reference}: there is no ${root} here.", LOCALS[root]
        if root not in self.shapes.everywhere:
            return f"{reference}: there is no step {root!r}.", suggestion(root, self.steps(), "Steps before it are")
        said, remedy = f"{root!r} does not come before this step.", f"Add {root!r} to its depends_on."
        if root == self.step:
            said, remedy = "a step cannot use its own output here.", LOCALS["output"]
        elif root in self.level.flow.handles.get(self.step or "", ()):
            said, remedy = f"{root!r} has failed when its error handler runs.", "$error says why."
        elif root not in self.level.by_id:
            said, remedy = f"{root!r} stands within another step.", "Use the output of the step that holds it."
        elif self.level.are_branches:
            remedy = "Branches run side by side: put one after the other into a step around them."
        return f"{reference}: {said}", remedy


_ERROR = closed({name: {"type": "string"} for name in ("step", "class", "message")})


class Types(Mapping[str, str]):
    """The types of references as expressions write them; known are all steps, also those not to be seen from here."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __getitem__(self, written: str) -> str:
        reference = parse(written)
        if reference is None:
            raise KeyError(written)
        shape = self._view.shape(reference)
        if shape is None and reference.root not in LOCALS and reference.root in self._view.shapes.everywhere:
            shape = {}  # the reference is looked at by itself, which tells more
        if shape is None or (isinstance(shape, Gap) and not shape.within and reference.root == WORKFLOW):
            raise KeyError(written)
        return kind({} if isinstance(shape, Gap) else shape)

    def __iter__(self) -> Iterator[str]:
        yield from (f"{WORKFLOW}.{name}" for name in self._view.shapes.workflow["properties"])
        yield from (f"${name}" for name in (*self._view.locals(), *self._view.steps()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def shape_of_template(value: Any, view: View) -> Schema:
    """The shape of what a mapping is filled to."""
    if isinstance(value, str):
        whole = parse(value)
        if whole is None:
            return {"type": "string"}
        shape = view.shape(whole)
        return {} if shape is None or isinstance(shape, Gap) else shape
    if isinstance(value, Mapping):
        return closed({str(key): shape_of_template(each, view) for key, each in value.items()})
    return shape_of_value(value)


def is_constant(value: Any) -> bool:
    """Whether a template holds no references."""
    return next(iter(references_in(value)), None) is None
