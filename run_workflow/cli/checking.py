"""The command check: what is wrong with workflow files, told before anything runs."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from run_workflow.cli import options_here
from run_workflow.cli.session import DONE, WRONG_USE, Desk
from run_workflow.cli.workflows import catalog_of
from run_workflow.workflow_documents import ChangeBody, CheckDocument, GrammarDocument, ProblemBody
from run_workflow.workflow_files import asked, read_text
from state.errors import SetupError, WrongUse
from state.runs import VERSION_SIGN

if TYPE_CHECKING:
    from graphs.workflow.problems import Problem
    from run_workflow.workflow_catalog import WorkflowCatalog


async def check(desk: Desk, wanted: options_here.Check) -> int:
    """Each problem in a line of its own, or the schema of the grammar."""
    if wanted.schema:
        return _schema(desk)
    if not wanted.files:
        raise SetupError("No file is named.", remedy="Name workflow files: check order.yaml. --schema needs none.")
    found: list[Problem] = []
    texts = [await asyncio.to_thread(_text_of, path) for path in wanted.files]
    catalog = catalog_of(desk.settings, await asked(desk.settings, [text for text, _ in texts]))
    for text, file in texts:
        found += (await asyncio.to_thread(catalog.checked, text, file)).problems
    problems = tell_problems(desk, found)
    errors = sum(problem.severity == "error" for problem in problems)
    desk.screen.note(_summary(len(wanted.files), errors, len(problems) - errors))
    changes = () if errors or wanted.against is None else await _changes(desk, catalog, wanted.against, texts)
    desk.screen.document(CheckDocument(ok=not errors, problems=problems, changes=changes))
    return WRONG_USE if errors else DONE


async def _changes(
    desk: Desk, catalog: "WorkflowCatalog", against: str, texts: Sequence[tuple[str, str]]
) -> tuple[ChangeBody, ...]:
    """What is different from an older version, and whom it breaks."""
    from graphs.workflow.compare import compare

    if len(texts) != 1:
        raise WrongUse("An older version is compared with one file.", place="--against", remedy="Name one file.")
    if VERSION_SIGN in against and not catalog.has(against):
        async with desk.services() as services:
            old = (await catalog.pin(against, services.engine.workflows.find)).definition
    else:
        old = catalog.definition(against.partition(VERSION_SIGN)[0])
    new = catalog.definition_in(*texts[0])
    found = tuple(ChangeBody(breaks=each.breaks, what=each.what) for each in compare(old, new))
    for change in found:
        desk.screen.say(f"{_BREAKS[change.breaks]}: {change.what}")
    if old.version == new.version and found:
        desk.screen.note(f"Both are version {new.version}: raise it, so that each can be run by name.")
    desk.screen.note("Runs in flight keep the version that they began with." if found else "Nothing is different.")
    return found


_BREAKS = {
    "callers": "breaks callers",
    "answers": "breaks those who answer",
    "copies": "breaks copies of old runs",
    "nothing": "breaks nothing",
}


def _schema(desk: Desk) -> int:
    import json

    from graphs.workflow.editor_schema import grammar_schema

    schema = grammar_schema()
    desk.screen.text(json.dumps(schema, indent=2))
    desk.screen.document(GrammarDocument(workflow_schema=schema))
    return DONE


def _text_of(path: Path) -> tuple[str, str]:
    """The text of a file, and the name that it is told with."""
    is_input = str(path) == "-"
    return (sys.stdin.read(), "standard input") if is_input else (read_text(path), str(path))


def tell_problems(desk: Desk, problems: Iterable["Problem"]) -> tuple[ProblemBody, ...]:
    """Says each in a line of its own."""
    found = tuple(problems)
    for each in found:
        desk.screen.say(str(each))
    return tuple(
        ProblemBody(
            file=each.place.file,
            line=each.place.line,
            column=each.place.column,
            severity=each.severity,
            message=each.message,
            remedy=each.remedy,
        )
        for each in found
    )


def _summary(files: int, errors: int, warnings: int) -> str:
    counted = [
        f"{number} {name}{'s' if number != 1 else ''}"
        for number, name in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    named = "1 file" if files == 1 else f"{files} files"
    return f"{named}: {' and '.join(counted) or 'nothing to complain about'}."
