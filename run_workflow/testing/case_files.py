"""Files of test cases, read and checked against the workflow that they are for: all that is wrong at once."""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from graphs.workflow.checks.tree import without_turns
from graphs.workflow.entry import all_steps, events_of
from graphs.workflow.loading import errors_in, told
from graphs.workflow.pinned import Pinned
from graphs.workflow.problems import Path, Problem, suggestion
from graphs.workflow.references import WORKFLOW
from graphs.workflow.whole import START
from graphs.workflow.yaml_source import Source, read
from state.workflow.cases import WorkflowCase, WorkflowCases
from state.workflow.steps import HumanApprovalStep, WebhookStep, WorkflowStep
from tools.mcp.servers import SIGN


def read_cases(text: str, file: str, pinned: Pinned, tools: Iterable[str]) -> tuple[list[WorkflowCase], list[Problem]]:
    """The cases of a file; none where it is wrong. `tools` are the names of all tools."""
    cases, problems = _read(text, file, pinned, list(tools))
    return ([] if any(each.severity == "error" for each in problems) else cases), sorted(problems)


def _read(text: str, file: str, pinned: Pinned, tools: list[str]) -> tuple[list[WorkflowCase], list[Problem]]:
    source = read(text, file)
    if not isinstance(source.value, dict):
        problems = source.problems or [Problem(source.place(()), "The file holds no cases.", "Begin with `cases:`.")]
        return [], problems
    try:
        found = WorkflowCases.model_validate(source.value)
    except ValidationError as error:
        return [], [*source.problems, *told(errors_in(error), source.value, source, WorkflowCases)]
    return list(found.cases), [*source.problems, *_unknown(found, source, pinned, tools)]


def _unknown(found: WorkflowCases, source: Source, pinned: Pinned, tools: list[str]) -> Iterator[Problem]:
    """Steps, approvals and tools that are named and not there; cases that are called the same."""
    steps = dict(all_steps(pinned))
    approvals = [path for path, step in steps.items() if isinstance(step, HumanApprovalStep)]
    approvals += list(_starts(pinned, ""))
    callbacks = [path for path, step in steps.items() if isinstance(step, WebhookStep)]
    names: set[str] = set()
    for number, case in enumerate(found.cases):
        at: Path = ("cases", number)
        if case.name in names:
            yield Problem(source.place((*at, "name")), f"Two cases are called {case.name!r}.", "Rename one.")
        names.add(case.name)
        expect = case.expect
        for path, given, known, what in (
            (("answers",), case.answers, approvals, "approval"),
            (("events",), case.events, _all_events(pinned, callbacks, case), "event"),
            (("stubs",), case.stubs, steps, "step"),
            (("tools",), case.tools, [*tools, *(name for name in case.tools if SIGN in name)], "tool"),
            (("expect", "steps"), expect.steps, _with_turns(expect.steps, [*steps, *approvals]), "step"),
            (("expect", "outputs"), expect.outputs, pinned.definition.outputs or expect.outputs, "output"),
        ):
            for name in given:
                if name not in known:
                    place = source.place((*at, *path, name), key=True)
                    yield Problem(place, f"There is no {what} {name!r}.", suggestion(name, known))


def _all_events(pinned: Pinned, callbacks: list[str], case: WorkflowCase) -> set[str]:
    """What can be waited for; all that the case names, where a name is made when the workflow runs."""
    known = events_of(pinned)
    return {*known, *callbacks, *(case.events if any("$" in each for each in known) else ())}


def _with_turns(given: Iterable[str], known: list[str]) -> list[str]:
    """The paths that are known, with those given that name a turn of one."""
    return [*known, *(path for path in given if without_turns(path) in known)]


def _starts(pinned: Pinned, prefix: str) -> Iterator[str]:
    """The paths of the approvals that the workflow, and those that it runs, ask for before they begin."""
    if pinned.definition.require_approval:
        yield f"{prefix}{WORKFLOW}.{START}"
    for path, step in all_steps(pinned):
        if isinstance(step, WorkflowStep) and step.workflow in pinned.uses:
            yield from _starts(pinned.uses[step.workflow], f"{prefix}{path}.")
