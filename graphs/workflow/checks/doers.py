"""The tools, chains, agents and workflows that steps name, and what they are given."""

from collections.abc import Iterable, Mapping
from typing import Any

from graphs.workflow.checks.constants import check_constants
from graphs.workflow.checks.known import Known, KnownTool
from graphs.workflow.checks.notes import Notes
from graphs.workflow.checks.shapes import kind
from graphs.workflow.checks.tree import Level, Placed, all_placed
from graphs.workflow.checks.views import Shapes, View, is_constant, shape_of_template
from graphs.workflow.problems import Path, suggestion
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Schema
from state.workflow.steps import ActionStep, OrchestratorStep, ReactStep, WorkerStep, WorkflowStep
from tools.cel import ANY, INTEGER, NUMBER
from tools.schemas import faults


def check_doers(definition: WorkflowDefinition, top: Level, shapes: Shapes, known: Known, notes: Notes) -> None:
    """Looks at who does each step, as far as is known who there is."""
    for placed in all_placed(top):
        step, view = placed.step, View(shapes, placed.level, placed.step.id)
        match step:
            case ActionStep():
                _action(step, placed, view, known, notes)
            case ReactStep() | WorkerStep():
                _agent(step, placed, known, notes)
            case WorkflowStep():
                _workflow(step, placed, view, definition, known, notes)
        if step.agent_capability:
            _able(step.agent_capability, placed.at("agent_capability"), known, notes)
        if step.cache is not None and step.rollback_actions:
            said = (
                "An output that is used again was made by another run, and undoing it here would undo that run's work."
            )
            notes.error(placed.at("cache"), said, "Take out cache, or rollback_actions.", key=True)
        for number, call in enumerate(step.rollback_actions):
            path = placed.at("rollback_actions", number)
            tool = _tool(call.tool, (*path, "tool"), known, notes)
            if tool is not None:
                after = View(shapes, placed.level, step.id, {"output": {}})
                _given(tool.parameters, call.input, (*path, "input"), f"The tool {call.tool!r}", after, notes)


def _action(step: ActionStep, placed: Placed, view: View, known: Known, notes: Notes) -> None:
    _name(step.chain, placed.at("chain"), "chain", known.chains, notes)
    _name(step.agent, placed.at("agent"), "agent", known.agents, notes)
    chain = (known.chains or {}).get(step.chain or "")
    if chain is not None:
        _given(chain.input, step.input_mapping, placed.at("input_mapping"), f"The chain {step.chain!r}", view, notes)
    tool = _tool(step.tool, placed.at("tool"), known, notes) if step.tool else None
    if tool is None:
        return
    _given(tool.parameters, step.input_mapping, placed.at("input_mapping"), f"The tool {step.tool!r}", view, notes)
    for within, said, remedy in tool.wrong_with(step.input_mapping) if tool.wrong_with else ():
        notes.error(placed.at("input_mapping", *within), said, remedy)
    if tool.side_effects == "write" and not step.idempotency_key and not step.rollback_actions:
        said = (
            f"The tool {step.tool!r} changes something outside, and nothing here undoes it or makes a repetition safe."
        )
        remedy = "Give the step an idempotency_key, or rollback_actions."
        notes.warning(placed.at("tool"), said, remedy if tool.takes_key else "Give the step rollback_actions.")
    if step.idempotency_key and not tool.takes_key:
        said = f"The tool {step.tool!r} heeds no idempotency_key, so the key does nothing."
        notes.warning(placed.at("idempotency_key"), said, "Take it out, or take a tool that heeds it.", key=True)


def _agent(step: ReactStep | WorkerStep, placed: Placed, known: Known, notes: Notes) -> None:
    for number, name in enumerate(step.tools):
        _tool(name, placed.at("tools", number), known, notes)
    for number, name in enumerate(step.without_approval):
        _name(name, placed.at("without_approval", number), "tool of this step", step.tools, notes)
    if isinstance(step, WorkerStep):
        _able(step.capability, placed.at("capability"), known, notes)
        is_led = placed.level.outer is not None and isinstance(placed.level.outer.step, OrchestratorStep)
        if not step.task and not is_led:
            remedy = "Add `task:`; only a worker of an orchestrator is given its tasks."
            notes.error(placed.path, f"The worker {step.id!r} has no task.", remedy)


