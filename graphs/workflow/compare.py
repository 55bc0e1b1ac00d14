"""Two versions of a workflow: which changes break those who start it, and runs that are begun anew or copied."""

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

from graphs.workflow.checks.tree import Placed, all_placed, event_of, path_of, tree_of
from graphs.workflow.decisions import offered
from state.workflow.definition import WorkflowDefinition
from state.workflow.policies import Schema
from state.workflow.steps import HumanApprovalStep, ParallelStep, Step

Breaks = Literal["callers", "copies", "answers", "nothing"]
"""Who is hurt: those who start it or use its outputs; copies of runs that were begun with the old version and are
made with the new one by hand; people and programs that answer or send events; nobody."""


@dataclass(frozen=True)
class Change:
    """One thing that is different."""

    breaks: Breaks
    what: str


def compare(old: WorkflowDefinition, new: WorkflowDefinition) -> tuple[Change, ...]:
    """All differences, those that break something first. Runs in flight keep the old version in any case."""
    found = [*_inputs(old.inputs, new.inputs), *_outputs(old, new), *_steps(_by_path(old), _by_path(new))]
    if new.allowed_users and set(old.allowed_users) - set(new.allowed_users):
        found.append(Change("callers", f"{_names(set(old.allowed_users) - set(new.allowed_users))} may not start it."))
    if new.allowed_users and not old.allowed_users:
        found.append(Change("callers", f"Only {_names(set(new.allowed_users))} may start it."))
    if old.name != new.name:
        found.append(Change("callers", f"It is called {new.name!r} and no longer {old.name!r}."))
    order: tuple[Breaks, ...] = ("callers", "answers", "copies", "nothing")
    return tuple(sorted(found, key=lambda change: order.index(change.breaks)))


def _inputs(old: Schema, new: Schema) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield Change("callers", f"The input {name!r} was removed.")
    for name, schema in after.items():
        is_needed = _is_needed(name, new)
        if name not in before:
            said = f"The input {name!r} is new" + (" and needed." if is_needed else "; it may be left out.")
            yield Change("callers" if is_needed else "nothing", said)
            continue
        if is_needed and not _is_needed(name, old):
            yield Change("callers", f"The input {name!r} is needed now.")
        yield from _types(f"The input {name!r}", before[name], schema)


def _types(what: str, old: Any, new: Any) -> Iterator[Change]:
    """What a caller may no longer give, as far as schemas say it plainly."""
    old, new = (each if isinstance(each, dict) else {} for each in (old, new))
    had, has = _kinds(old), _kinds(new)
    if has and (not had or not had <= has | ({"integer"} if "number" in has else set())):
        yield Change("callers", f"{what} must be {_or(has)}; it was {_or(had) if had else 'of any type'}.")
    if (gone := set(map(_text, old.get("enum", ()))) - set(map(_text, new.get("enum", ())))) and "enum" in new:
        yield Change("callers", f"{what} can no longer be {_or(gone)}.")
    elif "enum" in new and "enum" not in old:
        yield Change("callers", f"{what} can only be {_or(set(map(_text, new['enum'])))}.")
    other = [key for key in sorted({*old, *new} - _TOLD) if old.get(key) != new.get(key)]
    if other:
        yield Change("callers", f"{what} is described otherwise: {', '.join(other)}.")
    if old.get("default") != new.get("default") and "default" in new:
        yield Change("nothing", f"{what} has the default {_text(new['default'])}.")


_TOLD = frozenset({"type", "enum", "default", "description", "title", "examples"})
"""Parts of a schema that are compared by themselves, or tell nothing about what is taken."""


def _outputs(old: WorkflowDefinition, new: WorkflowDefinition) -> Iterator[Change]:
    before, after = _given_back(old), _given_back(new)
    for name in before:
        if name not in after:
            yield Change("callers", f"The output {name!r} was removed.")
        elif old.outputs and new.outputs and old.outputs[name] != new.outputs[name]:
            yield Change("nothing", f"The output {name!r} is made otherwise.")
    for name in after:
        if name not in before:
            yield Change("nothing", f"The output {name!r} is new.")


def _steps(old: Mapping[str, Placed], new: Mapping[str, Placed]) -> Iterator[Change]:
    for path, placed in old.items():
        if path not in new:
            after = [other for other, each in old.items() if placed.step.id in each.step.depends_on and other in new]
            waits = f" {_names(set(after))} waited for it." if after else ""
            yield Change("copies", f"The step {path} was removed, or renamed.{waits}")
        else:
            yield from _step(path, placed.step, new[path].step)
    for path in new:
        if path not in old:
            yield Change("nothing", f"The step {path} is new.")


def _step(path: str, old: Step, new: Step) -> Iterator[Change]:
    if type(old) is not type(new):
        yield Change("copies", f"The step {path} is of another type.")
        return
    before, after = event_of(old), event_of(new)
    if before and before != after:
        if isinstance(new, ParallelStep):
            said = f"The step {path} grows on {after or 'no event'} and no longer on {before}."
        else:
            said = f"The step {path} waits for {after or 'a time'} and no longer for {before}."
        yield Change("answers", said)
    if isinstance(old, HumanApprovalStep) and isinstance(new, HumanApprovalStep):
        if gone := set(offered(old)) - set(offered(new)):
            yield Change("answers", f"At {path} nobody can {_or(gone)} any more.")
        if new.approval.approvers and set(old.approval.approvers) != set(new.approval.approvers):
            yield Change("answers", f"At {path} only {_names(set(new.approval.approvers))} may answer.")
    if set(old.depends_on) != set(new.depends_on):
        yield Change("nothing", f"The step {path} waits for {_names(set(new.depends_on)) or 'no other step'}.")


def _given_back(definition: WorkflowDefinition) -> tuple[str, ...]:
    return tuple(definition.outputs) or tree_of(definition.steps).flow.sinks


def _by_path(definition: WorkflowDefinition) -> dict[str, Placed]:
    return {path_of(placed): placed for placed in all_placed(tree_of(definition.steps))}


def _is_needed(name: str, schema: Schema) -> bool:
    return name in schema.get("required", ()) and "default" not in schema.get("properties", {}).get(name, {})


def _kinds(schema: Schema) -> set[str]:
    kind = schema.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _names(names: AbstractSet[str]) -> str:
    return ", ".join(sorted(names))


def _or(names: AbstractSet[str]) -> str:
    return " or ".join(sorted(names))
