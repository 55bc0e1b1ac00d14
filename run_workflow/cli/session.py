"""One command from its start to its exit code: settings, screen, event loop, errors. Nothing else starts a loop."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from state.errors import StrettoError

if TYPE_CHECKING:  # slow to import, and `--help` needs none of them
    from run_workflow.console.screen import Screen
    from run_workflow.services import Services
    from run_workflow.settings import Settings

DONE, FAILED, WRONG_USE, WAITS, NOT_ESTABLISHED, HELD, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
"""Exit codes; EXIT_CODES says what each means."""

EXIT_CODES = {
    DONE: "done",
    FAILED: "failed",
    WRONG_USE: "wrong use, settings or installation",
    WAITS: "waits for an approval, an event or a time",
    NOT_ESTABLISHED: "nothing could be established, or the work was rejected",
    HELD: "another process works on the run",
    REFUSED: "the answer was refused, or you may not start it",
    INTERRUPTED: "interrupted; `resume` goes on",
}


def interpreter() -> str:
    """The interpreter as a person can type it here: by its path below this folder, as `python`, or in full."""
    import shutil

    here, used = Path.cwd(), Path(sys.executable)
    if used.is_relative_to(here):
        return str(used.relative_to(here))
    return "python" if shutil.which("python") == str(used) else str(used)


NAME = "python -m run_workflow"
"""What help and errors call the program: short, so that no line breaks within a path."""
PROGRAM = f"{interpreter()} -m run_workflow"
"""What stands before each command that is printed as a next step."""
WORKFLOW_SUFFIXES = (".yaml", ".yml")
"""How the name of a workflow file ends: what does not is the name of a workflow, a graph or a run."""


@dataclass(frozen=True)
class Shell:
    """How commands reach the outside. Tests hand in another one as the context's object."""

    load: Callable[[], "Settings"]
    open: Callable[["Settings"], AbstractAsyncContextManager["Services"]]
    screen: Callable[[bool], "Screen"]


@dataclass(frozen=True)
class Desk:
    """What one command works with."""

    shell: Shell
    screen: "Screen"

    @cached_property
    def settings(self) -> "Settings":
        """Read, and the logs set up, when they are first needed; SetupError when they are wrong."""
        from run_workflow.logs import configure_logs

        settings = self.shell.load()
        configure_logs(settings.log_level, steps="log_level" in settings.model_fields_set)
        return settings

    def services(self) -> AbstractAsyncContextManager["Services"]:
        """The engine and what belongs to it, opened for as long as the command needs it."""
        return self.shell.open(self.settings)


def of_process() -> Shell:
    """The shell of a real process."""
    from run_workflow.console.screen import Screen
    from run_workflow.services import open_services
    from run_workflow.settings import load_settings

    return Shell(load=load_settings, open=open_services, screen=Screen.of_process)


def perform(context: typer.Context, as_json: bool, work: Callable[[Desk], Awaitable[int]]) -> None:
    """Does the work of a command, and ends with its exit code."""
    import asyncio

    from run_workflow.cli.wrong import wrong_use

    shell: Shell = context.obj or of_process()
    screen = shell.screen(as_json)
    try:
        code = asyncio.run(_awaited(work(Desk(shell, screen))))
    except StrettoError as error:
        code = tell(screen, error)
    except typer.BadParameter as error:
        code = tell(screen, wrong_use(error, context))
    except KeyboardInterrupt:
        screen.note("Interrupted.")
        code = INTERRUPTED
    raise typer.Exit(code)


def tell(screen: "Screen", error: StrettoError) -> int:
    """Says what went wrong, in words and as JSON; its exit code."""
    from run_workflow.documents import ErrorBody, ErrorDocument

    screen.error(error)
    screen.document(
        ErrorDocument(
            error=ErrorBody(
                type=type(error).__name__,
                message=error.message,
                place=error.place,
                remedy=error.remedy,
                exit_code=error.exit_code,
            )
        )
    )
    return error.exit_code


async def _awaited(work: Awaitable[int]) -> int:
    return await work
