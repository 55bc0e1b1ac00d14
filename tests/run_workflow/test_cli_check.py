"""check: what is wrong with workflow files; and graph FILE."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from run_workflow.documents import GraphDocument
from run_workflow.workflow_documents import CheckDocument, GrammarDocument, ToolDocument, ToolsDocument
from tests.run_workflow.cli_double import Line
from tests.run_workflow.engine_double import EngineDouble

GOOD = "name: w\nsteps:\n  - {id: a, type: wait, duration: 1}\n"
WARNED = GOOD.replace("duration: 1", "duration: 1, condition: 'false'")
BROKEN = "name: w\nsteps:\n  - {id: a, type: wait, duration: 1, timeuot: 3}\n  - {id: b, type: lop}\n"


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A command line in a folder with three workflow files."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("warned", WARNED), ("broken", BROKEN)):
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    return Line(EngineDouble(), tmp_path)


@pytest.mark.slow
def test_all_problems_are_told_with_their_places(line: Line) -> None:
    """Each problem is a line with file, line, column, what is wrong and what to do; an error ends with 2."""
    typed = line.type("check", "good.yaml", "broken.yaml", "warned.yaml")
    assert typed.code == 2
    assert typed.out.splitlines() == [
        "broken.yaml:3:38: error: There is no field 'timeuot' here. Did you mean 'timeout'?",
        "broken.yaml:4:5: error: There is no step type 'lop'. Did you mean 'loop'?",
        "warned.yaml:3:49: warning: 'a' never runs: its condition is always false. Take it out.",
    ]
    assert "3 files: 2 errors and 1 warning." in typed.err


@pytest.mark.slow
def test_warnings_do_no_harm(line: Line) -> None:
    """With warnings only, or with nothing, the exit code is 0."""
    assert line.type("check", "warned.yaml").code == 0
    typed = line.type("check", "good.yaml")
    assert (typed.code, typed.out) == (0, "")
    assert "nothing to complain about" in typed.err


def test_problems_as_json(line: Line) -> None:
    """With `--json` one document holds them all."""
    typed = line.type("check", "broken.yaml", "--json")
    document = CheckDocument.model_validate_json(typed.out)
    assert (typed.code, document.ok) == (2, False)
    assert [(each.line, each.column, each.severity) for each in document.problems] == [
        (3, 38, "error"),
        (4, 5, "error"),
    ]


@pytest.mark.slow
def test_the_schema_is_printed(line: Line) -> None:
    """`--schema` needs no file and prints one JSON document, with `--json` in an envelope."""
    plain = json.loads(line.type("check", "--schema").out)
    assert plain["title"] == "Stretto workflow"
    assert GrammarDocument.model_validate_json(line.type("check", "--schema", "--json").out).workflow_schema == plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "No file is named"), (["gone.yaml"], "No such file"), (["."], "directory"), (["latin.yaml"], "not UTF-8")],
)
def test_files_that_cannot_be_read(line: Line, arguments: list[str], words: str) -> None:
    """What cannot be read is told without a traceback."""
    Path("latin.yaml").write_bytes("name: é".encode("latin-1"))
    typed = line.type("check", *arguments)
    assert typed.code == 2
    assert words in typed.err


def test_standard_input_is_checked(line: Line) -> None:
    """`-` reads what another program writes."""
    typed = line.type("check", "-", input=BROKEN)
    assert typed.out.startswith("standard input:3:38: error: ")


@pytest.mark.slow
def test_a_workflow_file_is_drawn(line: Line) -> None:
    """`graph FILE` draws the workflow of a file; one with an error is refused with its place."""
    typed = line.type("graph", "good.yaml", "--json")
    assert 's1{{"a"}}' in (GraphDocument.model_validate_json(typed.out).text or "")
    assert line.type("graph", "good.yaml", "--format", "png").out == "good.png\n"
    refused = line.type("graph", "broken.yaml")
    assert refused.code == 2
    assert "where: broken.yaml:3:38" in refused.err


@pytest.mark.slow
def test_checking_starts_fast() -> None:
    """Neither a database nor the engine of runs is imported for it."""
    program = (
        "import sys, run_workflow.workflow_catalog;"
        "print([name for name in ('langgraph', 'langchain_core', 'psycopg', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


TOOLS = """\
name: w
inputs: {type: object, properties: {n: {type: integer}}}
steps:
  - {id: a, type: action, tool: htpp}
  - {id: b, type: action, tool: http@9.0.0, input_mapping: {url: "https://a.example/"}, idempotency_key: k}
  - {id: c, type: action, tool: http_get, input_mapping: {url: workflow.n, quary: {}}}
  - {id: d, type: action, tool: http, input_mapping: {method: POST}}
  - {id: e, type: action, tool: http_get, input_mapping: {url: "https://a.example/"}}
  - {id: f, type: action, tool: set, depends_on: [e], input_mapping: {of: $e.stats, is: $e.body.anything}}
  - {id: g, type: action, tool: file_write, input_mapping: {path: a.txt, content: a}, idempotency_key: k}
  - {id: h, type: action, tool: calculate, input_mapping: {values: {n: workflow.n}, results: {m: n * x}}}
  - {id: i, type: action, tool: calculate, input_mapping: {results: {m: "1 + ${workflow.n}"}}}
