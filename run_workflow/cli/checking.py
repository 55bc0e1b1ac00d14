"""The command check: what is wrong with workflow files, told before anything runs."""

import asyncio
import sys
from pathlib import Path

from run_workflow.cli import options
from run_workflow.cli.session import DONE, WRONG_USE, Desk
from run_workflow.documents import CheckDocument, GrammarDocument, ProblemBody
from run_workflow.workflow_files import checked, read_text
from state.errors import SetupError


async def check(desk: Desk, wanted: options.Check) -> int:
    """Each problem in a line of its own, or the schema of the grammar."""
    if wanted.schema:
        return _schema(desk)
    if not wanted.files:
        raise SetupError("No file is named.", remedy="Name workflow files: check order.yaml. --schema needs none.")
    problems: list[ProblemBody] = []
    for path in wanted.files:
        problems += await asyncio.to_thread(_problems, path)
    for problem in problems:
        place = f"{problem.file}:{problem.line}:{problem.column}"
        desk.screen.say(
            f"{place}: {problem.severity}: {problem.message}{f' {problem.remedy}' if problem.remedy else ''}"
        )
    errors = sum(problem.severity == "error" for problem in problems)
    desk.screen.note(_summary(len(wanted.files), errors, len(problems) - errors))
    desk.screen.document(CheckDocument(ok=not errors, problems=tuple(problems)))
    return WRONG_USE if errors else DONE


def _schema(desk: Desk) -> int:
    import json

    from graphs.workflow.editor_schema import grammar_schema

    schema = grammar_schema()
    desk.screen.text(json.dumps(schema, indent=2))
    desk.screen.document(GrammarDocument(workflow_schema=schema))
    return DONE


def _problems(path: Path) -> list[ProblemBody]:
    is_input = str(path) == "-"
    text = sys.stdin.read() if is_input else read_text(path)
    return [
        ProblemBody(
            file=each.place.file,
            line=each.place.line,
            column=each.place.column,
            severity=each.severity,
            message=each.message,
            remedy=each.remedy,
        )
        for each in checked(text, "standard input" if is_input else str(path)).problems
    ]


def _summary(files: int, errors: int, warnings: int) -> str:
    counted = [
        f"{number} {name}{'s' if number != 1 else ''}"
        for number, name in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    named = "1 file" if files == 1 else f"{files} files"
    return f"{named}: {' and '.join(counted) or 'nothing to complain about'}."
