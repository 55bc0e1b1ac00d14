"""The command line over an engine in memory: in this process, or in one of its own.

`python -m tests.run_workflow.cli_double SCRIPT ARGUMENT…` is the command line over the engine of `SCRIPTS[SCRIPT]()`.
"""

import io
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from run_workflow.cli.door import run
from run_workflow.cli.session import Shell
from run_workflow.console.screen import Screen
from run_workflow.services import Services
from run_workflow.settings import Settings, load_settings
from state.context import ApprovalPolicy
from state.errors import SetupError
from state.runs import (
    Progress,
    Usage,
)
from tests.run_workflow.engine_double import FILES, EngineDouble, Stretch, published


class DoorDouble:
    """Knows the models of one provider."""

    def chat(self, name: str) -> object:
        if name != "extractive" and not name.startswith("good/"):
            raise SetupError(f"{name!r} is not known.", remedy="Choose another model.")
        return object()

    def price(self, name: str) -> tuple[float, float] | None:
        return {"extractive": (0.0, 0.0), "good/dear": (1.0, 10.0), "good/fine": (0.1, 1.0)}.get(name)


@dataclass(frozen=True)
class Typed:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str
    exception: BaseException | None


@dataclass
class Line:
    """The command line over an engine in memory."""

    engine: EngineDouble
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    interactive: bool = False
    seen: list[Screen] = field(default_factory=list)

    def type(self, *arguments: str, input: str | None = None) -> Typed:
        """Runs a command in this process. With `interactive`, `input` is what the person types."""
        code, exception = 1, None
        with CliRunner().isolation(input=input) as (out, err, _):
            try:
                code = run(arguments, self.shell())
            except ZeroDivisionError as bug:  # the bug of these tests
                exception = bug
            sys.stdout.flush()
            sys.stderr.flush()
            return Typed(code, out.getvalue().decode(), err.getvalue().decode(), exception)

    def shell(self) -> Shell:
        """How the commands reach the engine."""
        return Shell(load=self._load, open=self._open, screen=self._screen)

    def _load(self) -> Settings:
        return load_settings({"STRETTO_HOME": str(self.home), "STRETTO_USER": "ann", **self.environ})

    @asynccontextmanager
    async def _open(self, settings: Settings) -> AsyncIterator[Services]:
        async def read(sha256: str) -> bytes:
            return self.engine.provenance() if sha256 == "report.json" else FILES[sha256]

        yield Services(self.engine, DoorDouble(), read)

    def _screen(self, as_json: bool) -> Screen:
        return replace(Screen.of_process(as_json), interactive=self.interactive and not as_json)


def screen_on(text: io.StringIO, *, width: int = 80, terminal: bool = False) -> Screen:
    """A screen that writes both streams into `text`."""
    console = Console(
        file=text, width=width, height=24, force_terminal=terminal, highlight=False, markup=False, color_system=None
    )
    return Screen(out=console, err=console, live=terminal)


BRANCH = (
    Progress(path="read_sources", status="running"),
    Progress(path="read_sources", status="completed"),
    Progress(path="branches/speed", status="running"),
    Progress(path="branches/speed/0", tool="search_documents"),
    Progress(path="branches/speed/0", usage=Usage(model_calls=1, input_tokens=1500, output_tokens=20, money=0.02)),
    Progress(path="branches/speed", status="completed"),
)


def line_asking_for_plan(home: Path) -> Line:
    """A run that waits for its plan to be approved, and then ends; somebody is at the terminal."""
    made = Line(SCRIPTS["asks"](), home, interactive=True)
    made.engine.add("r100", {"question": "Why?"})
    return made


def waiting(line: Line, *points: str) -> None:
    """The run waits already, at each of these points."""
    for point in points:
        line.engine.ask("r100", point)
    line.engine.runs["r100"] = line.engine.runs["r100"].model_copy(update={"status": "waiting_approval"})
    line.engine.stretches = SCRIPTS["publishes"]().stretches


SCRIPTS: dict[str, Callable[[], EngineDouble]] = {
    "publishes": lambda: EngineDouble([Stretch(BRANCH, output=published())]),
    "asks": lambda: EngineDouble([Stretch(BRANCH, asks="plan"), Stretch(BRANCH, output=published())]),
    "expires": lambda: EngineDouble(
        [Stretch(BRANCH, asks="plan"), Stretch(BRANCH, output=published())], policy=ApprovalPolicy(timeout_seconds=1)
    ),
    "drains": lambda: EngineDouble([Stretch(BRANCH, until_drained=True)]),
    "hangs": lambda: EngineDouble([Stretch(BRANCH, forever=True)]),
    "computes": lambda: EngineDouble([Stretch(BRANCH, computes=True)]),
    "breaks": lambda: EngineDouble([Stretch(BRANCH, raises=ZeroDivisionError("a bug"))]),
}


def main() -> None:
    """The command line in a process of its own."""
    from run_workflow import __main__ as door

    name, home, *arguments = sys.argv[1:]
    engine = SCRIPTS[name]()
    shell = Line(engine, Path(home)).shell()
    sys.argv = ["run_workflow", *arguments]
    door.main(replace(shell, screen=Screen.of_process))


if __name__ == "__main__":
    main()