"""


def test_tools_are_known_with_what_they_take_and_do(line: Line) -> None:
    """Names and versions that there are not, inputs that do not fit, outputs that do not exist, and side effects that
    nothing makes safe to repeat, or that a key does not make so.
    """
    Path("tools.yaml").write_text(TOOLS, encoding="utf-8")
    typed = line.type("check", "tools.yaml")
    told = [each.partition(": ")[2] for each in typed.out.splitlines()]
    assert typed.code == 2
    assert told == [
        "error: There is no tool 'htpp'. Did you mean 'http'?",
        "error: 'http' has no version '9.0.0'. Did you mean '1.0.0'?",
        "error: url must be of the type string, and 'workflow.n' is of the type integer. "
        "Refer to a value of that type.",
        "error: The tool 'http_get' does not know 'quary'. Did you mean 'query'?",
        "warning: The tool 'http' changes something outside, and nothing here undoes it or makes a repetition safe. "
        "Give the step an idempotency_key, or rollback_actions.",
        "error: The tool 'http' needs 'url'. Add `url:` to input_mapping.",
        "warning: $e.stats: $e has no 'stats'. Did you mean 'status'?",
        "warning: The tool 'file_write' heeds no idempotency_key, so the key does nothing. "
        "Take it out, or take a tool that heeds it.",
        "error: 'n * x' is not a valid expression: there is no value and no function x. "
        "An expression compares values with ==, !=, <, <=, >, >= or in, and joins with && and ||.",
        "error: m must be a constant text, and a value is put into it. "
        "Write a name there, and give its value beside it (parameters, values).",
    ]


@pytest.mark.slow
def test_tools_are_listed_and_shown(line: Line) -> None:
    """All with their versions and side effects, and one with its schemas, also as a model is told of it."""
    listed = ToolsDocument.model_validate_json(line.type("tools", "--json").out)
    assert {"http", "http_get", "webhook", "set", "file_write", "read_document"} <= {each.name for each in listed.tools}
    writing = {each.name for each in listed.tools if each.side_effects == "write"}
    files, databases = {"file_write", "write_report", "table_save", "chart"}, {"database_execute", "database_commit"}
    assert writing == {"http", "webhook", "workflow", *files, *databases}
    shown = ToolDocument.model_validate_json(line.type("tools", "http@1.0.0", "--json").out)
    assert shown.parameters["required"] == ["url"]
    assert "idempotency_key" not in shown.parameters["properties"]
    assert shown.openai["function"]["name"] == "http"
    assert '"auth"' in line.type("tools", "http").out
    typed = line.type("tools", "htpp")
    assert (typed.code, "Did you mean http?" in typed.err) == (2, True)
