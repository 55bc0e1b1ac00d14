"""The two streams of a command: results go to standard output, everything else to standard error.

On a terminal there are colours, a live picture and questions. In a pipe there are plain lines, never cut and
without control characters. With `--json` standard output holds one JSON document and nothing else.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from run_workflow.console.words import clean
from state.errors import StrettoError

_PIPE_WIDTH = 400
"""A pipe has no width: tables are laid out without cutting their cells."""


@dataclass(frozen=True)
class Screen:
    """Where a command writes, and whether a person reads it."""

    out: Console
    err: Console
    as_json: bool = False
    interactive: bool = False
    """Whether somebody can be asked: input and standard error are a terminal, and `--json` is off."""
    live: bool = False
    """Whether a picture may be drawn again and again in one place."""

    @classmethod
    def of_process(cls, as_json: bool) -> "Screen":
        """The screen of this process as it was started."""
        out, err = _console(sys.stdout), _console(sys.stderr)
        at_terminal = sys.stderr.isatty() and not as_json
        return cls(
            out=out,
            err=err,
            as_json=as_json,
            interactive=at_terminal and sys.stdin is not None and sys.stdin.isatty(),
            live=at_terminal and not err.is_dumb_terminal,
        )

    def say(self, text: str, style: str = "") -> None:
        """One line of the result; nothing with `--json`."""
        if not self.as_json:
            self.out.print(Text(clean(text), style=style), soft_wrap=True)

    def text(self, text: str) -> None:
        """A whole text as the result, for another program or a file to take; nothing with `--json`."""
        if not self.as_json:
            self.out.file.write(clean(text).rstrip() + "\n")

    def show(self, *parts: RenderableType) -> None:
        """Tables and the like as the result; nothing with `--json`."""
        if not self.as_json:
            _print(self.out, parts)

    def note(self, text: str, style: str = "") -> None:
        """One line beside the result."""
        self.err.print(Text(clean(text), style=style), soft_wrap=True)

    def aside(self, *parts: RenderableType) -> None:
        """Tables and the like beside the result."""
        _print(self.err, parts)

    def error(self, error: StrettoError) -> None:
        """What was wrong, where, and what to do, on three lines at most."""
        line = Text("Error: ", style="bold red")
        line.append(clean(_sentence(error.message)), style="default")
        self.err.print(line, soft_wrap=True)
        if error.place:
            self.note(f"  where: {error.place}")
        if error.remedy:
            self.note(f"  do:    {error.remedy}")

    def document(self, value: BaseModel) -> None:
        """The one JSON document of a command called with `--json`; else nothing."""
        if self.as_json:
            text = json.dumps(value.model_dump(mode="json"), indent=2, ensure_ascii=False)
            self.out.file.write(text + "\n")
            self.out.file.flush()


def _sentence(message: str) -> str:
    """The message with a capital at its beginning, unless it begins with a name, as of a model."""
    return message[:1].upper() + message[1:] if message.split(" ", 1)[0].isalpha() else message


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table with light lines; the columns named in `right` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def _print(console: Console, parts: Sequence[RenderableType]) -> None:
    """Prints the parts; in a pipe without the blanks that fill a line up to its width."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _console(stream: Any) -> Console:
    """A console that writes control characters to a terminal only, whatever FORCE_COLOR says."""
    at_terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=at_terminal,
        width=None if at_terminal else _PIPE_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
