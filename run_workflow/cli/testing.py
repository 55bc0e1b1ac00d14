"""The command test: the test cases of a workflow, run in memory."""

import asyncio
from typing import TYPE_CHECKING

from run_workflow.cli import options_here
from run_workflow.cli.checking import tell_problems
from run_workflow.cli.session import DONE, FAILED, WRONG_USE, Desk
from run_workflow.cli.workflows import catalog_of
from run_workflow.workflow_documents import CaseBody, TestDocument

if TYPE_CHECKING:
    from graphs.workflow.pinned import Pinned
    from run_workflow.testing.playing import Played
    from state.workflow.cases import WorkflowCase


async def test(desk: Desk, wanted: options_here.Test) -> int:
    """Each case in a line, and below them what is not as it must be."""
    from run_workflow.agent_files import templates_in
    from run_workflow.testing.case_files import read_cases
    from run_workflow.testing.playing import play
    from tools.toolbox import Toolbox

    catalog = catalog_of(desk.settings)
    pinned = await catalog.pin(wanted.name, _none_stored)
    text, file = await asyncio.to_thread(catalog.tests, wanted.name)
    agents = await asyncio.to_thread(templates_in, desk.settings.agents)
    toolbox = Toolbox(folders=desk.settings.folders)
    cases, problems = read_cases(text, file, pinned, toolbox.shown().names())
    ended = tuple([_body(case, await play(pinned, case, toolbox, agents)) for case in cases])
    told = tell_problems(desk, problems)
    is_good = bool(ended) and all(each.ok for each in ended)
    if ended:
        _show(desk, pinned.title, ended)
    desk.screen.document(TestDocument(ok=is_good, workflow=pinned.title, problems=told, cases=ended))
    return DONE if is_good else FAILED if ended else WRONG_USE


async def _none_stored(_name: str, _version: str) -> "Pinned | None":
    """Versions that were run before are in the database, which no test opens."""
    return None


def _body(case: "WorkflowCase", played: "Played") -> CaseBody:
    outcome = played.outcome
    return CaseBody(
        name=case.name,
        ok=not played.faults,
        status=outcome.status,
        faults=played.faults,
        steps=dict(played.steps),
        outputs=(outcome.output or {}).get("outputs"),
        error=outcome.error,
    )


def _show(desk: Desk, title: str, cases: tuple[CaseBody, ...]) -> None:
    from run_workflow.console.tables import case_table

    desk.screen.show(case_table(cases))
    for each in cases:
        for fault in each.faults:
            desk.screen.say(f"{each.name}: {fault}")
    wrong = sum(not each.ok for each in cases)
    many = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
    said = f"{wrong} not as it must be" if wrong else "all as they must be"
    desk.screen.say(f"{title}: {many}, {said}.", "bold red" if wrong else "bold green")
