"""A workflow from the command line: killed, its file changed meanwhile, answered and sent events by other processes."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_workflow.documents import GraphDocument, RunDocument, ShowDocument
from run_workflow.workflow_documents import WorkflowDocument
from tests.end_to_end.shells import Shell, environment
from tests.postgres_fixtures import ServerForTests

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]

DONE, WAITS = 0, 3
WORKFLOW = """
name: order
version: 1.0.0
inputs:
  type: object
  required: [amount, lines]
  properties:
    amount: {type: integer}
    lines: {type: array}
steps:
  - id: each_line
    type: loop
    for_each: workflow.lines
    results: all
    steps:
      - {id: pause, type: wait, duration: 0, output_mapping: {line: $item}}
  - id: ask
    type: human_approval
    depends_on: [each_line]
    message: "May ${workflow.amount} be paid?"
    show: {amount: workflow.amount}
  - {id: paid, type: wait, event: paid, depends_on: [ask]}
  - id: way
    type: conditional
    depends_on: [paid]
    cases:
      - {when: $ask.values.amount > 100, name: dear}
outputs: {lines: $each_line, amount: $ask.values.amount, receipt: $paid.receipt, way: $way.route}
"""
CHANGED = """
name: order
version: 1.0.0
steps:
  - {id: ask, type: wait, duration: 0}
"""
LINES = 90


@pytest.fixture
def shell(postgres_server: ServerForTests, tmp_path: Path) -> Iterator[Shell]:
    """A shell with a database server, and the workflow in a file."""
    with postgres_server.migrated_database() as dsn:
        (tmp_path / "order.yaml").write_text(WORKFLOW)
        (tmp_path / "input.json").write_text(json.dumps({"amount": 1, "lines": list(range(LINES))}))
        yield Shell(tmp_path, environment(tmp_path, DATABASE_URL=dsn, STRETTO_HOME=str(tmp_path / "home")))


def killed_at(shell: Shell, sign: str) -> None:
    """Starts the workflow and kills its process, without a warning, when it has told of a step."""
    process = shell.start("run", "order.yaml", "--input", "input.json", "--input", "amount=20")
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    for line in process.stderr:
        assert time.monotonic() < deadline
        if sign in line:
            break
    process.kill()
    process.communicate()


def steps_of(shell: Shell) -> dict[str, Any]:
    """What was done so far: when each step that completed was started, and how often."""
    shown = ShowDocument.model_validate_json(shell.run("show", "last", "--json").out)
    return {step.path: (step.started_at, step.attempts) for step in shown.steps if step.status == "completed"}


def test_killed_changed_answered_and_sent_on(shell: Shell) -> None:
    """The run ends on the version that it began with, each step done once, with the outputs of a run left alone."""
    killed_at(shell, "each_line[20]")
    before = steps_of(shell)
    assert 20 <= len(before) < LINES
    (shell.folder / "order.yaml").write_text(CHANGED)

    waits = shell.run("resume", "last", "--json")
    document = RunDocument.model_validate_json(waits.out)
    assert (waits.code, [each.point for each in document.waiting]) == (WAITS, ["ask"])
    after = steps_of(shell)
    assert {path: after[path] for path in before} == before
    again = [path for path, (_, attempts) in after.items() if attempts > 1]
    assert again[0] == "each_line"
    assert len(again) <= 2  # beside it, what was at work when the process was killed

    (shell.folder / "edit.yaml").write_text("amount: 200\n")
    waits = shell.run("edit", "last", "--file", "edit.yaml", "--json")
    document = RunDocument.model_validate_json(waits.out)
    assert (waits.code, document.status) == (WAITS, "paused")
    assert [(each.step, each.event) for each in document.waits] == [("paid", "paid")]
    (command,) = document.commands
    assert command.endswith(f"python -m run_workflow event {document.id} paid")

    sent = shell.run("event", "last", "paid", "--data", '{"receipt": 7}', "--json")
    document = RunDocument.model_validate_json(sent.out)
    outputs = {"lines": [{"line": line} for line in range(LINES)], "amount": 200, "receipt": 7, "way": "dear"}
    assert (sent.code, document.outputs) == (DONE, outputs)
    assert json.loads((shell.folder / str(document.outputs_file)).read_text()) == outputs
    assert steps_of(shell).items() >= after.items()

    drawn = GraphDocument.model_validate_json(shell.run("graph", "--run", "last", "--json").out)
    assert "completed" in (drawn.text or "")
    assert "each_line" in (drawn.text or "")


def test_what_was_run_stays_runnable_by_name_and_version(shell: Shell) -> None:
    """An old version is taken from the database; a time in the near future is waited for by the command itself."""
    (shell.folder / "brief.yaml").write_text("name: brief\nsteps:\n  - {id: nap, type: wait, duration: 1}\n")
    first = shell.run("run", "brief.yaml")
    assert first.code == DONE, first.err
    assert "Waiting until" in first.err
    (shell.folder / "brief.yaml").unlink()
    again = shell.run("run", "brief@1.0.0", "--json")
    assert (again.code, RunDocument.model_validate_json(again.out).graph) == (DONE, "brief@1.0.0")
    shown = WorkflowDocument.model_validate_json(shell.run("show", "brief", "--json").out)
    assert [(each.version, each.runs) for each in shown.versions] == [("1.0.0", 2)]
    assert shell.run("run", "brief@2.0.0").code == 2