def _able(capability: str, path: Path, known: Known, notes: Notes) -> None:
    if known.agents is not None:
        able = {each for abilities in known.agents.values() for each in abilities}
        _name(capability, path, "agent that is able to do", able, notes)


def _workflow(
    step: WorkflowStep, placed: Placed, view: View, definition: WorkflowDefinition, known: Known, notes: Notes
) -> None:
    name, _, version = step.workflow.partition("@")
    path = placed.at("workflow")
    if name == definition.name:
        if step.condition is None and not step.conditions and placed.level.outer is None:
            notes.error(path, f"{name!r} starts itself without end.", "Give the step a condition that ends it.")
        return
    other = (known.workflows or {}).get(name)
    if version and known.has_older_versions and (other is None or version not in other.versions):
        return  # the start of a run looks for it
    _name(name, path, "workflow", known.workflows, notes)
    if other is not None:
        _version(version, other.versions, path, name, notes)
        _given(other.inputs, step.input_mapping, placed.at("input_mapping"), f"The workflow {name!r}", view, notes)


def _tool(name: str, path: Path, known: Known, notes: Notes) -> KnownTool | None:
    """The tool of a name; notes that there is none, if that is known."""
    if known.tools is None:
        return None
    plain, _, version = name.partition("@")
    server, sign, _ = plain.partition(".")
    if sign and server in known.servers:
        if known.servers[server]:
            said = f"The server of {plain!r} cannot be asked, and the step is not checked: {known.servers[server]}"
            notes.warning(path, said, "Mind that it answers when the workflow runs.")
        return None
    _name(plain, path, "tool", known.tools, notes)
    tool = known.tool(name)
    if tool is not None:
        _version(version, known.tools[plain].versions, path, plain, notes)
    return tool


def _name(name: str | None, path: Path, what: str, known: Iterable[str] | None, notes: Notes) -> None:
    names = None if known is None else set(known)
    if name and names is not None and name not in names:
        notes.error(path, f"There is no {what} {name!r}.", suggestion(name, names))


def _version(version: str, versions: tuple[str, ...], path: Path, name: str, notes: Notes) -> None:
    if version and version not in versions:
        notes.error(path, f"{name!r} has no version {version!r}.", suggestion(version, versions))


def _given(schema: Schema, given: Mapping[str, Any], path: Path, whom: str, view: View, notes: Notes) -> None:
    """What is given against what is wanted: names, and types as far as they are known."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in given and "default" not in _schema(properties.get(name)):
            notes.error(path, f"{whom} needs {name!r}.", f"Add `{name}:` to {path[-1]}.", key=True)
    for name, value in given.items():
        if name in properties:
            _fits(_schema(properties[name]), schema, value, (*path, name), view, notes)
            check_constants(_schema(properties[name]), schema.get("$defs", {}), value, (*path, name), notes)
        elif properties and not schema.get("additionalProperties"):
            notes.error((*path, name), f"{whom} does not know {name!r}.", suggestion(name, properties), key=True)


def _fits(wanted: Schema, whole: Schema, value: Any, path: Path, view: View, notes: Notes) -> None:
    if is_constant(value):
        wrong = faults({**wanted, "$defs": whole.get("$defs", {})}, value)
        if wrong:
            notes.error(path, f"{path[-1]}: {wrong[0]}.", "Change the value.")
        return
    has, needs = kind(shape_of_template(value, view)), kind(wanted)
    if ANY not in (has, needs) and has != needs and (has, needs) != (INTEGER, NUMBER):
        remedy = "Refer to a value of that type."
        notes.error(path, f"{path[-1]} must be of the type {needs}, and {value!r} is of the type {has}.", remedy)


def _schema(value: object) -> Schema:
    return value if isinstance(value, dict) else {}
