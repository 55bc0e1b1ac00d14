"""Help texts: every command has one, with an example and the exit codes, and they come fast."""

import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from run_workflow.cli.app import app
from run_workflow.cli.session import EXIT_CODES

GROUP = get_command(app)
COMMANDS = sorted(set(GROUP.commands) - {"run"})  # type: ignore[attr-defined] # typer hides that it is a group
SLOW = ("langgraph", "langchain_core", "pandas", "psycopg", "rich.live", "yaml", "run_workflow.settings")
OF_TABLES = ("pandas", "scipy.stats", "matplotlib")


def help_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--help"], terminal_width=200)
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


def test_the_help_of_check_says_how_values_are_named() -> None:
    """Who writes a workflow finds the forms of references at the command that checks it."""
    assert {"workflow.NAME", "$STEP.FIELD", "${STEP.FIELD}"} <= set(help_of("check").replace("│", " ").split())


def test_all_commands_are_there() -> None:
    """The commands that the documentation names exist."""
    look = "check doctor graph list mcp report show studio test timeline tools verify"
    act = "approve cancel edit event fork reject respond resume"
    assert {*COMMANDS} == {*look.split(), *act.split()}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["run", "research"], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_has_an_example_and_the_exit_codes(arguments: list[str]) -> None:
    """Each command says what it does, shows an example of itself, and lists the exit codes."""
    text = help_of(*arguments)
    assert f"python -m run_workflow {' '.join(arguments)}" in text
    assert "--json" in text
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in text


def test_the_first_help_leads_on() -> None:
    """Without a command the help is shown, with `run` first and a command to try."""
    text = help_of()
    assert "run research" in text
    assert text.index("Start a run: of research") < text.index("List the newest runs,")


def test_arguments_stand_in_the_order_in_which_they_are_typed() -> None:
    """RUN stands before REQUEST, QUESTION before further paths."""
    assert help_of("approve").index("RUN") < help_of("approve").index("REQUEST")
    assert "{QUESTION} [PATH]" in help_of("run", "research").replace("[PATH]...", "[PATH]")


@pytest.mark.slow
def test_nothing_slow_is_imported_before_it_is_needed() -> None:
    """Help comes without the libraries that take long to import, and the research graph without those for tables."""
    program = f"""
import json, sys
import run_workflow.__main__ as door
sys.argv = ["run_workflow", "run", "research", "--help"]
try:
    door.main()
except SystemExit:
    helped = [name for name in {SLOW!r} if name in sys.modules]
    import graphs.research
    print(json.dumps([helped, [name for name in {OF_TABLES!r} if name in sys.modules]]), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr) == [[], []]
    assert "Usage: python -m run_workflow run research" in done.stdout
