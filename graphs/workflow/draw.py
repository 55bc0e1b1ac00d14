"""A workflow as a Mermaid flowchart: a shape for each type of step, bodies as frames, ways and errors as edges."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphs.workflow.checks.tree import Level, Placed, path_of, tree_of, without_turns
from graphs.workflow.expressions import text_of
from state.runs import StepRecord, StepStatus
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Condition
from state.workflow.steps import (
    ConditionalStep,
    HumanApprovalStep,
    LoopStep,
    OrchestratorStep,
    ParallelStep,
    ReactStep,
    RollbackStep,
    Step,
    WaitStep,
    WebhookStep,
    WorkerStep,
    WorkflowStep,
)

_SHAPES: dict[type[Step], tuple[str, str]] = {
    ConditionalStep: ("{", "}"),
    HumanApprovalStep: ("[/", "/]"),
    ReactStep: ("([", "])"),
    WorkerStep: ("([", "])"),
    WebhookStep: (">", "]"),
    WaitStep: ("{{", "}}"),
    RollbackStep: ("[\\", "\\]"),
    WorkflowStep: ("[[", "]]"),
}
"""What stands around the label of each type; actions, and those drawn as frames, have plain brackets."""
_MOST_LETTERS = 60
_CODES = {"#": "#35;", "&": "#38;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "|": "#124;", "`": "#96;"}
"""Signs that Mermaid would take for its own."""


_COLOURS: dict[StepStatus, str] = {
    "failed": "#f8b4b4",
    "running": "#a5d8ff",
    "retrying": "#ffd8a8",
    "waiting": "#ffec99",
    "compensated": "#eebefa",
    "cancelled": "#dee2e6",
    "completed": "#b2f2bb",
    "skipped": "#f1f3f5",
}
"""By status, the fill of a step; of several turns of one step, what comes first here is what is shown."""
_Statuses = dict[str, Counter[StepStatus]]
"""By the path of a step without its turns: how many of these stand how."""


def mermaid_of(definition: WorkflowDefinition, steps: Iterable[StepRecord] = ()) -> str:
    """The drawing, coloured by what the steps of a run did where they are given.

    Solid lines are the order, dotted ones errors, and labels on lines the ways of a condition. A step that has several
    turns says how many stand how.
    """
    statuses: _Statuses = {}
    for record in steps:
        statuses.setdefault(without_turns(record.path), Counter())[record.status] += 1
    drawing = _Drawing(statuses)
    drawing.level(tree_of(definition.steps), 1)
    return "\n".join(["flowchart TD", *drawing.lines, *drawing.edges, *_coloured(drawing), ""])


def _coloured(drawing: "_Drawing") -> Iterator[str]:
    """The lines that give each step the colour of its status."""
    by_status: dict[StepStatus, list[str]] = {}
    for path, name in drawing.paths.items():
        status = next((status for status in _COLOURS if status in drawing.statuses.get(path, ())), None)
        if status is not None:
            by_status.setdefault(status, []).append(name)
    for status, names in by_status.items():
        yield f"    classDef {status} fill:{_COLOURS[status]},stroke:#495057,color:#212529"
        yield f"    class {','.join(names)} {status}"


@dataclass
class _Drawing:
    """The lines so far. Steps are called by numbers: ids may hold what Mermaid does not take."""

    statuses: _Statuses
    lines: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    """The names by the paths of the steps."""

    def level(self, level: Level, depth: int) -> None:
        """The steps of a level, and the links among them."""
        for placed in level.steps:
            self._step(placed, depth)
        for placed in level.steps:
            for after in level.flow.followers[placed.step.id]:
                follower = level.by_id[after]
                is_error = placed.step.id in level.flow.handles.get(after, ())
                if is_error:
                    self._edge(self._name(placed), self._name(follower), _errors(placed.step, after), "-.->")
                if placed.step.id in level.flow.needs[after]:
                    for end in self._ends(placed):
                        self._edge(end, self._name(follower), _label(_when(follower.step)))

    def _step(self, placed: Placed, depth: int) -> None:
        step, pad, turns = placed.step, "    " * depth, self._turns(placed)
        if isinstance(step, ParallelStep | LoopStep | OrchestratorStep):
            self.lines.append(
                f'{pad}subgraph {self._name(placed)}["{_label(f"{step.label}: {_repeats(step)}")}{turns}"]'
            )
            for inner in placed.inner:
                self.level(inner, depth + 1)
            self.lines.append(f"{pad}end")
            return
        opened, shut = _SHAPES.get(type(step), ("[", "]"))
        self.lines.append(f'{pad}{self._name(placed)}{opened}"{_label(step.label)}{turns}"{shut}')
        for way in placed.inner:
            self.level(way, depth)
            for first in way.steps:
                if not way.flow.needs[first.step.id] and first.step.id not in way.flow.handles:
                    self._edge(self._name(placed), self._name(first), _label(_way(step, way)))

    def _ends(self, placed: Placed) -> Iterator[str]:
        """The nodes from which what follows a step is reached."""
        ways = [way for way in placed.inner if way.steps] if isinstance(placed.step, ConditionalStep) else []
        for way in ways:
            for id_ in way.flow.sinks:
                yield from self._ends(way.by_id[id_])
        if len(ways) < len(placed.inner) or not ways:
            yield self._name(placed)

    def _turns(self, placed: Placed) -> str:
        """What its label ends with where it has several turns."""
        found = self.statuses.get(path_of(placed), Counter())
        if found.total() < 2:
            return ""
        return f" ({', '.join(f'{found[status]} {status}' for status in found)})"

    def _edge(self, start: str, end: str, label: str, line: str = "-->") -> None:
        self.edges.append(f"    {start} {line}{'|' + chr(34) + label + chr(34) + '|' if label else ''} {end}")

    def _name(self, placed: Placed) -> str:
        name = self.names.setdefault(id(placed), f"s{len(self.names) + 1}")
        self.paths[path_of(placed)] = name
        return name


def _repeats(step: Step) -> str:
    """What a step does with its body."""
    match step:
        case LoopStep(while_=None, until=None) | ParallelStep(for_each=str()):
            return f"each of {step.for_each}"
        case LoopStep():
            return f"while {text_of(step.while_)}" if step.while_ is not None else f"until {_text(step.until)}"
        case OrchestratorStep():
            return "orchestrator"
        case _:
            return "side by side"


def _way(step: Step, way: Level) -> str:
    """The condition of a way, or its name where it has one."""
    if isinstance(step, ConditionalStep):
        for number, case in enumerate(step.cases):
            if way.way == (case.name or f"case {number + 1}"):
                return case.name or text_of(case.when)
    return way.way


def _when(step: Step) -> str:
    conditions = [text_of(each) for each in (step.condition, *step.conditions) if each is not None]
    return " and ".join(conditions)


def _text(condition: Condition | None) -> str:
    return "" if condition is None else text_of(condition)


def _errors(step: Step, handler: str) -> str:
    return _label(", ".join(error for each in step.error_handlers if each.step == handler for error in each.on))


def _label(text: str) -> str:
    """A text that may stand in quotes, not too long."""
    plain = " ".join(text.split())
    short = plain if len(plain) <= _MOST_LETTERS else f"{plain[: _MOST_LETTERS - 1]}…"
    return "".join(_CODES.get(sign, sign) for sign in short)
