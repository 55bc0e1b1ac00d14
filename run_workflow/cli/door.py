"""From what was typed to an exit code: the one place where a wrong command line is told, like every other error."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import typer
from typer.main import get_command

from run_workflow.cli.app import app
from run_workflow.cli.session import INTERRUPTED, NAME, Shell, of_process, tell
from run_workflow.cli.wrong import wrong_use

if TYPE_CHECKING:
    from run_workflow.console.screen import Screen

_command = cache(get_command)  # making it takes longer than most commands


def run(arguments: Sequence[str], shell: Shell | None = None) -> int:
    """Does the command in the shell of this process or the given one; its exit code."""
    try:
        code = _command(app).main(list(arguments), prog_name=NAME, obj=shell, standalone_mode=False)
    except typer.Abort:
        screen_of(arguments, shell).note("Interrupted.")
        return INTERRUPTED
    except typer.TyperException as error:
        if not error.format_message():  # nothing was typed, and the help was shown
            return error.exit_code
        return tell(screen_of(arguments, shell), wrong_use(error))
    return int(code or 0)


def screen_of(arguments: Sequence[str], shell: Shell | None) -> "Screen":
    """The screen of a command line that was not understood: `--json` counts wherever it stands."""
    return (shell or of_process()).screen("--json" in arguments)
